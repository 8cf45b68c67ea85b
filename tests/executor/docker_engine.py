"""Which Docker Engine a test program's stories run on, and what is said when one of them fails there.

An engine can be sick: a container whose end it never notices holds up all that come after. So a story that fails is
followed by the facts, then by a control experiment with Docker's own client. If the engine cannot run, stop and remove a
plain container, the story is told once more on an engine of the test's own, as are those after it, and what it says there
counts. An engine that is well keeps its verdict: the story has failed.
"""
import contextlib
import glob
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import docker_world
from docker_world import OwnDocker, Skipped, docker

PROGRAM_SECS = 270  # of all stories together; the runner's own limit is 300
CONTROL_SECS = 30   # for a plain container to run, stop and be gone
FACT_SECS = 5       # for each fact
GOROUTINES = "/var/run/docker/goroutine-stacks-*.log"


class OutOfTime(Exception):
    """The program has used up its time."""


@contextlib.contextmanager
def time_limit(secs=PROGRAM_SECS):
    """Ends whatever goes on in the main thread with OutOfTime after `secs`; it is raised once."""
    def ring(*_):
        raise OutOfTime(f"the stories have taken more than {secs} s together")
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(secs)
    try:
        yield
    finally:
        signal.alarm(0)


def said(title, *command, last=4000):
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                             timeout=FACT_SECS, check=False, stdin=subprocess.DEVNULL)
        text = run.stdout[-last:].rstrip() or "(nothing)"
    except subprocess.TimeoutExpired:
        text = f"(no answer within {FACT_SECS} s)"
    except OSError as error:
        text = f"({error})"
    return f"--- {title}:\n{text}"


def processes(pattern):
    """Those whose name matches, with their state and what they wait for in the kernel."""
    lines = []
    for entry in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().replace(b"\0", b" ").decode(errors="replace")
            with open(f"/proc/{entry}/wchan", encoding="utf-8") as file:
                waits_for = file.read()
        except OSError:
            continue
        if re.search(pattern, words.split(" ", 1)[0]):
            lines.append(f"{entry} {state} {waits_for} {words[:160]}")
    return "--- processes of the engine (pid, state, in the kernel at):\n" + ("\n".join(lines[-60:]) or "(nothing)")


def process_of(inspected):
    """Whether the process that Docker speaks of is there."""
    found = re.search(r"pid=(\d+)", inspected)
    if not found or found.group(1) == "0":
        return "    its process: Docker names none"
    try:
        with open(f"/proc/{found.group(1)}/stat", encoding="utf-8", errors="replace") as file:
            return "    its process: " + file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "    its process: is gone"


def facts(label):
    """What somebody who was not there wants to know of the engine and of the containers with the label."""
    out = [said("docker ps -a", "docker", "ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Status}} {{.Names}} {{.Ports}}")]
    try:
        ids = docker("ps", "-aq", "--filter", "label=" + label, check=False, timeout=FACT_SECS).split()
    except AssertionError:
        ids = []
    silent = 0
    for container in ids[:40]:
        line = said("docker inspect " + container, "docker", "inspect", "-f",
                    "{{.State.Status}} pid={{.State.Pid}} exit={{.State.ExitCode}} error={{.State.Error}} "
                    "{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Ports}}", container)
        out += [line, process_of(line)]
        silent += "no answer" in line
        if silent == 2:
            break
    out.append(processes(r"iptables|xtables|docker-proxy|runc|dockerd|containerd|fuse-overlayfs"))
    out.append(said("df", "df", "-h", "/", "/var/lib/docker", "/tmp"))
    out.append(said("loadavg", "cat", "/proc/loadavg"))
    out.append(said("the kernel's last words", "sh", "-c", "dmesg | tail -n 15"))
    return "\n".join(out)


