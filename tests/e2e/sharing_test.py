"""Executors for one task each, for a job's tasks, and for all tasks of an agent: what runs, what ends, what is left.

Prints how long it took until all tasks ran and how much memory their executors had; the figures of docs/performance.md
come from here, run alone on a machine with nothing else to do.
"""
import http.server
import os
import signal
import threading
import time

from harness import World, descendants, pids_with, process_job, run, wait_for

TASKS = 200
PATIENCE_SECS = 300  # two hundred executors start in the first mode
ROOMY = "cpus:100;mem:32000;disk:32000;ports:[31000-31999]"


def marked(script, mark, **fields):
    """A job whose processes are found by a mark, for ids are those of other tests on the machine, too. An agent that a
    busy machine starves is no reason for another start."""
    return process_job(script, env={"SHARING_TEST": mark}, unreachableTimeoutSecs=604800, **fields)


def executors_below(pid):
    """Processes of mimas-executor, its guards included."""
    found = []
    for process in descendants(pid):
        try:
            if os.path.basename(os.readlink(f"/proc/{process}/exe")).startswith("mimas-executor"):
                found.append(process)
        except OSError:
            pass
    return found


def pss_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def executor_ids(world, *jobs):
    return {task["data"]["executorId"] for job in jobs for task in world.job(job)["tasks"] if task["data"]}


def wait_running(world, job, count):
    wait_for(lambda: world.states(job).count("RUNNING") == count,
             lambda: f"{count} tasks of {job} to run: {sorted(world.states(job))}", PATIENCE_SECS)


class Scripts(http.server.BaseHTTPRequestHandler):
    """Answers any path with a script, as a store of signed addresses does."""

    def do_GET(self):
        body = b"#!/bin/sh\necho fetched\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def an_artifact_is_called_the_same_in_every_mode():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripts) as store:
        threading.Thread(target=store.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{store.server_port}/a/run.sh?signature=x/y"
        for mode in ("task", "job"):
            with World() as world:
                world.dev("--executor-sharing", mode)
                job = world.submit(process_job("./run.sh", artifacts=[{"uri": address, "executable": True}]))
                ended = world.wait_job(job, "FINISHED", "FAILED")
                output = world.log(ended["tasks"][0]["id"])
                assert (ended["state"], output) == ("FINISHED", "fetched\n"), (mode, ended, output)
        store.shutdown()


def two_hundred_tasks(mode, executors):
    with World() as world:
        dev = world.dev("--executor-sharing", mode, "--agent-resources", ROOMY)
        began = time.monotonic()
        job = world.submit(marked("echo here; exec sleep 100000", world.dir + "/crowd", instances=TASKS, name="crowd"))
        wait_running(world, job, TASKS)
        took = time.monotonic() - began
        pids = executors_below(dev.pid)
        print(f"sharing by {mode}: {TASKS} tasks RUNNING after {took:.2f} s, {len(pids)} executor processes, "
              f"{pss_kib(pids) / 1024:.1f} MiB (PSS)", flush=True)
        assert len(executor_ids(world, job)) == executors, executor_ids(world, job)

        last = f"{job}-worker-{TASKS - 1}-{TASKS - 1}"
        wait_for(lambda: world.log(last) == "here\n", "the log of a task among many")

        short = world.submit(marked("exit 0", world.dir, instances=TASKS, name="short"))
        wait_for(lambda: world.job(short)["state"] == "FINISHED",
                 lambda: f"the short ones to finish: {world.job(short)['state']}", PATIENCE_SECS)
        assert set(world.states(short)) == {"FINISHED"}
        assert len(world.states(short)) == TASKS, "none was started twice"

        assert world.call("POST", "/v2/jobs/kill", {"jobId": job}).status == 204
        wait_for(lambda: world.job(job)["state"] == "STOPPED", "the job to end", PATIENCE_SECS)
        assert set(world.states(job)) == {"STOPPED"}
        assert not pids_with(world.dir + "/crowd"), "processes outlived their task"
        dev.stop()
        wait_for(lambda: not pids_with(world.dir), lambda: f"nothing to be left: {pids_with(world.dir)}")


def each_task_with_an_executor_of_its_own():
    two_hundred_tasks("task", TASKS)


def one_executor_for_a_job_on_an_agent():
    two_hundred_tasks("job", 1)


def one_executor_for_an_agent():
    two_hundred_tasks("agent", 1)


def jobs_share_by_agent_and_stay_apart_by_job():
    for mode, executors in (("agent", 1), ("job", 2)):
        with World() as world:
            world.dev("--executor-sharing", mode)
            jobs = [world.submit(marked("exec sleep 100000", world.dir, name=name, instances=2)) for name in ("a", "b")]
            for job in jobs:
                wait_running(world, job, 2)
            assert len(executor_ids(world, *jobs)) == executors, (mode, executor_ids(world, *jobs))


def a_shared_executor_that_dies_takes_its_tasks_along_and_all_are_started_again():
    with World() as world:
        dev = world.dev("--executor-sharing", "agent")
        job = world.submit(marked("exec sleep 100000", world.dir + "/web", type="service", name="web", instances=5,
                                  retryPolicy={"immediate": {}}))
        wait_running(world, job, 5)
        before = {task["id"] for task in world.job(job)["tasks"]}
        processes = set(pids_with(world.dir + "/web"))
        assert len(processes) >= 5, processes
        for pid in executors_below(dev.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

        def replaced():
            tasks = world.job(job)["tasks"]
            running = [task for task in tasks if task["state"] == "RUNNING"]
            return len(running) == 5 and not before & {task["id"] for task in running}

        wait_for(replaced, lambda: f"five new tasks: {world.job(job)['tasks']}", PATIENCE_SECS)
        wait_for(lambda: not processes & set(pids_with(world.dir + "/web")), "the first five's processes to be gone")


def artifacts_are_a_task_s_own_by_agent_and_a_job_s_own_by_job():
    for mode, executors in (("agent", 2), ("job", 1)):
        with World() as world:
            with open(world.path("greeting"), "w", encoding="ascii") as file:
                file.write("good night\n")
            world.dev("--executor-sharing", mode)
            job = world.submit(marked("cat greeting; exec sleep 100000", world.dir, instances=2,
                                      artifacts=[world.path("greeting")]))
            wait_running(world, job, 2)
            assert len(executor_ids(world, job)) == executors, (mode, executor_ids(world, job))
            for task in world.job(job)["tasks"]:
                wait_for(lambda: world.log(task["id"]) == "good night\n", f"the greeting of {task['id']} ({mode})")


run([
    jobs_share_by_agent_and_stay_apart_by_job,
    artifacts_are_a_task_s_own_by_agent_and_a_job_s_own_by_job,
    a_shared_executor_that_dies_takes_its_tasks_along_and_all_are_started_again,
    one_executor_for_an_agent,
    one_executor_for_a_job_on_an_agent,
    each_task_with_an_executor_of_its_own,
    an_artifact_is_called_the_same_in_every_mode,
])
