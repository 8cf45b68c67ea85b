"""From curl to a running process and back: one person, one job."""
import http.client
import json
import os
import tarfile

from harness import EXAMPLES, World, free_port, pids_with, process_job, run, wait_for


def a_job_runs_and_finishes():
    with World() as world:
        world.dev("--agents", "3")
        with open(os.path.join(EXAMPLES, "rocker.json"), "rb") as example:
            answer = world.call("POST", "/v2/jobs", example.read(),
                                {"Content-Type": "application/x-www-form-urlencoded"})  # as `curl -d` sends it
        assert answer.status == 200, answer.body
        assert answer.json() == {"jobUri": "/api/v2/jobs/mimas-1"}, answer.body
        assert answer.headers["Location"] == "/api/v2/jobs/mimas-1"
        instances = world.job("mimas-1")["instances"]
        world.wait_states("mimas-1", "RUNNING", instances)
        for task in world.job("mimas-1")["tasks"]:
            assert pids_with(f"MIMAS_TASK_ID={task['id']}"), f"no process of {task['id']}"
            wait_for(lambda: task["id"] in world.log(task["id"]), "output while it runs")
            assert world.get(f"/api/v2/tasks/{task['id']}").json()["state"] == "RUNNING"
        job = world.wait_job("mimas-1", "FINISHED", "FAILED")
        assert job["state"] == "FINISHED" and set(world.states("mimas-1")) == {"FINISHED"}
        assert all(task["exit"]["code"] == 0 for task in job["tasks"])
        assert world.get("/v2/jobs").json() == [], "a listing holds live jobs only"
        assert [job["id"] for job in world.get("/v2/jobs?taskState=ANY").json()] == ["mimas-1"]


def output_can_be_followed_and_read_in_pieces():
    with World() as world:
        world.dev()
        job = world.submit(process_job("for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; echo oops >&2"))
        task = f"{job}-worker-0-0"
        world.wait_states(job, "RUNNING", 1)
        host, port = world.listen.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", f"/v2/logs/{task}/stdout?follow=true")
        text = connection.getresponse().read().decode()
        assert text == "".join(f"line {i}\n" for i in range(1, 6)), text
        world.wait_job(job, "FINISHED")
        assert world.log(task, "stdout?offset=7&length=6") == "line 2"
        assert world.log(task, "stdout?offset=-7") == "line 5\n"
        assert "oops" in world.log(task, "stderr")
        assert world.get(f"/v2/logs/{task}/nothing").status == 404
        assert world.get(f"/v2/logs/{task}/..%2Fstdout").status in (400, 404)


def a_failing_task_is_retried_as_the_job_says():
    with World() as world:
        world.dev()
        job = world.submit(process_job("exit 3", retries=2, name="fails"))
        ended = world.wait_job(job, "FAILED")
        assert [task["state"] for task in ended["tasks"]] == ["FAILED"] * 3, ended
        assert [task["exit"]["code"] for task in ended["tasks"]] == [3, 3, 3]
        missing = world.wait_job(world.submit(process_job(None, command=["/does/not/exist"])), "FAILED")
        assert "/does/not/exist" in json.dumps(missing["tasks"][0]), missing


