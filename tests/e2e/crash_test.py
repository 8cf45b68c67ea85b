"""Nothing is lost and nothing runs twice, whoever is killed."""
import os
import signal
import threading
import time

from harness import World, free_port, pids_with, process_job, run, wait_for

RESOURCES = "cpus:8;mem:4096;disk:8000;ports:[{0}000-{0}999]"
AGENTS = [item for n in (31, 32) for item in ("--agent", f"hostname=a{n};resources={RESOURCES.format(n)}")]


def fifty_and_fifty(world, kill_and_restart):
    """50 tasks run, 50 more are being launched, something is killed; all 100 end exactly once."""
    witness = world.path("witness")
    # One line per process that came to its end, appended atomically.
    script = f"sleep $DELAY; echo $MIMAS_TASK_ID >> {witness}"
    first = world.submit(process_job(script, instances=50, env={"DELAY": "6"}, name="first"))
    world.wait_states(first, "RUNNING", 50)
    answer = []
    submit = threading.Thread(target=lambda: answer.append(
        world.submit(process_job(script, instances=50, env={"DELAY": "2"}, name="second"))))
    submit.start()
    submit.join()
    time.sleep(0.15)  # in the middle of the launches; where exactly must not matter
    kill_and_restart()
    for job in (first, answer[0]):
        ended = world.wait_job(job, "FINISHED", "FAILED", "STOPPED")
        finished = [t["id"] for t in ended["tasks"] if t["state"] == "FINISHED"]
        others = [(t["id"], t["state"], t["reason"], t["message"], t["exit"]) for t in ended["tasks"] if t["state"] != "FINISHED"]
        assert ended["state"] == "FINISHED" and len(finished) == 50, (ended["state"], others)
        with open(witness, encoding="utf-8") as lines:
            said = [line.strip() for line in lines if line.startswith(job + "-")]
        assert sorted(said) == sorted(finished), (set(said) ^ set(finished))


def a_killed_server_loses_nothing():
    with World() as world:
        port = free_port()
        world.pocket(port, *AGENTS)
        servers = [world.serve(port)]

        def kill_and_restart():
            servers[-1].kill9()
            servers.append(world.serve(port))

        fifty_and_fifty(world, kill_and_restart)


def a_killed_dev_loses_nothing():
    with World() as world:
        processes = [world.dev(*AGENTS)]

        def kill_and_restart():
            processes[-1].kill9()
            processes.append(world.dev(*AGENTS))

        fifty_and_fifty(world, kill_and_restart)


def a_killed_executor_fails_its_task_and_the_job_retries():
    with World() as world:
        world.dev()
        job = world.submit(process_job("exec sleep 1000", retries=1))
        world.wait_states(job, "RUNNING", 1)
        task = f"{job}-worker-0-0"
        processes = pids_with(f"MIMAS_TASK_ID={task}")
        executors = [pid for pid in pids_with(f"MESOS_EXECUTOR_ID={task}") if pid not in processes]
        assert executors, "no executor found"
        for pid in executors:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: world.get(f"/v2/tasks/{task}").json()["state"] == "FAILED", "the task to fail")
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), "its process to be gone")
        wait_for(lambda: world.get(f"/v2/tasks/{job}-worker-0-1").status == 200 and
                 world.get(f"/v2/tasks/{job}-worker-0-1").json()["state"] == "RUNNING", "the retry to run")


def a_killed_agent_is_unreachable_then_replaced():
    with World() as world:
        port = free_port()
        world.pocket(port, "--agents", "0")
        lost = world.start("lost", "pocket", "--purge", "--join", f"127.0.0.1:{port}", "--data", world.path("lost"), "--agent",
                           f"hostname=doomed;resources={RESOURCES.format(31)}")
        world.serve(port)
        job = world.submit(process_job("exec sleep 1000", type="service", instances=2, unreachableTimeoutSecs=2))
        world.wait_states(job, "RUNNING", 2)
        first = {task["id"] for task in world.job(job)["tasks"]}
        lost.kill9()
        wait_for(lambda: any(t["reason"] == "UNREACHABLE" for t in world.job(job)["tasks"]), "tasks to be unreachable")
        world.start("spare", "pocket", "--purge", "--join", f"127.0.0.1:{port}", "--data", world.path("spare"), "--agent",
                    f"hostname=spare;resources={RESOURCES.format(32)}")
        wait_for(lambda: len([t for t in world.job(job)["tasks"] if t["state"] == "RUNNING" and t["host"] == "spare" and
                              t["id"] not in first]) == 2, lambda: f"replacements: {world.job(job)['tasks']}")


if __name__ == "__main__":
    run([a_killed_server_loses_nothing, a_killed_dev_loses_nothing,
         a_killed_executor_fails_its_task_and_the_job_retries, a_killed_agent_is_unreachable_then_replaced])
