"""fewer_bytes.py PLAN OTHER: fails unless the first plan moves fewer bytes through DRAM than the other."""

import re
import sys


def moved(path):
    with open(path) as text:
        read, written = re.search(r"cost = \{read = (\d+), written = (\d+)", text.read()).groups()
    return int(read) + int(written)


one, other = map(moved, sys.argv[1:3])
print(one, other)
sys.exit(one >= other)
