"""Feeds damaged files to the command line tool: graphs, weights, inputs, targets, programs.

    fuzz_cli.py SPADIX [--seed N] [--cases N] [--kinds KIND,...] [--keep FOLDER]

Whatever the input, the tool must end within a minute and 8 GiB by exiting with 0, 1 or 64; 1 needs a diagnostic with an
id, and leaves no output behind. `verify` may not exit with 2: a damaged file is either refused or means something, and
then the machine must agree with the reference. Exits 1 if a case broke this, after printing how to repeat it; the
files of such a case are kept in FOLDER.
"""

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLES = os.path.join(ROOT, "ir-examples")
PROGRAMS = os.path.join(ROOT, "Tests", "lit", "machine", "programs")
TIME_LIMIT = 60
MEMORY_LIMIT = 8 << 30

# Numbers at the edges of the types that something is likely to be stored in.
HOSTILE_NUMBERS = """0 -0 1 -1 2 3 7 17 255 256 1023 4096 65535 65536 16777217 2147483647 2147483648 4294967295 4294967296
9223372036854775807 -9223372036854775808 9223372036854775808 99999999999999999999999999 0.0 -0.0 0.5 1e-45 1e38 3.5e38
1e400 -1e400 nan inf -inf 0x10 1_000 1.5.2""".split()
FRAGMENTS = ["{", "}", "[", "]", "(", ")", "<", ">", ",", ":", "=", "->", "%", "@", '"', "//", "/*", "\\", "\t", "\r",
             "\0", "\N{SNOWMAN}", "[" * 5000, "(" * 300, "constant", "return", "graph", "data", "f32[1]", "q8<0.1>[4]"]
TARGETS = ["gemmini", "gemmini-spad", "spadix"]
# Kinds of cases, methods of `Case`; those that find most stand more than once.
KINDS = ["graph", "graph", "graph", "passes", "lowered", "lowered", "weights", "array", "target", "program", "program",
         "assembly", "handwritten", "handwritten"]


def damage_text(rng, text):
    """A few edits of a text as a person, or a broken tool, might make them."""
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        lines = text.split("\n")
        tokens = [m for m in re.finditer(r"[%@]?[\w.]+|[^\s\w]", text)]
        if not tokens:
            return text
        token = rng.choice(tokens)
        numbers = [m for m in tokens if m.group()[0].isdigit()]
        kind = rng.randrange(10)
        if kind == 0:
            del lines[rng.randrange(len(lines))]
            text = "\n".join(lines)
        elif kind == 1:
            a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            text = "\n".join(lines)
        elif kind == 2:
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            text = "\n".join(lines)
        elif kind <= 5 and numbers:
            token = rng.choice(numbers)
            text = text[: token.start()] + rng.choice(HOSTILE_NUMBERS) + text[token.end() :]
        elif kind == 6:
            text = text[: token.start()] + rng.choice(tokens).group() + text[token.end() :]
        elif kind == 7:
            text = text[: token.start()] + text[token.end() :]
        elif kind == 8:
            text = text[: token.start()] + rng.choice(FRAGMENTS) + text[token.start() :]
        else:
            text = text[: rng.randrange(len(text))]
    return text


