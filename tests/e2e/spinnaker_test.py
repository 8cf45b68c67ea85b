"""Spinnaker's Titus driver, as mimas sees it: its requests byte for byte, and its rules for every answer.

tests/e2e/spinnaker_requests holds the requests as OkHttp writes them: the order of headers and of JSON members, the
explicit nulls, the percent-encoding. {braces} stand for what the story knows. They go over one kept-alive connection.
"""
import gzip
import http.client
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "executor"))
import docker_world  # noqa: E402
import spinnaker_rules as rules  # noqa: E402
from docker_world import docker  # noqa: E402
from harness import World, run, wait_for  # noqa: E402

REQUESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spinnaker_requests")
IMAGE = f"mimas-spinnaker-{os.getpid()}"
# A service that listens to SIGTERM, as JSON text within JSON text.
SERVE = "/bin/sh -c 'trap \\\"exit 0\\\" TERM; echo up; while :; do sleep 1; done'"
PATIENCE = 300


class Driver:
    """The driver's HTTP client: one connection, kept alive and opened again when the server has closed it."""

    def __init__(self, listen):
        self.listen = listen
        self.socket = None
        self.sent = 0

    def say(self, which, /, **values):
        with open(os.path.join(REQUESTS, which + ".http"), encoding="utf-8", newline="") as file:
            head, _, body = file.read().partition("\n\n")
        for key, value in values.items():
            head, body = (text.replace("{" + key + "}", str(value)) for text in (head, body))
        body = body.encode()
        head = head.replace("{host}", self.listen).replace("{length}", str(len(body)))
        assert "{" not in head, f"{which} wants more values: {head}"
        request = head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body
        self.sent += 1
        for _ in range(2):
            kept = self.socket is not None
            if not kept:
                host, port = self.listen.split(":")
                self.socket = socket.create_connection((host, int(port)), 60)
            try:
                self.socket.sendall(request)
                answer = http.client.HTTPResponse(self.socket)
                answer.begin()
                text = answer.read()
            except (http.client.HTTPException, OSError):
                self.close()
                if not kept:  # only a connection that was kept may have been closed meanwhile
                    raise
                continue
            if answer.will_close:
                self.close()
            if answer.getheader("Content-Encoding") == "gzip":
                text = gzip.decompress(text)
            return answer.status, text
        raise AssertionError("the server closes a fresh connection without an answer")

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def read(self, which, /, **values):
        status, text = self.say(which, **values)
        assert status == 200, (which, status, text[:500])
        return json.loads(text.decode("utf-8"))

    def do(self, which, /, **values):
        status, text = self.say(which, **values)
        assert 200 <= status < 300, (which, status, text[:500])

    def refused(self, which, /, **values):
        status, text = self.say(which, **values)
        assert 400 <= status < 500, (which, status, text[:500])
        error = json.loads(text)
        rules.check_error(error)
        return status, error["message"]

    def listing(self, which, /, **values):
        jobs = self.read(which, **values)
        rules.check_listing(jobs)
        return jobs

    def find(self, name):
        """findJobByName: the newest of the matches."""
        jobs = self.listing("find_by_name", name=name)
        assert jobs, f"no job is labelled name={name}"
        return max(jobs, key=lambda job: job["submittedAt"])

    def poll(self, condition, what):
        """The caching agent's cycle, with a shorter pause."""
        last = []

        def cycle():
            last[:] = self.listing("list_services")
            time.sleep(0.2)
            return condition({job["name"]: job for job in last})

        return wait_for(cycle, lambda: f"{what}: {json.dumps(last)[:3000]}", PATIENCE)


def running(group, count):
    tasks = (group or {}).get("tasks", [])
    states = [task["state"] for task in tasks]
    return states == ["RUNNING"] * count and tasks


def service(app, sequence, desired, **more):
    return {"app": app, "name": f"{app}-main-{sequence}", "sequence": sequence, "image": IMAGE, "desired": desired,
            "color": "blue", "entryPoint": SERVE, **more}


def agents():
    # As on a rack of Pis: the agents' executors are the ARM ones, which run here under an emulator.
    where = "attributes=arch:arm;resources=cpus:32;mem:4096;disk:8000;ports:[{0}000-{0}999]"
    words = []
    for i in range(3):
        words += ["--agent", f"hostname=pi{i};" + where.format(33 + i)]
    return words + ["--agent", "hostname=x1;resources=cpus:32;mem:4096;disk:8000;ports:[31000-31999]"]


