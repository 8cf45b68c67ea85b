"""Containers on the machine's own Docker Engine, as a user sees them: thirty of them, and what may become of each.

What needs a Docker Engine that is restarted, or a registry, is shown in tests/executor/docker_executor_test.py.
"""
import os
import platform
import shlex
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "executor"))
import docker_engine  # noqa: E402
import docker_world  # noqa: E402
from docker_world import docker  # noqa: E402
from harness import BUILD, World, pids_with, run, wait_for  # noqa: E402

IMAGE = f"mimas-e2e-{os.getpid()}"
AGENT = ("--agent", "hostname=a1;resources=cpus:16;mem:8192;disk:8000;ports:[31000-31999]")
FLOOD_MIB = 64  # a whole GiB is in tests/executor/docker_executor_test.py


def facts():
    return docker_engine.facts("mimas.task")


def containers(*more):
    return docker("ps", "-aq", "--no-trunc", "--filter", f"ancestor={IMAGE}:1", *more).split()


def shell_job(script, **fields):
    return {"name": "test", "runtime": "docker", "applicationName": IMAGE, "version": "1",
            "entryPoint": "/bin/sh -c " + shlex.quote(script), "cpu": 0.02, "memory": 16, "disk": 64, "type": "batch",
            "instances": 1, **fields}


def only_task(world, job):
    return world.job(job)["tasks"][0]


def container_of(task):
    return docker("ps", "-aq", "--no-trunc", "--filter", f"label=mimas.task={task['id']}").split()


def ended_together(world, *jobs):
    for job in jobs:
        assert world.call("POST", "/v2/jobs/kill", {"jobId": job}).status == 204


def thirty_containers_live_and_die_each_in_its_way(engines):
    with World(facts) as world:
        world.dev(*AGENT, *engines.executor_flags("--executor-docker"))
        flood = world.submit(shell_job(
            f"i=0; while [ $i -lt {FLOOD_MIB} ]; do cat /tmp/blob; i=$((i+1)); done; exec sleep 1000",
            logs={"rotateMb": 4, "keep": 2, "compress": False}, memory=64))
        crowd = world.submit(shell_job("trap 'echo hup' HUP; while :; do sleep 0.2; done", type="service", instances=22))
        web = world.submit(shell_job(
            "echo $MIMAS_TASK_ID > /tmp/index.html; exec httpd -f -p 8080 -h /tmp", type="service", instances=4,
            ports=[8080], container={"network": "bridge"}))
        greedy = world.submit(shell_job("exec busybox tail /dev/zero", retries=0))
        crash = world.submit(shell_job("echo dying; exit 3", retries=0))
        stubborn = world.submit(shell_job("trap 'echo no' TERM; echo up; while :; do sleep 0.2; done", killGraceSecs=1))

        failed = world.wait_job(greedy, "FAILED")["tasks"][0]
        assert failed["state"] == "FAILED" and "memory limit of 16 MiB" in failed["message"], failed
        crashed = world.wait_job(crash, "FAILED")["tasks"][0]
        assert crashed["exit"] == {"code": 3}, crashed
        assert world.log(crashed["id"]) == "dying\n"

        world.wait_states(web, "RUNNING", 4)
        for task in world.job(web)["tasks"]:
            wait_for(lambda: engines.fetch(task["ports"]["8080"]) == task["id"], f"{task['id']} to answer on its port")

        world.wait_states(crowd, "RUNNING", 22)
        first = world.job(crowd)["tasks"][0]
        assert container_of(first) == [first["data"]["containerId"]], first
        docker("kill", "-s", "HUP", first["data"]["containerId"])
        wait_for(lambda: world.log(first["id"]) == "hup\n", "HUP to be heard")
        assert [t for t in world.job(crowd)["tasks"] if t["id"] == first["id"]][0]["state"] == "RUNNING"

        world.wait_states(stubborn, "RUNNING", 1)
        task = only_task(world, stubborn)
        wait_for(lambda: world.log(task["id"]) == "up\n", "it to be up")
        ended_together(world, stubborn)
        killed = world.wait_job(stubborn, "STOPPED")["tasks"][0]
        assert killed["state"] == "STOPPED", killed
        assert world.log(task["id"]) == "up\nno\n", world.log(task["id"])

        an_executor_is_killed(world, crowd)
        the_flood_is_bounded(world, flood)

        ended_together(world, flood, crowd, web)
        for job in (flood, crowd, web):
            world.wait_job(job, "STOPPED")
        wait_for(lambda: not containers(), lambda: f"no container to be left: {containers()}")
        wait_for(lambda: not pids_with(f"MESOS_SANDBOX={world.dir}"), "no executor to be left")


