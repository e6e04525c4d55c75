"""Finding and running the binary."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Optional, Sequence

from .errors import BinaryNotFoundError, SpadixError

_BUILT = Path(".build/release/spadix")


def find_binary() -> str:
    """The binary: ``$SPADIX``, the one on the path, or one that ``make build`` made in a folder above this one.

    Raises BinaryNotFoundError where there is none.
    """
    named = os.environ.get("SPADIX")
    if named:
        if os.access(named, os.X_OK):
            return named
        raise BinaryNotFoundError(f"SPADIX names '{named}', which cannot be run")
    found = shutil.which("spadix")
    if found:
        return found
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if os.access(folder / _BUILT, os.X_OK):
                return str(folder / _BUILT)
    raise BinaryNotFoundError("there is no spadix: build it with `make build`, put it on the path, or name it in SPADIX")


def run(arguments: Sequence[str], *, allowed: Sequence[int] = (0,), folder: Optional[str] = None) -> str:
    """Runs a command and returns its standard output; raises SpadixError for another status than those allowed."""
    result = subprocess.run(
        [find_binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder, check=False
    )
    if result.returncode not in allowed:
        text = result.stderr or result.stdout or f"spadix ended with status {result.returncode}"
        raise SpadixError(text, result.returncode)
    return result.stdout
