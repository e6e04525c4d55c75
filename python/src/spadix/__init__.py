"""Compile neural networks for Gemmini-compatible accelerators, and run them on a modelled one."""

from ._binary import find_binary
from .errors import BinaryNotFoundError, Diagnostic, SpadixError
from .point import Point, point
from .program import Port, Program, compile, load, verify
from .report import Allocation, Cycles, DramBytes, Operator, Report, Schedule, WhatIf

__version__ = "0.1.0"

__all__ = [
    "Allocation",
    "BinaryNotFoundError",
    "Cycles",
    "Diagnostic",
    "DramBytes",
    "Operator",
    "Point",
    "Port",
    "Program",
    "Report",
    "Schedule",
    "SpadixError",
    "WhatIf",
    "compile",
    "find_binary",
    "load",
    "point",
    "verify",
]
