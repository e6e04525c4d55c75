"""Ends a command while it writes, and looks at what it leaves: interrupt.py SIGNAL COMMAND...

The command must write into the folder `out` of the working folder. Each try waits until a file appears there and then
sends the signal; one that was whole by then counts for nothing, and is tried again.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

number = getattr(signal, sys.argv[1])
caught = 0
for attempt in range(40):
    shutil.rmtree("out", ignore_errors=True)
    os.mkdir("out")
    # lit ignores Ctrl-C in its workers, which a command would inherit.
    process = subprocess.Popen(sys.argv[2:], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    while process.poll() is None and not os.listdir("out"):
        time.sleep(0.0002)
    process.send_signal(number)
    status = process.wait()
    left = [os.path.join(folder, name) for folder, _, names in os.walk("out") for name in names]
    hidden = [name for name in left if os.path.basename(name).startswith(".")]
    if hidden:
        sys.exit(f"left behind: {hidden}")
    if status == -number:
        caught += 1
        if left:
            sys.exit(f"ended by the signal, and wrote {left}")
    elif status != 0:
        sys.exit(f"status {status}")
    if caught == 3:
        print("3 writes ended, nothing left")
        sys.exit(0)
sys.exit(f"only {caught} of {attempt + 1} tries met the command while it wrote")
