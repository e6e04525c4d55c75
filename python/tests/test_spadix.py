"""The package against the binary: python/tests stand beside the repository's examples."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spadix

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "ir-examples" / "digits"


@pytest.fixture(scope="module")
def program():
    return spadix.compile(DIGITS / "cnn.spx", target="gemmini")


def test_ports(program):
    assert [(it.name, it.shape, it.dtype) for it in program.inputs] == [("image", (1, 8, 8, 1), np.float32)]
    assert [(it.name, it.shape) for it in program.outputs] == [("logits", (1, 10))]
    assert "image[1, 8, 8, 1]" in repr(program)


def test_run_gives_the_arrays_of_the_command_line(program, tmp_path):
    images = np.load(DIGITS / "images.npy")[:20]
    labels = np.load(DIGITS / "labels.npy")[:20]
    logits = program.run({"image": images})["logits"]
    assert logits.shape == (20, 10) and logits.dtype == np.float32
    assert (logits.argmax(axis=1) == labels).mean() > 0.9
    # One array, or a list of all, is as good as a name.
    assert np.array_equal(program.run(images)["logits"], logits)
    assert np.array_equal(program.run([images])["logits"], logits)
    # Timing changes no result.
    assert np.array_equal(program.run(images, settings={"timing.dma_latency": 500})["logits"], logits)
    np.save(tmp_path / "images.npy", images)
    subprocess.run(
        [spadix.find_binary(), "run", program.path, "--input", str(tmp_path / "images.npy"), "-o", str(tmp_path / "out")],
        check=True, capture_output=True,
    )
    assert np.array_equal(np.load(tmp_path / "out" / "logits.npy"), logits)


def test_report(program):
    report = program.report
    assert report.graph == "digits_cnn" and report.target == "gemmini"
    assert report.cycles == report.cycles_bound_by.total == sum(it.cycles or 0 for it in report.operators)
    assert report.dram_bytes.total == sum(it.dram_bytes.total for it in report.operators)
    assert sum(report.dram_bytes.classes.values()) == report.dram_bytes.total
    assert {it.kind for it in report.operators} >= {"array", "host"}
    assert all(it.bound_by in ("array", "load", "store", "dependence", "issue") for it in report.operators if it.cycles)
    assert report.what_if and all(it.cycles > 0 for it in report.what_if)
    assert report.schedule.proven and report.milliseconds is None and report.verification is None
    assert spadix.Report.from_json(json.loads(json.dumps(report.json))) == report
    with pytest.raises(ValueError):
        spadix.Report.from_json({"format": "another"})


def test_settings_and_targets():
    by_setting = spadix.compile(DIGITS / "mlp.spx", settings={"scratchpad.bytes": "64K", "clock_mhz": 500})
    by_mapping = spadix.compile(
        DIGITS / "mlp.spx", target={"base": "spadix", "name": "spadix", "scratchpad": {"bytes": "64K"}, "clock_mhz": 500}
    )
    assert by_setting.report.milliseconds == by_mapping.report.milliseconds is not None
    assert Path(by_setting.path).read_bytes() == Path(by_mapping.path).read_bytes()


def test_save_and_load(program, tmp_path):
    path = tmp_path / "cnn.spxo"
    program.save(path)
    loaded = spadix.load(path)
    assert loaded.report is None and loaded.inputs == program.inputs
    images = np.load(DIGITS / "images.npy")[:3]
    assert np.array_equal(loaded.run(images)["logits"], program.run(images)["logits"])


def test_calibrate():
    samples = np.load(DIGITS / "images.npy")[:50]
    by_name = spadix.compile(DIGITS / "cnn.spx", calibrate={"image": samples})
    alone = spadix.compile(DIGITS / "cnn.spx", calibrate=samples)
    assert Path(by_name.path).read_bytes() == Path(alone.path).read_bytes()
    with pytest.raises(ValueError):
        spadix.compile(DIGITS / "cnn.spx", calibrate="samples")


def test_verify():
    report = spadix.verify(DIGITS / "cnn.spx", inputs=np.load(DIGITS / "images.npy")[:5])
    assert report.verification["outputs"][0]["exact_samples"] == 5
    assert report.verification["quantization"]["violations"] == []
    assert spadix.verify(DIGITS / "cnn.spx", samples=2).verification["samples"] == 2


def test_errors_have_places(tmp_path):
    graph = tmp_path / "broken.spx"
    graph.write_text("graph @g(%x: f32[2, 3]) -> f32[2, 4] {\n  %y = nn.relu %x : f32[2, 4]\n  return %y\n}\n")
    with pytest.raises(spadix.SpadixError) as caught:
        spadix.compile(graph)
    error = caught.value
    assert error.status == 1 and error.id.startswith("ir.")
    first = error.diagnostics[0]
    assert (first.file, first.line, first.severity) == (str(graph), 2, "error") and first.column
    assert first.message in str(error)
    with pytest.raises(spadix.SpadixError) as caught:
        spadix.compile(DIGITS / "cnn.spx", settings={"timing.latency": 1})
    assert caught.value.id == "target.unknown-parameter" and caught.value.diagnostics[0].help


def test_wrong_arrays(program):
    with pytest.raises(ValueError):
        program.run([np.zeros(1), np.zeros(1)])
    with pytest.raises(spadix.SpadixError):
        program.run({"picture": np.zeros((1, 8, 8, 1), np.float32)})


def test_point():
    point = spadix.point(DIGITS / "cnn.spx", target="gemmini", settings={"scratchpad.bytes": "64K"})
    assert point.failure is None and point["scratchpad_bytes"] == 65536 and point["cycles_modelled"] > 0
    slow = spadix.point(
        DIGITS / "cnn.spx", target="gemmini", settings={"scratchpad.bytes": "64K"}, timing={"timing.dma_latency": 500}
    )
    assert slow["commands"] == point["commands"] and slow["cycles_modelled"] > point["cycles_modelled"]
    impossible = spadix.point(DIGITS / "cnn.spx", settings={"dim": 12})
    assert impossible.figures == {} and "power of two" in impossible.failure


def test_search_example():
    result = subprocess.run(
        [sys.executable, str(ROOT / "python" / "examples" / "search.py"), str(DIGITS / "mlp.spx"), "1000000"],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )
    assert "'scratchpad.bytes': '32K'" in result.stdout


def test_binary(monkeypatch, tmp_path):
    assert os.access(spadix.find_binary(), os.X_OK)
    monkeypatch.setenv("SPADIX", str(tmp_path / "none"))
    with pytest.raises(spadix.BinaryNotFoundError):
        spadix.find_binary()


def test_version_is_the_binarys():
    text = subprocess.run([spadix.find_binary(), "--version"], check=True, capture_output=True, text=True).stdout
    assert text.strip() == f"spadix {spadix.__version__}"