def deploy(driver):
    """The name resolver's question, the submission, and the cache until every instance runs."""
    assert driver.listing("list_application", app="myapp") == []
    assert driver.listing("find_by_name", name="a%5Eb%26c%20%25") == []
    first = service("myapp", "v000", 24)
    job = rules.check_job_uri(driver.read("submit_service", **first))
    # Its reply was lost, so it is sent again, byte for byte.
    assert rules.check_job_uri(driver.read("submit_service", **first)) == job
    status, message = driver.refused("submit_service", **service("myapp", "v000", 3))
    assert status == 400 and "Constraint violation - job with group sequence myapp-main-" in message, message
    assert f"({job})" in message, message
    ours = driver.listing("list_application", app="myapp")
    assert [one["id"] for one in ours] == [job], "a job is listed as soon as it is answered"
    tasks = driver.poll(lambda groups: running(groups.get("myapp-main-v000"), 24), "24 instances run")
    assert {task["host"] for task in tasks} <= {"pi0", "pi1", "pi2"}, "work for the Pis goes to the Pis"
    group = driver.find("myapp-main-v000")
    echoed = {name: group[name] for name in ("name", "appName", "applicationName", "version", "jobGroupStack", "jobGroupSequence",
                                             "user", "environment", "hardConstraints", "softConstraints", "ports", "memory")}
    assert echoed == {"name": "myapp-main-v000", "appName": "myapp", "applicationName": IMAGE, "version": "1",
                      "jobGroupStack": "main", "jobGroupSequence": "v000", "user": "spinnaker",
                      "environment": {"COLOR": "blue"}, "hardConstraints": ["arch=arm"],
                      "softConstraints": ["ZoneBalance"], "ports": [7001], "memory": 16}, echoed
    labels = group["labels"]
    assert labels["name"] == "myapp-main-v000" and labels["source"] == "spinnaker", labels
    assert labels["interestingHealthProviderNames"] == "Titus,Discovery" and group["inService"] is True, group
    rules.check_lone_task(driver.read("get_task", taskId=tasks[0]["id"]))
    # Where its instances are, and links that work wherever they are shown.
    for task in tasks:
        assert task["data"]["NetworkConfiguration"]["EniIPAddress"] == "127.0.0.1", task["data"]
        assert all(task[link].startswith(f"http://{driver.listen}/") for link in ("stdoutLive", "logs")), task
    return job


def resize_and_switch(driver, job):
    assert driver.find("myapp-main-v000")["id"] == job
    driver.do("resize", jobId=job, desired=10, max=24, min=1)
    counts = driver.find("myapp-main-v000")  # read at once, as the driver does
    assert (counts["instances"], counts["instancesMin"], counts["instancesMax"]) == (10, 1, 24), counts
    driver.poll(lambda groups: running(groups.get("myapp-main-v000"), 10), "10 instances are left")
    for on in ("false", "true"):
        driver.do("set_in_service", jobId=job, inService=on)
        assert driver.find("myapp-main-v000")["inService"] is (on == "true")
    status, _ = driver.refused("resize", jobId=job, desired=30, max=24, min=1)
    assert status == 400


def terminate_and_detach(driver, job):
    before = {task["id"] for task in driver.find("myapp-main-v000")["tasks"]}
    first, second = sorted(before)[:2]
    driver.do("kill_tasks", first=first, second=second, shrink="false")

    def replaced(groups):
        tasks = running(groups.get("myapp-main-v000"), 10)
        return tasks and not {first, second} & {task["id"] for task in tasks} and tasks

    after = {task["id"] for task in driver.poll(replaced, "two instances are replaced")}
    assert before - {first, second} <= after, "and no other"
    assert driver.find("myapp-main-v000")["instances"] == 10

    first, second = sorted(after)[-2:]
    group = driver.find("myapp-main-v000")
    driver.do("resize", jobId=job, desired=group["instancesDesired"], max=group["instancesMax"], min=group["instances"] - 2)
    driver.do("kill_tasks", first=first, second=second, shrink="true")
    counts = driver.find("myapp-main-v000")
    assert (counts["instances"], counts["instancesDesired"]) == (8, 8), counts
    left = {task["id"] for task in driver.poll(lambda groups: running(groups.get("myapp-main-v000"), 8), "8 are left")}
    assert left == after - {first, second}, "the two that were named are gone"


def forgotten(driver):
    """What retention has removed has ended: the driver would repeat a 404 for 27 minutes."""
    driver.do("kill_tasks", first="mimas-9-worker-0-0", second="mimas-9-worker-0-1", shrink="true")


