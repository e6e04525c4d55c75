"""What ONNX Runtime's own quantizer makes of a model: the figures that those of Spadix stand beside."""

import contextlib
import io
import logging
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quant_pre_process,
                                      quantize_static)

# Its usual choices for x86: u8 activations with zero points, s8 weights without.
CHOICES = {
    "per channel, minmax": (True, CalibrationMethod.MinMax),
    "per channel, percentile": (True, CalibrationMethod.Percentile),
    "per tensor, minmax": (False, CalibrationMethod.MinMax),
}


class Reader(CalibrationDataReader):
    def __init__(self, feeds):
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feeds(path, archive, count=0):
    """The samples of an archive, one run each, in the types that the model wants."""
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
    arrays = np.load(archive)
    ports = [port for port in session(path).get_inputs() if port.name in arrays]
    total = min(len(arrays[port.name]) for port in ports)
    chosen = range(min(count, total) if count else total)
    return [{port.name: arrays[port.name][i:i + 1].astype(kinds[port.type]) for port in ports} for i in chosen]


def decibels(found, expected):
    noise = sum(((f.astype(np.float64) - e) ** 2).sum() for f, e in zip(found, expected))
    signal = sum((e.astype(np.float64) ** 2).sum() for e in expected)
    return float(10 * np.log10(signal / noise)) if noise else float("inf")


def prepared(path, scratch):
    """A model in an operator set that the quantizer writes well, simplified."""
    source = pathlib.Path(scratch) / "prepared.onnx"
    model = onnx.load(path)
    if next(s.version for s in model.opset_import if s.domain in ("", "ai.onnx")) < 13:
        try:
            # One scale for each channel cannot be written in older operator sets.
            model = onnx.version_converter.convert_version(model, 13)
        except Exception:
            pass
    onnx.save(model, source)
    try:
        quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
    except Exception:
        pass
    return source


def on_integers(path, calibration, scratch):
    """The model as operators on integers: (types, file, its outputs for the first samples, these) for s8 and u8. Both operands of
    products are of one type: only then are ONNX Runtime's sums exact on every machine."""
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(4)
    source = prepared(path, scratch)
    for name, kind in (("s8s8", QuantType.QInt8), ("u8u8", QuantType.QUInt8)):
        result = pathlib.Path(scratch) / f"{name}.onnx"
        with contextlib.redirect_stdout(io.StringIO()):
            quantize_static(str(source), str(result), Reader(feeds(path, calibration, 8)), quant_format=QuantFormat.QOperator,
                            activation_type=kind, weight_type=kind)
        inputs = feeds(path, calibration, 8)
        yield name, result, [session(result).run(None, f) for f in inputs], inputs


def best(path, calibration, held_out, count, scratch):
    """(decibels of the first output, the choice) of the best of the choices; None where none can be made or run."""
    logging.disable(logging.WARNING)
    inputs = feeds(path, held_out, count)
    expected = [session(path).run(None, f)[0] for f in inputs]
    source = prepared(path, scratch)
    found = []
    for name, (per_channel, method) in CHOICES.items():
        result = pathlib.Path(scratch) / "quantized.onnx"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                quantize_static(str(source), str(result), Reader(feeds(path, calibration)), quant_format=QuantFormat.QDQ,
                                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=per_channel,
                                calibrate_method=method, extra_options={"CalibPercentile": 99.99})
            quantized = session(result)
            found.append((decibels([quantized.run(None, f)[0] for f in inputs], expected), name))
        except Exception as error:
            print(f"  ONNX Runtime, {name}: {str(error).splitlines()[0][:100]}", flush=True)
    return max(found) if found else None
