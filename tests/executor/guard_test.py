#!/usr/bin/env python3
"""Nothing outlives an executor, however it is killed: as root, and as a user without any rights.

usage: guard_test.py BINARY [--runner PROGRAM] [NAME...]

Each story gives the executor a task that does its worst to be forgotten (double-forked, in sessions of its own, deaf
to signals, one of them stopped), kills something, and looks through the process table for its mark.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

from executor_world import parse_options
from scripted_agent import PATIENCE, Agent, Failed, expect

NOBODY = 65534

# A shell whose child has left for a session of its own, whose child's child has done so again and is deaf, and a
# stopped one.
STUBBORN = """
trap '' TERM HUP INT
setsid sh -c 'trap "" TERM HUP INT; setsid sh -c "trap \\"\\" TERM HUP INT; sleep 100000; :" & sleep 100000; :' &
(setsid sleep 100000 &)
sh -c 'kill -STOP $$' &
sleep 100000
:
"""
MEMBERS = 8


def stat_of(pid):
    """(state, parent) of a process; nothing of one that is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
            return fields[0], int(fields[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def marked(mark):
    """The living processes whose environment holds the mark."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if mark.encode() in file.read():
                    found.append(int(entry))
        except (OSError, ProcessLookupError):
            continue
    return found


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Failed("never: " + what)
        time.sleep(0.01)


class Held:
    """A process that a debugger holds: whatever it is sent, it runs no instruction until it is let go or killed."""

    ATTACH, DETACH, ANY_CHILD = 16, 17, 0x40000000  # of <sys/ptrace.h> and <sys/wait.h>

    def __init__(self, pid):
        self.pid, self.libc = pid, ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        if self.libc.ptrace(self.ATTACH, pid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(pid, self.ANY_CHILD)

    def let_go(self):
        self.libc.ptrace(self.DETACH, self.pid, None, None)

    def killed(self):
        """Who holds a process hears of its end first; its parent only then."""
        try:
            return os.waitpid(self.pid, self.ANY_CHILD | os.WNOHANG)[0] == self.pid
        except ChildProcessError:
            return True


class World:
    """An executor in a sandbox of its own, with its stubborn task running."""

    def __init__(self, options, user, arguments=()):
        self.options, self.user, self.arguments = options, user, arguments
        self.mark = "GUARD_TEST=" + uuid.uuid4().hex
        self.sandbox = tempfile.mkdtemp(prefix="mimas-guard-")
        os.chmod(self.sandbox, 0o755)
        self.binary = shutil.copy(options.binary, self.sandbox)
        if user is not None:
            os.chown(self.sandbox, user, user)
        self.agent = Agent()
        command = ([options.runner] if options.runner else []) + [self.binary, *arguments]
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "MESOS_FRAMEWORK_ID": "f", "MESOS_EXECUTOR_ID": "e",
            "MESOS_AGENT_ENDPOINT": "%s:%d" % self.agent.address, "MESOS_CHECKPOINT": "0",
            "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "200ms",
        }
        self.err = open(os.path.join(self.sandbox, "stderr"), "wb")
        self.process = subprocess.Popen(command, cwd=self.sandbox, stdin=subprocess.DEVNULL, stdout=self.err,
                                        stderr=self.err, env=environment, start_new_session=True,
                                        user=user, group=user, extra_groups=None if user is None else [])
        self.guard = self.process.pid
        self.agent.wait_streams(1)
        children = [int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))
                    if (stat_of(pid) or ("", 0))[1] == self.guard]
        expect(len(children) == 1, f"the guard has children {children}")
        self.executor = children[0]

    def with_task(self):
        name, value = self.mark.split("=")
        self.agent.launch("t", {"argv": ["sh", "-c", STUBBORN], "env": {name: value}})
        self.agent.wait_state("t", "TASK_RUNNING")
        until(lambda: len(marked(self.mark)) >= MEMBERS, f"{MEMBERS} processes of the task")
        return self

    def nothing_left(self):
        until(lambda: not marked(self.mark), "nobody of the task left")
        until(lambda: (stat_of(self.executor) or "Z")[0] in "ZX", "the executor gone")
        return self.process.wait(PATIENCE)

    def with_hostile_task(self, script):
        """A task that does something to its executor ($PPID) and the guard ($GUARD), and has done it once by now."""
        name, value = self.mark.split("=")
        self.agent.launch("t", {"argv": ["sh", "-c", script],
                                "env": {name: value, "GUARD": str(self.guard), "DONE": self.sandbox + "/done"}})
        until(lambda: os.path.exists(self.sandbox + "/done"), "the task at its work")
        return self

    def errors(self):
        with open(os.path.join(self.sandbox, "stderr"), errors="replace") as file:
            return file.read()

    def close(self):
        self.process.poll()
        for pid in marked(self.mark) + ([self.process.pid] if self.process.returncode is None else []):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.err.close()
        self.agent.drop(listener_too=True)
        shutil.rmtree(self.sandbox, ignore_errors=True)


# --- the stories ----------------------------------------------------------------------------------------------------

def test_the_guard_is_killed(w):
    w.with_task()
    os.kill(w.guard, signal.SIGKILL)
    expect(w.nothing_left() == -signal.SIGKILL, w.process.returncode)


def test_the_executor_is_killed(w):
    w.with_task()
    os.kill(w.executor, signal.SIGKILL)
    expect(w.nothing_left() == -signal.SIGKILL, f"the guard did not end as its executor: {w.process.returncode}")


def test_the_guards_group_and_session_are_killed(w):
    w.with_task()
    expect(os.getpgid(w.executor) != os.getpgid(w.guard), "one group")
    expect(os.getsid(w.executor) != os.getsid(w.guard), "one session")
    os.killpg(w.guard, signal.SIGKILL)
    w.nothing_left()


def test_the_executor_crashes(w):
    w.with_task()
    os.kill(w.executor, signal.SIGSEGV)
    expect(w.nothing_left() in (-signal.SIGSEGV, 128 + signal.SIGSEGV), w.process.returncode)


def test_a_stopped_executor_whose_guard_is_killed(w):
    w.with_task()
    os.kill(w.executor, signal.SIGSTOP)
    until(lambda: stat_of(w.executor)[0] == "T", "stopped")
    os.kill(w.guard, signal.SIGKILL)
    w.nothing_left()


def test_an_executor_that_hangs_and_is_asked_to_end(w):
    w.with_task()
    held = Held(w.executor)
    os.kill(w.guard, signal.SIGTERM)
    until(held.killed, "the executor killed")
    expect(w.nothing_left() == -signal.SIGKILL, w.process.returncode)


def test_a_shutdown_that_hangs(w):
    w.with_task()
    w.agent.acknowledge = False  # so that it waits, having named its time
    w.agent.send({"type": "SHUTDOWN"})
    w.agent.wait_state("t", "TASK_KILLED")
    os.kill(w.executor, signal.SIGSTOP)
    w.nothing_left()


def short_patience(story):
    """With a guard that waits for a hung executor, and an executor for a hung guard, no longer than this."""
    story.arguments = ("--hang-timeout", "3secs")
    return story


@short_patience
def test_a_task_that_stops_its_executor_is_killed_all_the_same(w):
    w.with_hostile_task("kill -STOP $PPID; : > $DONE; sleep 100000; :")
    w.agent.kill("t")
    w.agent.wait_state("t", "TASK_KILLED")
    expect(w.nothing_left() == 0, w.process.returncode)


@short_patience
def test_a_task_that_stops_both_is_killed_all_the_same(w):
    w.with_hostile_task("kill -STOP $PPID $GUARD; : > $DONE; sleep 100000; :")
    w.agent.kill("t")
    w.agent.wait_state("t", "TASK_KILLED")
    expect(w.nothing_left() == 0, w.process.returncode)


@short_patience
def test_a_task_that_stops_its_executor_without_end_is_gone_after_a_kill(w):
    w.with_hostile_task("kill -STOP $PPID; : > $DONE; while :; do kill -STOP $PPID; done")
    w.agent.kill("t")
    w.nothing_left()  # in good order, or as an executor that could not run


@short_patience
def test_an_executor_that_hangs_is_ended_with_its_tasks(w):
    w.with_task()
    held = Held(w.executor)
    until(held.killed, "the executor killed")
    expect(w.nothing_left() == -signal.SIGKILL, w.process.returncode)
    expect("does not answer its guard" in w.errors(), w.errors())


@short_patience
def test_a_guard_that_hangs_is_ended_with_executor_and_tasks(w):
    w.with_task()
    Held(w.guard)
    expect(w.nothing_left() == -signal.SIGKILL, w.process.returncode)
    expect("its guard does not answer" in w.errors(), w.errors())


@short_patience
def test_a_hang_that_ends_in_time_does_no_harm(w):
    w.with_task()
    for pid in (w.executor, w.guard, w.executor):
        held = Held(pid)
        held.let_go()
    w.agent.launch("after", {"shell": "exit 0"})
    w.agent.wait_state("after", "TASK_FINISHED")
    expect(len(marked(w.mark)) >= MEMBERS, "the task lives")


def test_stop_and_continue_do_no_harm(w):
    w.with_task()
    for pid in (w.executor, w.guard):
        os.kill(pid, signal.SIGSTOP)
        until(lambda: stat_of(pid)[0] == "T", "stopped")
        os.kill(pid, signal.SIGCONT)
        until(lambda: stat_of(pid)[0] != "T", "going on")
    os.kill(w.executor, signal.SIGCONT)
    w.agent.launch("after", {"shell": "exit 0"})
    w.agent.wait_state("after", "TASK_FINISHED")
    expect(len(marked(w.mark)) >= MEMBERS, "the task lives")
    os.kill(w.guard, signal.SIGTERM)
    expect(w.nothing_left() == 0, w.process.returncode)


def test_the_executors_status_is_the_guards(w):
    w.agent.launch("t", {"shell": "exit 3"})
    w.agent.wait_state("t", "TASK_FAILED")
    expect(w.process.wait(PATIENCE) == 0, "a good end")


def test_a_lost_agent_is_status_one(w):
    w.with_task()
    w.agent.drop(listener_too=True)
    expect(w.nothing_left() == 1, w.process.returncode)


def run(options, stories, worlds):
    """Each story in each world, a pair of user and arguments."""
    passed = failed = 0
    for story in stories:
        for user, arguments in worlds:
            world = World(options, user, arguments + getattr(story, "arguments", ()))
            try:
                story(world)
                passed += 1
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED {story.__name__} as {user or 'we are'} {' '.join(arguments)}: {error}; "
                      f"{len(marked(world.mark))} left")
                with open(os.path.join(world.sandbox, "stderr"), errors="replace") as file:
                    print("  stderr: " + file.read())
            finally:
                world.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    options = parse_options()
    users = [None] + ([NOBODY] if os.geteuid() == 0 else [])
    if os.geteuid() != 0:
        print("only as we are: another user takes root")
    stories = [story for name, story in sorted(globals().items())
               if name.startswith("test_") and (not options.names or name in options.names)]
    return run(options, stories, [(user, ()) for user in users])


if __name__ == "__main__":
    sys.exit(main())
