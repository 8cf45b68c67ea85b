"""Health checks with real servers: who turns ill is replaced, one of five at a time; readiness; commands; a wrong check."""
import json
import os
import sys
import urllib.request

from harness import World, free_port, process_job, run, wait_for

# Answers /health with what the file `state` in its sandbox says, and says who asked.
SERVER = r"""
import http.server, os
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = int(open("state").read()) if os.path.exists("state") else 200
        if self.path.startswith("/become/"):
            with open("state.new", "w") as file: file.write(self.path[8:])
            os.rename("state.new", "state")
            status = 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(os.environ["MIMAS_TASK_ID"].encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
"""
CHECK = {"http": {"path": "/health"}, "intervalSecs": 0.3, "timeoutSecs": 30, "graceSecs": 120,
         "maxConsecutiveFailures": 2}


def agent():
    """One with ports of its own for every run on this machine, below the ephemeral ones."""
    first = 10_000 + free_port() % 1_000 * 10
    return "--agent", f"hostname=a1;resources=cpus:8;mem:4096;disk:8000;ports:[{first}-{first + 9}]"


def service(world, instances, **fields):
    path = world.path("server.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SERVER)
    return process_job(f"exec {sys.executable} {path}", type="service", instances=instances, ports=1, memory=64,
                       killGraceSecs=1, **fields)


def tasks(world, job):
    return world.job(job)["tasks"]


def all_tasks(world, job):
    return world.get(f"/v2/jobs?taskState=ANY&name={world.job(job)['name']}").json()[0]["tasks"]


def become(task, status):
    """Has the task's server answer with this status from now on."""
    port = next(iter(task["ports"].values()))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/become/{status}", timeout=30) as answer:
        assert answer.read().decode() == task["id"]


def wait_tasks(world, job, condition, what):
    """Until condition(tasks) holds for the job's live tasks; answers them."""
    def look():
        found = [task for task in tasks(world, job) if task["finishedAt"] is None]
        return found if condition(found) else None
    return wait_for(look, lambda: f"{what}: {json.dumps(tasks(world, job))[:3000]}", patience=240)


def healthy(count):
    return lambda found: [task["healthy"] for task in found] == [True] * count


def who_turns_ill_is_replaced_and_the_others_stay():
    with World() as world:
        world.dev(*agent())
        job = world.submit(service(world, 5, healthChecks=[CHECK]))
        before = wait_tasks(world, job, healthy(5), "five healthy instances")
        assert world.job(job)["instancesReady"] == 5
        ill = before[2]
        become(ill, 503)
        after = wait_tasks(world, job, lambda found: healthy(5)(found) and
                           ill["id"] not in [task["id"] for task in found], "a healthy successor")
        kept = {task["id"] for task in before} & {task["id"] for task in after}
        assert len(kept) == 4, (before, after)
        ended = world.get(f"/v2/tasks/{ill['id']}").json()
        assert ended["state"] == "FAILED" and ended["reason"] == "UNHEALTHY", ended
        assert "status 503" in ended["message"] and ended["healthy"] is False, ended
        assert [task for task in after if task["index"] == 2][0]["attempt"] <= 1


def all_ill_at_once_go_one_after_the_other():
    with World() as world:
        world.dev(*agent())
        job = world.submit(service(world, 3, healthChecks=[CHECK]))
        before = wait_tasks(world, job, healthy(3), "three healthy instances")
        for task in before:
            become(task, 500)

        def replaced():
            now = all_tasks(world, job)
            # Of the first three, never two are on their way out or in at a time: the next goes when the successor is well.
            waiting = [task for task in now if task["finishedAt"] is None and task["healthy"] is not True
                       and (task["killRequested"] or task["number"] >= 3)]
            assert len(waiting) <= 1, now
            live = [task for task in now if task["finishedAt"] is None]
            return healthy(3)(live) and all(task["number"] >= 3 for task in live)

        wait_for(replaced, lambda: f"three successors: {json.dumps(all_tasks(world, job))[:3000]}", patience=400)


def who_recovers_in_time_stays_and_readiness_ends_nobody():
    with World() as world:
        world.dev(*agent())
        job = world.submit(service(world, 2, readiness=CHECK))
        before = wait_tasks(world, job, lambda found: [task["ready"] for task in found] == [True, True], "readiness")
        assert [task["healthy"] for task in before] == [None, None], before
        become(before[0], 503)
        now = wait_tasks(world, job, lambda found: sorted(task["ready"] for task in found) == [False, True],
                         "one to be not ready")
        assert world.job(job)["instancesReady"] == 1
        assert "not ready: http check of port" in now[0]["lastHealthMessage"], now
        become(before[0], 200)
        wait_for(lambda: world.job(job)["instancesReady"] == 2, "it to be ready again", patience=240)
        assert {task["id"] for task in tasks(world, job)} == {task["id"] for task in before}


def a_command_is_run_beside_the_task():
    with World() as world:
        world.dev(*agent())
        check = {"command": ["/bin/sh", "-c", 'echo "looked at $MIMAS_TASK_ID"; test ! -e ill'], "intervalSecs": 0.3,
                 "graceSecs": 0, "timeoutSecs": 30, "maxConsecutiveFailures": 1}
        marker = world.path("ill")
        check["command"][2] = check["command"][2].replace("-e ill", f"-e {marker}")
        job = world.submit(process_job("exec sleep 1000", type="service", healthChecks=[check], killGraceSecs=1))
        first = wait_tasks(world, job, healthy(1), "the command to pass")[0]
        with open(marker, "w", encoding="utf-8"):
            pass
        ended = wait_for(lambda: (lambda task: task if task["state"] == "FAILED" else None)
                         (world.get(f"/v2/tasks/{first['id']}").json()), "the task to be ended", patience=240)
        assert ended["reason"] == "UNHEALTHY", ended
        assert f"exit status 1: looked at {first['id']}" in ended["message"], ended
        os.unlink(marker)
        wait_tasks(world, job, healthy(1), "a healthy successor")


def a_check_that_never_passes_does_not_spin_and_the_job_says_so():
    with World() as world:
        world.dev(*agent())
        check = {"tcp": {}, "intervalSecs": 0.1, "graceSecs": 0, "maxConsecutiveFailures": 1}
        job = world.submit(process_job("exec sleep 1000", type="service", instances=1, ports=1, healthChecks=[check],
                                       killGraceSecs=1))
        # The back-off doubles: the fourth attempt is there only after pauses of 1, 2 and 4 s, which are on record.
        wait_for(lambda: max((task["attempt"] for task in tasks(world, job)), default=0) >= 3, "four starts", patience=240)
        assert "no instance has ever passed its health checks" in world.job(job)["message"], world.job(job)
        assert "Connection refused" in world.job(job)["message"]
        starts = sorted(all_tasks(world, job), key=lambda task: task["number"])
        for task in starts[1:]:
            assert task["notBefore"] is not None or task["launchedAt"] is not None
        assert [task["attempt"] for task in starts] == list(range(len(starts))), starts
        assert all(task["reason"] == "UNHEALTHY" for task in starts[:-1] if task["finishedAt"]), starts


def checks_go_on_through_restarts_of_agent_and_server():
    with World() as world:
        port = free_port()
        world.pocket(port, *agent(), "--executor-reregistration-timeout", "60secs")
        server = world.serve(port)
        job = world.submit(service(world, 2, healthChecks=[CHECK]))
        before = wait_tasks(world, job, healthy(2), "two healthy instances")
        request = urllib.request.Request(f"http://127.0.0.1:{port}/pocket/fault", data=json.dumps(
            {"fault": "restart_agent", "how": "keep", "away_ms": 1000}).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 202
        become(before[0], 503)  # while nobody listens to the executor
        after = wait_tasks(world, job, lambda found: healthy(2)(found) and
                           before[0]["id"] not in [task["id"] for task in found], "a successor")
        assert before[1]["id"] in [task["id"] for task in after], after
        # Ill while the server is away: it hears of it afterwards.
        server.kill9()
        become(before[1], 503)
        world.serve(port)
        wait_tasks(world, job, lambda found: healthy(2)(found) and
                   before[1]["id"] not in [task["id"] for task in found], "the other's successor")


def a_wrong_body_is_told_all_its_faults():
    with World() as world:
        world.dev(*agent())
        answer = world.call("POST", "/v2/jobs", process_job("true", healthChecks=[{"http": {"path": "x"}}, {}],
                                                             readiness={"tcp": {"port": 80}}, ports=[8080]))
        assert answer.status == 400, answer.body
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [
            "/healthChecks/0/http/path", "/healthChecks/1", "/readiness/tcp/port"], answer.json()


if __name__ == "__main__":
    run([who_turns_ill_is_replaced_and_the_others_stay, all_ill_at_once_go_one_after_the_other,
         who_recovers_in_time_stays_and_readiness_ends_nobody, a_command_is_run_beside_the_task,
         a_check_that_never_passes_does_not_spin_and_the_job_says_so,
         checks_go_on_through_restarts_of_agent_and_server, a_wrong_body_is_told_all_its_faults])
