"""Shows damaged reports in every form: damage_report.py SPADIX REPORT.json COUNT. None may crash or hang.

Every case replaces one member, somewhere, by a value of another kind or by a number that no report has.
"""

import json
import random
import subprocess
import sys

VALUES = [None, True, -1, 0, 2**43, 2**53, 2**62, 2**63, 1.5, "", "array", [], [2**43] * 3000, {}, [None], [[0, 2**43]]]


def places(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield (*path, index)
            yield from places(value[index], (*path, index))


def main():
    spadix, path, count = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    generator = random.Random(1)
    found = [place for place in places(json.loads(text)) if place[0] != "format"]
    shown = refused = 0
    for _ in range(int(count)):
        report = json.loads(text)
        for place in generator.sample(found, generator.choice([1, 1, 4])):
            target = report
            try:
                for key in place[:-1]:
                    target = target[key]
                target[place[-1]] = generator.choice(VALUES)
            except (KeyError, IndexError, TypeError):
                pass
        form = generator.choice(["--html", "--text", "--csv", "--json"])
        command = [spadix, "report", "-", form]
        result = subprocess.run(command, input=json.dumps(report).encode(), capture_output=True, timeout=60)
        assert result.returncode in (0, 1), (form, result.returncode, result.stderr[-500:])
        assert result.returncode == 0 or b"error: " in result.stderr, result.stderr
        shown += result.returncode == 0
        refused += result.returncode == 1
    print(f"{count} damaged reports: {shown} shown, {refused} refused, none crashed")


if __name__ == "__main__":
    main()