def goroutines():
    """Where the machine's dockerd hangs: on SIGUSR1 it writes its goroutines' stacks to a file."""
    try:
        with open("/var/run/docker.pid", encoding="utf-8") as file:
            pid = int(file.read())
        before = set(glob.glob(GOROUTINES))
        os.kill(pid, signal.SIGUSR1)
        deadline = time.monotonic() + FACT_SECS
        while time.monotonic() < deadline:
            time.sleep(0.5)
            new = set(glob.glob(GOROUTINES)) - before
            if new:
                with open(new.pop(), encoding="utf-8", errors="replace") as file:
                    stacks = file.read().split("\n\n")
                # Those as old as dockerd itself wait for work.
                ages = [(int(found.group(1)), stack) for stack in stacks
                        if (found := re.match(r"goroutine \d+ \[[^\]]*?(\d+) minutes", stack))]
                oldest = max((age for age, _ in ages), default=0)
                stuck = [stack for age, stack in ages if age < oldest - 1]
                return "--- goroutines of dockerd that have stood still for minutes:\n" + "\n\n".join(stuck)[:12000]
        return "--- dockerd has not written down its goroutines"
    except (OSError, ValueError) as error:
        return f"--- dockerd cannot be asked for its goroutines: {error}"


def sickness():
    """Why the engine at hand is sick, by Docker's own client alone; nothing if it is well."""
    name = f"mimas-control-{os.getpid()}"
    end = time.monotonic() + CONTROL_SECS

    def step(*words):
        docker(*words, timeout=max(1, end - time.monotonic()))
    try:
        docker_world.import_image(name + ":1", timeout=CONTROL_SECS)
        try:
            step("run", "-d", "--name", name, "-p", "127.0.0.1::8080", name + ":1", "sleep", "1000")
            step("stop", "-t", "1", name)
            step("rm", "-f", name)
        finally:
            for words in (("rm", "-f", name), ("rmi", "-f", name + ":1")):
                with contextlib.suppress(AssertionError):
                    docker(*words, check=False, timeout=FACT_SECS)
    except (AssertionError, subprocess.CalledProcessError) as error:
        return f"{error} {getattr(error, 'stderr', None) or ''}".strip()
    return None


class Engines:
    """The machine's engine, until it turns out to be sick; then one of the test's own. Use as a context manager."""

    def __init__(self):
        self.own = None
        self.late = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.own:
            os.environ.pop("DOCKER_HOST", None)
            self.own.close()

    def fetch(self, port):
        """What a published port answers; nothing if nobody does."""
        if not self.own:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    return answer.read().decode().strip()
            except OSError:
                return None
        # An engine of one's own publishes in its own network namespace.
        run = subprocess.run(["nsenter", f"--net=/proc/{self.own.process.pid}/ns/net", "curl", "-fsS", "-m", "5",
                              f"http://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=10, check=False)
        return run.stdout.strip() if run.returncode == 0 else None

    def executor_flags(self, name="--docker"):
        """What tells an executor, or whoever starts it, of an engine that is not the machine's."""
        return [name, self.own.host] if self.own else []

    def tell(self, name, story):
        """Runs story(); answers whether it went well. Skipped goes on to the caller."""
        if self.late:
            print(f"FAILED {name}: there is no time left for it", flush=True)
            return False
        try:
            story()
            return True
        except Skipped:
            raise
        except OutOfTime as error:
            self.late = True
            print(f"FAILED {name}: {error}", flush=True)
            return False
        except Exception as error:  # noqa: BLE001 - a test's own mistakes are failures too
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
        why = None if self.own else sickness()
        if why is None:
            return False
        print(f"The engine is sick, with Docker's own client too: {why}\n{goroutines()}", flush=True)
        try:
            own = OwnDocker(live_restore=False, bridge=True)
            self.own = own
            own.start()
        except (Skipped, AssertionError) as error:
            print(f"there is no other engine to repeat it on: {error}", flush=True)
            return False
        os.environ["DOCKER_HOST"] = own.host
        print(f"{name} is told once more, on an engine of the test's own", flush=True)
        return self.tell(name, story)
