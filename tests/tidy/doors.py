#!/usr/bin/env python3
"""What lies below a folder that a task may write to is reached through src/files alone. Reads the sources that deal with
sandboxes for calls that take a path: by the time they use it, it may name something else. Calls on descriptors
(fstat, ftruncate, fchmod) are fine. ALLOWED says where such a call never sees a sandbox; an entry that nothing needs any
more is a fault, too."""
import re

from report import ROOT, Report, files, shown

# Whole rooms, or single files of rooms that do other things as well.
WATCHED = ["src/executor/", "src/pocket/files.cc", "src/pocket/fetcher.cc", "src/pocket/unpack.cc", "src/pocket/sandbox.cc",
           "src/pocket/fetch_source.cc", "src/pocket/launcher.cc"]

# File → the calls that it may make, and why none of them meets a task's files.
ALLOWED = {
    "src/executor/agent_link.cc": ("open", "the agent's socket, before there is a task"),
    "src/executor/archive_state.cc": ("mkdir", "our notes' own folder, looked at by its descriptor before it is used"),
    "src/executor/assembly.cc": ("open", "the operator's network configuration"),
    "src/executor/cgroup.cc": ("access mkdir open rmdir stat", "/sys/fs/cgroup and /proc"),
    "src/executor/cgroup_tree.cc": ("open openat rmdir unlinkat", "/sys/fs/cgroup"),
    "src/executor/children.cc": ("open", "/dev/null"),
    "src/executor/directory.h": ("openat", "/sys/fs/cgroup"),
    "src/executor/docker_mark.cc": ("open readlink", "/proc, and Docker's own configuration"),
    "src/executor/metrics_source.cc": ("access open opendir stat", "/sys/fs/cgroup and /proc"),
    "src/executor/passage.cc": ("stat", "folders above a sandbox, for a message alone"),
    "src/executor/process.cc": ("chdir open", "/dev/null, a network namespace; the task's directory, entered as the task's user"),
    "src/executor/process_runtime.cc": ("open", "/dev/null"),
    "src/executor/process_tree.cc": ("open", "/proc"),
    "src/executor/reap.cc": ("open", "/sys/fs/cgroup and /proc"),
    "src/executor/user.cc": ("open", "/etc/passwd and /etc/group"),
    "src/executor/version.cc": ("open", "/proc/self/exe"),
    "src/pocket/files.cc": ("filesystem", "the agent's own folders above sandboxes"),
    "src/pocket/sandbox.cc": ("mkdir chmod filesystem", "folders above a sandbox"),
    "src/pocket/fetch_source.cc": ("open", "a file of the host that the job names, which the policy allows"),
}

CALLS = """access chdir chmod chown creat faccessat fchmodat fchownat fopen freopen ftw lchown link linkat lstat mkdir mkdirat
    mkfifo mkfifoat mknod mknodat nftw open open64 openat opendir readlink readlinkat realpath remove rename renameat renameat2
    rmdir scandir stat statx fstatat symlink symlinkat truncate unlink unlinkat utimensat""".split()
# Also names of members and functions of ours: only what is said to be the system's is meant.
HOMONYMS = {"access", "link", "open", "remove", "rename", "stat"}
NAMED = re.compile(r"(?<![\w>])::(" + "|".join(CALLS) + r")\s*\(|\bstd::(rename|fopen|freopen)\s*\(")
BARE = re.compile(r"(?<![\w.:>~])(" + "|".join(name for name in CALLS if name not in HOMONYMS) + r")\s*\(")
LIBRARY = re.compile(r"\bstd::(filesystem|[io]?fstream)\b|#\s*include\s*<(filesystem|fstream)>")
RAW = re.compile(r"\bSYS_(\w*(?:open|rename|link|stat|mkdir|chmod|chown|truncate)\w*)")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)


def calls_in(text):
    """(line, name) of each call that takes a path."""
    code = COMMENT.sub(lambda found: "\n" * found.group(0).count("\n"), text)
    for pattern in (NAMED, BARE, LIBRARY, RAW):
        for found in pattern.finditer(code):
            name = next(group for group in found.groups() if group)
            yield code.count("\n", 0, found.start()) + 1, name


def check_doors(report, name, text, allowed):
    may = set(allowed.split())
    used = set()
    for line, call in calls_in(text):
        used.add(call)
        report.check(call in may, f"{name}:{line}", f"calls {call}() by a path, where tasks may have put something else",
                     "use files/folder.h; if no task ever gets there, say so in ALLOWED of tests/tidy/doors.py")
    for call in sorted(may - used):
        report.check(False, name, f"is allowed to call {call}() and does not", "take it out of ALLOWED of tests/tidy/doors.py")


def main():
    report = Report()
    seen = set()
    for path in files(ROOT, {".cc", ".h"}, "src"):
        name = shown(path)
        if not any(name == watched or (watched.endswith("/") and name.startswith(watched)) for watched in WATCHED):
            continue
        seen.add(name)
        report.check(True, name)
        check_doors(report, name, path.read_text(encoding="utf-8"), ALLOWED.get(name, ("", ""))[0])
    for name in ALLOWED:
        report.check(name in seen, name, "stands in ALLOWED and is not watched, or not there", "take it out")
    report.end()


if __name__ == "__main__":
    main()
