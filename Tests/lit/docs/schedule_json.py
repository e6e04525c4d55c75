"""Checks the JSON files of docs/scheduling.md: schedule_json.py SPADIX PAGE SCRATCH.

The first indented block of the section is a problem, the second its plan for the budget named above it.
"""

import json
import re
import subprocess
import sys


def blocks(section):
    found = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def members(value, path=""):
    """Paths of members, with [] for the elements of arrays."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{path}.{name}".lstrip(".")
            yield from members(member, f"{path}.{name}")
    elif isinstance(value, list):
        for element in value:
            yield from members(element, f"{path}[]")


def main():
    spadix, page, scratch = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    section = re.search(r"^### Problems and plans as JSON\n(.*?)^### ", text, re.MULTILINE | re.DOTALL).group(1)
    problem, plan = blocks(section)[:2]
    budget = re.search(r"--budget (\d+) --json", section).group(1)
    with open(scratch + ".json", "w", encoding="utf-8") as file:
        file.write(problem)
    made = subprocess.run(
        [spadix, "schedule", scratch + ".json", "--budget", budget, "--json"], capture_output=True, text=True, check=True)
    print("the plan is as written" if made.stdout == plan else f"the plan differs:\n{made.stdout}")
    passed_over = {"tensors[].shape", "ops[].fused"}
    # Members of objects without fixed names.
    named = [path for path in members(json.loads(plan)) if not path.startswith("certificate.closedBy.")]
    paths = set(members(json.loads(problem))) - passed_over | set(named)
    unexplained = [path for path in sorted(paths) if f"`{path}`" not in section and f"`{path.split('.')[-1]}`" not in section]
    print(f"{len(paths)} members, {len(unexplained)} unexplained", *unexplained)


main()
