"""Diagnostics of the binary as exceptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional

_LINE = re.compile(r"^(?:(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): )?(?P<severity>error|warning|remark): (?P<message>.*)$")


@dataclass(frozen=True)
class Diagnostic:
    """A message of the binary."""

    #: Stable, such as ``ir.conv2d-padding``; empty for a message without one.
    id: str
    #: ``error``, ``warning`` or ``remark``.
    severity: str
    message: str
    #: Where it is, as far as it is about a place in a file.
    file: Optional[str]
    line: Optional[int]
    column: Optional[int]
    #: The nearest way out.
    help: Optional[str]

    @staticmethod
    def parse(text: str) -> List["Diagnostic"]:
        """The diagnostics that a command printed, in their order."""
        found: List[Diagnostic] = []
        for line in text.splitlines():
            match = _LINE.match(line)
            if match:
                message, identifier = match["message"], ""
                tail = re.search(r" \[([a-z0-9.-]+)\]$", message)
                if tail:
                    message, identifier = message[: tail.start()], tail[1]
                number = {key: int(match[key]) if match[key] else None for key in ("line", "column")}
                found.append(
                    Diagnostic(
                        identifier, match["severity"], message, match["file"], number["line"], number["column"], None
                    )
                )
            elif line.startswith("  help: ") and found:
                last = found[-1]
                found[-1] = Diagnostic(
                    last.id, last.severity, last.message, last.file, last.line, last.column, line[len("  help: ") :]
                )
        return found


class SpadixError(Exception):
    """A command that did not succeed. Its text is what the binary printed."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text.rstrip("\n"))
        #: The exit status: 1 for diagnostics, 2 for results that differ, 64 for wrong usage.
        self.status = status
        self.diagnostics: List[Diagnostic] = Diagnostic.parse(text)

    @property
    def id(self) -> str:
        """The id of the first error; empty where there is none."""
        return next((it.id for it in self.diagnostics if it.severity == "error"), "")


class BinaryNotFoundError(RuntimeError):
    """There is no binary to run."""
