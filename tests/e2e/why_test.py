"""Why a job waits, and what helps: agents of the wrong kind, too small, kept for others, out of use; promises of groups; where a
job would go before it is sent. By REST and in the words of the command line, on agents that are there.
"""
import json
import os
import re
import subprocess

from harness import MIMAS, PATIENCE_SECS, World, process_job, run, wait_for


def agent(name, first_port, attributes="", resources="cpus:8;mem:4096;disk:8000"):
    more = f";attributes={attributes}" if attributes else ""
    return "--agent", f"hostname={name}{more};resources={resources};ports:[{first_port}-{first_port + 99}]"


BOX = agent("box", 31000, "arch:x86_64")
PI = agent("pi1", 32000, "stack:pi3;arch:arm", "cpus:4;mem:1024;disk:8000")


def mimas(world, *arguments, stdin="", code=0):
    done = subprocess.run([MIMAS, *arguments], input=stdin, capture_output=True, text=True, timeout=PATIENCE_SECS,
                          env={**os.environ, "MIMAS_SERVER": world.listen}, check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def sleeper(**fields):
    return process_job("exec sleep 1000", type="service", **fields)


def reasons(explanation):
    return {one["reason"]: one["agents"] for one in explanation["reasons"]}


def wait_reasons(world, job, expected):
    """The explanation of the job's waiting tasks, once its reasons are these."""
    seen = []

    def found():
        seen[:] = [one["explanation"] for one in world.get(f"/v2/jobs/{job}/why").json()["classes"]]
        return next((one for one in seen if one and reasons(one) == expected), None)

    return wait_for(found, lambda: f"{job} to wait for {expected}: {json.dumps(seen)}")


def of_the_wrong_kind_or_too_small():
    with World() as world:
        world.dev(*BOX, *PI)
        job = world.submit(sleeper(name="train", cpu=2, memory=2048, hardConstraints=["arch=arm"]))
        why = wait_reasons(world, job, {"constraint arch=arm": 1, "memory": 1})
        assert why["tooLarge"] is True and why["agents"] == 2 and why["quotaOfGroup"] is None, why
        assert why["nearest"]["hostname"] == "pi1", why
        lacks = [one for one in why["nearest"]["lacks"] if one["what"] == "memory"]
        assert lacks[0]["asked"] > 2048 and lacks[0]["total"] == 1024, why
        wait_for(lambda: "without arch=arm 1 agent would fit" in mimas(world, "why", job), lambda: mimas(world, "why", job))
        task = world.get(f"/v2/tasks/{job}-worker-0-0/why").json()
        assert task["kind"] == "place" and "arch=arm" in task["text"], task
        said = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", "WHEN", mimas(world, "why", job))
        memory, more = lacks[0]["asked"], lacks[0]["asked"] - 1024
        assert said == (
            f"{job} (train): 1 task waits: no agent fits: 1 of 2 fails constraint arch=arm, 1 has too little memory\n"
            "\n"
            "1 of its tasks waits for a place, since WHEN\n"
            "in the queue of DEFAULT: 0 of 1 waiting tasks go first\n"
            "no agent that is known could run it, were it empty\n"
            "\n"
            "REASON               AGENTS\n"
            "constraint arch=arm  1\n"
            "memory               1\n"
            "\n"
            f"nearest: pi1 (memory), memory: {memory} asked, 1024 of 1024 MiB free\n"
            "help: without arch=arm 1 agent would fit\n"
            f"help: an agent with {more} MiB more memory free would fit\n"), said
        summary = mimas(world, "cluster")
        assert "2 of 2 agents can be reached" in summary and "1 task waits for a place" in summary, summary


def kept_for_others():
    with World() as world:
        world.dev(*agent("plain", 31000, "", "cpus:1;mem:512;disk:8000"), *agent("lab", 32000, "lab:true"),
                  "--dedicated-attributes", "lab")
        job = world.submit(sleeper(cpu=2))
        why = wait_reasons(world, job, {"cpu": 1, "dedicated lab": 1})
        assert why["tooLarge"] is True, why
        asked = world.submit(sleeper(cpu=2, hardConstraints=["lab"]))
        world.wait_states(asked, "RUNNING", 1)
        assert world.job(asked)["tasks"][0]["host"] == "lab"


def out_of_use_until_enabled():
    with World() as world:
        world.dev(*agent("a1", 31000), *agent("a2", 32000))
        first = world.submit(sleeper(name="first", instances=2, hardConstraints=["UniqueHost"]))
        world.wait_states(first, "RUNNING", 2)
        mimas(world, "agents", "disable", "a2", "--reason", "new disk")
        mimas(world, "agents", "drain", "a1")
        # What runs on the drained one is to move, and runs on until there is another place.
        wait_reasons(world, first, {"UniqueHost": 2})
        assert world.states(first).count("RUNNING") == 2, world.states(first)
        job = world.submit(sleeper(name="second"))
        why = wait_reasons(world, job, {"drained": 1, "disabled": 1})
        assert why["tooLarge"] is False, why
        standings = {one["hostname"]: one["standing"] for one in json.loads(mimas(world, "agents", "--json"))}
        assert standings == {"a1": "drained", "a2": "disabled"}, standings
        order = next(one for one in world.get("/v2/agents").json() if one["hostname"] == "a2")["order"]
        assert order["reason"] == "new disk", order
        mimas(world, "agents", "enable", "a2")
        world.wait_states(job, "RUNNING", 1)
        assert world.job(job)["tasks"][0]["host"] == "a2"
        running = world.get(f"/v2/tasks/{world.job(job)['tasks'][0]['id']}/why").json()
        assert running["kind"] == "running" and running["agent"]["hostname"] == "a2" and running["explanation"] is None, running
        third = world.submit(sleeper(name="third", hardConstraints=["hostname=a1"]))
        wait_reasons(world, third, {"constraint hostname=a1": 1, "drained": 1})
        mimas(world, "agents", "enable", "a1")
        world.wait_states(third, "RUNNING", 1)


def apart_from_its_own():
    with World() as world:
        world.dev(*agent("a1", 31000), *agent("a2", 32000))
        job = world.submit(sleeper(instances=3, hardConstraints=["UniqueHost"]))
        why = wait_reasons(world, job, {"UniqueHost": 2})
        assert why["tooLarge"] is False and why["tasks"] == 1, why
        world.wait_states(job, "RUNNING", 2)
        assert world.states(job).count("QUEUED") == 1, world.states(job)


def a_group_that_has_what_it_may():
    with World() as world:
        world.dev(*agent("a1", 31000))
        mimas(world, "groups", "set", "web", "--quota", "cpu=1")
        job = world.submit(sleeper(instances=3, cpu=0.4, capacityGroup="web"))
        why = wait_for(lambda: next((one["explanation"] for one in world.get(f"/v2/jobs/{job}/why").json()["classes"]
                                     if one["explanation"] and one["explanation"]["quotaOfGroup"]), None),
                       lambda: f"the quota to be named: {world.get(f'/v2/jobs/{job}/why').body}")
        assert why["quotaOfGroup"] == "web", why
        assert "the quota of capacity group web is used up" in mimas(world, "why", job)
        assert "in the queue of web: 0 of 1 waiting tasks go first" in mimas(world, "why", job)
        mimas(world, "groups", "set", "web", "--quota", "cpu=2")
        world.wait_states(job, "RUNNING", 3)


def that_waits_to_be_started_again():
    with World() as world:
        world.dev()
        policy = {"exponentialBackOff": {"retries": 3, "initialDelayMs": 600000, "maxDelayIntervalMs": 600000}}
        job = world.submit(process_job("exit 3", retries=3, retryPolicy=policy))
        why = wait_for(lambda: next((one for one in world.get(f"/v2/jobs/{job}/why").json()["classes"] if one["kind"] == "backoff"), None),
                       lambda: f"the next start to wait: {world.get(f'/v2/jobs/{job}/why').body}")
        assert why["notBefore"] > why["since"] and why["explanation"] is None and why["tasks"] == 1, why
        assert "1 of its tasks waits to be started again, until " in mimas(world, "why", job)
        first, second = (world.get(f"/v2/tasks/{job}-worker-0-{number}/why").json() for number in (0, 1))
        assert first["kind"] == "ended" and "exited with status 3" in first["text"], first
        assert second["kind"] == "backoff" and second["notBefore"] == why["notBefore"], second


def where_it_would_go():
    with World() as world:
        world.dev(*BOX, *PI)
        wait_for(lambda: world.get("/v2/cluster").json()["agents"]["active"] == 2, "both agents to be known")
        fits = json.dumps(sleeper(instances=2, cpu=1, memory=256, hardConstraints=["arch=arm"]))
        said = mimas(world, "plan", "-f", "-", stdin=fits)
        assert said.startswith("2 of 2 tasks would have a place now\n") and "pi1" in said and "box" not in said, said
        path = world.path("job.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(sleeper(instances=5, cpu=1, memory=256, hardConstraints=["arch=arm"])))
        said = mimas(world, "plan", "-f", path, code=9)
        assert said.startswith("3 of 5 tasks would have a place now\n"), said
        plan = json.loads(mimas(world, "plan", "-f", path, "--json", code=9))["placement"]
        assert [(one["hostname"], one["tasks"]) for one in plan["agents"]] == [("pi1", 3)], plan
        assert reasons(plan["explanation"]) == {"constraint arch=arm": 1, "cpu": 1}, plan
        mimas(world, "plan", "-f", "-", stdin='{"cpu": -1}', code=3)
        assert world.get("/v2/jobs").json() == []


if __name__ == "__main__":
    run([of_the_wrong_kind_or_too_small, kept_for_others, out_of_use_until_enabled, apart_from_its_own,
         a_group_that_has_what_it_may, that_waits_to_be_started_again, where_it_would_go])
