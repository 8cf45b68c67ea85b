"""GET /v2/events as a tool uses it: a snapshot, every change after it, breaks that lose nothing, readers that do not read,
restarts. What the stream told is compared with what the records say."""
import http.client
import json
import socket

from harness import PATIENCE_SECS, World, process_job, run, wait_for


class Stream:
    """One reader: (event, id, data) in the order of arrival."""

    def __init__(self, world, query="", last=None, accept=None):
        headers = {}
        if last is not None:
            headers["Last-Event-ID"] = last
        if accept is not None:
            headers["Accept"] = accept
        self.lines = accept == "application/x-ndjson"
        self.connection = http.client.HTTPConnection(world.listen, timeout=PATIENCE_SECS)
        self.connection.request("GET", "/v2/events" + query, headers=headers)
        self.answer = self.connection.getresponse()
        self.last = last
        self.heartbeats = 0

    def next(self):
        """The next event; None at the end of the stream."""
        if self.lines:
            line = self.answer.readline()
            if not line:
                return None
            event = json.loads(line)
            return event["event"], event.get("id"), event.get("data")
        name = identity = data = None
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line.startswith(":"):
                self.heartbeats += 1
            elif line:
                field, value = line.split(": ", 1)
                if field == "id":
                    self.last = identity = value
                elif field == "event":
                    name = value
                elif field == "data":
                    data = json.loads(value)
            elif data is not None:
                return name, identity, data

    def until(self, wanted):
        """All events up to the first one that `wanted` says yes to, that one included."""
        seen = []
        while True:
            event = self.next()
            assert event is not None, f"the stream ended after {seen[-3:]}"
            seen.append(event)
            if wanted(*event):
                return seen

    def close(self):
        self.connection.close()


def ended(job):
    return lambda name, _, data: name == "job" and data["id"] == job and data["state"] in ("FINISHED", "FAILED", "STOPPED")


def snapshot_end(name, *_):
    return name == "snapshotEnd"


def metric(world, series):
    for line in world.get("/metrics").body.decode().splitlines():
        if line.startswith(series + " "):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {series} in /metrics")


def a_snapshot_and_then_every_change():
    with World() as world:
        world.dev()
        shop = world.submit(process_job("exec sleep 1000", type="service", appName="shop", labels={"team": "a"}))
        books = world.submit(process_job("exec sleep 1000", type="service", appName="books"))
        for job in (shop, books):
            world.wait_states(job, "RUNNING", 1)
        stream = Stream(world)
        assert stream.answer.headers["Content-Type"] == "text/event-stream"
        seen = stream.until(snapshot_end)
        assert [name for name, _, _ in seen] == ["job", "job", "task", "task", "snapshotEnd"], seen
        assert all(identity is None for _, identity, _ in seen[:-1]), "what can not be gone on from has no id"
        assert seen[0][2]["id"] == shop and "tasks" not in seen[0][2]
        assert {"id", "jobId", "state"} <= seen[2][2].keys() and seen[2][2]["state"] == "RUNNING"

        one = Stream(world, "?app=shop&kind=task&kind=connection", accept="application/x-ndjson")
        seen = one.until(snapshot_end)
        assert [name for name, _, _ in seen] == ["task", "connection", "snapshotEnd"], seen
        assert seen[1][2]["subscribed"] is True

        everything = Stream(world, "?kind=job,task,agent,audit,connection,alert&snapshot=false&heartbeatSecs=1")
        wait_for(lambda: metric(world, "mimas_event_readers") == 3, "three readers")
        third = world.submit(process_job("true", appName="books"))
        fourth = world.submit(process_job("true", appName="shop"))
        seen = stream.until(ended(fourth))
        assert not any(snapshot_end(*event) for event in seen), seen
        numbers = [int(identity.rsplit("-", 1)[1]) for _, identity, _ in seen]
        assert numbers == sorted(set(numbers)), numbers
        world.wait_job(third, "FINISHED")
        numbers = [int(identity.rsplit("-", 1)[1]) for _, identity, _ in everything.until(ended(fourth))]
        assert len(numbers) > 10 and numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
        seen = one.until(lambda name, _, data: name == "task" and data["state"] == "FINISHED")
        assert {data["jobId"] for name, _, data in seen if name == "task"} == {fourth}, seen
        refused = world.get("/v2/events?kinds=job&type=daemon")
        assert refused.status == 400 and len(refused.json()["errors"]) == 2, refused.body


