"""Groups of agents that grow and shrink with the work: in `mimas dev` for real, elsewhere by telling somebody.

Whoever should have carried a decision out is told by JSON, and what fails is there for everybody to see.
"""
import http.server
import json
import os
import subprocess
import threading

from harness import MIMAS, World, process_job, run, wait_for

AGENT = ("--agent", "hostname=a0;attributes=pool:small;resources=cpus:1;mem:512;disk:2000;ports:[33000-33099]")
GROUP = {"name": "small", "attribute": "pool", "value": "small", "minIdle": 0, "maxIdle": 0, "minSize": 1, "maxSize": 3,
         "coolDown": "2secs", "patience": "1secs", "arrival": "10mins"}


def flags(world, provider, **fields):
    with open(world.path("rules.json"), "w", encoding="utf-8") as file:
        json.dump({"groups": [{**GROUP, **fields}]}, file)
    return ("--scaling-rules", world.path("rules.json"), "--scaling-provider", provider)


def group(world):
    groups = world.get("/v2/scaling").json()["groups"]
    return groups[0] if groups else {"size": -1, "decisions": []}


def active(world):
    return sorted(agent["hostname"] for agent in world.get("/v2/agents").json() if agent["state"] == "active")


def alerts(world):
    return {alert["name"]: alert["text"] for alert in world.get("/health").json()["alerts"]}


def until(name):
    """A task that ends once the file is there; one of them fills an agent."""
    return {"script": f"while [ ! -e {name} ]; do sleep 0.2; done", "cpu": 0.8, "memory": 64, "disk": 100}


def waiting_job(world, instances, name="go", **fields):
    wanted = until(world.path(name))
    return world.submit(process_job(wanted.pop("script"), instances=instances, **wanted, **fields))


def executable(world, script):
    path = world.path("program")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + script + "\n")
    os.chmod(path, 0o700)
    return path


def agents_come_for_work_and_go_after_it():
    with World() as world:
        server = world.dev(*AGENT, *flags(world, "pocket"))
        job = waiting_job(world, 3)
        world.wait_states(job, "RUNNING", 3)
        assert len(active(world)) == 3, active(world)
        grown = wait_for(lambda: (lambda now: now if now["size"] == 3 and now["awaited"] == 0 else None)(group(world)),
                         lambda: f"the group to be seen whole: {group(world)}")
        assert all(one["cause"] == "shortfall" and one["outcome"] == "done" for one in grown["decisions"]), grown
        assert sum(one["add"] for one in grown["decisions"]) == 2, grown
        too_much = waiting_job(world, 1)  # at its largest: it waits
        world.wait_states(too_much, "QUEUED", 1)
        with open(world.path("go"), "w", encoding="utf-8"):
            pass
        for one in (job, too_much):
            world.wait_job(one, "FINISHED")
        wait_for(lambda: active(world) == ["a0"] or len(active(world)) == 1, lambda: f"one agent: {group(world)}")
        shrunk = wait_for(lambda: (lambda now: now if now["size"] == 1 and now["leaving"] == 0 else None)(group(world)),
                          lambda: f"the group to be small: {group(world)}")
        gone = [agent for one in shrunk["decisions"] for agent in one["remove"]]
        assert len(gone) == 2, shrunk
        assert "at most 0 should be" in shrunk["decisions"][0]["why"], shrunk
        assert alerts(world) == {}, alerts(world)
        with open(server.log_path, encoding="utf-8", errors="replace") as log:
            assert "scaling small: " in log.read()
        shown = subprocess.run([MIMAS, "scaling", "--server", world.listen], check=True, capture_output=True, text=True,
                               timeout=60).stdout
        assert "small" in shown, shown


def an_added_agent_outlives_a_restart():
    with World() as world:
        server = world.dev(*AGENT, *flags(world, "pocket", coolDown="10mins"))
        job = waiting_job(world, 2)
        world.wait_states(job, "RUNNING", 2)
        tasks = {task["id"] for task in world.job(job)["tasks"]}
        server.kill9()
        world.dev(*AGENT, *flags(world, "pocket", coolDown="10mins"))
        wait_for(lambda: len(active(world)) == 2, lambda: f"both agents: {active(world)}")
        with open(world.path("go"), "w", encoding="utf-8"):
            pass
        ended = world.wait_job(job, "FINISHED")
        assert {task["id"] for task in world.job(job)["tasks"]} == tasks, ended


