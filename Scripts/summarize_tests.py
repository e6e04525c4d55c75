"""Prints `N passed, N failed` for a log of `swift test` and one of lit, and exits 1 unless everything passed.

Usage: summarize_tests.py SWIFT_LOG SWIFT_STATUS LIT_LOG LIT_STATUS
"""

import re
import sys


def swift_counts(text):
    """Counts of passed and failed tests: Swift Testing prints a line a test."""
    # An argument-dependent test also prints its cases ("with 3 test cases passed"), which are not counted again.
    passed = len(re.findall(r"^\S+ Test (?!run with).* passed after ", text, re.MULTILINE))
    failed = len(re.findall(r"^\S+ Test (?!run with).* failed after ", text, re.MULTILINE))
    return passed, failed


def lit_counts(text):
    """Counts of lit's closing summary; every category but these two is a failure."""
    passed = failed = 0
    for name, count in re.findall(r"^  (\w[\w ]*?)\s*:\s+(\d+)", text, re.MULTILINE):
        if name == "Passed":
            passed += int(count)
        elif name not in ("Unsupported", "Excluded", "Skipped"):
            failed += int(count)
    return passed, failed


def main():
    swift_log, swift_status, lit_log, lit_status = sys.argv[1:]
    passed = failed = 0
    for path, status, counts in ((swift_log, swift_status, swift_counts), (lit_log, lit_status, lit_counts)):
        with open(path, encoding="utf-8", errors="replace") as file:
            one_passed, one_failed = counts(file.read())
        # A run that crashed, or that ran nothing, has failed however its log looks.
        if one_failed == 0 and (status != "0" or one_passed == 0):
            one_failed = 1
        passed += one_passed
        failed += one_failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
