"""The report of a compilation. docs/report.md says what each figure is; those of time are modelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional


@dataclass(frozen=True)
class Cycles:
    """Modelled cycles by what bounds the program in them."""

    array: int
    load: int
    store: int
    dependence: int
    issue: int

    @property
    def total(self) -> int:
        return self.array + self.load + self.store + self.dependence + self.issue

    @property
    def bound_by(self) -> str:
        """The name of the largest part."""
        return max(vars(self), key=lambda name: getattr(self, name))

    @staticmethod
    def _of(json: Optional[Mapping[str, int]]) -> Optional["Cycles"]:
        names = ("array", "load", "store", "dependence", "issue")
        return None if json is None else Cycles(*(json[name] for name in names))


@dataclass(frozen=True)
class DramBytes:
    """Bytes to and from DRAM; ``classes`` has them by what they are."""

    read: int
    written: int
    classes: Dict[str, int]

    @property
    def total(self) -> int:
        return self.read + self.written

    @staticmethod
    def _of(json: Mapping[str, int]) -> "DramBytes":
        classes = {key: value for key, value in json.items() if key not in ("read", "written", "total")}
        return DramBytes(json["read"], json["written"], classes)


@dataclass(frozen=True)
class Operator:
    """One operator of the lowered graph, in execution order."""

    name: str
    #: ``array``, ``move`` or ``host``.
    kind: str
    host_reason: Optional[str]
    line: Optional[int]
    dram_bytes: DramBytes
    useful_macs: int
    issued_macs: int
    array_cycles: int
    #: By which the operator lengthens the program; None for a host step.
    cycles: Optional[int]
    cycles_bound_by: Optional[Cycles]
    scratchpad_rows: int
    accumulator_rows: int
    commands: int
    operands: List[str]
    results: List[str]
    tiling: str

    @property
    def bound_by(self) -> Optional[str]:
        return self.cycles_bound_by.bound_by if self.cycles_bound_by and self.cycles else None

    @staticmethod
    def _of(json: Mapping[str, Any]) -> "Operator":
        return Operator(
            json["name"], json["kind"], json["host_reason"], json["line"], DramBytes._of(json["dram_bytes"]),
            json["useful_macs"], json["issued_macs"], json["array_cycles_modelled"], json["cycles_modelled"],
            Cycles._of(json["cycles_bound_by"]), json["scratchpad_rows"], json["accumulator_rows"], json["commands"],
            json["operands"], json["results"], json["tiling"],
        )


@dataclass(frozen=True)
class Schedule:
    """How good the plan is, and who says so."""

    traffic_bytes: int
    bound_bytes: int
    proven: bool
    closed_by: str
    why_open: List[str]


@dataclass(frozen=True)
class Allocation:
    """One stay of a tensor in the scratchpad; both steps included."""

    tensor: str
    first_step: int
    last_step: int
    row: int
    rows: int
    origin: str
    spilled: bool


@dataclass(frozen=True)
class WhatIf:
    """Cycles of the same commands with one parameter of the target changed."""

    parameter: str
    present: int
    changed: int
    cycles: int


@dataclass(frozen=True)
class Report:
    """What a compiled program costs."""

    graph: str
    target: str
    #: Of the whole program without host steps.
    cycles: Optional[int]
    cycles_bound_by: Optional[Cycles]
    #: Where the target has a clock.
    milliseconds: Optional[float]
    dram_bytes: DramBytes
    dram_image_bytes: int
    scratchpad_peak_rows: int
    accumulator_peak_rows: int
    useful_macs: int
    issued_macs: int
    array_cycles: int
    commands: int
    schedule: Schedule
    operators: List[Operator]
    allocation: List[Allocation]
    what_if: List[WhatIf]
    #: What ``spadix.verify`` found, as in the JSON; None for a compilation.
    verification: Optional[Dict[str, Any]]
    #: The whole report as the binary wrote it.
    json: Dict[str, Any]

    @staticmethod
    def from_json(json: Dict[str, Any]) -> "Report":
        """A report that ``--report=json`` wrote, as json.load reads it."""
        if json.get("format") != "spadix-report-1":
            raise ValueError("this is no report of this version: expected format spadix-report-1")
        schedule = json["schedule"]
        return Report(
            json["graph"], json["target"]["name"], json["cycles_modelled"], Cycles._of(json["cycles_bound_by"]),
            json["milliseconds_modelled"], DramBytes._of(json["dram_bytes"]), json["dram_image_bytes"],
            json["scratchpad_peak_rows"], json["accumulator_peak_rows"], json["useful_macs"], json["issued_macs"],
            json["array_cycles_modelled"], json["commands"],
            Schedule(
                schedule["traffic_bytes"], schedule["bound_bytes"], schedule["proven"], schedule["closed_by"],
                schedule["why_open"],
            ),
            [Operator._of(it) for it in json["operators"]],
            [
                Allocation(
                    it["tensor"], it["first_step"], it["last_step"], it["row"], it["rows"], it["origin"], it["spilled"]
                )
                for it in json["allocation"]
            ],
            [WhatIf(it["parameter"], it["present"], it["changed"], it["cycles_modelled"]) for it in json["what_if"]],
            json.get("verification"), json,
        )
