"""Models that ONNX Runtime's quantizer makes of small networks, as operators between DequantizeLinear and QuantizeLinear: what
they compute in floating point against ONNX Runtime, and on the machine against the integer reference and their meaning.

usage: between.py SPADIX FOLDER [--seed N]
"""

import subprocess
import sys

import numpy as np
import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from differential import run_spadix
from forms import Builder
from quantized import FORMS, Samples, parse_arguments
from runtime import session


def main():
    arguments = parse_arguments()
    failed = 0
    for number, form in enumerate(FORMS):
        for name, kind in (("s8", QuantType.QInt8), ("u8", QuantType.QUInt8)):
            rng = np.random.default_rng([arguments.seed, number])
            b = Builder(rng, 13)
            output = form(b)
            source, path = arguments.folder / "float.onnx", arguments.folder / f"{form.__name__}-{name}.onnx"
            onnx.save(b.model(output), source)
            quantize_static(source, path, Samples(b.feeds, rng), quant_format=QuantFormat.QDQ, activation_type=kind,
                            weight_type=QuantType.QInt8, per_channel=number % 2 == 0)
            expected = session(path, optimizes=False).run(None, b.feeds)
            found, message = run_spadix(arguments.spadix, arguments.folder, path, b.feeds)
            # A rounding that falls the other way is a step of the output, of which there are 255.
            distance = np.inf if found is None else max(
                float(np.abs(a - e).max() / np.ptp(e)) for a, e in zip(found, expected, strict=True))
            np.savez(arguments.folder / "samples.npz", **b.feeds)
            verdicts = []
            for target in ("spadix", "gemmini"):
                command = [arguments.spadix, "verify", path, "--target", target, "--calibrate",
                           arguments.folder / "samples.npz", "--input", arguments.folder / "samples.npz"]
                result = subprocess.run(command, capture_output=True, text=True)
                verdicts.append(f"{target} {'right' if result.returncode == 0 else result.stderr.strip() or 'wrong'}")
                failed += result.returncode != 0
            failed += not distance < 0.05
            print(f"{form.__name__} {name}: {'near' if distance < 0.05 else f'{distance} off'}, {', '.join(verdicts)} "
                  f"{message.strip()}", flush=True)
    sys.exit(1 if failed else 0)


main()
