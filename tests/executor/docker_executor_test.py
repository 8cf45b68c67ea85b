#!/usr/bin/env python3
"""mimas-executor with containers, against a scripted agent and real Docker Engines: the machine's own for images from
registries, and ones of the test's own to restart.

usage: docker_executor_test.py BINARY [NAME...]
"""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import docker_engine
import docker_world
from docker_world import OwnDocker, Registry, docker, until
from scripted_agent import Agent, expect

TICKS = "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.05; done"


class World:
    """An agent, and executors under it that know where Docker is."""

    def __init__(self, binary, engines):
        self.binary = binary
        self.engines = engines
        self.framework = f"f-{os.getpid()}-{os.urandom(3).hex()}"
        self.folder = tempfile.mkdtemp(prefix="mimas-docker-")
        self.executors = []
        self.images = []

    def executor(self, host=None, home=None, flags=()):
        executor = Executor(self, host, home, flags)
        self.executors.append(executor)
        return executor

    def ours(self, host=None):
        return docker("ps", "-aq", "--filter", f"label=mimas.framework={self.framework}", host=host, check=False).split()

    def close(self):
        for executor in self.executors:
            executor.close()
        docker_world.remove_containers("--filter", f"label=mimas.framework={self.framework}")
        docker_world.remove_images(*self.images)
        shutil.rmtree(self.folder, ignore_errors=True)


