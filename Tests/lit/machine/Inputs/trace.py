"""Checks a timeline as Perfetto does: trace.py TRACE.json.

Slices of one track must not overlap unless one lies inside the other. Prints the tracks, and the most rows alive.
"""

import json
import sys


def main():
    with open(sys.argv[1]) as file:
        events = json.load(file)["traceEvents"]
    names = {it["tid"]: it["args"]["name"] for it in events if it["name"] == "thread_name"}
    for track, name in sorted(names.items()):
        slices = [(it["ts"], -it["dur"]) for it in events if it["ph"] == "X" and it["tid"] == track]
        overlaps, open_ends = 0, []
        for start, negative in sorted(slices):
            end = start - negative
            while open_ends and open_ends[-1] <= start:
                open_ends.pop()
            if open_ends and open_ends[-1] < end:
                overlaps += 1
            open_ends.append(end)
        print(f"{name}: {'some' if slices else 'no'} slices, {overlaps} overlap")
    print(f"{max([it['args']['rows'] for it in events if it['ph'] == 'C'], default=0)} rows alive at most")


if __name__ == "__main__":
    main()
