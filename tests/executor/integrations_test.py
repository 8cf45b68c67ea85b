#!/usr/bin/env python3
"""mimas-executor's integrations against a scripted agent: the metadata service, and networks by a real CNI plugin.

usage: integrations_test.py BINARY

Networks need root and the plugins of Debian's containernetworking-plugins; without them this exits with 77. The whole
test runs in a network namespace of its own, so that nothing of it is seen outside.
"""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

from executor_test import World, child_of, data_of, gone, until
from scripted_agent import Failed, expect

PLUGIN = "/usr/lib/cni/ptp"
ASK = ("import os, urllib.request; "
       "print(urllib.request.urlopen(os.environ['MIMAS_METADATA_URL'] + '%s').read().decode())")


class Options:
    runner = None

    def __init__(self, binary):
        self.binary = binary


class Executor(World):
    def __init__(self, binary, *arguments):
        super().__init__(Options(binary))
        self.arguments = list(arguments)
        self.folder = tempfile.mkdtemp(prefix="mimas-cni-")

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def leases(self):
        """What the plugin's own records say is taken."""
        return [name for _, _, names in os.walk(os.path.join(self.folder, "leases")) for name in names
                if name[0].isdigit()]


def script(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def cni(binary, plugin=None):
    """An executor whose tasks get addresses of 10.231.0.0/24 from the ptp plugin, or through a script before it."""
    world = Executor(binary)
    config = os.path.join(world.folder, "config.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"cniVersion": "1.0.0", "name": "test", "type": "ptp",
                   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.231.0.0/24"}]],
                            "dataDir": os.path.join(world.folder, "leases")}}, file)
    path = script(world.folder, "plugin", plugin(world.folder)) if plugin else PLUGIN
    world.arguments += ["--features", "network=on", "--network", f"cni:{path}?config={config}"]
    return world


