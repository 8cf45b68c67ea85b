"""Work for ARM goes to ARM, through the ARM executor; without one it waits and says why."""
import os
import platform
import shutil

from harness import World, pids_with, process_job, run, wait_for

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


if __name__ == "__main__":
    run([arm_work_runs_on_the_arm_agent_only, without_an_arm_agent_it_stays_queued_and_says_why])
