"""Every program of a folder with a finding, as a conformance program that may store anything: conformance_findings.py
SPADIX FOLDER SCRATCH.

Whether it passes then depends on the findings alone: an error must fail it, in `conformance` as in `run`; warnings and
remarks must not.
"""

import os
import subprocess
import sys

spadix, folder, scratch = sys.argv[1:]
counts = {"fail": 0, "pass": 0}
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name)) as file:
        text = file.read()
    path = os.path.join(scratch, name)
    with open(path, "w") as file:
        # The first byte of DRAM that no program of the folder touches carries the expectation that a program needs.
        file.write(text + "\n.data 0xff000 i8\n1\n.expect 0xff000 i8\n1\n.unspecified 0x10000 978944\n")
    status = {command: subprocess.run([spadix, command, path, "--check=all"], capture_output=True, text=True)
              for command in ("run", "conformance")}
    # A store of rows without a value is an error but where its bytes are declared unspecified.
    expected = 0 if name == "uninitialized-store.s" else status["run"].returncode
    found = status["conformance"].returncode
    if (found != 0) != (expected != 0):
        sys.exit(f"{name}: conformance exits with {found}, run with {status['run'].returncode}\n"
                 + status["conformance"].stdout + status["conformance"].stderr)
    counts["fail" if found else "pass"] += 1
print(f"{counts['fail']} programs fail, {counts['pass']} pass")
