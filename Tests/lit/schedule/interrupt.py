"""Runs a command, sends it an interrupt after a second and a half, and prints its exit status and standard error.

A command that has not ended ten seconds later is killed: interrupts have to be looked at everywhere, and what is done after
one takes a second.
"""

import signal
import subprocess
import sys
import time

process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
time.sleep(1.5)
process.send_signal(signal.SIGINT)
try:
    _, error = process.communicate(timeout=10)
    print("exit status", process.returncode)
except subprocess.TimeoutExpired:
    process.kill()
    _, error = process.communicate()
    print("deaf to the interrupt")
print(error, end="")
