"""Many tasks in one executor, and its command line."""
import os
import subprocess
import time

from executor_world import data_of, gone, until
from scripted_agent import expect


IDLE = 2.0  # seconds; a busy machine must get a launch through before


def shared(w, idle=f"{IDLE}secs"):
    w.arguments = ("--shared", "--idle", idle)
    return w.subscribed()


def in_folder(w, task, name):
    with open(os.path.join(w.sandbox, "tasks", task, name)) as file:
        return file.read()


def test_tasks_of_a_shared_executor_have_a_folder_each(w):
    with open(os.path.join(w.sandbox, "artifact"), "w") as file:
        file.write("seven")
    before = os.umask(0o077)  # which the executor inherits, and its tasks
    try:
        agent = shared(w, "1hrs")
    finally:
        os.umask(before)
    agent.launch("a", {"shell": "pwd > where; cat artifact > seen", "artifacts": ["artifact"]})
    agent.launch("b", {"shell": "pwd > where; [ ! -e artifact ]"})
    agent.wait_state("a", "TASK_FINISHED")
    agent.wait_state("b", "TASK_FINISHED")
    for task in ("a", "b"):
        expect(in_folder(w, task, "where").strip() == os.path.realpath(os.path.join(w.sandbox, "tasks", task)), task)
    expect(in_folder(w, "a", "seen") == "seven", "the artifact")
    expect(os.stat(os.path.join(w.sandbox, "tasks", "a")).st_mode & 0o777 == 0o755, "open to all")
    agent.launch("c", {"shell": "pwd", "cwd": "inner"})
    agent.wait_state("c", "TASK_FINISHED")
    expect(os.path.isdir(os.path.join(w.sandbox, "tasks", "c", "inner")), "the working directory")
    expect(w.process.poll() is None, "it left")
    agent.send({"type": "SHUTDOWN"})
    expect(w.code() == 0, "exit 0")


def test_a_shared_executor_leaves_when_it_is_idle(w):
    agent = shared(w)
    for task in ("a", "b"):
        agent.launch(task, {"argv": ["true"]})
        agent.wait_state(task, "TASK_FINISHED")
    ended = time.monotonic()
    expect(w.code() == 0, "exit 0")
    expect(time.monotonic() - ended > IDLE / 2, "it did not wait")
    expect(w.text("stderr") == "", w.text("stderr"))


def test_a_shared_executor_stays_while_a_task_runs(w):
    agent = shared(w)
    agent.launch("long", {"shell": "while [ ! -e go ]; do sleep 0.01; done"})
    agent.launch("short", {"argv": ["true"]})
    agent.wait_state("short", "TASK_FINISHED")
    time.sleep(IDLE + 0.5)  # were it to leave, the next lines would fail
    expect(w.process.poll() is None, "it left a task alone")
    open(os.path.join(w.sandbox, "tasks", "long", "go"), "w").close()
    agent.wait_state("long", "TASK_FINISHED")
    expect(w.code() == 0, "exit 0")


def test_many_tasks_at_once(w):
    agent = shared(w, "1hrs")
    names = [f"t{i}" for i in range(30)]
    for i, name in enumerate(names):
        agent.launch(name, {"shell": f"while [ ! -e ../go ]; do sleep 0.1; done; exit {i % 3}"})
    for name in names:
        agent.wait_state(name, "TASK_RUNNING")
    pids = {data_of(agent.statuses(name)[0])["pid"] for name in names}
    expect(len(pids) == len(names), "a process each")
    agent.kill(names[-1], 0)
    agent.wait_state(names[-1], "TASK_KILLED")
    open(os.path.join(w.sandbox, "tasks", "go"), "w").close()
    for i, name in enumerate(names[:-1]):
        agent.wait_state(name, "TASK_FINISHED" if i % 3 == 0 else "TASK_FAILED")
    agent.send({"type": "SHUTDOWN"})
    expect(w.code() == 0, "exit 0")
    updates = {status["uuid"] for status in agent.statuses()}  # a slow agent is told again, with the same uuid
    expect(len(updates) == 2 * len(names), "two updates each")
    until(lambda: all(gone(pid) for pid in pids), "all are gone")


def test_a_shutdown_ends_a_shared_executor_at_once(w):
    agent = shared(w, "1hrs")
    agent.launch("t", {"argv": ["sleep", "1000"]})
    agent.wait_state("t", "TASK_RUNNING")
    agent.send({"type": "SHUTDOWN"})
    agent.wait_state("t", "TASK_KILLED")
    expect(w.code() == 0, "exit 0")


def run(w, *arguments):
    command = ([w.options.runner] if w.options.runner else []) + [w.options.binary, *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_the_command_line_explains_itself(w):
    done = run(w, "--help")
    expect(done.returncode == 0 and "--features" in done.stdout and done.stderr == "", done)
    done = run(w, "--version")
    expect(done.returncode == 0 and done.stdout.startswith("mimas-executor "), done)
    for wrong in (["--colour"], ["--idle", "soon"], ["--features", "metrics=maybe"], ["--docker"]):
        done = run(w, *wrong)
        expect(done.returncode == 2 and wrong[0] in done.stderr and done.stdout == "", done)


def test_every_flag_is_documented(w):
    docs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "executor.md")
    with open(docs) as file:
        text = file.read()
    flags = [line.split()[0] for line in run(w, "--help").stdout.splitlines() if line.startswith("  --")]
    expect(len(flags) >= 10, flags)
    for flag in flags:
        expect(f"`{flag}" in text, f"docs/executor.md does not explain {flag}")
