"""Reads counters and prints whether the bytes of the symbols add up to those of each class: symbols.py < COUNTERS.json."""

import collections
import json
import sys

counters = json.load(sys.stdin)
for direction in ["dramRead", "dramWritten"]:
    sums = collections.Counter()
    for symbol in counters["symbols"]:
        sums[symbol["class"]] += symbol[direction]
    for name, expected in counters[direction].items():
        verdict = "as expected" if sums[name] == expected else f"WRONG: expected {expected}"
        print(f"{direction} {name}: {sums[name]} {verdict}")
for symbol in counters["symbols"]:
    print(f"{symbol['name']}: {symbol['dramRead']} read, {symbol['dramWritten']} written")
