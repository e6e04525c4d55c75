"""Prints a text without one line: drop_line.py FILE AFTER START leaves out the first line with this start after that line."""

import sys

path, after, start = sys.argv[1:]
seen = dropped = False
with open(path, encoding="utf-8") as file:
    for line in file:
        if seen and not dropped and line.startswith(start):
            dropped = True
            continue
        seen = seen or line.rstrip("\n") == after
        sys.stdout.write(line)
sys.exit(0 if dropped else f"no line of {path} starts with {start!r} after {after!r}")
