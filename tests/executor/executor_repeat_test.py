#!/usr/bin/env python3
"""The same sources give the same executor, wherever they lie and wherever it is built.

usage: executor_repeat_test.py DIRECTORY

DIRECTORY is what scripts/build-executors filled. The sources are copied elsewhere, one architecture is built from the copy,
and the two files must not differ in a byte. One is enough: all four go through the same script and the same flags.
"""
import os
import shutil
import subprocess
import sys
import tempfile

ARCHITECTURE = "x86_64"
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
SOURCES = ("meson.build", "meson_options.txt", "scripts", "src")


def main():
    directory = os.path.abspath(sys.argv[1])
    name = f"mimas-executor-{ARCHITECTURE}"
    first = os.path.join(directory, name)
    if not os.path.exists(first):
        print(f"skipped: {name} was not built, its compiler is missing")
        return 77
    with tempfile.TemporaryDirectory(prefix="mimas-repeat.") as elsewhere:
        copy = os.path.join(elsewhere, "somewhere", "else")
        os.makedirs(copy)
        for source in SOURCES:
            path = os.path.join(ROOT, source)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(copy, source), symlinks=True)
            else:
                shutil.copy(path, copy)
        made = os.path.join(elsewhere, "made")
        environment = {**os.environ, "ARCHITECTURES": ARCHITECTURE,
                       "MUSL_SYSROOTS": os.path.join(directory, "work", "sysroots")}
        done = subprocess.run([os.path.join(copy, "scripts", "build-executors"), made], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(done.stdout, end="")
        if done.returncode != 0:
            print("0 passed, 1 failed")
            return 1
        with open(first, "rb") as one, open(os.path.join(made, name), "rb") as other:
            same = one.read() == other.read()
    print("1 passed, 0 failed" if same else f"FAILED: two builds of {name} differ\n0 passed, 1 failed")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
