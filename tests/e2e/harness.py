"""Runs the real binaries for end-to-end tests: starts and ends processes by pid, talks REST, waits with a deadline.

Every wait has a generous bound and polls a condition: a slow machine makes a test slower, never red. No test looks at
how long something took.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

BUILD = os.environ.get("MIMAS_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
MIMAS = os.path.join(BUILD, "mimas")
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "api", "examples")
PATIENCE_SECS = 90


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, patience=PATIENCE_SECS):
    """Polls until condition() is truthy and answers it; fails with `what` (a string or a callable) after patience."""
    deadline = time.monotonic() + patience
    while True:
        last = condition()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError("gave up waiting for " + (what() if callable(what) else what))
        time.sleep(0.05)


def descendants(pid):
    """All processes below pid, from /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                    children.setdefault(int(stat.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
            except (OSError, ValueError, IndexError):
                pass
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def pids_with(word):
    """Processes whose command line or environment holds the word."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as cmdline, open(f"/proc/{entry}/environ", "rb") as environ:
                if word.encode() in cmdline.read() + b"\0" + environ.read():
                    found.append(int(entry))
        except OSError:
            pass
    return found


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Process:
    """One running mimas, with its log in a file."""

    def __init__(self, arguments, log_path, env=None):
        self.log_path = log_path
        self.log = open(log_path, "ab")
        self.popen = subprocess.Popen([MIMAS, *arguments], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                      env={**os.environ, **(env or {})})
        self.pid = self.popen.pid

    def kill9(self):
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()
        self.log.close()

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(30)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.log.close()
        return self.popen.returncode

    def alive(self):
        return self.popen.poll() is None

    def tail(self):
        with open(self.log_path, "rb") as log:
            return log.read()[-4000:].decode(errors="replace")


class World:
    """A directory, the processes started in it, and the server's address. Use as a context manager."""

    def __init__(self, facts=None):
        """`facts` says what else to print when the test fails, while everything still stands."""
        self.facts = facts
        self.dir = tempfile.mkdtemp(prefix="mimas-e2e.")
        os.chmod(self.dir, 0o711)  # other users may pass to what lies below: sandboxes stay there
        self.listen = f"127.0.0.1:{free_port()}"
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            for process in self.processes:
                print(f"--- {os.path.basename(process.log_path)}:\n{process.tail()}", file=sys.stderr)
            if self.facts:
                print(self.facts(), file=sys.stderr, flush=True)
        for process in reversed(self.processes):
            if process.alive():
                process.stop()
        # Whatever a killed server left behind lives in our directory: its environment names it.
        for pid in pids_with(self.dir):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, name, *arguments):
        # Tests run processes as whoever runs them, which a server of others' agents does not allow by itself.
        if arguments[0] == "serve" and "--policy" not in arguments:
            arguments += ("--policy", "open")
        process = Process(arguments, self.path(f"{name}-{len(self.processes)}.log"))
        self.processes.append(process)
        return process

    # --- the two ways to run it
    def dev(self, *extra, keep=False):
        """`keep`: its tasks go on when it is stopped."""
        extra = extra if keep else ("--purge", *extra)
        process = self.start("dev", "dev", "--listen", self.listen, "--data", self.path("dev"), *extra)
        self.wait_subscribed(process)
        return process

    def pocket(self, port, *extra, name="pocket"):
        process = self.start(name, "pocket", "--listen", f"127.0.0.1:{port}", "--data", self.path(name),
                             "--purge", *extra)
        wait_for(lambda: answers(f"127.0.0.1:{port}"), lambda: "pocket to listen: " + process.tail())
        return process

    def serve(self, port, *extra):
        process = self.start("serve", "serve", "--master", f"127.0.0.1:{port}", "--listen", self.listen, "--data",
                             self.path("serve"), *extra)
        self.wait_subscribed(process)
        return process

    def wait_subscribed(self, process):
        def subscribed():
            assert process.alive(), "mimas ended: " + process.tail()
            try:
                return self.get("/health").json()["subscribed"]
            except OSError:
                return False

        wait_for(subscribed, lambda: "mimas to subscribe: " + process.tail())

    # --- REST
    def call(self, method, path, body=None, headers=None):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.listen}{path}", data=data, method=method,
                                         headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            return Reply(answer.code, answer.headers, answer.read())

    def get(self, path):
        return self.call("GET", path)

    def submit(self, job):
        answer = self.call("POST", "/v2/jobs", job)
        assert answer.status == 200, answer.body
        return answer.json()["jobUri"].rsplit("/", 1)[1]

    def job(self, job_id):
        answer = self.get(f"/v2/jobs/{job_id}")
        assert answer.status == 200, answer.body
        return answer.json()

    def states(self, job_id):
        return [task["state"] for task in self.job(job_id)["tasks"]]

    def wait_job(self, job_id, *states):
        return wait_for(lambda: (lambda job: job if job["state"] in states else None)(self.job(job_id)),
                        lambda: f"{job_id} to be {states}: {json.dumps(self.job(job_id))[:3000]}")

    def wait_states(self, job_id, state, count):
        return wait_for(lambda: self.states(job_id).count(state) == count,
                        lambda: f"{count} tasks of {job_id} to be {state}: {self.states(job_id)}")

    def log(self, task_id, file="stdout"):
        return self.get(f"/v2/logs/{task_id}/{file}").body.decode()


def answers(address):
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *ignored):
        return None


def ask_mesos(port, path, body=None):
    """One answer of a master or agent; redirects are not followed. None: nobody there."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data)
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as answer:
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Reply(answer.code, answer.headers, answer.read())
    except OSError:
        return None


def process_job(script, **fields):
    """A batch job of plain processes, with fields over its defaults."""
    return {"name": "test", "runtime": "process", "entryPoint": script, "cpu": 0.02, "memory": 8, "disk": 1,
            "type": "batch", "instances": 1, **fields}


def run(tests):
    """Runs the given functions in order and ends the process as the test runner wants it."""
    passed = failed = 0
    for test in tests:
        try:
            test()
            passed += 1
            print(f"ok: {test.__name__}", flush=True)
        except Exception:  # a test that fails must not keep the others from running
            failed += 1
            traceback.print_exc()
            print(f"FAILED: {test.__name__}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