class Executor:
    def __init__(self, world, host, home, flags):
        self.agent = Agent()
        self.sandbox = tempfile.mkdtemp(dir=world.folder)
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": home or self.sandbox,
            "MESOS_FRAMEWORK_ID": world.framework, "MESOS_EXECUTOR_ID": "e", "MESOS_AGENT_ENDPOINT": "%s:%d" % self.agent.address,
            "MESOS_SLAVE_ID": "agent-1", "MESOS_SLAVE_PID": "slave(1)@127.0.0.1:5051", "MESOS_CHECKPOINT": "1",
            "MESOS_RECOVERY_TIMEOUT": "15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "200ms",
            "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "30secs", "MESOS_DIRECTORY": self.sandbox, "MESOS_SANDBOX": self.sandbox,
        }
        self.files = [open(os.path.join(self.sandbox, name), "ab") for name in ("stdout", "stderr")]
        command = [world.binary, *(["--docker", host] if host else world.engines.executor_flags()), *flags]
        self.process = subprocess.Popen(command, cwd=self.sandbox,
                                        stdin=subprocess.DEVNULL, stdout=self.files[0], stderr=self.files[1],
                                        env=environment, start_new_session=True)
        self.agent.wait_streams(1)

    def launch(self, task, image, argv, limits=None, logs=None, **container):
        self.agent.launch(task, {"runtime": "docker", "argv": argv, "limits": limits or {}, "logs": logs or {},
                                 "container": {"image": image, "network": "host", **container}})

    def text(self, name="stdout"):
        with open(os.path.join(self.sandbox, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def log(self, task, name="stdout"):
        with open(os.path.join(self.sandbox, "tasks", task, name), encoding="utf-8") as file:
            return file.read()

    def leave(self):
        code = self.process.wait(docker_world.PATIENCE)
        expect(code == 0, f"exit 0, not {code}: {self.text('stderr')}")

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.agent.drop(listener_too=True)
        for file in self.files:
            file.close()


def data_of(status):
    return json.loads(base64.b64decode(status["data"]))


def all_ticks(text):
    """Every tick exactly once, in order; the last line may be cut."""
    lines = text.split("\n")[:-1]
    return lines == [f"tick {i}" for i in range(len(lines))]


# --- the stories ----------------------------------------------------------------------------------------------------

def test_an_image_is_pulled_from_a_registry_that_comes_back(w):
    registry = Registry()
    w.images += [registry.image(), registry.image("@" + registry.image_digest)]
    registry.close()
    e = w.executor()
    e.launch("pulled", registry.image(), ["/bin/sh", "-c", "echo from the registry"])
    starting = e.agent.wait_state("pulled", "TASK_STARTING")
    expect(starting["message"].startswith("pulling " + registry.image()), starting)
    registry.listen()
    running = e.agent.wait_state("pulled", "TASK_RUNNING")
    expect(len(data_of(running)["containerId"]) == 64, running)
    e.agent.wait_state("pulled", "TASK_FINISHED")
    e.leave()
    expect(e.text() == "from the registry\n", e.text())
    # What is here by digest is not asked for again, what is always to be pulled is.
    docker("pull", "-q", registry.image("@" + registry.image_digest))
    asked = len(registry.paths)
    e = w.executor()
    e.launch("digest", registry.image("@" + registry.image_digest), ["/bin/true"])
    e.agent.wait_state("digest", "TASK_FINISHED")
    expect(len(registry.paths) == asked, registry.paths[asked:])
    e.leave()
    e = w.executor()
    e.launch("always", registry.image(), ["/bin/true"], pull="always")
    e.agent.wait_state("always", "TASK_FINISHED")
    expect(len(registry.paths) > asked, registry.paths)
    e.leave()
    # One that the registry does not have fails at once, and once.
    e = w.executor()
    e.launch("missing", registry.image(":2"), ["/bin/true"])
    failed = e.agent.wait_state("missing", "TASK_FAILED")
    expect("cannot pull the image '" + registry.image(":2") in failed["message"], failed)
    expect("not found" in failed["message"] or "unknown" in failed["message"], failed)
    e.leave()
    expect([s for _, s in e.agent.states() if s != "TASK_STARTING"] == ["TASK_FAILED"], e.agent.states())
    registry.close()
    expect(not w.ours(), w.ours())


def test_credentials_come_from_the_home_of_whoever_runs_the_executor(w):
    registry = Registry(password="ann:secret")
    w.images.append(registry.image())
    e = w.executor()
    e.launch("stranger", registry.image(), ["/bin/true"])
    failed = e.agent.wait_state("stranger", "TASK_FAILED")
    expect("cannot pull" in failed["message"], failed)
    e.leave()
    home = tempfile.mkdtemp(dir=w.folder)
    os.mkdir(home + "/.docker")
    with open(home + "/.docker/config.json", "w", encoding="utf-8") as file:
        json.dump({"auths": {f"127.0.0.1:{registry.port}": {"auth": base64.b64encode(b"ann:secret").decode()}}}, file)
    e = w.executor(home=home)
    e.launch("friend", registry.image(), ["/bin/true"])
    e.agent.wait_state("friend", "TASK_FINISHED")
    e.leave()
    registry.close()


def test_a_task_outlives_a_restart_of_docker(w):
    own = OwnDocker(live_restore=True)
    try:
        own.start()
        docker_world.import_image("app:1", own.host)
        e = w.executor(own.host)
        e.launch("t", "app:1", ["/bin/sh", "-c", TICKS])
        e.agent.wait_state("t", "TASK_RUNNING")
        until(lambda: "tick 10\n" in e.text(), "ten ticks")
        own.stop()
        own.start()
        before = len(e.text().split("\n"))
        until(lambda: len(e.text().split("\n")) > before + 20, "ticks after the restart")
        expect(all_ticks(e.text()), "a tick is missing or came twice: " + e.text())
        expect([s for _, s in e.agent.states()].count("TASK_FAILED") == 0, e.agent.states())
        e.agent.kill("t", 100)
        e.agent.wait_state("t", "TASK_KILLED")
        e.leave()
        expect(all_ticks(e.text()), e.text()[-200:])
        expect(not w.ours(own.host), w.ours(own.host))
    finally:
        own.close()


def test_a_restart_of_docker_that_ends_its_containers_ends_their_tasks(w):
    own = OwnDocker(live_restore=False)
    try:
        own.start()
        docker_world.import_image("app:1", own.host)
        e = w.executor(own.host)
        e.launch("t", "app:1", ["/bin/sh", "-c", "trap 'echo last words; exit 9' TERM; while :; do sleep 0.05; done"])
        e.agent.wait_state("t", "TASK_RUNNING")
        own.stop()
        own.start()
        failed = e.agent.wait_state("t", "TASK_FAILED")
        expect(data_of(failed)["exitCode"] == 9, failed)
        e.leave()
        expect(e.text() == "last words\n", e.text())
        expect(len([s for _, s in e.agent.states() if s == "TASK_FAILED"]) == 1, e.agent.states())
        expect(not w.ours(own.host), w.ours(own.host))
    finally:
        own.close()


def test_what_a_killed_executor_leaves_is_removed_by_the_next(w):
    image = f"mimas-left-{os.getpid()}:1"
    docker_world.import_image(image)
    w.images.append(image)
    e = w.executor()
    e.launch("left", image, ["/bin/sleep", "1000"])
    e.agent.wait_state("left", "TASK_RUNNING")
    left = w.ours()
    expect(len(left) == 1, left)
    os.killpg(e.process.pid, signal.SIGKILL)
    e.process.wait()
    e = w.executor()
    e.launch("next", image, ["/bin/sleep", "1000"])
    e.agent.wait_state("next", "TASK_RUNNING")
    until(lambda: left[0] not in w.ours(), "the container of the dead executor is gone")
    expect(len(w.ours()) == 1, w.ours())
    e.agent.send({"type": "SHUTDOWN"})
    e.agent.wait_state("next", "TASK_KILLED")
    e.leave()
    expect(not w.ours(), w.ours())


def test_a_container_joins_the_operators_network(w):
    image, network = f"mimas-net-{os.getpid()}:1", f"mimas-net-{os.getpid()}"
    docker_world.import_image(image)
    w.images.append(image)
    docker("network", "create", network)
    try:
        e = w.executor(flags=["--features", "network=on", "--network", "docker:" + network])
        e.launch("own", image, ["/bin/sleep", "1000"], network="bridge")
        found = data_of(e.agent.wait_state("own", "TASK_RUNNING"))
        address = docker("inspect", "-f", "{{(index .NetworkSettings.Networks \"" + network + "\").IPAddress}}",
                         found["containerId"]).strip()
        expect(address and found["ip"] == address, (found, address))
        e.agent.kill("own", 0)
        e.agent.wait_state("own", "TASK_KILLED")
        e.leave()
        expect(not w.ours(), w.ours())
    finally:
        docker("network", "rm", network)


PATTERN = b"0123456789abcdef"
FLOOD_MIB = 1024
ROTATE = 4 << 20


def test_thirty_containers_live_and_die_each_in_its_way(w):
    image = f"mimas-thirty-{os.getpid()}:1"
    docker_world.import_image(image, files={"tmp/blob": PATTERN * 65536})
    w.images.append(image)
    e = w.executor(flags=["--shared", "--idle", "1secs"])
    flood = f"i=0; while [ $i -lt {FLOOD_MIB} ]; do cat /tmp/blob; i=$((i+1)); done"
    e.launch("flood", image, ["/bin/sh", "-c", flood], logs={"rotateBytes": ROTATE, "keep": 2, "compress": False})
    crowd = [f"crowd-{i}" for i in range(22)]
    for task in crowd:
        e.launch(task, image, ["/bin/sh", "-c", "trap 'echo hup' HUP; echo up; while :; do sleep 0.2; done"])
    for i in range(4):
        port = free_port()
        serve = f"echo web-{i} > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"
        e.launch(f"web-{i}", image, ["/bin/sh", "-c", serve], network="bridge", ports=[{"container": 8080, "host": port}])
        until(lambda: w.engines.fetch(port) == f"web-{i}" or ended(e, f"web-{i}"), f"web-{i} answers on its port")
    e.launch("greedy", image, ["/bin/busybox", "tail", "/dev/zero"], limits={"memoryBytes": 16 << 20})
    e.launch("crash", image, ["/bin/sh", "-c", "echo dying; exit 3"])
    e.launch("stubborn", image, ["/bin/sh", "-c", "trap 'echo no' TERM; echo up; while :; do sleep 0.2; done"])

    greedy = wait_end(e, "greedy")
    expect(greedy["state"] == "TASK_FAILED" and data_of(greedy)["memoryLimit"] is True, greedy)
    expect(greedy["reason"] == "REASON_CONTAINER_LIMITATION_MEMORY" and "16 MiB" in greedy["message"], greedy)
    crash = wait_end(e, "crash")
    expect(crash["state"] == "TASK_FAILED" and data_of(crash)["exitCode"] == 3, crash)
    expect(e.log("crash") == "dying\n", e.log("crash"))
    until(lambda: e.log("stubborn") == "up\n", "the stubborn one is up")
    e.agent.kill("stubborn", 1000)
    expect(wait_end(e, "stubborn")["state"] == "TASK_KILLED", e.agent.statuses("stubborn"))
    expect(e.log("stubborn") == "up\nno\n", e.log("stubborn"))

    for task in crowd:
        until(lambda: (task, "TASK_RUNNING") in e.agent.states(), f"{task} runs")
    container = data_of(e.agent.wait_state(crowd[0], "TASK_RUNNING"))["containerId"]
    until(lambda: e.log(crowd[0]) == "up\n", "it is up")
    docker("kill", "-s", "HUP", container)
    until(lambda: e.log(crowd[0]) == "up\nhup\n", "HUP is heard")
    the_flood_is_bounded(e)
    expect(not [s for t, s in e.agent.states() if t in crowd and s not in ("TASK_STARTING", "TASK_RUNNING")], e.agent.states())

    for task in crowd + [f"web-{i}" for i in range(4)]:
        e.agent.kill(task, 0)
    for task in crowd + [f"web-{i}" for i in range(4)]:
        expect(wait_end(e, task)["state"] == "TASK_KILLED", e.agent.statuses(task))
    e.leave()
    expect(not w.ours(), w.ours())


def the_flood_is_bounded(e):
    folder = os.path.join(e.sandbox, "tasks", "flood")

    def sizes():
        found = {}
        for name in sorted(os.listdir(folder)):
            try:
                found[name] = os.path.getsize(os.path.join(folder, name))
            except FileNotFoundError:  # rotated in between
                pass
        return found

    def over():
        expect(sum(sizes().values()) <= 5 * ROTATE, sizes())
        return ended(e, "flood")
    until(over, lambda: f"the flood is over: {sizes()}", 2 * docker_world.PATIENCE)
    expect(wait_end(e, "flood")["state"] == "TASK_FINISHED", e.agent.statuses("flood"))
    # All of it went through the files, and what is kept is its end, unbroken.
    numbers = sorted(int(name.partition(".")[2]) for name in sizes() if name.startswith("stdout."))
    expect(len(numbers) == 2 and numbers[1] * ROTATE + sizes()["stdout"] == FLOOD_MIB << 20, sizes())
    kept = b""
    for name in [f"stdout.{number}" for number in numbers] + ["stdout"]:
        with open(os.path.join(folder, name), "rb") as file:
            kept += file.read()
    expect(kept == PATTERN * (len(kept) // 16), f"{sizes()} {kept[:40]}")


def ended(e, task):
    ends = [s for s in e.agent.statuses(task) if s["state"] not in ("TASK_STARTING", "TASK_RUNNING", "TASK_KILLING")]
    return ends[0] if ends else None


def wait_end(e, task):
    return until(lambda: ended(e, task), lambda: f"{task} ends: {e.agent.statuses(task)}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tell(story, binary, engines):
    world = World(binary, engines)
    try:
        story(world)
    except docker_world.Skipped:
        raise
    except Exception:
        for executor in world.executors:
            print("--- an executor's stderr:\n" + executor.text("stderr")[-2000:])
        print(docker_engine.facts(f"mimas.framework={world.framework}"), flush=True)
        raise
    finally:
        world.close()


def main():
    why_not = docker_world.why_not()
    if why_not:
        print("skipped: " + why_not)
        return 77
    binary, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    passed = failed = 0
    with docker_engine.Engines() as engines, docker_engine.time_limit():
        for name, story in sorted(globals().items()):
            if not name.startswith("test_") or (names and name not in names):
                continue
            try:
                good = engines.tell(name, lambda told=story: tell(told, binary, engines))
                passed, failed = passed + good, failed + (not good)
            except docker_world.Skipped as why:
                print(f"  {name} is skipped: {why}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