class Listening:
    """A web service that keeps what it was sent and answers what it is told to."""

    def __init__(self, status=200):
        self.status, self.bodies, self.headers = status, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(json.loads(body))
                outer.headers.append(dict(self.headers))
                self.send_response(outer.status)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"said\n")

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/grow"


def a_web_service_is_told():
    service = Listening()
    with World() as world:
        with open(world.path("token"), "w", encoding="utf-8") as file:
            file.write("let me in\n")
        os.chmod(world.path("token"), 0o600)
        world.dev(*AGENT, *flags(world, "webhook:" + service.url()), "--scaling-token", world.path("token"))
        waiting_job(world, 9)
        told = wait_for(lambda: service.bodies, "the service to be told")[0]
        assert told["group"] == "small" and told["add"] == 2 and told["remove"] == [], told
        assert told["agent"]["cpu"] == 1 and told["agent"]["attributes"] == {"pool": "small"}, told
        assert "more of these agents would run" in told["why"], told
        assert service.headers[0]["Authorization"] == "Bearer let me in", service.headers
        known = wait_for(lambda: (lambda now: now if now["awaited"] == 2 else None)(group(world)), "two to be awaited")
        assert known["decisions"][0]["number"] == told["number"], known
        assert len(service.bodies) == 1, service.bodies  # whoever is on the way is not asked for again


def a_program_is_told():
    with World() as world:
        program = executable(world, f"cat > {world.path('told')}.new && mv {world.path('told')}.new {world.path('told')}")
        world.dev(*AGENT, *flags(world, "exec:" + program, agent={"cpu": 2, "memory": 1024, "disk": 2000, "attributes": {"arch": "arm"}}))
        waiting_job(world, 1)
        waiting_job(world, 2)
        wait_for(lambda: os.path.exists(world.path("told")), "the program to be told")
        with open(world.path("told"), encoding="utf-8") as file:
            told = json.load(file)
        assert told["add"] == 1 and told["agent"]["cpu"] == 2, told
        assert told["agent"]["attributes"] == {"arch": "arm", "pool": "small"}, told


def a_provider_that_fails_is_seen_and_tried_again():
    with World() as world:
        flag = world.path("better")
        program = executable(world, f"if [ -e {flag} ]; then exit 0; fi; echo no machines left >&2; exit 1")
        world.dev(*AGENT, *flags(world, "exec:" + program))
        waiting_job(world, 2)
        raised = wait_for(lambda: alerts(world).get("scaling"), "the alert")
        assert "no machines left" in raised and raised.startswith("small: "), raised
        failed = group(world)
        assert failed["decisions"][0]["outcome"] == "failed", failed
        assert failed["awaited"] == 0 and failed["pausedUntil"], failed
        with open(flag, "w", encoding="utf-8"):
            pass
        wait_for(lambda: "scaling" not in alerts(world), lambda: f"the alert to be over: {group(world)}")


def what_no_agent_of_the_group_could_run_asks_for_none():
    with World() as world:
        program = executable(world, f"touch {world.path('told')}")
        world.dev(*AGENT, *flags(world, "exec:" + program))
        large = world.submit(process_job("true", cpu=2, memory=64, disk=100))
        elsewhere = world.submit(process_job("true", cpu=0.1, memory=64, disk=100, hardConstraints=["pool=large"]))
        fits = waiting_job(world, 1)
        world.wait_states(fits, "RUNNING", 1)
        for job in (large, elsewhere):
            world.wait_states(job, "QUEUED", 1)
        last = waiting_job(world, 1)  # … that one does ask: what was asked for is its one agent alone
        wait_for(lambda: os.path.exists(world.path("told")), "the program to be told")
        assert [one["add"] for one in group(world)["decisions"]] == [1], group(world)
        assert world.states(last) == ["QUEUED"], world.states(last)


run([agents_come_for_work_and_go_after_it, an_added_agent_outlives_a_restart, a_web_service_is_told, a_program_is_told,
     a_provider_that_fails_is_seen_and_tried_again, what_no_agent_of_the_group_could_run_asks_for_none])
