#!/usr/bin/env python3
"""Checks that every target imports the package's modules that Package.swift declares for it, and no others.

SwiftPM lets a file import whatever the dependencies of its dependencies have built, so that a missing arrow in Package.swift shows only
when somebody else removes theirs. Exit 1, a line for each difference.
"""
import json
import pathlib
import re
import subprocess
import sys

IMPORT = re.compile(r"^(?:@\w+(?:\(\w+\))? )*(?:public |internal |private )?import (?:(?:struct|class|enum|func|protocol) )?(\w+)", re.M)

root = pathlib.Path(__file__).resolve().parent.parent
package = json.loads(subprocess.run(["swift", "package", "dump-package"], cwd=root, check=True, capture_output=True).stdout)
products = {"ArgumentParser", "Yams", "SwiftProtobuf"}
known = {target["name"] for target in package["targets"]} | products
failed = False
for target in package["targets"]:
    folder = root / (target.get("path") or ("Tests" if target["type"] == "test" else "Sources")) / target["name"]
    files = sorted(folder.rglob("*.swift"))
    if not files:
        continue
    declared = {next(iter(dependency.values()))[0] for dependency in target["dependencies"]}
    places = {}
    for file in files:
        for match in IMPORT.finditer(file.read_text()):
            places.setdefault(match.group(1), file.relative_to(root))
    for name in sorted((set(places) & known) - declared):
        print(f"{places[name]}: error: imports {name}, which Package.swift does not declare as a dependency of {target['name']}")
        failed = True
    for name in sorted(declared - set(places)):
        print(f"Package.swift: error: {target['name']} depends on {name}, which none of its files imports")
        failed = True
sys.exit(failed)
