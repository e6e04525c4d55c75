"""Exports programs as C, runs the C with a recorder in the accelerator's place, and compares with the program files:

    check_exports.py SPADIX FOLDER PROGRAM|GRAPH... [--target NAME] [--check CHECKS]

Graphs (.spx) are compiled first. The recorder takes every command that the C issues, in order, and compares function number
and operands with those of the program file, addresses as they lie behind the image; the image is compared with the file's
DRAM. FOLDER gets the sources and is kept. Prints a line for each program; the exit status is 1 when anything differs.
"""

import argparse
import json
import os
import struct
import subprocess
import sys

RECORDER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "program.h"

__asm__(".pushsection .rodata\n.globl listed\n.balign 8\nlisted: .incbin \"listed.bin\"\n.popsection\n");
extern const uint64_t listed[];
static unsigned long position, differing;

// Operands that are addresses, by function number: bit 0 for rs1, bit 1 for rs2.
static int addresses(unsigned funct) {
  switch (funct) {
    case 1: case 2: case 3: case 14: case 33: return 1;
    case 10: case 11: case 20: case 21: return 3;
    default: return 0;
  }
}

static uint64_t moved(uint64_t value, int is_address) {
  return is_address && value >= PROGRAM_BASE ? value - PROGRAM_BASE + (uint64_t)(uintptr_t)program_image : value;
}

void program_issue(unsigned funct, uint64_t rs1, uint64_t rs2) {
  const uint64_t *it = listed + 3 * position;
  if (position++ >= LISTED) return;
  const int which = addresses(it[0]);
  if (funct == it[0] && rs1 == moved(it[1], which & 1) && rs2 == moved(it[2], which & 2)) return;
  if (!differing++)
    fprintf(stderr, "command %lu is %u 0x%llx 0x%llx\n", position - 1, funct, (unsigned long long)rs1, (unsigned long long)rs2);
}

void program_host_step(int index) { (void)index; }

int recorded(void) {
  program_run();
  printf("%lu %lu\n", position, differing);
  return 0;
}
"""


def read(path):
    """Metadata and tensors (name, type, bytes) of a program file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    tensors = {name: data[it["data_offsets"][0]:it["data_offsets"][1]] for name, it in header.items() if name != "__metadata__"}
    return json.loads(header["__metadata__"]["spadix"]), tensors


def expected(metadata, tensors):
    """The commands as exported C issues them: the address translations are forgotten first, a fence stands before each host
    step and at the end."""
    words = tensors["commands"]
    out, first = [struct.pack("<3Q", 7, 0, 0)], 0
    fence = struct.pack("<3Q", 127, 0, 0)
    for before in [step["before"] for step in metadata.get("host", [])] + [len(words) // 24]:
        out += [words[24 * first:24 * before], fence]
        first = before
    return b"".join(out)


def check(spadix, folder, path, arguments):
    name = os.path.splitext(os.path.basename(path))[0]
    program = os.path.join(folder, name + ".spxo")
    if path.endswith(".spx"):
        subprocess.run([spadix, "compile", path, "--target", arguments.target, "--report=none", "-o", program], check=True)
    elif path.endswith(".s"):
        subprocess.run([spadix, "asm", path, "-o", program], check=True)
    else:
        program = path
    sources = os.path.join(folder, name)
    subprocess.run([spadix, "export", program, "-o", sources, "--check", arguments.check], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    metadata, tensors = read(program)
    commands = expected(metadata, tensors)
    with open(os.path.join(sources, "listed.bin"), "wb") as file:
        file.write(commands)
    with open(os.path.join(sources, "recorder.c"), "w") as file:
        file.write(RECORDER)
    # The main of the program compares outputs, which nobody computes here.
    build = ["cc", "-O1", "-mcmodel=medium", "-fno-pie", "-no-pie", "-DPROGRAM_QUIET", "-Dmain=unused_main",
             f"-DLISTED={len(commands) // 24}ul", "-c"]
    for source in ["program.c", "recorder.c", "image.c"]:
        subprocess.run([*build, source], cwd=sources, check=True)
    with open(os.path.join(sources, "start.c"), "w") as file:
        file.write("int recorded(void);\nint main(void) { return recorded(); }\n")
    subprocess.run(["cc", "-no-pie", "-mcmodel=medium", "-o", "recorder", "start.c", "program.o", "recorder.o", "image.o"],
                   cwd=sources, check=True)
    run = subprocess.run(["./recorder"], cwd=sources, capture_output=True, text=True)
    count, differing = map(int, run.stdout.split()) if run.returncode == 0 else (0, 0)

    with open(os.path.join(sources, "image.bin"), "rb") as file:
        image = bytearray(file.read())
    inputs = [range(it["address"] - 0x10000, it["address"] - 0x10000 + rows_end(it)) for it in metadata.get("inputs", [])]
    wrong = 0
    for segment in metadata["segments"]:
        start = segment["address"] - 0x10000
        data = tensors[segment["tensor"]]
        if image[start:start + len(data)] == data:
            continue
        wrong += sum(1 for at, byte in enumerate(data, start) if image[at] != byte and not any(at in it for it in inputs))
    size = sum(os.path.getsize(os.path.join(sources, it)) for it in ["program.o"])
    if count != len(commands) // 24 or differing or wrong or run.returncode:
        print(f"{name}: {count} commands of {len(commands) // 24}, {differing} differ; {wrong} bytes of memory differ; {run.stderr}")
        return False
    print(f"{name}: {count} commands and {len(image)} bytes of memory as in the program; program.o has {size} bytes")
    return True


def rows_end(binding):
    """Bytes from the first to behind the last of an input."""
    shape, element = binding["type"]["shape"], binding["type"]["element"]
    count = 1
    for size in shape:
        count *= size
    width = 4 if element in ("f32", "i32") else 1
    row = shape[-1] * width if shape else width
    stride = binding.get("rowStride") or row
    return (count * width // max(row, 1) - 1) * stride + row if row else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spadix")
    parser.add_argument("folder")
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--target", default="gemmini")
    parser.add_argument("--check", default="default")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    results = [check(os.path.abspath(arguments.spadix), arguments.folder, it, arguments) for it in arguments.programs]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
