#!/usr/bin/env python3
"""What is left when an executor and its guard are killed in the same instant, and `mimas-executor reap`.

usage: reap_test.py BINARY [--runner PROGRAM] [NAME...]

As root with cgroups, as root without, and as a user without any rights. Only what each story has left itself is
looked at; other runs on the same machine wait, for `reap` clears up everywhere.
"""
import fcntl
import glob
import os
import signal
import subprocess
import sys

import guard_test
from executor_world import parse_options
from guard_test import NOBODY, World, marked, stat_of, until
from scripted_agent import PATIENCE, Failed, expect

NO_DOCKER = "unix:///nonexistent/docker.sock"


def kill_both(w):
    """Stopped first, neither can do anything about the other's end."""
    os.kill(w.guard, signal.SIGSTOP)
    until(lambda: stat_of(w.guard)[0] == "T", "the guard stopped")
    os.kill(w.executor, signal.SIGKILL)
    until(lambda: (stat_of(w.executor) or "Z")[0] in "ZX", "the executor dead")
    os.kill(w.guard, signal.SIGKILL)
    w.process.wait(PATIENCE)


def groups_of(w):
    return glob.glob(f"/sys/fs/cgroup/**/mimas-{w.guard}-*", recursive=True)


def reap(w, *more):
    command = ([w.options.runner] if w.options.runner else []) + [w.binary, "reap", "--docker", NO_DOCKER, *more]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 3, user=w.user, group=w.user,
                         extra_groups=None if w.user is None else [], check=False)
    expect(run.returncode == 0, f"reap ended with {run.returncode}: {run.stdout} {run.stderr}")
    return [line for line in run.stdout.splitlines() if f"(pid {w.guard})" in line]


def test_what_both_left_is_found_said_and_removed(w):
    w.with_task()
    kill_both(w)
    left = marked(w.mark)
    expect(left, "nobody was left, so that this shows nothing")
    groups = groups_of(w)
    lines = reap(w, "--dry-run")
    expect(lines and all(line.startswith("would ") for line in lines), lines)
    expect(set(left) & set(marked(w.mark)) and groups_of(w) == groups, "a dry run touched something")
    lines = reap(w)
    expect(any(line.startswith("removed the cgroup" if groups else "killed process") for line in lines), lines)
    until(lambda: not marked(w.mark), "nobody left")
    expect(not groups_of(w), groups_of(w))
    expect(reap(w) == [], "there was still something")


def test_a_living_executor_is_left_alone(w):
    w.with_task()
    before = set(marked(w.mark))
    expect(reap(w) == [], "it was taken for dead")
    expect(before <= set(marked(w.mark)), "somebody of it was killed")
    os.kill(w.executor, signal.SIGKILL)
    w.nothing_left()
    until(lambda: not groups_of(w), f"the guard removes the cgroups: {groups_of(w)}")


def test_groups_are_gone_after_a_good_end(w):
    w.agent.launch("t", {"shell": "exit 0"})
    w.agent.wait_state("t", "TASK_FINISHED")
    expect(w.process.wait(PATIENCE) == 0, w.process.returncode)
    expect(not groups_of(w), groups_of(w))


def test_the_next_executor_beside_it_clears_up(w):
    if w.user is not None or w.arguments[1] == "off":
        return  # it looks at cgroups alone
    w.with_task()
    kill_both(w)
    if not groups_of(w):
        print("skipped: no cgroups to be had here")
        return
    next_one = World(w.options, None, w.arguments)
    try:
        next_one.agent.launch("t", {"shell": "exit 0"})
        next_one.agent.wait_state("t", "TASK_FINISHED")
        until(lambda: not marked(w.mark), "nobody left")
        expect(not groups_of(w), groups_of(w))
    finally:
        next_one.close()


def main():
    options = parse_options()
    place = f"mimas-reap-test-{os.getpid()}"
    worlds = [(None, ("--cgroups", place)), (None, ("--cgroups", "off"))]
    worlds += [(NOBODY, ("--cgroups", "off"))] if os.geteuid() == 0 else []
    with open("/tmp/mimas-reap-test.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stories = [story for name, story in sorted(globals().items())
                   if name.startswith("test_") and (not options.names or name in options.names)]
        result = guard_test.run(options, stories, worlds)
    for directory in glob.glob(f"/sys/fs/cgroup/**/{place}", recursive=True):
        os.rmdir(directory)
    return result


if __name__ == "__main__":
    sys.exit(main())
