"""Work for ARM goes to ARM, through the ARM executor; without one it waits and says why. Every architecture's executor ends
the same tasks with the same typed status. Agents check what they fetch, and fetch nothing where it is installed."""
import hashlib
import os
import platform
import shutil

from harness import BUILD, World, pids_with, process_job, run, wait_for

RESOURCES = "cpus:4;mem:1024;disk:8000;ports:[{0}000-{0}999]"


def agent(name, arch, port_prefix):
    return ["--agent", f"hostname={name};attributes=arch:{arch};resources={RESOURCES.format(port_prefix)}"]


def arm_work_runs_on_the_arm_agent_only():
    with World() as world:
        world.dev(*agent("x1", platform.machine(), 31), *agent("pi1", "arm", 32), *agent("x2", platform.machine(), 33))
        job = world.submit(process_job("exec sleep 1000", instances=3, hardConstraints=["arch=arm"]))
        world.wait_states(job, "RUNNING", 3)
        tasks = world.job(job)["tasks"]
        assert {task["host"] for task in tasks} == {"pi1"}, tasks
        if platform.machine() == "x86_64" and shutil.which("qemu-arm-static"):
            for task in tasks:
                executors = [pid for pid in pids_with(f"MESOS_EXECUTOR_ID={task['id']}")
                             if "qemu" in os.path.basename(os.readlink(f"/proc/{pid}/exe"))]
                assert executors, f"{task['id']} is not run by an ARM executor"


def without_an_arm_agent_it_stays_queued_and_says_why():
    with World() as world:
        world.dev(*agent("x1", platform.machine(), 31))
        job = world.submit(process_job("true", hardConstraints=["arch=arm"]))
        wait_for(lambda: "arch=arm" in (world.job(job)["tasks"][0]["message"] or ""),
                 lambda: f"a reason: {world.job(job)['tasks']}")
        assert world.states(job) == ["QUEUED"]
        other = world.submit(process_job("true"))
        world.wait_job(other, "FINISHED")
        assert world.states(job) == ["QUEUED"], "it must not be placed elsewhere, nor block others"


RUNNERS = {"x86_64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static", "armhf": "qemu-arm-static",
           "armel": "qemu-arm-static"}
EXECUTORS = os.path.join(BUILD, "executors")


def runnable():
    """The architectures whose executor is built and can run here."""
    here = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return [arch for arch, runner in RUNNERS.items()
            if os.path.exists(os.path.join(EXECUTORS, f"mimas-executor-{arch}")) and (arch == here or shutil.which(runner))]


def sum_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def ending(world, job, *states):
    """What a program can rely on of how a job's only task ended. Messages name pids and paths; they are for people."""
    task = world.wait_job(job, *states)["tasks"][0]
    how = {name: value for name, value in (task["exit"] or {}).items() if name != "memoryPeakBytes"}  # measured, not typed
    return task["state"], task["reason"], how


def every_architecture_ends_the_same_tasks_alike():
    archs = runnable()
    with World() as world:
        world.dev(*(word for i, arch in enumerate(archs) for word in agent(arch, arch, 31 + i)))
        seen = {}
        for arch in archs:
            wanted = {"hardConstraints": [f"arch={arch}"]}
            fine = world.submit(process_job("echo good; exit 0", **wanted))
            code = world.submit(process_job("exit 3", **wanted))
            signal = world.submit(process_job("kill -KILL $$", **wanted))
            nothing = {**process_job("x", **wanted), "command": ["/nowhere/program"]}
            del nothing["entryPoint"]
            absent = world.submit(nothing)
            killed = world.submit(process_job("exec sleep 1000", **wanted))
            world.wait_states(killed, "RUNNING", 1)
            assert world.call("POST", "/v2/jobs/kill", {"jobId": killed}).status == 204
            seen[arch] = [ending(world, fine, "FINISHED"), ending(world, code, "FAILED"),
                          ending(world, signal, "FAILED"), ending(world, absent, "FAILED"),
                          ending(world, killed, "STOPPED")]
            task = world.job(fine)["tasks"][0]
            assert task["host"] == arch, task
            assert world.log(task["id"]) == "good\n", world.log(task["id"])
        first = seen[archs[0]]
        assert first[0][0] == "FINISHED" and first[1][2]["code"] == 3 and first[2][2]["signal"] == 9, first
        assert first[4][0] == "STOPPED", first
        for arch in archs:
            assert seen[arch] == first, (arch, seen[arch], archs[0], first)
        versions = {one["hostname"]: one["executorVersion"] for one in world.get("/v2/agents").json()}
        for arch in archs:
            expected = sum_of(os.path.join(EXECUTORS, f"mimas-executor-{arch}"))
            served = world.call("HEAD", f"/executor/{arch}")
            assert served.headers["X-Mimas-SHA256"] == expected, served.headers
            assert int(served.headers["Content-Length"]) > 0 and served.body == b"", served.headers
            kept = world.call("GET", f"/executor/{arch}", headers={"If-None-Match": served.headers["ETag"]})
            assert kept.status == 304 and kept.body == b"", kept.status
            assert versions[arch].endswith("+" + expected[:12]), (versions, expected)


def an_installed_executor_is_neither_fetched_nor_checked():
    with World() as world:
        installed = world.path("installed-executor")
        shutil.copy(os.path.join(EXECUTORS, f"mimas-executor-{runnable()[0]}"), installed)
        with open(installed, "ab") as file:
            file.write(b"\0other bytes than the server's")
        os.chmod(installed, 0o755)
        world.dev("--agent", f"hostname=x1;attributes=mimas_executor:{installed};resources={RESOURCES.format(31)}")
        task = world.wait_job(world.submit(process_job("ls; readlink /proc/$PPID/exe")), "FINISHED")["tasks"][0]
        printed = world.log(task["id"]).split()
        assert "mimas-executor" not in printed and printed[-1] == installed, printed
        assert world.get("/v2/agents").json()[0]["executorVersion"].endswith("+" + sum_of(installed)[:12])


if __name__ == "__main__":
    run([arm_work_runs_on_the_arm_agent_only, without_an_arm_agent_it_stays_queued_and_says_why,
         every_architecture_ends_the_same_tasks_alike, an_installed_executor_is_neither_fetched_nor_checked])
