#!/usr/bin/env python3
"""Adds up the test cases of a `meson test` run and prints "N passed, N failed" as the last line.

A doctest binary says how many cases it ran, a script test prints "N passed, N failed" itself; a test that says
neither counts as one case, and one that ended badly without a failed case counts as one failure.
"""
import json
import re
import sys

DOCTEST = re.compile(r"test cases:\s+\d+ \|\s+(\d+) passed \|\s+(\d+) failed")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed", re.MULTILINE)


def count(run):
    output = re.sub(r"\x1b\[[0-9;]*m", "", run.get("stdout", "") or "")
    found = DOCTEST.findall(output) or PLAIN.findall(output)
    good = run["result"] in ("OK", "EXPECTEDFAIL")
    if run["result"] == "SKIP":
        return 0, 0
    if not found:
        return (1, 0) if good else (0, 1)
    passed, failed = (sum(int(pair[i]) for pair in found) for i in (0, 1))
    if not good and failed == 0:
        failed = 1
    return passed, failed


def main():
    passed = failed = 0
    bad = []
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            run = json.loads(line)
            run_passed, run_failed = count(run)
            passed += run_passed
            failed += run_failed
            if run_failed:
                bad.append(run["name"])
            if run["result"] == "SKIP":
                print(f"skipped: {run['name']}")
    if bad:
        print("failed: " + ", ".join(bad))
    if passed + failed == 0:
        print("no test was run")
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
