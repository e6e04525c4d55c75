"""Runs a command on a terminal of its own: progress.py TEXT COMMAND...

Sends Ctrl-C when TEXT appears, or nothing for an empty TEXT; then prints the exit status and which phases were seen.
"""

import os
import pty
import re
import signal
import sys

text, command = sys.argv[1].encode(), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    # lit ignores Ctrl-C in its workers, which a command would inherit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)
seen = b""
sent = False
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break
    if not part:
        break
    seen += part
    if text and not sent and text in seen:
        sent = True
        os.kill(child, signal.SIGINT)
_, status = os.waitpid(child, 0)
print("exit status", os.waitstatus_to_exitcode(status))
phases = re.findall(rb"\r\x1b\[K(pass|tilings|plan|commands)\b", seen)
print("phases:", " ".join(sorted({phase.decode() for phase in phases})))
if b"interrupted" in seen:
    print("interrupted: this is the best plan so far" if b"best plan so far" in seen else "interrupted")
