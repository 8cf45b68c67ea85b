"""The server against its own description: every operation of /v2/openapi.yaml is driven at least once on a real server,
and status, media type and body of every answer are held against the document. Schemas of answers are closed for it, so
that a member nobody described fails; an operation that no case drives fails too.

Uses python3-jsonschema and python3-yaml, the validator and the reader that Debian keeps.
"""
import copy
import http.client
import json
import os
import re
import urllib.parse

import jsonschema
import yaml

from harness import EXAMPLES, Reply, World, process_job, run, wait_for

METHODS = ("get", "post", "put", "patch", "delete")
NO_SUCH_TASK = "mimas-999999-worker-0-0"


def example(name):
    with open(os.path.join(EXAMPLES, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def resolved(node, document):
    """The node with every $ref in it replaced by what it names."""
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target, document)
    return {key: resolved(value, document) for key, value in node.items()}


def has_properties(schema):
    return "properties" in schema or any(has_properties(part) for part in schema.get("allOf", []))


def is_open(schema):
    return "additionalProperties" in schema or any(is_open(part) for part in schema.get("allOf", []))


def close(schema, outermost=True):
    """Forbids members that are not described, in the schema and in all that is in it."""
    if not isinstance(schema, dict):
        return schema
    for part in schema.get("allOf", []):
        close(part, False)  # the whole is closed, not its parts
    for word in ("anyOf", "oneOf"):
        for part in schema.get(word, []):
            close(part)
    for part in schema.get("properties", {}).values():
        close(part)
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            close(schema[word])
    if outermost and has_properties(schema) and not is_open(schema):
        schema["unevaluatedProperties"] = False
    return schema


def without_required(schema):
    """Of an answer that `fields` was asked for, nothing must be there."""
    if isinstance(schema, dict):
        return {key: without_required(value) for key, value in schema.items() if key != "required"}
    return [without_required(item) for item in schema] if isinstance(schema, list) else schema


class Api:
    """Calls operations by their ids and holds every answer against the document."""

    def __init__(self, world):
        self.world = world
        answer = world.get("/v2/openapi.yaml")
        assert answer.status == 200, answer.body
        self.document = yaml.safe_load(answer.body)
        self.operations = {}
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operations[item[method]["operationId"]] = (method.upper(), path, resolved(item[method], self.document))
        self.driven = set()

    def send(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.world.listen, timeout=60)
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        sent = dict(headers or {})
        if data is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, target, body=data, headers=sent)
            answer = connection.getresponse()
            stream = (answer.getheader("Content-Type") or "").startswith("text/event-stream")
            return Reply(answer.status, answer.headers, answer.readline() if stream else answer.read())
        finally:
            connection.close()

    def check(self, operation_id, reply, some_fields=False):
        """Status, media type and body are as described."""
        _, _, operation = self.operations[operation_id]
        described = operation["responses"].get(str(reply.status))
        if described is None:
            assert reply.status >= 400, f"{operation_id}: {reply.status} is not described: {reply.body[:500]}"
            described = operation["responses"]["default"]
        content = described.get("content")
        kind = (reply.headers.get("Content-Type") or "").split(";")[0]
        if not content:
            assert reply.body == b"", f"{operation_id}: {reply.status} is described without a body: {reply.body[:500]}"
            return
        assert kind in content, f"{operation_id}: {reply.status} came as {kind}, described is {list(content)}"
        schema = content[kind].get("schema")
        if schema is None or not kind.endswith("json"):
            return
        schema = close(copy.deepcopy(schema))
        validator = jsonschema.Draft202012Validator(without_required(schema) if some_fields else schema)
        faults = [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message[:600]}" for fault in validator.iter_errors(reply.json())]
        assert not faults, f"{operation_id} {reply.status}: " + "; ".join(faults)

    def call(self, operation_id, status, path=None, query="", body=None, headers=None):
        self.driven.add(operation_id)
        method, template, _ = self.operations[operation_id]
        target = re.sub(r"\{(\w+)\}", lambda name: urllib.parse.quote(str((path or {})[name.group(1)]), safe=""), template)
        reply = self.send(method, target + ("?" + query if query else ""), body, headers)
        assert reply.status == status, f"{operation_id}: {reply.status} instead of {status}: {reply.body[:800]}"
        self.check(operation_id, reply, "fields=" in query)
        if status >= 400:
            problem = reply.json()
            assert problem["status"] == problem["statusCode"] == status and problem["message"] == problem["detail"], problem
        return reply