def damage_bytes(rng, data):
    """Flipped, missing, repeated or foreign bytes; the header more often than the rest."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        reach = len(data) if rng.random() < 0.4 else min(len(data), 300)
        if reach == 0:
            break
        at = rng.randrange(reach)
        kind = rng.randrange(5)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 8] = rng.choice([b"\0" * 8, b"\xff" * 8, b"\x7f" + b"\xff" * 7, rng.randbytes(8)])
        elif kind == 2:
            del data[rng.randrange(len(data)) :]
        elif kind == 3:
            del data[at : at + rng.randrange(1, 20)]
        else:
            data[at:at] = rng.randbytes(rng.randrange(1, 20))
    return bytes(data)


class Case:
    """One damaged file and the command that reads it."""

    def __init__(self, spadix, folder, shared, seed):
        self.spadix, self.folder, self.shared, self.rng = spadix, folder, shared, random.Random(seed)

    def prepare(self, kinds):
        """Fills the folder and returns the command and the outputs that a failure must not leave."""
        for name in os.listdir(os.path.join(EXAMPLES, "digits")):
            if name.endswith((".spx", ".npy", ".safetensors")):
                shutil.copy(os.path.join(EXAMPLES, "digits", name), self.folder)
        kind = self.rng.choice(kinds)
        network = self.rng.choice(["mlp", "cnn"])
        return getattr(self, kind)(network)

    def graph(self, network):
        name = self.rng.choice(["digits/mlp", "digits/cnn", "mnist-lenet", "attention", "densenet-block"])
        shutil.copy(os.path.join(EXAMPLES, f"{name}.spx"), self.path("graph.spx"))
        self.rewrite_text("graph.spx")
        command = self.rng.choice(["compile", "compile", "verify" if "digits" in name else "compile"])
        target = self.rng.choice(TARGETS)
        if command == "verify":
            return ["verify", "graph.spx", "--target", target], []
        return ["compile", "graph.spx", "--target", target, "-o", "out.spxo"], ["out.spxo"]

    def passes(self, network):
        name = self.rng.choice(["digits/mlp", "digits/cnn", "mnist-lenet", "attention"])
        shutil.copy(os.path.join(EXAMPLES, f"{name}.spx"), self.path("graph.spx"))
        self.rewrite_text("graph.spx")
        return ["opt", "graph.spx", "--passes=default", "-o", "out.spx"], ["out.spx"]

    def lowered(self, network):
        """A graph of npu operators, whose integers the code generator must not trust, and which was lowered for `spadix`."""
        stage = self.rng.choice(["npu", "plan", "quantized"])
        self.good(network, f"{stage}.spx", ["--emit", stage])
        self.rewrite_text(f"{stage}.spx")
        target = self.rng.choice(["spadix", *TARGETS])
        if self.rng.random() < 0.3:
            return ["verify", f"{stage}.spx", "--target", target], []
        return ["compile", f"{stage}.spx", "--target", target, "-o", "out.spxo"], ["out.spxo"]

    def weights(self, network):
        self.rewrite(f"{network}.safetensors", damage_bytes)
        return ["compile", f"{network}.spx", "-o", "out.spxo"], ["out.spxo"]

    def array(self, network):
        self.rewrite(self.rng.choice(["images.npy", "labels.npy"]), damage_bytes)
        return ["verify", f"{network}.spx", "--input", "image=images.npy", "--labels", "labels.npy"], []

    def target(self, network):
        text = self.run(["targets", "--yaml", self.rng.choice(TARGETS)]).stdout
        with open(self.path("target.yaml"), "wb") as file:
            file.write(text)
        self.rewrite_text("target.yaml")
        return ["compile", f"{network}.spx", "--target", "target.yaml", "-o", "out.spxo"], ["out.spxo"]

    def program(self, network):
        self.good(network, "good.spxo", [])
        self.rewrite("good.spxo", damage_bytes)
        return ["run", "good.spxo", "--input", "image=samples.npy", "--output", "out"], ["out"]

    def assembly(self, network):
        self.good(network, "good.spxo", [])
        with open(self.path("good.s"), "wb") as file:
            file.write(self.run(["disasm", "good.spxo"]).stdout)
        self.rewrite_text("good.s")
        return ["asm", "good.s", "-o", "out.spxo"], ["out.spxo"]

    def handwritten(self, network):
        name = self.rng.choice(sorted(os.listdir(PROGRAMS)))
        shutil.copy(os.path.join(PROGRAMS, name), self.path("program.s"))
        self.rewrite_text("program.s")
        return ["run", "program.s", "--check=all", "--max-commands=1000000"], []

    def good(self, network, name, options):
        """Compiles an undamaged network into a file; once for all cases, since that takes longer than reading it."""
        kept = os.path.join(self.shared, network)
        if not os.path.exists(os.path.join(kept, name)):
            os.makedirs(kept, exist_ok=True)
            result = self.run(["compile", f"{network}.spx", *options, "-o", os.path.join(kept, name)])
            if result.returncode != 0:
                raise RuntimeError(f"the undamaged {network} does not compile: {result.stderr.decode()}")
        shutil.copytree(kept, self.folder, dirs_exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def rewrite(self, name, damage):
        with open(self.path(name), "rb") as file:
            data = damage(self.rng, file.read())
        with open(self.path(name), "wb") as file:
            file.write(data)

    def rewrite_text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            text = damage_text(self.rng, file.read())
        with open(self.path(name), "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)

    def run(self, arguments):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        return subprocess.run(
            [self.spadix, *arguments], cwd=self.folder, capture_output=True, timeout=TIME_LIMIT, preexec_fn=limit,
            env=dict(os.environ, SWIFT_BACKTRACE="enable=no"))

    def check(self, kinds):
        """What the case broke, as text; None if nothing. The command is in `command`."""
        self.command, outputs = [], []
        try:
            self.command, outputs = self.prepare(kinds)
            result = self.run(self.command)
        except subprocess.TimeoutExpired as timeout:
            self.command = timeout.cmd[1:]
            return f"ran for more than {TIME_LIMIT} s"
        errors = result.stderr.decode(errors="replace")
        if result.returncode < 0:
            return f"killed by signal {-result.returncode}"
        if result.returncode not in (0, 1, 64):
            return f"exited with {result.returncode}: {errors.strip()[:300]}"
        if result.returncode == 1 and not re.search(r"error: .*\[[a-z0-9-]+\.[a-z0-9.-]+\]", errors, re.DOTALL):
            return f"no diagnostic: {errors.strip()[:300]!r}"
        if result.returncode == 64:
            return f"a good command line was called wrong usage: {errors.strip()[:300]}"
        left = [name for name in outputs if os.path.isfile(self.path(name))]
        if result.returncode != 0 and left:
            return f"failed, and left {', '.join(left)}"
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spadix")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--keep", default="fuzz-failures")
    options = parser.parse_args()
    spadix, broken = os.path.abspath(options.spadix), 0
    with tempfile.TemporaryDirectory() as shared:
        for index in range(options.cases):
            with tempfile.TemporaryDirectory() as folder:
                case = Case(spadix, folder, shared, f"{options.seed}/{index}")
                complaint = case.check(options.kinds.split(","))
                if complaint is None:
                    continue
                broken += 1
                kept = os.path.join(options.keep, f"{options.seed}-{index}")
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                print(f"{kept}: spadix {' '.join(case.command)}\n  {complaint}", flush=True)
    print(f"fuzz_cli: seed {options.seed}: {options.cases - broken} passed, {broken} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
