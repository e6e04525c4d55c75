"""Compiling models, and running what comes out."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ._binary import run
from .report import Report

PathLike = Union[str, "os.PathLike[str]"]
Arrays = Union[np.ndarray, Sequence[np.ndarray], Mapping[str, np.ndarray]]
#: A preset, the path of a target file, or the parameters of one.
TargetLike = Union[str, "os.PathLike[str]", Mapping[str, Any]]
#: ``"random"``, samples for the only input, or samples by input.
Calibration = Union[str, np.ndarray, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Port:
    """An input or an output of a program."""

    name: str
    shape: Tuple[int, ...]
    #: Of the arrays that are given and returned; int8 for quantized tensors.
    dtype: np.dtype


class Program:
    """A compiled program: a file, what it costs, and how to run it on the modelled accelerator."""

    def __init__(self, path: PathLike, report: Optional[Report] = None, *, _keeps: Any = None) -> None:
        #: The program's file; it goes with the object unless it was saved or loaded.
        self.path = os.fspath(path)
        #: What the program costs; None for a program that was loaded.
        self.report = report
        self._keeps = _keeps
        self.inputs, self.outputs = _ports(self.path)

    def run(self, arrays: Optional[Arrays] = None, *, settings: Optional[Mapping[str, Any]] = None) -> Dict[str, np.ndarray]:
        """Runs the program and returns its outputs by name.

        An array with more samples along axis 0 than its input has is run sample by sample.

        arrays: by name, in the order of the inputs, or one array for a program with one input.
        settings: timing parameters to run with, such as ``{"timing.dma_latency": 120}``; they change no result.
        """
        names = [port.name for port in self.inputs]
        given = _named(arrays, names)
        with tempfile.TemporaryDirectory(prefix="spadix-") as folder:
            arguments = ["run", self.path, "--output", folder + "/out", *_settings(settings)]
            for index, (name, array) in enumerate(given.items()):
                path = f"{folder}/in-{index}.npy"
                np.save(path, np.asarray(array))
                arguments += ["--input", f"{name}={path}"]
            summary = run(arguments)
            files = [line.rsplit(" -> ", 1)[1] for line in summary.splitlines() if " -> " in line]
            return {port.name: np.load(file) for port, file in zip(self.outputs, files)}

    def save(self, path: PathLike) -> None:
        """Copies the program's file."""
        shutil.copyfile(self.path, path)

    def __repr__(self) -> str:
        ports = ", ".join(f"{port.name}{list(port.shape)}" for port in self.inputs)
        return f"<spadix.Program {ports} -> {', '.join(port.name for port in self.outputs)}>"


def compile(  # noqa: A001: the word of the field
    model: PathLike,
    target: TargetLike = "spadix",
    *,
    settings: Optional[Mapping[str, Any]] = None,
    calibrate: Optional[Calibration] = None,
    shapes: Optional[Mapping[str, Sequence[int]]] = None,
    dims: Optional[Mapping[str, int]] = None,
    formulation: str = "residency",
) -> Program:
    """Compiles a graph (.spx) or an ONNX model.

    settings: parameters of the target by path, such as ``{"scratchpad.bytes": "512K"}``.
    calibrate: samples that int8 ranges are taken from; ``"random"`` draws them.
    shapes, dims: what an ONNX model leaves open.

    Raises SpadixError with the diagnostics of a model that cannot be compiled.
    """
    folder = tempfile.TemporaryDirectory(prefix="spadix-")
    path = folder.name + "/program.spxo"
    with _arguments(model, target, settings, calibrate, shapes, dims, formulation) as arguments:
        text = run(["compile", *arguments, "--output", path, "--report", "json"])
    return Program(path, Report.from_json(json.loads(text)), _keeps=folder)


