"""Runs a command and passes if it exits with the given status: expect_exit.py STATUS COMMAND...

A signal (a trap, a crash) is never the expected status, and neither is running for more than two minutes.
"""

import subprocess
import sys


def main():
    expected = int(sys.argv[1])
    try:
        actual = subprocess.run(sys.argv[2:], timeout=120).returncode
    except subprocess.TimeoutExpired:
        print("expect_exit: the command did not end within two minutes", file=sys.stderr)
        return 1
    if actual != expected:
        print(f"expect_exit: exited with {actual}, expected {expected}", file=sys.stderr)
    return 0 if actual == expected else 1


if __name__ == "__main__":
    sys.exit(main())