def service(**fields):
    return process_job("exec sleep 1000", **{"name": "rest", "type": "service", "appName": "rest", **fields})


def submitted(api, job):
    return api.call("submitJob", 200, body=job).json()["jobUri"].rsplit("/", 1)[1]


def running_task(world, job):
    """The id of a task that runs and that nobody has asked to end."""
    def running():
        return [task["id"] for task in world.job(job)["tasks"] if task["state"] == "RUNNING" and not task["killRequested"]]

    return wait_for(running, lambda: f"a task of {job} to run: {world.job(job)}")[0]


# --- the document by itself
def every_operation_is_described_whole():
    with World() as world:
        world.dev()
        api = Api(world)
        assert api.document["openapi"].startswith("3.1.")
        ids = [item[method]["operationId"] for item in api.document["paths"].values() for method in METHODS if method in item]
        assert len(ids) == len(set(ids)), "an operationId is used twice"
        for name, (method, path, operation) in api.operations.items():
            assert operation.get("summary"), name
            in_path = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path)), f"{name}: parameters of its path"
            assert "default" in operation["responses"], f"{name}: no answer for errors"
            if operation.get("x-status") == "later":
                assert "501" in operation["responses"], name
        for name, schema in api.document["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
        for path in ("/openapi.yaml", "/api/v2/openapi.yaml"):
            assert world.get(path).body == world.get("/v2/openapi.yaml").body


# --- every operation on a real server
def drive_jobs(api, world):
    job = submitted(api, service(instances=2, instancesMax=5, labels={"a": "b"}))
    task = running_task(world, job)
    at = {"id": job}
    listed = api.call("listJobs", 200, query="appName=rest").json()
    assert [one["id"] for one in listed] == [job]
    api.call("listJobs", 400, query="appNam=rest")
    one = api.call("getJob", 200, at)
    assert one.headers["ETag"] == '"1"', one.headers["ETag"]
    assert api.call("getJob", 200, at, query="fields=name").json() == {"id": job, "name": "rest"}
    api.call("getJob", 404, {"id": "mimas-999999"})
    api.call("getJobStats", 200, at)
    assert len(api.call("getJobTasks", 200, at).json()) == 2
    api.call("setInstanceCounts", 204, body={"jobId": job, "instancesDesired": 3, "instancesMin": 1, "instancesMax": 5})
    api.call("setInService", 204, body={"jobId": job, "inService": False})
    assert world.job(job)["inService"] is False
    api.call("setInService", 400, body={"jobId": job})
    api.call("setJobProcesses", 204, body={"jobId": job, "disableIncreaseDesired": True})
    assert world.job(job)["jobProcesses"]["disableIncreaseDesired"] is True
    api.call("setJobProcesses", 204, body={"jobId": job})
    drive_changes(api, world, job)
    versions = api.call("listJobVersions", 200, at).json()
    assert versions[0]["jobVersion"] == world.job(job)["jobVersion"] > versions[-1]["jobVersion"]
    diff = api.call("diffJobVersions", 200, at).json()
    assert diff["changes"], diff
    api.call("diffJobVersions", 404, at, query="from=1&to=99")
    api.call("diffJobVersions", 400, at, query="from=x")
    drive_events(api, job)
    return job, task


def drive_changes(api, world, job):
    at, before = {"id": job}, world.job(job)
    preview = api.call("patchJob", 200, at, query="dryRun=true", body={"labels": {"a": None, "c": "d"}}).json()
    assert preview["labels"] == {"c": "d"} and preview["dryRun"] is True, preview
    assert [change["pointer"] for change in preview["changes"]] == ["/labels/a", "/labels/c"]
    assert world.job(job)["labels"] == {"a": "b"} and world.job(job)["jobVersion"] == before["jobVersion"]
    api.call("patchJob", 412, at, body={"labels": {"x": "y"}}, headers={"If-Match": '"1"'})
    tag = api.call("getJob", 200, at).headers["ETag"]
    api.call("patchJob", 204, at, body={"labels": {"a": None, "c": "d"}}, headers={"If-Match": tag})
    assert world.job(job)["labels"] == {"c": "d"}
    api.call("patchJob", 400, at, body={"memory": -1, "labells": {}})
    later = api.call("patchJob", 501, at, body={"memory": 16}).json()
    assert later["code"] == "unimplemented" and "memory" in later["message"], later
    description = api.call("listJobVersions", 200, at).json()[0]["description"]
    description["labels"] = {"e": "f"}
    api.call("putJob", 200, at, query="dryRun=true", body=description)
    api.call("putJob", 204, at, body=description)
    assert world.job(job)["labels"] == {"e": "f"}
    api.call("putJob", 404, {"id": "mimas-999999"}, body=description)


def drive_events(api, job):
    at = {"id": job}
    events = api.call("listJobEvents", 200, at).json()
    assert events[0]["action"] == "job.submit" and {event["kind"] for event in events} == {"change", "task"}
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    pages, query = [], "limit=2"
    while True:
        page = api.call("listJobEvents", 200, at, query=query)
        assert 1 <= len(page.json()) <= 2
        pages += page.json()
        if not page.headers["X-Next-Cursor"]:
            break
        query = "limit=2&cursor=" + page.headers["X-Next-Cursor"]
    assert pages[: len(events)] == events
    api.call("listJobEvents", 400, at, query="cursor=nonsense")


def drive_tasks(api, world, job, task):
    at = {"id": task}
    listed = api.call("listTasks", 200, query=f"job={job}&state=RUNNING").json()
    assert task in [one["id"] for one in listed]
    api.call("listTasks", 400, query="stat=RUNNING")
    one = api.call("getTask", 200, at).json()
    assert [change["state"] for change in one["statusHistory"]][0] == "QUEUED"
    api.call("getTask", 404, {"id": NO_SUCH_TASK})
    summary = api.call("summarizeTasks", 200).json()
    assert [row for row in summary if row["jobId"] == job], summary
    api.call("getTaskStats", 200, at)
    api.call("getLogUrls", 200, {"taskId": task})
    files = api.call("getLogDownloads", 200, {"taskId": task}).json()
    assert "stdout" in files and api.call("listTaskFiles", 200, {"taskId": task}).json() == files
    api.call("getLog", 200, {"taskId": task, "file": "stdout"})
    api.call("getLog", 404, {"taskId": NO_SUCH_TASK, "file": "stdout"})
    api.call("killTasks", 204, body={"taskIds": [task]})
    api.call("killTasks", 400, body={})
    api.call("terminateTask", 204, {"id": running_task(world, job)})
    api.call("killTaskById", 204, {"id": running_task(world, job)})
    api.call("killTaskById", 404, {"id": NO_SUCH_TASK})


def drive_orders(api, agent):
    at, host = {"id": agent["id"]}, {"id": agent["hostname"]}
    now = lambda: api.call("getAgent", 200, at).json()
    api.call("disableAgent", 204, at, body={"reason": "new disk", "user": "ann"})
    assert now()["standing"] == "disabled" and now()["order"]["reason"] == "new disk", now()
    api.call("drainAgent", 400, at, body={"deadlineSecs": -1, "resaon": "x"})
    api.call("drainAgent", 404, {"id": "nobody"})
    api.call("drainAgent", 204, host if agent["hostname"] != "127.0.0.1" else at, body={"deadlineSecs": 3600})
    assert now()["standing"] == "drained" and now()["order"]["deadline"], now()
    api.call("enableAgent", 204, at)
    assert now()["standing"] == "open" and now()["order"] is None, now()
    api.call("enableAgent", 404, {"id": "nobody"})


def drive_why(api, world, waiting):
    """Of a job that no agent is large enough for."""
    why = wait_for(lambda: [one for one in api.call("whyJob", 200, {"id": waiting}).json()["classes"] if one["explanation"]],
                   "an explanation")[0]["explanation"]
    assert why["reasons"] and sum(one["agents"] for one in why["reasons"]) == why["agents"], why
    task = world.job(waiting)["tasks"][0]["id"]
    one = api.call("whyTask", 200, {"id": task}).json()
    assert one["kind"] == "place" and one["queue"]["tasks"] >= 1 and one["agent"] is None, one
    failures = api.call("getPlacementFailures", 200, {"taskId": task}).json()
    assert failures["ResourceFailures"] or failures["ConstraintFailures"], failures
    api.call("getPlacementFailures", 404, {"taskId": NO_SUCH_TASK})
    api.call("whyTask", 404, {"id": NO_SUCH_TASK})
    api.call("whyJob", 404, {"id": "mimas-999999"})
    cluster = api.call("getCluster", 200).json()
    assert cluster["agents"]["active"] >= 1 and cluster["queue"]["tasks"] >= 1, cluster


def drive_cluster(api, world):
    agent = wait_for(lambda: api.call("listAgents", 200).json(), "an agent")[0]
    assert api.call("getAgent", 200, {"id": agent["id"]}).json()["hostname"] == agent["hostname"]
    api.call("getAgent", 404, {"id": "nobody"})
    drive_orders(api, agent)
    waiting = submitted(api, service(name="large", cpu=1000))
    drive_why(api, world, waiting)
    queue = wait_for(lambda: api.call("getQueue", 200).json(), "something to wait")
    assert waiting in [one["jobId"] for group in queue for one in group["jobs"]], queue
    api.call("killJob", 204, body={"jobId": waiting})
    api.call("getLeader", 200)
    status = api.call("getStatus", 200).json()
    assert status["mesos"]["subscribed"] is True and status["agents"] >= 1
    assert api.call("getConfig", 200).json()["roles"] == ["*"]
    assert api.call("getLimits", 200).json()["fields"]["memory"]["minimum"] == 8
    asked = {"type": "reserve", "agentId": agent["id"], "role": "*", "resources": {"cpu": 1}}
    api.call("requestOperation", 400, body=asked)
    api.call("listOperations", 200)
    api.call("getOperation", 404, {"id": "mimas-op-99"})
    assert api.call("getScaling", 200).json() == {"groups": []}
    api.call("listOrphans", 200)
    api.call("adoptOrphans", 200, body={"all": True})
    api.call("killOrphans", 200, body={"all": True})
    api.call("tearDownFramework", 404, {"id": "another"})
    api.call("getExecutor", 404, {"arch": "vax"})
    api.call("getHealth", 200)
    api.call("getOpenApi", 200)


def drive_ends(api, world, job):
    for operation in ("killJobById", "terminateJob", "deleteJob"):
        api.call(operation, 204, {"id": submitted(api, service(name=operation))})
    api.call("deleteJob", 404, {"id": "mimas-999999"})
    api.call("killJob", 412, body={"jobId": job}, headers={"If-Match": '"1"'})
    api.call("killJob", 204, body={"jobId": job})
    world.wait_job(job, "STOPPED")
    assert os.path.getsize(api.call("backUp", 200, body={"name": "one.sqlite"}).json()["path"]) > 0
    api.call("backUp", 409, body={"name": "one.sqlite"})
    api.call("backUp", 400, body={"name": "../one.sqlite"})
    api.call("collectGarbage", 400, body={})
    api.call("collectGarbage", 204, body={"jobsKept": 0})
    wait_for(lambda: world.get(f"/v2/jobs/{job}").status == 404, "the ended job to be removed")
    api.call("killJob", 204, body={"jobId": job})  # it has ended, as was wanted


def drive_groups(api):
    at = {"name": "rest group/1"}
    names = [group["name"] for group in api.call("listGroups", 200).json()]
    assert "DEFAULT" in names and "rest" in names, names
    api.call("getGroup", 404, at)
    spec = {"tier": "critical", "weight": 200, "guarantee": {"cpu": 2.5, "memory": 64, "resources": {"fpga": 1}}, "quota": {"cpu": 4}}
    put = api.call("putGroup", 204, at, body=spec)
    assert put.headers["ETag"] == '"1"', put.headers["ETag"]
    group = api.call("getGroup", 200, at).json()
    assert group["guarantee"]["cpu"] == 2.5 and group["unused"]["resources"] == {"fpga": 1} and group["quota"]["cpu"] == 4, group
    assert api.call("getGroup", 200, at, query="fields=tier").json()["tier"] == "critical"
    api.call("putGroup", 412, at, body=spec, headers={"If-Match": '"7"'})
    faults = api.call("putGroup", 400, at, body={"weight": 0.5, "guarante": {}, "quota": {"cpu": -1}}).json()
    assert {"/weight", "/guarante", "/quota/cpu"} <= {fault["pointer"] for fault in faults["errors"]}, faults
    api.call("putGroup", 204, at, body={"weight": 7}, headers={"If-Match": '"1"'})
    assert api.call("getGroup", 200, at).json()["tier"] == "flex"
    used = api.call("getGroup", 200, {"name": "rest"}).json()
    assert used["described"] is False and used["version"] == 0, used
    api.call("deleteGroup", 204, at)
    api.call("deleteGroup", 404, at)

    sla = {"appName": "titus", "tier": "Critical", "instanceCPU": 1, "instanceMemoryMB": 32, "instanceDiskMB": 10,
           "instanceNetworkMbs": 8, "instanceCount": 3}
    created = api.call("createApplication", 201, body=sla)
    assert created.headers["Location"] == "/api/v2/management/applications/titus", created.headers["Location"]
    api.call("createApplication", 409, body=sla)
    api.call("createApplication", 400, body={"appName": "x", "instanceCPU": 1})
    assert api.call("getGroup", 200, {"name": "titus"}).json()["guarantee"]["cpu"] == 3
    read = api.call("getApplication", 200, {"name": "titus"}).json()
    assert read["instanceCPU"] * read["instanceCount"] == 3 and read["tier"] == "Critical", read
    api.call("getApplication", 404, {"name": "nobody"})
    api.call("putApplication", 204, {"name": "titus"}, body={**sla, "instanceCount": 4})
    api.call("putApplication", 404, {"name": "nobody"}, body={**sla, "appName": "nobody"})
    assert {"titus", "DEFAULT"} <= {one["appName"] for one in api.call("listApplications", 200).json()}
    api.call("deleteApplication", 400, {"name": "DEFAULT"})
    api.call("deleteApplication", 204, {"name": "titus"})


def drive_later(api):
    for name, (_, path, operation) in api.operations.items():
        if operation.get("x-status") != "later":
            continue
        answer = api.call(name, 501, {part: "mimas-1" for part in re.findall(r"\{(\w+)\}", path)}, body={} if operation.get("requestBody") else None)
        assert answer.json()["code"] == "unimplemented" and answer.json()["hint"], answer.body


def drive_the_rest(api):
    """Operations that other stories are about: here only that an answer is as described."""
    for name in sorted(set(api.operations) - api.driven):
        method, path, operation = api.operations[name]
        if method == "GET" and "{" not in path:
            api.call(name, 200)


def refuse_unknown_parameters(api):
    for name, (method, path, operation) in api.operations.items():
        if operation.get("x-status") == "later" or path.startswith("/executor"):
            continue
        target = re.sub(r"\{\w+\}", "mimas-1", path) + "?nosuchthing=1"
        reply = api.send(method, target, {} if "requestBody" in operation else None)
        assert reply.status in (400, 404), f"{name} takes nosuchthing: {reply.status}"
        api.check(name, reply)
        if "{" not in path:
            assert reply.status == 400, f"{name} takes nosuchthing: {reply.status}"


def every_operation_answers_as_it_is_described():
    with World() as world:
        world.dev()
        api = Api(world)
        job, task = drive_jobs(api, world)
        drive_tasks(api, world, job, task)
        drive_cluster(api, world)
        drive_groups(api)
        drive_ends(api, world, job)
        drive_later(api)
        drive_the_rest(api)
        refuse_unknown_parameters(api)
        assert api.driven == set(api.operations), f"not driven: {sorted(set(api.operations) - api.driven)}"


# --- habits of HTTP
def bodies_must_be_json_and_browsers_must_say_so():
    with World() as world:
        world.dev()
        api = Api(world)
        job = json.dumps(service()).encode()
        for kind, headers, status in (("text/xml", {}, 415), ("text/plain", {}, 415), ("application/json; charset=utf-8", {}, 200),
                                      ("application/merge-patch+json", {}, 200), ("application/x-www-form-urlencoded", {}, 200),
                                      ("application/x-www-form-urlencoded", {"Sec-Fetch-Site": "same-origin"}, 415)):
            reply = api.send("POST", "/v2/jobs", job, {"Content-Type": kind, **headers})
            assert reply.status == status, (kind, headers, reply.body)
            api.check("submitJob", reply)
        bare = api.send("POST", "/v2/jobs/kill", b"mimas-1\n", {"Content-Type": "text/plain; charset=utf-8"})
        assert bare.status == 204, bare.body
        wrong = api.send("DELETE", "/v2/jobs")
        assert wrong.status == 405 and wrong.headers["Allow"] == "GET, HEAD, POST", wrong.headers
        head = api.send("HEAD", "/v2/jobs/mimas-1")
        assert head.status == 200 and head.body == b"" and head.headers["ETag"]


def prefixes_of_the_old_gateway_answer_alike():
    with World() as world:
        world.dev()
        api = Api(world)
        job = submitted(api, service())
        for path in (f"/jobs/{job}", "/jobs", "/tasks"):
            answers = [world.get(prefix + path + "?fields=id").body for prefix in ("/v2", "/api/v2", "")]
            assert answers[0] == answers[1] == answers[2], answers
        assert world.get("/agents").status == 404
        assert api.send("POST", f"/jobs/terminate/{job}").status == 204


def a_key_and_a_trial_write_nothing_twice():
    with World() as world:
        world.dev()
        api = Api(world)
        body, key = service(name="once"), {"Idempotency-Key": "one-of-a-kind"}
        first = api.call("submitJob", 200, body=body, headers=key).json()
        assert api.call("submitJob", 200, body=body, headers=key).json() == first
        api.call("submitJob", 409, body=service(name="other"), headers=key)
        api.call("submitJob", 400, body=body, headers={"Idempotency-Key": "x" * 256})
        preview = api.call("submitJob", 200, query="dryRun=true", body=service(name="trial", cpus=0.5, cpu=None)).json()
        assert preview["id"] is None and preview["cpu"] == 0.5 and preview["tasks"] == [] and preview["changes"] == []
        assert [one["name"] for one in world.get("/v2/jobs").json()] == ["once"]
        api.call("submitJob", 400, query="dryRun=perhaps", body=body)


def pages_stay_right_while_jobs_come_and_go():
    with World() as world:
        world.dev()
        api = Api(world)
        jobs = [submitted(api, process_job("true", name=f"page-{n}", cpu=1000)) for n in range(6)]
        first = api.call("listJobs", 200, query="limit=2&fields=id")
        assert [one["id"] for one in first.json()] == jobs[:2]
        tasks = api.call("listTasks", 200, query="limit=2&fields=id")
        api.call("killJob", 204, body={"jobId": jobs[1]})
        api.call("killJob", 204, body={"jobId": jobs[2]})
        for job in jobs[1:3]:
            world.wait_job(job, "STOPPED")
        newest = submitted(api, process_job("true", name="page-6", cpu=1000))
        rest = api.call("listJobs", 200, query="fields=id&cursor=" + first.headers["X-Next-Cursor"]).json()
        assert [one["id"] for one in rest] == jobs[3:] + [newest], rest
        rest = api.call("listTasks", 200, query="fields=id&cursor=" + tasks.headers["X-Next-Cursor"]).json()
        assert [one["id"].rsplit("-worker", 1)[0] for one in rest] == jobs[3:] + [newest], rest


# --- the examples, as they stand
def every_example_gets_its_answer():
    with World() as world:
        world.dev()
        api = Api(world)
        for file in sorted(os.listdir(EXAMPLES)):
            name = file.removesuffix(".json")
            with open(os.path.join(EXAMPLES, file), "rb") as body:
                reply = api.call("submitJob", 200, query="dryRun=true", body=body.read())
            assert reply.headers["Warning"] is None and reply.json()["name"] == example(name).get("name"), name
        job = submitted(api, example("spinnaker"))
        one = api.call("getJob", 200, {"id": job}).json()
        assert one["instances"] == 24 and len(example("spinnaker")) == 31 and one["labels"]["source"] == "spinnaker"
        duplicate = api.call("submitJob", 400, body={**example("spinnaker"), "cpu": 2}).json()
        assert f"exists ({job})" in duplicate["message"], duplicate
        newer = api.call("submitJob", 200, body={**example("spinnaker"), "jobGroupSequence": "v999", "someday": 1})
        assert "someday" in newer.headers["Warning"]


def a_job_goes_by_its_name_and_notes_come_with_the_answer():
    with World() as world:
        world.dev()
        api = Api(world)
        answer = api.call("submitJob", 200, body=service(name="by-name", retries=3, ports=[18080], labels={"c": "x,y"})).json()
        job = answer["jobUri"].rsplit("/", 1)[1]
        assert len(answer["notes"]) == 2 and "`retries`" in answer["notes"][0] and "$PORT_18080" in answer["notes"][1], answer
        shown = api.call("getJob", 200, {"id": "by-name"}).json()
        assert shown["id"] == job and shown["notes"] == answer["notes"][1:], shown
        # A comma of the label's own.
        assert [one["id"] for one in api.call("listJobs", 200, query="labels=c%3Dx%5C%2Cy").json()] == [job]
        assert api.call("listJobs", 200, query="labels=c%3Dx%2Cz").json() == []
        api.call("setInstanceCounts", 204, body={"jobId": "by-name", "instancesDesired": 2, "instancesMin": 1, "instancesMax": 5})
        reply = api.call("patchJob", 204, {"id": "by-name"}, body={"retries": 5})
        assert "retries" in reply.headers["Warning"], reply.headers
        twin = submitted(api, service(name="by-name"))
        several = api.call("getJob", 409, {"id": "by-name"}).json()
        assert f"{job}, {twin}" in several["message"], several
        # What is forgotten is as good as ended; what is no task's id is a mistake.
        api.call("killTasks", 204, body={"taskIds": [NO_SUCH_TASK]})
        api.call("killTasks", 404, body={"taskIds": [NO_SUCH_TASK], "strict": True})
        api.call("killTasks", 400, body={"taskIds": [job]})
        wrong = api.call("getTask", 404, {"id": job}).json()
        assert f"GET /v2/jobs/{job}/tasks" in wrong["hint"], wrong


def faults_come_together_with_guesses():
    with World() as world:
        world.dev()
        api = Api(world)
        bad = {"entryPiont": "true", "type": "servce", "cpu": -1, "update": {"batchSize": 1}}
        answer = api.call("submitJob", 400, body=bad).json()
        by_pointer = {fault["pointer"]: fault for fault in answer["errors"]}
        assert "`entryPoint`" in by_pointer["/entryPiont"]["detail"], answer
        assert "`service`" in by_pointer["/type"]["detail"], answer
        assert by_pointer["/cpu"]["value"] == -1 and by_pointer["/cpu"]["limit"] == "0.01..1024"
        assert "/update" in by_pointer
        alone = api.call("submitJob", 501, body=service(update={"batchSize": 1})).json()
        assert alone["code"] == "unimplemented" and alone["errors"][0]["pointer"] == "/update", alone
        syntax = api.call("submitJob", 400, body=b'{\n  "name": "x",\n  "cpu": 1,\n}').json()
        assert "line 4, column 1" in syntax["message"], syntax
        twice = api.call("submitJob", 400, body=b'{"entryPoint": "true", "cpu": 1, "cpu": 2}').json()
        assert "twice" in twice["message"] and twice["errors"][0]["pointer"] == "/cpu", twice


run([every_operation_is_described_whole, every_operation_answers_as_it_is_described,
     bodies_must_be_json_and_browsers_must_say_so, prefixes_of_the_old_gateway_answer_alike,
     a_key_and_a_trial_write_nothing_twice, pages_stay_right_while_jobs_come_and_go, every_example_gets_its_answer,
     a_job_goes_by_its_name_and_notes_come_with_the_answer,
     faults_come_together_with_guesses])
