#!/bin/sh
# The scheduler's figures: every network, budget and scope, each plan checked again by `schedule --check`.
# SPADIX names the binary; arguments go to bench_schedule.py, see its --help.
set -eu
exec python3 "$(dirname "$0")/bench_schedule.py" --spadix "${SPADIX:-.build/release/spadix}" "$@"
