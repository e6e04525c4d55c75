"""Exports every program of a folder and holds model.c, built for this computer, against the machine: exports.py SPADIX FOLDER.

Prints each program that differs or does not export, then how many agree and how many use what the model does not have.
"""

import collections
import os
import subprocess
import sys
import tempfile


def outcome(spadix, path, folder):
    export = subprocess.run([spadix, "export", path, "-o", folder], capture_output=True, text=True)
    if export.returncode != 0:
        return export.stderr.split("\n")[0]
    check = subprocess.run(["make", "-C", folder, "-B", "check", "CFLAGS=-O1"], capture_output=True, text=True)
    if "model.c has no" in check.stdout:
        return "refused"
    return "agrees" if "\n0 output bytes differ" in check.stdout and check.returncode == 0 else check.stdout + check.stderr


def main():
    spadix, root = sys.argv[1:]
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names
                   if name.endswith((".s", ".spxo", ".safetensors")))
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            found = outcome(spadix, path, folder)
            if found not in ("agrees", "refused"):
                print(f"{path}: {found}")
                found = "failed"
            counts[found] += 1
    print(f"{counts['agrees']} of {len(paths)} agree, {counts['refused']} use what the model does not have, "
          f"{counts['failed']} failed")


if __name__ == "__main__":
    main()
