"""Prints an allocation problem without a hole: guillotine.py BUFFERS CAPACITY cuts a rectangle of units and steps."""

import random
import sys

count, capacity = int(sys.argv[1]), int(sys.argv[2])
random.seed(1)
pieces = [(0, 200, 0, capacity)]
while len(pieces) < count:
    lower, upper, bottom, top = pieces.pop(random.randrange(len(pieces)))
    if upper - lower > 4 and random.random() < 0.5:
        cut = random.randint(lower + 2, upper - 2)
        pieces += [(lower, cut, bottom, top), (cut, upper, bottom, top)]
    elif top - bottom > 4:
        cut = random.randint(bottom + 2, top - 2)
        pieces += [(lower, upper, bottom, cut), (lower, upper, cut, top)]
    else:
        pieces.append((lower, upper, bottom, top))
print("id,lower,upper,size")
for number, (lower, upper, bottom, top) in enumerate(pieces):
    print(f"b{number},{lower},{upper},{top - bottom}")
