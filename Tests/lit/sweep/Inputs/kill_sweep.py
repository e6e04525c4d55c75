"""Starts a sweep and kills it in the middle, with its processes: kill_sweep.py SPADIX SWEEP FOLDER. One answer is damaged."""

import glob
import os
import signal
import subprocess
import sys
import time

spadix, sweep, folder = sys.argv[1:]
process = subprocess.Popen([spadix, "sweep", sweep, "-o", folder, "--jobs", "1"], start_new_session=True)
while process.poll() is None and len(glob.glob(f"{folder}/points/*.json")) < 4:
    time.sleep(0.01)
try:
    os.killpg(process.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
process.wait()
points = sorted(glob.glob(f"{folder}/points/*.json"))
with open(points[0], "w", encoding="utf-8") as file:
    file.write('{"key": ')
print(f"killed with {len(points)} of 16 answers")
