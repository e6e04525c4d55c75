"""Looks for a small accelerator that is fast enough: search.py NETWORK CYCLES.

A search loop in the manner of gym: an environment has a state, a step changes it and says what that is worth. The search
itself is a plain hill climber; put your own in its place.
"""

import random
import sys

import spadix


class Accelerator:
    """The state is a target, as settings; the reward is better for less memory, and bad beyond the cycles allowed."""

    AXES = {
        "scratchpad.bytes": ["32K", "64K", "128K", "256K", "512K"],
        "accumulator.bytes": ["16K", "32K", "64K", "128K"],
        "timing.max_in_flight": [4, 8, 16, 32],
    }

    def __init__(self, network, cycles):
        self.network, self.cycles = network, cycles
        self.known = {}

    def reset(self):
        self.state = {axis: len(values) - 1 for axis, values in self.AXES.items()}
        return self.observe(self.state)

    def observe(self, state):
        """Figures and reward of a state, asked once."""
        key = tuple(state.values())
        if key not in self.known:
            settings = {axis: self.AXES[axis][index] for axis, index in state.items()}
            point = spadix.point(self.network, target="gemmini", settings=settings, calibrate="random")
            self.known[key] = point
        point = self.known[key]
        if point.failure or point["cycles_modelled"] > self.cycles:
            return point, float("-inf")
        return point, -(point["scratchpad_bytes"] + point["accumulator_bytes"]) - 64 * state["timing.max_in_flight"]

    def step(self, axis, change):
        state = dict(self.state)
        state[axis] = min(max(0, state[axis] + change), len(self.AXES[axis]) - 1)
        point, reward = self.observe(state)
        return state, point, reward


def main():
    accelerator = Accelerator(sys.argv[1], int(sys.argv[2]))
    best, reward = accelerator.reset()
    generator = random.Random(1)
    for _ in range(40):
        state, point, found = accelerator.step(generator.choice(list(accelerator.AXES)), generator.choice([-1, -1, 1]))
        if found > reward:
            accelerator.state, best, reward = state, point, found
    settings = {axis: accelerator.AXES[axis][index] for axis, index in accelerator.state.items()}
    print(settings, best.figures.get("cycles_modelled"), "cycles,", len(accelerator.known), "points asked")


if __name__ == "__main__":
    main()
