"""One agent, one executor, one sandbox: what the executor's stories are made of (executor_test.py)."""
import argparse
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

from scripted_agent import PATIENCE, Agent, Failed


def parse_options(*more):
    """What every program of stories takes: the executor, what runs it, names of stories; `more` are (flag, settings). Exits
    with 77, "skipped", where the executor or its runner is not there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--runner")
    for flag, settings in more:
        parser.add_argument(flag, **settings)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    for missing in [options.binary] * (not os.path.exists(options.binary)) + \
            [options.runner] * bool(options.runner and not shutil.which(options.runner)):
        print(f"skipped: {missing} is not there")
        print("0 passed, 0 failed")
        raise SystemExit(77)
    return options


class World:
    """One agent, one executor, one sandbox."""

    arguments = ()  # the executor's

    def __init__(self, options, agent=None):
        self.options = options
        self.sandbox = tempfile.mkdtemp(prefix="mimas-executor-")
        self.agent = agent or Agent()
        self.process = None

    def environment(self, **changes):
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "KEPT": "yes",
            "MESOS_FRAMEWORK_ID": "f-1", "MESOS_EXECUTOR_ID": "e-1",
            "MESOS_AGENT_ENDPOINT": "%s:%d" % (self.agent.address or ("127.0.0.1", 1)),
            "MESOS_SLAVE_PID": "slave(1)@127.0.0.1:5051",
            "MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "200ms",
            "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs", "LIBPROCESS_PORT": "0",
        }
        for name, value in changes.items():
            env.pop(name, None)
            if value is not None:
                env[name] = value
        return env

    def start(self, **changes):
        command = [self.options.runner] if self.options.runner else []
        self.out = open(os.path.join(self.sandbox, "stdout"), "ab")
        self.err = open(os.path.join(self.sandbox, "stderr"), "ab")
        command += [self.options.binary, *self.arguments]
        self.process = subprocess.Popen(command, cwd=self.sandbox, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err, env=self.environment(**changes),
                                        start_new_session=True)
        return self

    def subscribed(self, **changes):
        self.start(**changes)
        self.agent.wait_streams(1)
        return self.agent

    def text(self, name):
        with open(os.path.join(self.sandbox, name), errors="replace") as file:
            return file.read()

    def code(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("the executor did not leave; stderr: " + self.text("stderr"))

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.agent.drop(listener_too=True)
        shutil.rmtree(self.sandbox, ignore_errors=True)


def data_of(status):
    data = json.loads(base64.b64decode(status["data"]))
    data.pop("memoryPeakBytes", None)  # where there are cgroups; process_runtime_test.cc looks at it
    return data


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def child_of(guard):
    """The executor itself: what an agent has started is its guard (src/executor/guard.h)."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == guard:
                    return int(entry)
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise Failed(f"{guard} has no child")


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return [int(line.split()[1]) for line in file if line.startswith("VmRSS")][0]


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Failed("never: " + what)
        time.sleep(0.01)
