"""What people end, and what they think better of: kills, scaling down, and agents that are drained and enabled."""
import json
import subprocess
import threading

from harness import MIMAS, World, process_job, run, wait_for

ONE_AGENT = ("--agent", "hostname=a;resources=cpus:2;mem:1024;disk:4000;ports:[31000-31999]")


def a_pipeline_does_not_go_on_after_its_job_was_killed():
    with World() as world:
        world.dev()
        done = []

        def follow():
            done.append(subprocess.run([MIMAS, "run", "--follow", "--cpu", "0.1", "--mem", "32", "--disk", "10",
                                        "--server", world.listen, "--", "sleep", "1000"],
                                       check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120))

        following = threading.Thread(target=follow)
        following.start()
        wait_for(lambda: [job["id"] for job in world.get("/v2/jobs").json()] == ["mimas-1"], "the job")
        world.wait_states("mimas-1", "RUNNING", 1)
        answer = world.call("POST", "/v2/tasks/kill", {"taskId": "mimas-1-worker-0-0", "user": "ann"})
        assert answer.status == 204, answer.body
        job = world.wait_job("mimas-1", "STOPPED", "FINISHED")
        assert (job["state"], job["message"]) == ("STOPPED", "1 of 1 instances was killed"), job
        following.join()
        assert done[0].returncode == 8, done[0].stdout


def scaling_down_keeps_the_instance_that_runs():
    with World() as world:
        world.dev()
        script = "test $MIMAS_INSTANCE_INDEX = 1 && exec sleep 1000; exit 4"
        job = world.submit(process_job(script, type="service", instances=2,
                                       retryPolicy={"delayed": {"delayMs": 600_000}}))
        waiting = wait_for(lambda: [task for task in world.job(job)["tasks"] if task["reason"] == "BACKOFF"],
                           lambda: f"instance 0 to wait for its next start: {world.job(job)['tasks']}")[0]
        assert waiting["message"].startswith("exited with status 4, 1st time; next start "), waiting
        assert waiting["lastEnding"]["exit"]["code"] == 4, waiting
        why = world.get(f"/v2/jobs/{job}/why").json()
        assert "exited with status 4, 1st time" in json.dumps(why["text"]), why
        assert world.get("/v2/cluster").json()["queue"]["tasks"] == 0
        world.wait_states(job, "RUNNING", 1)
        assert world.call("POST", "/v2/jobs/setinstancecounts",
                          {"jobId": job, "instancesDesired": 1, "instancesMin": 0, "instancesMax": 2}).status == 204
        wait_for(lambda: world.get(f"/v2/tasks/{waiting['id']}").json()["reason"] == "SCALED_DOWN", "0 to be given up")
        assert world.states(job).count("RUNNING") == 1, world.job(job)["tasks"]


def enabling_an_agent_takes_its_drain_back():
    with World() as world:
        world.dev(*ONE_AGENT)
        job = world.submit(process_job("exec sleep 1000", type="service", hardConstraints=["UniqueHost"]))
        world.wait_states(job, "RUNNING", 1)
        for order in ("drain", "enable"):
            said = subprocess.run([MIMAS, "agents", order, "a", "--server", world.listen], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            assert said.returncode == 0, said.stdout
            if order == "drain":
                wait_for(lambda: "QUEUED" in world.states(job), "a successor")
        wait_for(lambda: "QUEUED" not in world.states(job), lambda: f"no successor: {world.job(job)['tasks']}")
        assert {task["id"]: task["state"] for task in world.job(job)["tasks"]}[f"{job}-worker-0-0"] == "RUNNING"


run([a_pipeline_does_not_go_on_after_its_job_was_killed, scaling_down_keeps_the_instance_that_runs,
     enabling_an_agent_takes_its_drain_back])