def red_black(driver, job):
    """The next version beside the first, then the first is destroyed."""
    names = {one["jobGroupSequence"] for one in driver.listing("list_application", app="myapp")}
    assert names == {"v000"}, names
    after = rules.check_job_uri(driver.read("submit_service", **service("myapp", "v001", 2, color="green")))
    driver.poll(lambda groups: running(groups.get("myapp-main-v001"), 2), "the next version runs")
    driver.do("kill_job", jobId=job)
    driver.poll(lambda groups: "myapp-main-v000" not in groups, "the first version is gone from the cache")
    ended = driver.read("get_job", jobId=job)
    rules.check_job("/job", ended, listed=False)
    assert ended["tasks"], "what has ended is told for as long as it is kept"
    return after


def run_job(driver):
    uri = driver.read("run_job", app="myapp", name="myapp-v000", image=IMAGE,
                      entryPoint="/bin/sh -c 'echo answer=42 > $MESOS_SANDBOX/ci.properties; echo done'")
    job = rules.check_job_uri(uri)
    seen = []

    def over():
        status = driver.read("get_job", jobId=job)
        rules.check_batch_status(status)
        seen.append(status["tasks"][-1]["state"])
        return status if seen[-1] not in ("QUEUED", "DISPATCHED", "STARTING", "RUNNING") else None

    task = wait_for(over, lambda: f"the batch job ends: {seen[-1:]}", PATIENCE)["tasks"][-1]
    assert task["state"] == "FINISHED", task
    files = driver.read("log_files", taskId=task["id"])
    assert all(isinstance(url, str) for url in files.values()), files
    host, port = driver.listen.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    for name, text in (("ci.properties", b"answer=42\n"), ("stdout", b"done\n")):
        assert files[name].startswith(f"http://{driver.listen}/"), files
        connection.request("GET", files[name])
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, text), name
    assert driver.refused("get_job", jobId="mimas-999")[0] == 404


def drivers_of_2016(driver, job):
    groups = {one["id"]: one for one in driver.listing("2016_list_services")}
    victim = groups[job]["tasks"][0]["id"]
    rules.check_job("/job", driver.read("2016_get_job_bare", jobId=job), listed=False)
    rules.check_lone_task(driver.read("2016_get_task_bare", taskId=victim))
    rules.check_logs(driver.read("2016_logs", taskId=victim))
    driver.do("2016_terminate_task", taskId=victim)

    def replaced(groups):
        tasks = running(groups.get("myapp-main-v001"), 2)
        return tasks and victim not in {task["id"] for task in tasks}

    driver.poll(replaced, "the terminated instance is replaced")
    driver.do("2016_kill_job", jobId=job)
    last = rules.check_job_uri(driver.read("submit_service", **service("old", "v000", 1)))
    driver.do("2016_kill_job_bare", jobId=last)
    driver.poll(lambda groups: not groups, "everything has ended")


def a_server_group_lives_and_dies_by_spinnakers_own_requests():
    with World() as world:
        world.dev(*agents())
        driver = Driver(world.listen)
        job = deploy(driver)
        resize_and_switch(driver, job)
        terminate_and_detach(driver, job)
        forgotten(driver)
        job = red_black(driver, job)
        run_job(driver)
        drivers_of_2016(driver, job)
        driver.close()
        print(f"{driver.sent} requests")


def the_rules_find_what_the_driver_could_not_take():
    good = {"id": "mimas-1", "name": "n", "submittedAt": "2026-11-21T07:00:00.123Z", "instances": 1, "instancesDesired": 1,
            "tasks": [{"id": "mimas-1-worker-0-0", "state": "RUNNING", "data": None}]}
    rules.check_listing([good])
    task = good["tasks"][0]
    for bad in ({"submittedAt": "2026-11-21T07:00:00Z"}, {"submittedAt": None}, {"tasks": None}, {"instances": 2},
                {"retries": 2**31}, {"cpu": "much"}, {"labels": {"a": 1}}, {"securityGroups": "sg-1"}, {"inService": "yes"},
                {"ports": {"7001": 1}}, {"name": ""}, {"tasks": [{**task, "state": "ERROR"}]},
                {"tasks": [{**task, "state": "FINISHED"}]}, {"tasks": [{**task, "data": []}]},
                {"tasks": [{**task, "launchedAt": 1795246108.5}]}):
        try:
            rules.check_listing([{**good, **bad}])
        except AssertionError:
            continue
        raise AssertionError(f"not found: {bad}")


def main():
    why_not = docker_world.why_not()
    if why_not:
        print("skipped: " + why_not)
        sys.exit(77)
    docker_world.import_image(IMAGE + ":1")
    try:
        run([the_rules_find_what_the_driver_could_not_take, a_server_group_lives_and_dies_by_spinnakers_own_requests])
    finally:
        docker_world.remove_containers("--filter", f"ancestor={IMAGE}:1")
        docker_world.remove_images(IMAGE + ":1")


if __name__ == "__main__":
    main()