def verify(
    model: PathLike,
    target: TargetLike = "spadix",
    *,
    inputs: Optional[Arrays] = None,
    samples: Optional[int] = None,
    seed: int = 1,
    settings: Optional[Mapping[str, Any]] = None,
    calibrate: Optional[Calibration] = None,
    shapes: Optional[Mapping[str, Sequence[int]]] = None,
    dims: Optional[Mapping[str, int]] = None,
    formulation: str = "residency",
) -> Report:
    """Compiles a model, runs it, and compares every output with the references; the report has a ``verification``.

    inputs: arrays by name, or one array for the only input; seeded random ones where they are left out.

    Raises SpadixError with status 2 where a result is wrong.
    """
    with _arguments(model, target, settings, calibrate, shapes, dims, formulation) as arguments:
        with tempfile.TemporaryDirectory(prefix="spadix-") as folder:
            for index, (name, array) in enumerate([] if inputs is None else _by_name(inputs)):
                path = f"{folder}/in-{index}.npy"
                np.save(path, np.asarray(array))
                arguments += ["--input", f"{name}={path}" if name else path]
            if samples is not None:
                arguments += ["--samples", str(samples)]
            arguments += ["--seed", str(seed), "--report", "json"]
            return Report.from_json(json.loads(run(["verify", *arguments])))


def load(path: PathLike) -> Program:
    """A program that was compiled before."""
    return Program(path)


# MARK: Arguments


@contextmanager
def _arguments(
    model: PathLike,
    target: TargetLike,
    settings: Optional[Mapping[str, Any]],
    calibrate: Optional[Calibration],
    shapes: Optional[Mapping[str, Sequence[int]]],
    dims: Optional[Mapping[str, int]],
    formulation: str,
) -> Iterator[List[str]]:
    """The arguments of a command that compiles, with files that last as long as it runs."""
    with tempfile.TemporaryDirectory(prefix="spadix-") as folder:
        arguments = [os.fspath(model), *_target(target, folder), *_settings(settings)]
        if isinstance(calibrate, str):
            if calibrate != "random":
                raise ValueError(f"calibrate is '{calibrate}'; expected 'random' or arrays")
            arguments += ["--calibrate", "random"]
        elif calibrate is not None:
            for index, (name, array) in enumerate(_by_name(calibrate)):
                path = f"{folder}/calibrate-{index}.npy"
                np.save(path, np.asarray(array))
                arguments += ["--calibrate", f"{name}={path}" if name else path]
        for name, shape in (shapes or {}).items():
            arguments += ["--shape", f"{name}={'x'.join(str(size) for size in shape)}"]
        for name, size in (dims or {}).items():
            arguments += ["--dim", f"{name}={size}"]
        yield [*arguments, "--formulation", formulation]


def _target(target: TargetLike, folder: str) -> List[str]:
    if isinstance(target, Mapping):
        # JSON is YAML.
        path = f"{folder}/target.yaml"
        Path(path).write_text(json.dumps(target, indent=1) + "\n", encoding="utf-8")
        return ["--target", path]
    return ["--target", os.fspath(target)]


def _settings(settings: Optional[Mapping[str, Any]]) -> List[str]:
    found: List[str] = []
    for key, value in (settings or {}).items():
        found += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
    return found


def _by_name(arrays: Arrays) -> List[Tuple[str, Any]]:
    """Names and arrays; the name is empty where there is only one array."""
    return list(arrays.items()) if isinstance(arrays, Mapping) else [("", arrays)]


def _named(arrays: Optional[Arrays], names: Sequence[str]) -> Dict[str, Any]:
    if arrays is None:
        return {}
    if isinstance(arrays, Mapping):
        return dict(arrays)
    if isinstance(arrays, np.ndarray):
        if len(names) != 1:
            raise ValueError(f"the program has {len(names)} inputs ({', '.join(names)}); give the arrays by name")
        return {names[0]: arrays}
    if len(arrays) != len(names):
        raise ValueError(f"the program has {len(names)} inputs ({', '.join(names)}); found {len(arrays)} arrays")
    return dict(zip(names, arrays))


_TYPES = {"f32": np.float32, "i8": np.int8, "q8": np.int8, "i32": np.int32}


def _ports(path: str) -> Tuple[List[Port], List[Port]]:
    """Inputs and outputs, from the metadata of a program's file (docs/isa.md)."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    metadata = json.loads(header["__metadata__"]["spadix"])

    def ports(key: str) -> List[Port]:
        return [
            Port(it["name"], tuple(it["type"]["shape"]), np.dtype(_TYPES[it["type"]["element"]])) for it in metadata[key]
        ]

    return ports("inputs"), ports("outputs")