def interfaces():
    """The plugin's on this side."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return [line.split(":")[1].strip() for line in links.splitlines() if "veth" in line]


def a_task_learns_about_itself(binary):
    world = Executor(binary, "--features", "metadata=on")
    try:
        agent = world.subscribed()
        agent.launch("t1", {"argv": ["python3", "-c", ASK % "/v1/identity"], "tags": {"job": "mimas-7", "index": "3"}})
        agent.wait_state("t1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves in order")
        identity = json.loads(world.text("stdout"))
        expect(identity["task"] == "t1" and identity["tags"] == {"job": "mimas-7", "index": "3"}, identity)
    finally:
        world.close()


def credentials_come_from_the_providers_output(binary):
    world = Executor(binary)
    provider = script(world.folder, "provider", "read -r identity; printf '{\"Token\":\"abc\",\"for\":%s}' \"$identity\"\n")
    world.arguments += ["--features", "metadata=on", "--metadata", "credentials=" + provider]
    try:
        agent = world.subscribed()
        agent.launch("t1", {"argv": ["python3", "-c", "import os, urllib.request as u; "
                                     "print(u.urlopen(u.Request(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], headers="
                                     "{'Authorization': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']})).read().decode())"]})
        agent.wait_state("t1", "TASK_FINISHED")
        expect(world.code() == 0, "it leaves in order")
        said = json.loads(world.text("stdout"))
        expect(said["Token"] == "abc" and said["for"]["task"] == "t1", said)
    finally:
        world.close()


def what_is_off_is_not_there(binary):
    world = Executor(binary, "--features", "metrics=off,logarchive=off,metadata=off,network=off")
    try:
        agent = world.subscribed()
        agent.launch("t1", {"shell": "env; exec sleep 1000"})
        agent.wait_state("t1", "TASK_RUNNING")
        until(lambda: "MIMAS_" in world.text("stdout") or "KEPT" in world.text("stdout"), "the task's environment")
        expect("METADATA" not in world.text("stdout"), world.text("stdout"))
        executor = child_of(world.process.pid)
        threads = [len(os.listdir(f"/proc/{pid}/task")) for pid in (executor, world.process.pid)]
        expect(threads == [1, 1], threads)
        inodes = {os.readlink(f"/proc/{executor}/fd/{fd}") for fd in os.listdir(f"/proc/{executor}/fd")}
        with open(f"/proc/{executor}/net/tcp", encoding="utf-8") as file:
            listening = {f"socket:[{line.split()[9]}]" for line in file.readlines()[1:] if line.split()[3] == "0A"}
        expect(not inodes & listening, "nothing of it listens")
        agent.kill("t1", 0)
        agent.wait_state("t1", "TASK_KILLED")
        expect(world.code() == 0, "it leaves in order")
    finally:
        world.close()


def a_process_has_an_address_of_its_own(binary):
    world = cni(binary)
    try:
        agent = world.subscribed()
        agent.launch("t1", {"argv": ["python3", "-u", "-m", "http.server", "8000"]})
        ip = data_of(agent.wait_state("t1", "TASK_RUNNING"))["ip"]
        expect(ip.startswith("10.231.0."), ip)
        expect(world.leases() == [ip], world.leases())
        ask = f"import urllib.request; urllib.request.urlopen('http://{ip}:8000/')"
        until(lambda: subprocess.run([sys.executable, "-c", ask], capture_output=True, check=False).returncode == 0,
              "an answer from " + ip)
        expect(subprocess.run([sys.executable, "-c", ask.replace(ip, "127.0.0.1")], capture_output=True,
                              check=False).returncode != 0, "it listens in its own network alone")
        agent.kill("t1", 0)
        agent.wait_state("t1", "TASK_KILLED")
        until(lambda: world.leases() == [], "the address to be given back")
        expect(world.code() == 0, "it leaves in order")
        until(lambda: interfaces() == [], "its interface to be gone")
    finally:
        world.close()


def a_plugin_that_fails_is_quoted(binary):
    world = cni(binary, lambda folder: "printf '{\"code\":7,\"msg\":\"no more addresses\"}'; exit 1\n")
    try:
        agent = world.subscribed()
        agent.launch("t1", {"shell": "exit 0"})
        status = agent.wait_state("t1", "TASK_FAILED")
        expect("no more addresses" in status["message"], status["message"])
        expect(world.code() == 0, "it leaves in order")
        expect([state for _, state in agent.states()].count("TASK_FAILED") == 1, agent.states())
        expect("TASK_RUNNING" not in [state for _, state in agent.states()], agent.states())
    finally:
        world.close()


def a_kill_while_the_network_is_made_is_one_kill(binary):
    world = cni(binary, lambda folder: f"echo begun >>{folder}/begun; while ! [ -e {folder}/go ]; do sleep 0.05; done; "
                                       f"exec {PLUGIN}\n")
    try:
        agent = world.subscribed()
        agent.launch("t1", {"shell": "echo never; exec sleep 1000"})
        until(lambda: os.path.exists(world.folder + "/begun"), "the plugin to begin")
        agent.kill("t1", 0)
        with open(world.folder + "/go", "w", encoding="utf-8"):
            pass
        agent.wait_state("t1", "TASK_KILLED")
        expect(world.code() == 0, "it leaves in order")
        expect([state for _, state in agent.states() if state in ("TASK_RUNNING", "TASK_FAILED")] == [], agent.states())
        expect("never" not in world.text("stdout"), "it never ran")
        until(lambda: world.leases() == [], "the address to be given back")
    finally:
        world.close()


def an_executor_that_is_killed_leaves_no_namespace(binary):
    world = cni(binary)
    try:
        agent = world.subscribed()
        agent.launch("t1", {"shell": "exec sleep 1000"})
        status = data_of(agent.wait_state("t1", "TASK_RUNNING"))
        os.kill(world.process.pid, signal.SIGKILL)
        world.process.wait()
        until(lambda: gone(status["pid"]), "the task to be gone")
        until(lambda: interfaces() == [], "its interface to be gone")
    finally:
        world.close()


STORIES = [a_task_learns_about_itself, credentials_come_from_the_providers_output, what_is_off_is_not_there,
           a_process_has_an_address_of_its_own, a_plugin_that_fails_is_quoted,
           a_kill_while_the_network_is_made_is_one_kill, an_executor_that_is_killed_leaves_no_namespace]


def main():
    binary = os.path.abspath(sys.argv[1])
    if os.environ.get("MIMAS_OWN_NETWORK") != "yes":
        if os.getuid() != 0 or not os.path.exists(PLUGIN):
            print("skipped: needs root and containernetworking-plugins")
            return 77
        os.environ["MIMAS_OWN_NETWORK"] = "yes"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    failed = 0
    for story in STORIES:
        try:
            story(binary)
            print("ok:", story.__name__)
        except Failed as failure:
            failed += 1
            print("FAILED:", story.__name__, failure)
    print(f"{len(STORIES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
