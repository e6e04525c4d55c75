"""Writes the models that damaged ones are made of: those of every form, and ONNX's node tests where the wheel can be had.

usage: seeds.py FOLDER
"""

import pathlib
import shutil
import sys

import onnx

import forms

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "Scripts"))
import fetch_wheel  # noqa: E402

folder = pathlib.Path(sys.argv[1])
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
for name, model, _ in forms.cases(1, repeats=1):
    onnx.save(model, folder / f"{name}.onnx")
files = fetch_wheel.fetch("onnx==1.16.2", ROOT / ".build" / "wheels", ["onnx/backend/test/data/*"])
if files is None:
    print("SKIPPED: ONNX's node tests as seeds; the wheel onnx 1.16.2 cannot be had")
for path in files or []:
    if path.name == "model.onnx" and "/node/" in str(path):
        shutil.copy(path, folder / f"{path.parent.name}.onnx")
print(f"{len(list(folder.iterdir()))} models")
