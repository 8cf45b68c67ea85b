#!/usr/bin/env python3
"""mimas-executor's log archive against a real S3 server (versitygw, which checks signatures and keeps multipart
uploads over a restart), and into a directory.

usage: archive_test.py BINARY CACHE

The S3 server is built once with `go` into CACHE. Where that cannot be done (no go, no module proxy), the stories that
need it are left out and this exits with 77.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from executor_world import World, child_of, gone, until
from scripted_agent import Failed, expect

GATEWAY = "github.com/versity/versitygw/cmd/versitygw@v1.0.7"
KEYS = {"MIMAS_ARCHIVE_ACCESS_KEY": "mimas", "MIMAS_ARCHIVE_SECRET_KEY": "only-for-tests"}
MIB = 1 << 20


def build_gateway(cache):
    """The program, or None with the reason on stdout."""
    program = os.path.join(cache, "versitygw-1.0.7")
    if os.path.exists(program):
        return program
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not os.path.exists(go):
        print("skipped: there is no go to build the S3 server with")
        return None
    os.makedirs(cache, exist_ok=True)
    where = tempfile.mkdtemp(prefix="bin-", dir=cache)
    env = {**os.environ, "GOBIN": where, "GOPATH": os.path.join(cache, "path"),
           "GOCACHE": os.path.join(cache, "cache"), "GOFLAGS": "-modcacherw", "CGO_ENABLED": "0"}
    built = subprocess.run([go, "install", "-p", "2", "-ldflags=-s -w", GATEWAY], env=env, cwd=where, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if built.returncode != 0:
        print("skipped: the S3 server cannot be built:", built.stdout[-500:])
        shutil.rmtree(where, ignore_errors=True)
        return None
    os.rename(os.path.join(where, "versitygw"), program)
    shutil.rmtree(where, ignore_errors=True)
    return program


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gateway:
    """The S3 server over a folder: a bucket is a folder, an object a file."""

    program = None
    cache = None

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="s3-", dir=self.cache)
        for name in ("objects/logs", "iam"):
            os.makedirs(os.path.join(self.folder, name))
        self.port = free_port()
        self.process = None

    def start(self):
        env = {**os.environ, "ROOT_ACCESS_KEY": KEYS["MIMAS_ARCHIVE_ACCESS_KEY"],
               "ROOT_SECRET_KEY": KEYS["MIMAS_ARCHIVE_SECRET_KEY"]}
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen([self.program, "--port", f"127.0.0.1:{self.port}", "--region", "eu-test-1", "--iam-dir",
                                         os.path.join(self.folder, "iam"), "posix",
                                         os.path.join(self.folder, "objects")],
                                        env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        until(self.answers, "the S3 server listens")
        return self

    def answers(self):
        expect(self.process.poll() is None, "the S3 server ended: " + open(os.path.join(self.folder, "log")).read())
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def read(self, key):
        try:
            with open(os.path.join(self.folder, "objects/logs", key), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def names(self, key):
        try:
            return sorted(os.listdir(os.path.join(self.folder, "objects/logs", key)))
        except FileNotFoundError:
            return []

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Relay:
    """Between executor and S3 server: notes each request, and stops passing bytes on from a chosen one on."""

    def __init__(self, to):
        self.to = to
        self.requests = []
        self.stop_at = None  # a word in a request's first line
        self.held = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.pass_on, args=(connection,), daemon=True).start()

    def pass_on(self, connection):
        try:
            head = connection.recv(65536)
            self.requests.append(head.split(b"\r\n", 1)[0].decode())
            if self.stop_at and self.stop_at in self.requests[-1]:
                self.held.append(connection)  # open, and nothing comes back
                return
            with socket.create_connection(("127.0.0.1", self.to)) as there:
                threading.Thread(target=self.pour, args=(connection, there, head), daemon=True).start()
                self.pour(there, connection, b"")
            connection.close()
        except OSError:
            connection.close()

    @staticmethod
    def pour(source, sink, first):
        try:
            sink.sendall(first)
            while True:
                data = source.recv(1 << 16)
                if not data:
                    return
                sink.sendall(data)
        except OSError:
            pass

    def count(self, word):
        return sum(word in request for request in self.requests)

    def close(self):
        self.listener.close()
        for connection in self.held:
            connection.close()


class Options:
    runner = None
    binary = None


class Executor(World):
    """With a folder for the notes of its own, so that tests beside each other do not take up what others left."""

    def __init__(self, archive, state=None):
        super().__init__(Options)
        self.own_state = state is None
        self.state = state or tempfile.mkdtemp(prefix="mimas-archive-state-")
        self.arguments = ("--features", "logarchive=on", "--archive", archive)

    def environment(self, **changes):
        return super().environment(**{**KEYS, "MIMAS_ARCHIVE_STATE": self.state, **changes})

    def kill9(self):
        inner = child_of(self.process.pid)
        for pid in (self.process.pid, inner):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: gone(inner), "the executor has let go of its lock")

    def run(self, script, **logs):
        self.agent.launch("t-1", {"shell": script, "tags": {"job": "mimas-7"},
                                  "logs": {"rotateBytes": 65536, "keep": 50, "compress": True, **logs}})

    def close(self):
        super().close()
        if self.own_state:
            shutil.rmtree(self.state, ignore_errors=True)


def s3(port, bucket="logs"):
    return f"s3://{bucket}/cluster-a?endpoint=http://127.0.0.1:{port}&region=eu-test-1"


KEY = "cluster-a/mimas-7/t-1/"


def big_text(mib):
    return f"dd if=/dev/zero bs=1M count={mib} 2>/dev/null | tr '\\0' 'x'"


def a_rotating_task_is_archived_to_the_last_byte(gateway):
    world = Executor(s3(gateway.port))
    try:
        world.subscribed()
        world.run("i=0; while [ $i -lt 9000 ]; do echo this is line $i; i=$((i+1)); done; echo oops >&2; "
                  "env | grep MIMAS_ARCHIVE; tr '\\0' '\\n' < /proc/$PPID/environ | grep MIMAS_ARCHIVE_.*test; exit 0")
        world.agent.wait_state("t-1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves when all is sent")
        names = [name for name in gateway.names(KEY) if name.startswith("stdout.")]
        names.sort(key=lambda name: int(name.split(".")[1]))
        text = b"".join(subprocess.run(["gzip", "-dc"], input=gateway.read(KEY + name), stdout=subprocess.PIPE,
                                       check=True).stdout if name.endswith(".gz") else gateway.read(KEY + name)
                        for name in names + ["stdout"])
        wanted = b"".join(b"this is line %d\n" % i for i in range(9000))
        expect(text == wanted, f"what was archived is what was said: {names}, {len(text)} of {len(wanted)} bytes")
        expect(len(names) >= 2, f"rotated files came too: {names}")
        expect(b"oops" in gateway.read(KEY + "stderr"), "stderr came")
        expect(os.listdir(world.state) == [], "nothing is noted any more")
        expect(not os.path.exists(os.path.join(world.sandbox, ".mimas-archive")), "the journal is gone")
    finally:
        world.close()


def large_files_go_in_parts(gateway):
    relay = Relay(gateway.port)
    world = Executor(s3(relay.port))
    try:
        world.subscribed()
        world.run(big_text(20) + "; echo end", rotateBytes=64 * MIB)
        world.agent.wait_state("t-1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves when all is sent")
        expect(gateway.read(KEY + "stdout") == b"x" * (20 * MIB) + b"end\n", "all of it is there")
        expect(relay.count("partNumber=") == 3, f"three parts: {relay.requests}")
    finally:
        world.close()
        relay.close()


def an_outage_is_waited_out(gateway):
    world = Executor(s3(gateway.port))
    try:
        gateway.kill()
        world.subscribed()
        world.run("i=0; while [ $i -lt 5000 ]; do echo this is line $i; i=$((i+1)); done; read x < go")
        os.mkfifo(os.path.join(world.sandbox, "go"))
        until(lambda: "it is tried again" in world.text("stderr"), "the outage is told")
        expect(world.text("stderr").count("it is tried again") == 1, "and told once")
        gateway.start()
        until(lambda: gateway.names(KEY), "the rotated file arrives while the task still runs")
        gateway.kill()
        with open(os.path.join(world.sandbox, "go"), "w", encoding="utf-8") as go:
            go.write("\n")
        world.agent.wait_state("t-1", "TASK_FINISHED")
        gateway.start()
        expect(world.code() == 0, "it leaves when all is sent")
        expect(gateway.read(KEY + "stdout").endswith(b"this is line 4999\n"), "the end is there")
    finally:
        if gateway.process.poll() is not None:
            gateway.start()
        world.close()


def the_next_executor_goes_on_where_a_killed_one_stopped(gateway, by_reap=False):
    relay = Relay(gateway.port)
    relay.stop_at = "partNumber=2"
    world = Executor(s3(relay.port))
    following = Executor(s3(relay.port), world.state)
    try:
        world.subscribed()
        world.run(big_text(20), rotateBytes=64 * MIB)
        world.agent.wait_state("t-1", "TASK_FINISHED")
        until(lambda: relay.count("partNumber=2"), "the upload is in its second part")
        world.kill9()
        expect(gateway.read(KEY + "stdout") is None, "it is not there yet")
        relay.stop_at = None
        if by_reap:
            done = subprocess.run([Options.binary, "reap", "--cgroups", "off", "--docker", "unix:///nowhere", "--archive",
                                   s3(relay.port)], env=world.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            expect(done.returncode == 0, f"reap: {done}")
            expect("mimas-7/t-1" in done.stdout, f"reap tells: {done.stdout}")
        else:
            following.subscribed()
        until(lambda: gateway.read(KEY + "stdout") == b"x" * (20 * MIB), "the next one completes it")
        expect(relay.count("partNumber=1") == 1, f"the first part was not sent again: {relay.requests}")
        expect(relay.count("uploads=") == 1, f"nor was it begun again: {relay.requests}")
        until(lambda: by_reap or "goes on with" in following.text("stderr"), "it says so")
    finally:
        world.close()
        following.close()
        relay.close()


def reap_goes_on_where_a_killed_one_stopped(gateway):
    the_next_executor_goes_on_where_a_killed_one_stopped(gateway, by_reap=True)


def a_wrong_key_is_told_and_not_tried_again(gateway):
    relay = Relay(gateway.port)
    world = Executor(s3(relay.port))
    try:
        world.subscribed(MIMAS_ARCHIVE_SECRET_KEY="wrong")
        world.run("echo hello")
        world.agent.wait_state("t-1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves at once")
        said = world.text("stderr")
        expect(re.search(r"cannot send stdout to http://127\.0\.0\.1:\d+/logs/cluster-a/mimas-7/t-1/stdout: status 403, "
                         r"SignatureDoesNotMatch: .*; logs of this executor are not archived", said), said)
        expect("wrong" not in said, "the key is not told")
        expect(len(relay.requests) == 1, f"one try: {relay.requests}")
        expect(os.listdir(world.state) == [], "nothing is noted any more")
    finally:
        world.close()
        relay.close()


def a_bucket_that_is_not_there_is_told_and_not_tried_again(gateway):
    world = Executor(s3(gateway.port, "nobody"))
    try:
        world.subscribed()
        world.run("echo hello")
        world.agent.wait_state("t-1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves at once")
        expect("NoSuchBucket" in world.text("stderr"), world.text("stderr"))
    finally:
        world.close()


def a_directory_is_an_archive_and_keys_that_are_missing_are_told(_=None):
    target = tempfile.mkdtemp(prefix="mimas-archive-")
    world = Executor("file://" + target)
    keyless = Executor("s3://logs?endpoint=http://127.0.0.1:9")
    try:
        world.subscribed(MIMAS_ARCHIVE_ACCESS_KEY=None, MIMAS_ARCHIVE_SECRET_KEY=None)
        world.run("seq 1 20000")
        world.agent.wait_state("t-1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves when all is there")
        with open(os.path.join(target, "mimas-7/t-1/stdout"), "rb") as file:
            expect(file.read().endswith(b"19999\n20000\n"), "the end is there")
        expect(len(os.listdir(os.path.join(target, "mimas-7/t-1"))) == 3, "stdout, stderr and what was rotated")
        keyless.subscribed(MIMAS_ARCHIVE_ACCESS_KEY=None)
        keyless.run("echo hello")
        keyless.agent.wait_state("t-1", "TASK_FINISHED")
        expect(keyless.code() == 0, "the task runs all the same")
        expect("MIMAS_ARCHIVE_ACCESS_KEY and MIMAS_ARCHIVE_SECRET_KEY are not set" in keyless.text("stderr"),
               keyless.text("stderr"))
    finally:
        world.close()
        keyless.close()
        shutil.rmtree(target, ignore_errors=True)


STORIES = [a_rotating_task_is_archived_to_the_last_byte, large_files_go_in_parts, an_outage_is_waited_out,
           the_next_executor_goes_on_where_a_killed_one_stopped, reap_goes_on_where_a_killed_one_stopped,
           a_wrong_key_is_told_and_not_tried_again, a_bucket_that_is_not_there_is_told_and_not_tried_again]


def main():
    Options.binary = os.path.abspath(sys.argv[1])
    Gateway.cache = os.path.abspath(sys.argv[2])
    failed = []

    def tell(story, argument):
        try:
            story(argument)
            print("ok   ", story.__name__, flush=True)
        except (Failed, AssertionError, subprocess.CalledProcessError, TypeError) as error:
            failed.append(story.__name__)
            print("FAIL ", story.__name__, "--", error, flush=True)

    tell(a_directory_is_an_archive_and_keys_that_are_missing_are_told, None)
    Gateway.program = build_gateway(Gateway.cache)
    for story in STORIES if Gateway.program else []:
        gateway = Gateway().start()
        try:
            tell(story, gateway)
        finally:
            gateway.close()
    print("%d failed" % len(failed), flush=True)
    return 1 if failed else 0 if Gateway.program else 77


if __name__ == "__main__":
    sys.exit(main())