def executors_through_qemu_leave_each_others_containers_alone(engines):
    """qemu-user makes up what a program reads of itself in /proc: a neighbour must not look dead for that."""
    if platform.machine() != "x86_64" or not shutil.which("qemu-arm-static") or not os.path.exists(
            os.path.join(BUILD, "executors", "mimas-executor-armhf")):
        print("not here: no ARM executor that could be run")
        return
    with World(facts) as world:
        world.dev("--agent", "hostname=pi1;attributes=arch:arm;resources=cpus:16;mem:8192;disk:8000;ports:[31000-31999]",
                  *engines.executor_flags("--executor-docker"))
        wait = "trap 'exit 0' TERM; while :; do sleep 1; done"
        first = world.submit(shell_job(wait, type="service", instances=2))
        world.wait_states(first, "RUNNING", 2)
        before = [task["id"] for task in world.job(first)["tasks"]]
        # Each that starts looks for what dead ones have left.
        second = world.submit(shell_job(wait, type="service", instances=2))
        world.wait_states(second, "RUNNING", 2)
        done = world.submit(shell_job("true"))
        world.wait_job(done, "FINISHED")
        after = world.job(first)["tasks"]
        assert [(task["id"], task["state"]) for task in after] == [(name, "RUNNING") for name in before], after
        assert all(container_of(task) for task in after), "their containers are gone"
        ended_together(world, first, second)
        for job in (first, second):
            world.wait_job(job, "STOPPED")


def an_executor_is_killed(world, job):
    victim = world.job(job)["tasks"][-1]
    left = container_of(victim)
    assert len(left) == 1, left
    for pid in pids_with(f"MESOS_EXECUTOR_ID={victim['id']}"):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: world.get(f"/v2/tasks/{victim['id']}").json()["state"] == "FAILED", "the task to be FAILED")
    world.wait_states(job, "RUNNING", 22)
    # Whoever starts the next container removes what the dead one left.
    wait_for(lambda: left[0] not in containers(), "its container to be removed")


def the_flood_is_bounded(world, job):
    task = wait_for(lambda: [t for t in world.job(job)["tasks"] if t["state"] == "RUNNING"], "the flood to run")[0]
    sandbox = [mount for mount in docker("inspect", "-f", "{{range .Mounts}}{{.Source}} {{end}}",
                                         task["data"]["containerId"]).split() if mount.startswith(world.dir)][0]

    def sizes():
        found = {}
        for name in os.listdir(sandbox):
            try:
                found[name] = os.path.getsize(os.path.join(sandbox, name))
            except FileNotFoundError:  # rotated in between
                pass
        return {name: size for name, size in found.items() if name.startswith("stdout")}

    def over():
        assert sum(sizes().values()) <= 5 * (4 << 20), sizes()
        top = docker("top", task["data"]["containerId"], "-eo", "pid,args")
        return "sleep 1000" in top
    wait_for(over, lambda: f"the flood to be over: {sizes()}")

    # All of it went through the files, and what is kept is its end, unbroken.
    def numbers():
        return sorted(int(name.partition(".")[2]) for name in sizes() if name.startswith("stdout."))

    wait_for(lambda: numbers() and numbers()[-1] * (4 << 20) + sizes()["stdout"] == FLOOD_MIB << 20,
             lambda: f"all to be there: {sizes()}")
    kept = b""
    for name in [f"stdout.{number}" for number in numbers()] + ["stdout"]:
        with open(os.path.join(sandbox, name), "rb") as file:
            kept += file.read()
    assert kept == b"0123456789abcdef" * (len(kept) // 16), "a byte is missing or came twice"
    log = docker("inspect", "-f", "{{.LogPath}}", task["data"]["containerId"])
    if os.path.exists(log):
        own = sum(os.path.getsize(os.path.join(os.path.dirname(log), name)) for name in os.listdir(os.path.dirname(log))
                  if name.startswith(os.path.basename(log)))
        assert own <= 22_000_000, own


def main():
    why_not = docker_world.why_not()
    if why_not:
        print("skipped: " + why_not)
        sys.exit(77)
    with docker_engine.Engines() as engines, docker_engine.time_limit():
        def told(story):
            def once():
                docker_world.import_image(IMAGE + ":1", files={"tmp/blob": b"0123456789abcdef" * 65536})
                try:
                    story(engines)
                finally:
                    docker_world.remove_containers("--filter", f"ancestor={IMAGE}:1")
                    docker_world.remove_images(IMAGE + ":1")

            def test():
                assert engines.tell(story.__name__, once), "see above"
            test.__name__ = story.__name__
            return test
        run([told(thirty_containers_live_and_die_each_in_its_way),
             told(executors_through_qemu_leave_each_others_containers_alone)])


if __name__ == "__main__":
    main()
