"""Judges kernels with one command altered, which must never be found right: mutate.py SPADIX COUNT SEED GRAPH KERNEL...

Each mutation changes what is computed for random operands: a move, preload or compute that is left out, an address that is a
row off, a tile that is smaller, a result that replaces a sum or is added to one, another scale.

"""

import json
import random
import subprocess
import sys

import numpy as np


def read(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        return header, bytearray(file.read())


def write(path, header, data):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def mutations(commands, generator):
    """Altered copies of an array of [funct, rs1, rs2], endlessly."""
    kinds = {funct: np.flatnonzero(commands[:, 0] == funct) for funct in (1, 2, 3, 4, 5, 6, 14, 19, 20, 15)}
    config = [i for i in np.flatnonzero(commands[:, 0] == 0) if int(commands[i, 1]) & 3 == 2]
    while True:
        funct = generator.choice([f for f, at in kinds.items() if len(at)])
        at = int(generator.choice(list(kinds[funct])))
        copy = commands.copy()
        what = generator.randrange(4)
        if what == 0:
            # A preload goes with its compute: alone it would leave a fault rather than a wrong result.
            copy = np.delete(copy, [at, at + 1] if funct == 6 else [at - 1, at] if funct in (4, 5) else [at], axis=0)
        elif what == 1 and funct in (1, 2, 14, 3):
            copy[at, 1] += np.uint64(16)
        elif what == 1 and funct in (4, 5):
            copy[at, 1] += np.uint64(1)
        elif what == 1 and funct == 6:
            copy[at, 2] ^= np.uint64(1 << 30)
        elif what == 2 and funct in (1, 2, 3, 14):
            copy[at, 2] -= np.uint64(1 << 48)
        elif what == 2 and funct in (15, 19, 20):
            copy[at, 2] += np.uint64(1)
        elif what == 3 and config:
            # The scale, to the next power of two.
            copy[config[0], 2] += np.uint64(1 << 55)
        else:
            continue
        yield funct, what, at, copy


def main():
    spadix, count, seed, graph, *kernels = sys.argv[1:]
    wrong = 0
    for kernel in kernels:
        program = "mutant.spxo"
        subprocess.run([spadix, "judge", kernel, "--reference", graph, "-o", program], check=True, capture_output=True)
        header, data = read(program)
        begin, end = header["commands"]["data_offsets"]
        commands = np.frombuffer(bytes(data[begin:end]), np.uint64).reshape(-1, 3)
        generator = random.Random(int(seed))
        found = 0
        for funct, what, at, copy in mutations(commands, generator):
            altered = copy.tobytes()
            changed = json.loads(json.dumps(header))
            for name, entry in changed.items():
                if name != "__metadata__" and entry["data_offsets"][0] >= end:
                    entry["data_offsets"] = [o + len(altered) - (end - begin) for o in entry["data_offsets"]]
            changed["commands"]["data_offsets"] = [begin, begin + len(altered)]
            changed["commands"]["shape"] = [len(copy), 3]
            write("mutant-1.spxo", changed, data[:begin] + altered + data[end:])
            result = subprocess.run(
                [spadix, "judge", "mutant-1.spxo", "--reference", graph, "--json"], capture_output=True, text=True
            )
            assert result.returncode in (1, 2), (kernel, funct, what, at, result.returncode, result.stdout, result.stderr)
            found += 1
            if found == int(count):
                break
        wrong += found
    print(wrong, "mutants, none judged right")


if __name__ == "__main__":
    main()
