"""interrupt.py COMMAND...: interrupts a command once it has made a folder in TMPDIR, and lists what is left there."""

import os
import signal
import subprocess
import sys
import time

place = os.environ["TMPDIR"]
process = subprocess.Popen(
    sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    # Whoever runs the tests may ignore interrupts.
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
while process.poll() is None and not any("recorder" in files for _, _, files in os.walk(place)):
    time.sleep(0.01)
assert process.poll() is None, "the command ended by itself"
print("it made a folder")
process.send_signal(signal.SIGINT)
status = process.wait()
print(f"ended by signal {-status}, left: {[name for name in os.listdir(place) if name.startswith('spadix')]}")
