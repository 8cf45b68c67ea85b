"""What the tidy checks share: where the tree is, which files are ours, and how findings are told."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "data", "node_modules", "__pycache__", "packagefiles"}


class Report:
    """Collects checks; each either passes or says what is wrong, where, and how to mend it."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, good, where, what="", remedy=""):
        if good:
            self.passed += 1
            return
        self.failed += 1
        print(f"{where}: {what}")
        if remedy:
            print(f"    to mend it: {remedy}")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def files(root=ROOT, suffixes=None, under=None):
    """Our own files, sorted, as paths; build directories and what they hold are left out."""
    start = root / under if under else root
    found = []
    for path in sorted(start.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in SKIPPED or part.startswith("build-") for part in parts):
            continue
        if path.is_file() and not path.is_symlink() and (suffixes is None or path.suffix in suffixes):
            found.append(path)
    return found


def shown(path, root=ROOT):
    return path.relative_to(root).as_posix()