def breaks_lose_nothing():
    with World() as world:
        world.dev()
        stream = Stream(world, "?heartbeatSecs=1")
        seen = stream.until(snapshot_end)
        jobs = [world.submit(process_job("true", name=f"n{i}", instances=2)) for i in range(25)]
        breaks, states, open_jobs = 0, {}, set(jobs)
        while open_jobs:
            name, identity, data = stream.next()
            assert name not in ("reset", "snapshotEnd", "overrun"), data
            if name == "task":
                states.setdefault(data["id"], []).append((identity, data["state"]))
            if name == "job" and ended(data["id"])(name, identity, data):
                open_jobs.discard(data["id"])
            seen.append((name, identity, data))
            if len(seen) % 20 == 0:  # the connection breaks; what has arrived unread is lost with it
                breaks += 1
                stream.close()
                stream = Stream(world, last=stream.last)
        assert breaks >= 10 and len(seen) >= 200, (breaks, len(seen))
        ids = [identity for _, identity, _ in seen if identity]
        assert len(ids) == len(set(ids)), "an event came twice"
        compared = 0
        for job in jobs:
            for task in world.job(job)["tasks"]:
                record = world.get(f"/v2/tasks/{task['id']}").json()
                told = [state for _, state in states[task["id"]]]
                told = [state for i, state in enumerate(told) if i == 0 or told[i - 1] != state]
                if "statusHistory" in record:
                    assert told == [step["state"] for step in record["statusHistory"]], (told, record["statusHistory"])
                assert told[0] == "QUEUED" and told[-1] == record["state"] == "FINISHED", (told, record)
                compared += 1
        assert compared == 50, compared
        wait_for(lambda: metric(world, "mimas_event_readers") == 1, "the broken readers to be noticed")


def who_does_not_read_is_cut_off_and_nobody_waits_for_it():
    with World() as world:
        world.dev()
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = world.listen.rsplit(":", 1)
        stuck.connect((host, int(port)))
        stuck.sendall(b"GET /v2/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reading = Stream(world)
        reading.until(snapshot_end)
        wait_for(lambda: metric(world, "mimas_event_readers") == 2, "two readers")
        bulk = {f"bulk{i}": "x" * 1000 for i in range(200)}
        jobs = [world.submit(process_job("true", labels=bulk, name=f"n{i}")) for i in range(30)]
        seen = reading.until(ended(jobs[-1]))
        assert {data["id"] for name, _, data in seen if name == "job"} == set(jobs)
        wait_for(lambda: metric(world, "mimas_event_readers") == 1, "the one that does not read to be cut off")
        last = world.submit(process_job("true"))
        reading.until(ended(last))
        stuck.close()


def after_a_restart_the_stream_begins_anew():
    with World() as world:
        server = world.dev()
        job = world.submit(process_job("exec sleep 1000", type="service"))
        world.wait_states(job, "RUNNING", 1)
        stream = Stream(world)
        stream.until(snapshot_end)
        before = stream.last
        server.stop()
        seen = stream.until(lambda name, *_: name == "bye")
        assert stream.next() is None
        assert seen[-1][2]["reason"]
        world.dev()
        again = Stream(world, last=before)
        seen = again.until(snapshot_end)
        assert seen[0][0] == "reset" and "start" in seen[0][2]["reason"], seen
        assert [data["id"] for name, _, data in seen if name == "job"] == [job]
        assert again.last > before, "a later start has greater ids"
        queried = Stream(world, "?lastEventId=" + again.last)
        assert world.call("POST", "/v2/jobs/kill", {"jobId": job}).status == 204
        assert "snapshotEnd" not in [name for name, _, _ in queried.until(ended(job))]


def ready_and_metrics():
    with World() as world:
        world.dev()
        assert world.get("/ready").json()["status"] == "ready"
        job = world.submit(process_job("true"))
        world.wait_job(job, "FINISHED")
        assert metric(world, 'mimas_jobs{type="batch",state="ended"}') == 1
        assert metric(world, 'mimas_tasks{state="finished"}') == 1
        assert metric(world, 'mimas_http_requests_total{method="POST",route="/v2/jobs",status="200"}') == 1
        assert metric(world, "mimas_commit_seconds_count") > 0
        assert metric(world, "mimas_subscribed") == 1


def a_listing_that_has_not_changed_is_not_sent_again():
    with World() as world:
        world.dev()
        world.wait_job(world.submit(process_job("true")), "FINISHED")

        def unchanged():  # the last events of the job may still be on their way
            tag = world.get("/v2/jobs?archived=true").headers["ETag"]
            return world.call("GET", "/v2/jobs?archived=true", headers={"If-None-Match": tag}).status == 304 and tag

        tag = wait_for(unchanged, "a listing to stay as it is")
        world.submit(process_job("true"))
        answer = world.call("GET", "/v2/jobs?archived=true", headers={"If-None-Match": tag})
        assert answer.status == 200 and len(answer.json()) == 2 and answer.headers["ETag"] != tag


run([a_snapshot_and_then_every_change, breaks_lose_nothing, who_does_not_read_is_cut_off_and_nobody_waits_for_it,
     after_a_restart_the_stream_begins_anew, ready_and_metrics,
     a_listing_that_has_not_changed_is_not_sent_again])