def jobs_and_tasks_are_killed_and_services_scale():
    with World() as world:
        world.dev()
        stubborn = world.submit(process_job("trap '' TERM; while :; do sleep 0.1; done", killGraceSecs=1))
        world.wait_states(stubborn, "RUNNING", 1)
        assert world.call("POST", "/v2/jobs/kill", {"jobId": stubborn, "user": "me"}).status == 204
        world.wait_job(stubborn, "STOPPED")
        assert world.states(stubborn) == ["STOPPED"]
        wait_for(lambda: not pids_with(f"MIMAS_JOB_ID={stubborn}"), "the process to be gone")

        service = world.submit(process_job("exec sleep 1000", type="service", instances=3))
        world.wait_states(service, "RUNNING", 3)
        counts = {"jobId": service, "instancesDesired": 1, "instancesMin": 0, "instancesMax": 5}
        assert world.call("POST", "/v2/jobs/setinstancecounts", counts).status == 204
        assert world.job(service)["instances"] == 1
        world.wait_states(service, "RUNNING", 1)
        victim = next(t["id"] for t in world.job(service)["tasks"] if t["state"] == "RUNNING")
        assert world.call("POST", "/v2/tasks/kill", {"taskId": victim}).status == 204
        wait_for(lambda: [t["id"] for t in world.job(service)["tasks"] if t["state"] == "RUNNING"] not in ([], [victim]),
                 "a killed service task to be replaced")
        assert world.call("POST", "/api/v2/jobs/kill", service.encode(), {"Content-Type": "text/plain; charset=utf-8"}).status == 204
        world.wait_job(service, "STOPPED")


def both_media_types_work_and_a_dead_master_is_passed_over():
    for codec in ("json", "protobuf"):
        with World() as world:
            port = free_port()
            pocket = world.pocket(port, "--agents", "1")
            world.start("serve", "serve", "--master", f"127.0.0.1:{free_port()},127.0.0.1:{port}", "--listen", world.listen,
                        "--data", world.path("serve"), "--mesos-codec", codec)
            world.wait_subscribed(world.processes[-1])
            job = world.submit(process_job("echo through $MIMAS_TASK_ID"))
            world.wait_job(job, "FINISHED", "FAILED")
            assert world.log(f"{job}-worker-0-0") == f"through {job}-worker-0-0\n"
            # The master restarts: the server finds it again, and work goes on.
            pocket.kill9()
            world.pocket(port, "--agents", "1")
            assert world.wait_job(world.submit(process_job("true")), "FINISHED", "FAILED")["state"] == "FINISHED"


def artifacts_are_fetched_before_the_start():
    with World() as world:
        world.dev()
        with tarfile.open(world.path("data.tar.gz"), "w:gz") as archive:
            with open(world.path("inside.txt"), "w", encoding="utf-8") as inside:
                inside.write("from the archive\n")
            archive.add(world.path("inside.txt"), "inside.txt")
        with open(world.path("tool.sh"), "w", encoding="utf-8") as tool:
            tool.write("#!/bin/sh\ncat inside.txt\n")
        job = world.submit(process_job("./tool.sh", artifacts=[
            {"uri": "file://" + world.path("data.tar.gz"), "extract": True},
            {"uri": "file://" + world.path("tool.sh"), "executable": True, "extract": False}]))
        ended = world.wait_job(job, "FINISHED", "FAILED")
        assert ended["state"] == "FINISHED", ended
        assert world.log(f"{job}-worker-0-0") == "from the archive\n"


def unknown_things_are_404_and_wrong_methods_405():
    with World() as world:
        world.dev()
        for path in ("/v2/jobs/mimas-99", "/v2/jobs/nonsense", "/v2/tasks/mimas-1-worker-0-0", "/v2/nowhere",
                     "/v2/logs/mimas-1-worker-0-0/stdout", "/executor/vax"):
            answer = world.get(path)
            assert answer.status == 404, (path, answer.status)
            assert answer.json()["statusCode"] == 404 and answer.json()["message"], answer.body
        answer = world.call("DELETE", "/v2/agents")
        assert answer.status == 405 and "GET" in answer.headers["Allow"], answer.status
        assert world.call("POST", "/v2/jobs/kill", {"jobId": "mimas-99"}).status == 404


if __name__ == "__main__":
    run([a_job_runs_and_finishes, output_can_be_followed_and_read_in_pieces, a_failing_task_is_retried_as_the_job_says,
         jobs_and_tasks_are_killed_and_services_scale,
         both_media_types_work_and_a_dead_master_is_passed_over, artifacts_are_fetched_before_the_start,
         unknown_things_are_404_and_wrong_methods_405])
