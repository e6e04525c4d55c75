#!/bin/bash
# Runs `swift test` with the given flags, then the file tests against the binary that came out of the same build.
# Both run even if the first fails; the last line is the sum of the two.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

swift build "$@" --build-tests
build_status=$?
if [ $build_status -ne 0 ]; then
  echo "0 passed, 1 failed (the package does not build)"
  exit 1
fi

swift test "$@" --skip-build 2>&1 | tee "$logs/swift.log"
swift_status=${PIPESTATUS[0]}

binary=$(swift build "$@" --show-bin-path)
SPADIX="$binary/spadix" .venv/bin/lit --verbose Tests/lit 2>&1 | tee "$logs/lit.log"
lit_status=${PIPESTATUS[0]}

python3 Scripts/summarize_tests.py "$logs/swift.log" "$swift_status" "$logs/lit.log" "$lit_status"
