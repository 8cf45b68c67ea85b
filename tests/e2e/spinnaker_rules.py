"""What Spinnaker's Titus driver can take: every answer of its REST client is held to these rules.

The driver reads JSON into Java classes: an unknown field is ignored, a wrong type, an int beyond 32 bits, an unknown enum
name or a date of another shape makes the whole answer fail, and with it a whole cycle of its cache.
"""
import re

STATES = {"ALL", "RUNNING", "DISPATCHED", "FAILED", "STOPPED", "CRASHED", "FINISHED", "STARTING", "QUEUED",
          "TERMINATING", "DEAD", "PENDING"}
LIVE = {"RUNNING", "DISPATCHED", "STARTING", "QUEUED"}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
INT_MAX = 2**31 - 1


def fail(where, what, value):
    raise AssertionError(f"{where} is {what}: {value!r}")


def check_text(where, value):
    if value is not None and not isinstance(value, str):
        fail(where, "not a string", value)


def check_int(where, value):
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        fail(where, "not a number", value)
    if not -INT_MAX - 1 <= int(value) <= INT_MAX:
        fail(where, "beyond 32 bits", value)


def check_bool(where, value):
    if value is not None and not isinstance(value, bool):
        fail(where, "not a boolean", value)


def check_date(where, value):
    if value is not None and not (isinstance(value, str) and DATE.fullmatch(value)):
        fail(where, "not a date with three fraction digits", value)


def check_list(where, value, item):
    if value is None:
        return
    if not isinstance(value, list):
        fail(where, "not an array", value)
    for i, one in enumerate(value):
        item(f"{where}/{i}", one)


def check_map(where, value):
    if value is None:
        return
    if not isinstance(value, dict):
        fail(where, "not an object", value)
    for name, text in value.items():
        check_text(f"{where}/{name}", text)


def check_state(where, value):
    if value is not None and value not in STATES:
        fail(where, "no state the driver knows", value)


JOB = {
    **dict.fromkeys(("id", "name", "applicationName", "appName", "user", "version", "entryPoint", "iamProfile", "capacityGroup",
                     "jobGroupStack", "jobGroupDetail", "jobGroupSequence"), check_text),
    **dict.fromkeys(("instances", "instancesMin", "instancesMax", "instancesDesired", "cpu", "memory", "disk", "gpu",
                     "networkMbps", "retries", "runtimeLimitSecs"), check_int),
    **dict.fromkeys(("inService", "allocateIpAddress"), check_bool),
    **dict.fromkeys(("environment", "labels"), check_map),
    **dict.fromkeys(("securityGroups", "hardConstraints", "softConstraints"), lambda where, value: check_list(where, value, check_text)),
    "ports": lambda where, value: check_list(where, value, check_int),
    "submittedAt": check_date,
    "efs": check_map,
}
TASK = {
    **dict.fromkeys(("id", "instanceId", "host", "region", "zone", "message", "stdoutLive", "logs", "snapshots"), check_text),
    **dict.fromkeys(("submittedAt", "launchedAt", "startedAt", "finishedAt"), check_date),
    "state": check_state,
}
# GET /tasks/{id} is another class.
LONE_TASK = {
    **TASK,
    **dict.fromkeys(("jobId", "applicationName", "version", "entryPoint", "iamProfile", "capacityGroup"), check_text),
    **dict.fromkeys(("cpu", "gpu", "memory", "disk"), check_int),
    "env": check_map,
}


def check_members(where, value, rules):
    if not isinstance(value, dict):
        fail(where, "not an object", value)
    for name, rule in rules.items():
        rule(f"{where}/{name}", value.get(name))


def check_task(where, task):
    check_members(where, task, TASK)
    if not task.get("id") or not task.get("state"):
        fail(where, "without id or state", task)
    data = task.get("data")
    if data is not None and not isinstance(data, dict):
        fail(f"{where}/data", "neither an object nor null", data)
    if isinstance(data, dict):
        check_members(f"{where}/data", data, {"ipAddresses": check_map, "NetworkConfiguration": check_map})


def check_logs(logs):
    """Of drivers until December 2016, which read three texts."""
    for name in ("stdoutLive", "logs", "snapshots"):
        if not isinstance(logs.get(name), str) or not logs[name].startswith("http"):
            fail(f"/{name}", "no address", logs.get(name))


def check_lone_task(task):
    check_members("/task", task, LONE_TASK)
    ports = task.get("ports")
    if ports is not None and not (isinstance(ports, dict) and all(re.fullmatch(r"\d+", name) for name in ports)):
        fail("/task/ports", "not an object of numbers", ports)


def check_job(where, job, listed):
    """`listed`: of an active listing, in which every task becomes an instance; otherwise of GET /jobs/{id}."""
    check_members(where, job, JOB)
    for needed in ("id", "name", "submittedAt"):
        if not job.get(needed):
            fail(f"{where}/{needed}", "missing, and the driver sorts or names by it", job.get(needed))
    if not isinstance(job.get("tasks"), list):
        fail(f"{where}/tasks", "not an array", job.get("tasks"))
    if job.get("instances") != job.get("instancesDesired"):
        fail(f"{where}/instances", f"not the desired count {job.get('instancesDesired')}", job.get("instances"))
    if "logLocation" in job or "securityGroupDetails" in job:
        fail(where, "carrying fields that are the driver's own", sorted(job))
    for i, task in enumerate(job["tasks"]):
        check_task(f"{where}/tasks/{i}", task)
        if listed and task["state"] not in LIVE:
            fail(f"{where}/tasks/{i}/state", "of a task that has ended, in a listing of live ones", task["state"])


def check_listing(jobs):
    if not isinstance(jobs, list):
        fail("/", "not an array", jobs)
    for i, job in enumerate(jobs):
        check_job(f"/{i}", job, listed=True)


def check_batch_status(job):
    """GET /jobs/{id} of a batch job: its last task is the newest attempt, and decides."""
    check_job("/job", job, listed=False)
    if not job["tasks"]:
        fail("/job/tasks", "empty, and the driver reads its last", job["tasks"])
    starts = [int(task["id"].rsplit("-", 1)[1]) for task in job["tasks"]]
    if starts != sorted(starts):
        fail("/job/tasks", "not in order of the attempts", starts)


def check_job_uri(answer):
    uri = answer.get("jobUri")
    if not isinstance(uri, str) or not uri.rsplit("/", 1)[-1]:
        fail("/jobUri", "not a URI that ends in an id", uri)
    return uri.rsplit("/", 1)[-1]


def check_error(body):
    if not isinstance(body, dict) or not isinstance(body.get("message"), str) or not body["message"]:
        fail("/message", "missing from an error", body)
