"""A real ZooKeeper knows who leads: three masters stand for election there, and the server follows whoever it names."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

from harness import World, ask_mesos, free_port, process_job, run, wait_for

JAR = "/usr/share/java/zookeeper.jar"
DIGEST = "fw:swordfish"


class ZooKeeper:
    """Debian's server, standalone, on 127.0.0.1; its data outlives a stop."""

    def __init__(self, world):
        self.port = free_port()
        self.log_path = world.path("zookeeper.log")
        data = world.path("zookeeper")
        os.makedirs(data, exist_ok=True)
        self.config = world.path("zoo.cfg")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"tickTime=500\ndataDir={data}\nclientPortAddress=127.0.0.1\nclientPort={self.port}\n"
                       "admin.enableServer=false\n4lw.commands.whitelist=ruok\n")
        self.popen = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *ignored):
        self.stop()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                ["java", "-Xmx128m", "-cp", JAR, "org.apache.zookeeper.server.quorum.QuorumPeerMain", self.config],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def ready():
            assert self.popen.poll() is None, "ZooKeeper ended: " + open(self.log_path, encoding="utf-8").read()[-3000:]
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                    line.sendall(b"ruok")
                    return line.recv(4) == b"imok"
            except OSError:
                return False

        wait_for(ready, "ZooKeeper to answer")

    def stop(self):
        if self.popen is not None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()
            self.popen = None

    def ask(self, command):
        """What Debian's own client prints for one command."""
        client = subprocess.run(
            ["java", "-Xmx64m", "-cp", JAR, "org.apache.zookeeper.ZooKeeperMain", "-server", f"127.0.0.1:{self.port}"],
            input=f"addauth digest {DIGEST}\n{command}\nquit\n", capture_output=True, text=True, timeout=60)
        return client.stdout

    def remove_the_leaders_node(self):
        nodes = re.findall(r"json\.info_\d+", self.ask("ls /test/mesos"))
        assert nodes, "no master has registered"
        self.ask("delete /test/mesos/" + min(nodes))

    def url(self, digest=DIGEST):
        return f"zk://{digest}@127.0.0.1:{self.port}/test/mesos"


def ask_leader(port, path, body=None):
    """The leader's answer as JSON; None from anybody else."""
    answer = ask_mesos(port, path, body)
    if answer is None or answer.status >= 300:
        return None
    return answer.json() if answer.body else {}


class Cluster:
    def __init__(self, world, zookeeper):
        self.world, self.zookeeper = world, zookeeper
        self.ports = [free_port() for _ in range(3)]
        self.processes = {}
        for port in self.ports:
            self.start_master(port)
        addresses = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        world.start("agents", "pocket", "--purge", "--join", addresses, "--data", world.path("agents"), "--agents", "2")

    def start_master(self, port):
        self.processes[port] = self.world.pocket(port, "--zk", self.zookeeper.url(), "--agents", "0", "--registry",
                                                 self.world.path("registry"), name=f"master{port}")

    def leader(self):
        return next((port for port in self.ports if ask_leader(port, "/state") is not None), None)

    def wait_leader(self, other_than=None):
        return wait_for(lambda: (lambda port: port if port not in (None, other_than) else None)(self.leader()),
                        "a master to lead")

    def connected_framework(self):
        """The id of the one framework, connected to whoever leads."""
        def found():
            port = self.leader()
            state = ask_leader(port, "/state") if port else None
            if state is None:
                return None
            ids = [one["id"] for one in state["frameworks"] if one["connected"]]
            assert len(state["frameworks"]) <= 1, state["frameworks"]
            return ids[0] if ids else None

        return wait_for(found, "the framework to be connected")


def the_server_follows_the_leader_that_zookeeper_names():
    with World() as world, ZooKeeper(world) as zookeeper:
        cluster = Cluster(world, zookeeper)
        first = cluster.wait_leader()
        server = world.start("serve", "serve", "--master", zookeeper.url(), "--listen", world.listen, "--data",
                             world.path("serve"))
        world.wait_subscribed(server)
        framework = cluster.connected_framework()
        service = world.submit(process_job("exec sleep 1000", type="service", instances=3))
        world.wait_states(service, "RUNNING", 3)
        tasks = sorted(task["id"] for task in world.job(service)["tasks"])

        def goes_on(step):
            assert cluster.connected_framework() == framework, step
            job = world.submit(process_job("echo done"))
            world.wait_job(job, "FINISHED")
            assert sorted(task["id"] for task in world.job(service)["tasks"]) == tasks, step
            assert world.states(service) == ["RUNNING"] * 3, step

        goes_on("at first")

        # The leader gives its node up: the next in line leads.
        assert ask_leader(first, "/pocket/fault", {"fault": "fail_over"}) is not None
        second = cluster.wait_leader(other_than=first)
        goes_on("after a leader stepped down")

        # An operator takes the leader's node away under it.
        zookeeper.remove_the_leaders_node()
        second = cluster.wait_leader(other_than=second)
        goes_on("after the leader's node was removed")

        # ZooKeeper goes and comes back within a session: nobody notices.
        zookeeper.stop()
        assert cluster.leader() == second
        zookeeper.start()
        goes_on("after ZooKeeper was away")
        assert cluster.leader() == second

        # The leading process dies with its node; ZooKeeper has to find out by itself.
        cluster.processes[second].kill9()
        third = cluster.wait_leader(other_than=second)
        goes_on("after the leader died")
        cluster.start_master(second)
        assert cluster.leader() == third

        log = server.tail()
        assert DIGEST.split(":")[1] not in open(server.log_path, encoding="utf-8").read(), "the password is in the log"
        assert "ZooKeeper names the master at" in open(server.log_path, encoding="utf-8").read(), log
        world.call("DELETE", f"/v2/jobs/{service}")


def a_server_waits_for_a_leader_that_comes_late():
    with World() as world, ZooKeeper(world) as zookeeper:
        server = world.start("serve", "serve", "--master", zookeeper.url(), "--listen", world.listen, "--data",
                             world.path("serve"))
        wait_for(lambda: "no master has registered" in server.tail(), lambda: "a word about it: " + server.tail())
        assert server.alive()
        cluster = Cluster(world, zookeeper)
        world.wait_subscribed(server)
        cluster.connected_framework()


if not os.path.exists(JAR) or shutil.which("java") is None:
    print("skipped: Debian's zookeeper and a Java runtime are needed; run ./scripts/setup")
    sys.exit(77)
run([the_server_follows_the_leader_that_zookeeper_names, a_server_waits_for_a_leader_that_comes_late])
