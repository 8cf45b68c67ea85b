"""What an agent may go through while tasks run on it: restarts of three kinds, and connections that hang.

Executors show a token and speak over the agent's unix socket all the while.
"""
import os

from harness import World, ask_mesos, free_port, pids_with, process_job, run, wait_for

AGENT = ("--agent", "hostname=a1;resources=cpus:8;mem:4096;disk:8000;ports:[31000-31999]", "--executor-auth",
         "--executor-domain-sockets", "--executor-reregistration-timeout", "30secs")


def fault(port, **order):
    answer = ask_mesos(port, "/pocket/fault", order)
    assert answer is not None and answer.status == 202, answer and answer.status


def agents(port):
    """Ids of the agents that are there."""
    return [agent["id"] for agent in ask_mesos(port, "/state").json()["slaves"] if agent["active"]]


def one_agent(port):
    return wait_for(lambda: (lambda ids: ids[0] if len(ids) == 1 else None)(agents(port)), "the agent to be there")


def running(world, job):
    return {task["id"] for task in world.job(job)["tasks"] if task["state"] == "RUNNING"}


def processes(tasks):
    return {pid for task in tasks for pid in pids_with(f"MIMAS_TASK_ID={task}")}


def environments_of_executors(world):
    found = []
    for pid in pids_with(f"MESOS_DIRECTORY={world.dir}"):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                found.append(environ.read().split(b"\0"))
        except OSError:
            pass
    return found


def start_three(world, **fields):
    port = free_port()
    pocket = world.pocket(port, *AGENT)
    world.serve(port)
    job = world.submit(process_job("exec sleep 1000", type="service", instances=3, **fields))
    world.wait_states(job, "RUNNING", 3)
    return port, pocket, job, running(world, job)


def a_restarted_agent_keeps_its_tasks_and_its_id():
    with World() as world:
        port, pocket, job, tasks = start_three(world)
        for variables in environments_of_executors(world):
            assert any(one.startswith(b"MESOS_DOMAIN_SOCKET=") for one in variables), variables
            tokens = [one for one in variables if one.startswith(b"MESOS_EXECUTOR_AUTHENTICATION_TOKEN=")]
            assert all(one.count(b".") == 0 for one in tokens), "a token can be read"
        with open("/proc/net/unix", encoding="utf-8") as sockets:
            ends = [line for line in sockets if line.rstrip().endswith(f"{world.dir}/pocket/agent0/agent.sock")]
        assert len(ends) >= 4, ends  # the listener's, and one stream for each executor
        agent, pids = one_agent(port), processes(tasks)
        assert len(pids) == 3, pids
        fault(port, fault="restart_agent", how="keep", away_ms=1000)
        wait_for(lambda: pocket.tail().count("registered as " + agent) == 2, lambda: "it to come back: " + pocket.tail())
        # Executors are back when a kill reaches the one it is meant for.
        assert running(world, job) == tasks and processes(tasks) == pids
        assert world.call("POST", "/v2/jobs/kill", {"jobId": job}).status == 204
        wait_for(lambda: not processes(tasks), "the tasks to be killed")
        ended = world.wait_job(job, "STOPPED")["tasks"]
        assert {(task["id"], task["state"]) for task in ended} == {(task, "STOPPED") for task in tasks}, ended


def a_rebooted_agent_has_lost_its_tasks_and_kept_its_id():
    with World() as world:
        port, _, job, tasks = start_three(world)
        agent, pids = one_agent(port), processes(tasks)
        fault(port, fault="restart_agent", how="reboot")
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the processes to be gone")
        wait_for(lambda: len(running(world, job) - tasks) == 3, lambda: f"replacements: {world.job(job)['tasks']}")
        assert one_agent(port) == agent
        assert not running(world, job) & tasks


def a_wiped_agent_is_another_one():
    with World() as world:
        port, _, job, tasks = start_three(world, unreachableTimeoutSecs=2)
        agent, pids = one_agent(port), processes(tasks)
        fault(port, fault="restart_agent", how="wipe")
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the processes to be gone")
        wait_for(lambda: len(running(world, job) - tasks) == 3, lambda: f"replacements: {world.job(job)['tasks']}")
        assert one_agent(port) != agent


def an_agent_that_stops_listening_is_noticed_and_called_again():
    with World() as world:
        port, _, job, tasks = start_three(world)
        pids = processes(tasks)
        fault(port, fault="half_open_executors")
        task = sorted(tasks)[0]
        # Nothing is to be reported: only a heartbeat finds it.
        wait_for(lambda: "lost the agent, reconnecting" in world.log(task, "stderr"),
                 lambda: "the executor to notice: " + world.log(task, "stderr"), patience=180)
        assert world.call("POST", "/v2/jobs/kill", {"jobId": job}).status == 204
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the kills to arrive", patience=180)
        world.wait_job(job, "STOPPED")


if __name__ == "__main__":
    run([a_restarted_agent_keeps_its_tasks_and_its_id, a_rebooted_agent_has_lost_its_tasks_and_kept_its_id,
         a_wiped_agent_is_another_one, an_agent_that_stops_listening_is_noticed_and_called_again])
