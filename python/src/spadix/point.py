"""One answer to a what-if question, for search loops."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ._binary import run
from .program import PathLike, TargetLike, _settings, _target


@dataclass(frozen=True)
class Point:
    """The figures of a point by name, those of the columns of a sweep; or why there are none."""

    figures: Dict[str, Optional[int]]
    failure: Optional[str]

    def __getitem__(self, name: str) -> Optional[int]:
        return self.figures[name]


def point(
    network: PathLike,
    target: TargetLike = "spadix",
    *,
    settings: Optional[Mapping[str, Any]] = None,
    timing: Optional[Mapping[str, Any]] = None,
    calibrate: Optional[str] = None,
) -> Point:
    """What a network costs on a target. A target that cannot exist is an answer with its ``failure``, and no error.

    settings: parameters of the target by path, such as ``{"scratchpad.bytes": "512K"}``.
    timing: parameters that the program is timed with and not compiled for, such as ``{"timing.dma_latency": 120}``.
    calibrate: ``"random"`` for networks without samples.
    """
    with tempfile.TemporaryDirectory(prefix="spadix-") as folder:
        arguments = ["point", os.fspath(network), *_target(target, folder), *_settings(settings)]
        for key, value in (timing or {}).items():
            arguments += ["--time", f"{key}={value}"]
        if calibrate is not None:
            arguments += ["--calibrate", calibrate]
        answer = json.loads(run(arguments))
    return Point(answer["figures"] or {}, answer["failure"])
