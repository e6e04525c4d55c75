"""Runs a command within limits: limited.py SECONDS MEBIBYTES [--resident] COMMAND...

The address space of the command is limited; with --resident, it has as much as it wants, and may not have had more in
memory at once than that. Exits as the command does, and with 3 when it took too long or too much.
"""

import resource
import subprocess
import sys

seconds, limit = float(sys.argv[1]), int(sys.argv[2]) << 20
resident = sys.argv[3] == "--resident"
command = sys.argv[4:] if resident else sys.argv[3:]
bound = None if resident else lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    status = subprocess.run(command, timeout=seconds, preexec_fn=bound).returncode
except subprocess.TimeoutExpired:
    print(f"limited: no end within {seconds} seconds", file=sys.stderr)
    sys.exit(3)
if resident:
    taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    if taken > limit:
        print(f"limited: {taken >> 20} MiB in memory, {limit >> 20} allowed", file=sys.stderr)
        sys.exit(3)
sys.exit(status)
