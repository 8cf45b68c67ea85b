#!/usr/bin/env python3
"""Every C++ file is as clang-format writes it (.clang-format). Without clang-format the check is skipped (exit code 77)."""
import shutil
import subprocess
import sys

from report import ROOT, Report, files, shown

BATCH = 40  # files per run of clang-format


def badly_formatted(tool, paths):
    """The paths that clang-format would change, by their first complaint's line."""
    run = subprocess.run([tool, "--dry-run", *map(str, paths)], capture_output=True, text=True, check=False, cwd=ROOT)
    found = {}
    for line in run.stderr.splitlines():
        place, mark, _ = line.partition(": warning: ")
        if not mark:
            continue
        name, number, _ = place.rsplit(":", 2)
        found.setdefault(name, number)
    if run.returncode != 0 and not found:
        print(run.stderr)
        sys.exit(1)
    return found


def main():
    tool = shutil.which("clang-format")
    if tool is None:
        print("clang-format is not installed (scripts/setup does it)")
        sys.exit(77)
    report = Report()
    paths = [path for folder in ("src", "tests") for path in files(suffixes={".h", ".cc"}, under=folder)]
    for start in range(0, len(paths), BATCH):
        batch = paths[start:start + BATCH]
        found = badly_formatted(tool, batch)
        for path in batch:
            name = shown(path)
            line = found.get(str(path), found.get(name))
            report.check(line is None, f"{name}:{line}", "is not formatted", f"clang-format -i {name}")
    report.end()


if __name__ == "__main__":
    main()
