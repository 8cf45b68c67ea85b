"""What jobs may ask for, who sees what of them, secrets, and the record of changes as a file: against a real server
over an embedded cluster."""
import json
import os
import signal
import subprocess

from harness import MIMAS, World, ask_mesos, free_port, process_job, run, wait_for


def token_command(world, *words):
    done = subprocess.run([MIMAS, "token", *words, "--file", world.path("credentials")], check=False, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done
    return {"Authorization": f"Bearer {done.stdout.strip()}"}


def pointers(answer, status=403):
    assert answer.status == status, (answer.status, answer.body)
    return [fault["pointer"] for fault in answer.json()["errors"]]


def a_server_of_others_agents_is_safe_by_itself():
    with World() as world:
        port = free_port()
        world.pocket(port)
        with open(world.path("policy.json"), "w", encoding="utf-8") as file:
            json.dump({"operator": {"users": ["nobody"]}}, file)
        server = world.serve(port, "--policy", "safe")
        job = process_job("true")
        refused = world.call("POST", "/v2/jobs", job)
        # As root its processes would be root; else they are whoever runs this test, which is no root.
        if os.geteuid() == 0:
            assert pointers(refused) == ["/runAs"], refused.body
            detail = refused.json()["errors"][0]["detail"]
            assert "`users`" in detail and "--policy FILE" in detail and '"runAs":"nobody"' in detail, detail
        artifact = {"name": "x", "applicationName": "app", "artifacts": ["/etc/shadow"]}
        assert pointers(world.call("POST", "/v2/jobs", artifact)) == ["/artifacts/0/uri"]
        assert pointers(world.call("POST", "/v2/jobs?dryRun=true", artifact)) == ["/artifacts/0/uri"]
        host = {"name": "x", "applicationName": "app", "container": {"network": "host"}}
        assert pointers(world.call("POST", "/v2/jobs", host)) == ["/container/network"]
        config = world.get("/v2/config").json()
        assert config["policy"]["name"] == "safe" and config["policy"]["defaultNetwork"] == "bridge", config["policy"]
        limits = world.get("/v2/config/limits").json()
        assert limits["idempotencyKeysPerCaller"] == 10000 and limits["auditFiles"] == 10, limits
        server.stop()

        # What an open policy took goes on under a safe one, but is not raised.
        server = world.serve(port, "--policy", "open")
        service = world.submit(process_job("sleep 600", type="service"))
        world.wait_states(service, "RUNNING", 1)
        server.stop()
        server = world.serve(port, "--policy", world.path("policy.json"))
        world.wait_states(service, "RUNNING", 1)
        wait_for(lambda: "1 live jobs have what the policy does not give" in log_of(server), lambda: log_of(server))
        counts = {"jobId": service, "instancesDesired": 2, "instancesMin": 0, "instancesMax": 3}
        assert world.call("POST", "/v2/jobs/setinstancecounts", counts).status == (403 if os.geteuid() == 0 else 204)
        assert world.call("POST", "/v2/jobs/setinstancecounts", {**counts, "instancesDesired": 0}).status == 204

        # Read again on SIGHUP; a fault changes nothing and is named.
        with open(world.path("policy.json"), "w", encoding="utf-8") as file:
            file.write('{"operator": {"usres": []}, "admin": {"priorityMax": 7}}')
        os.kill(server.pid, signal.SIGHUP)
        wait_for(lambda: "the old policy stays" in log_of(server), lambda: log_of(server))
        assert "/operator/usres" in log_of(server), log_of(server)
        with open(world.path("policy.json"), "w", encoding="utf-8") as file:
            json.dump({"base": "open", "admin": {"priorityMax": 7}}, file)
        os.kill(server.pid, signal.SIGHUP)
        wait_for(lambda: "read the policy" in log_of(server), lambda: log_of(server))
        assert pointers(world.call("POST", "/v2/jobs", {**job, "priority": 8})) == ["/priority"]
        assert world.call("POST", "/v2/jobs", {**job, "priority": 7}).status == 200


def a_fault_in_the_policy_keeps_a_server_from_starting():
    with World() as world:
        with open(world.path("policy.json"), "w", encoding="utf-8") as file:
            file.write('{"admin": {"artifacts": ["ftp://x"], "network": []}}')
        server = world.start("serve", "serve", "--master", "127.0.0.1:1", "--listen", world.listen, "--data",
                             world.path("serve"), "--policy", world.path("policy.json"))
        wait_for(lambda: not server.alive(), "the server to end")
        assert "/admin/artifacts/0" in log_of(server) and "/admin/network" in log_of(server), log_of(server)


def log_of(process):
    with open(process.log_path, encoding="utf-8", errors="replace") as log:
        return log.read()


def credentials_narrow_the_policy_and_what_is_seen():
    with World() as world:
        eve = token_command(world, "new", "eve", "--role", "viewer")
        shop = token_command(world, "new", "ci", "--role", "operator", "--app", "shop")
        more = token_command(world, "new", "cd", "--role", "operator", "--app", "shop", "--group", "batch",
                             "--priority-max", "20", "--production", "true")
        root = token_command(world, "new", "root", "--role", "admin")
        with open(world.path("policy.json"), "w", encoding="utf-8") as file:
            json.dump({"base": "open", "viewer": {"readEnv": False}}, file)
        process = world.start("dev", "dev", "--listen", world.listen, "--data", world.path("dev"), "--policy",
                              world.path("policy.json"), "--api-credentials", world.path("credentials"))
        world.wait_subscribed(process)

        def ask(method, path, who, body=None):
            return world.call(method, path, body, {**who, "Content-Type": "application/json"})

        job = process_job("echo $PASS; sleep 600", type="service", appName="shop", env={"PASS": "sw0rdfish"})
        greedy = {**job, "capacityGroup": "batch", "priority": 100, "production": True}
        assert pointers(ask("POST", "/v2/jobs", shop, greedy)) == ["/capacityGroup", "/priority", "/production"]
        assert pointers(ask("POST", "/v2/jobs", more, greedy)) == ["/priority"]
        made = ask("POST", "/v2/jobs", shop, job)
        assert made.status == 200, made.body
        mine = made.json()["jobUri"].rsplit("/", 1)[1]
        assert pointers(ask("PATCH", f"/v2/jobs/{mine}", shop, {"priority": 1})) == ["/priority"]
        assert pointers(ask("PATCH", f"/v2/jobs/{mine}?dryRun=true", shop, {"production": True})) == ["/production"]
        other = ask("POST", "/v2/jobs", root, {**job, "appName": "bank", "env": {"PASS": "g0ldfish"}})
        theirs = other.json()["jobUri"].rsplit("/", 1)[1]
        for one in (mine, theirs):
            wait_for(lambda one=one: ask("GET", f"/v2/jobs/{one}", root).json()["tasks"][0]["state"] == "RUNNING", one)
        paths = ["/v2/jobs", f"/v2/jobs/{theirs}", f"/v2/jobs/{theirs}/tasks", f"/v2/jobs/{theirs}/versions",
                 f"/v2/tasks/{theirs}-worker-0-0", "/v2/tasks", f"/v2/jobs/{theirs}/diff"]
        for path in paths:
            assert b"g0ldfish" not in ask("GET", path, eve).body + ask("GET", path, shop).body, path
            assert b"sw0rdfish" not in ask("GET", path, eve).body, path
        for path in (f"/v2/jobs/{theirs}", f"/v2/jobs/{theirs}/versions", f"/v2/tasks/{theirs}-worker-0-0"):
            assert b"g0ldfish" in ask("GET", path, root).body, path
            assert b'"PASS":"***"' in ask("GET", path, eve).body, path
        assert b"sw0rdfish" in ask("GET", f"/v2/jobs/{mine}", shop).body
        for path in ("logs/{}", "logs/{}/stdout", "logs/download/{}", "tasks/{}/files", "tasks/{}/stats"):
            assert ask("GET", "/v2/" + path.format(theirs + "-worker-0-0"), shop).status == 403, path
            assert ask("GET", "/v2/" + path.format(mine + "-worker-0-0"), shop).status != 403, path
            assert ask("GET", "/v2/" + path.format(theirs + "-worker-0-0"), eve).status != 403, path
        assert ask("GET", f"/v2/jobs/{theirs}/stats", shop).status == 403
        assert ask("GET", "/v2/events?kind=audit", eve).status == 403


def a_secret_reaches_its_task_and_nothing_else():
    with World() as world:
        os.makedirs(world.path("secrets/shop"), mode=0o700)
        os.chmod(world.path("secrets"), 0o700)

        def put(name, text):
            descriptor = os.open(world.path("secrets/" + name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)

        put("shop/token", "tr0ut-1\n")
        process = world.dev("--secrets", world.path("secrets"))
        job = process_job('case ${#TOKEN} in 7) echo right;; 8) echo again;; esac; sleep 600',  # whose text is shown to all
                          type="service", appName="shop", secretEnv={"TOKEN": "shop/token"})
        assert pointers(world.call("POST", "/v2/jobs", {**job, "appName": "bank"})) == ["/secretEnv/TOKEN"]
        assert pointers(world.call("POST", "/v2/jobs", {**job, "secretEnv": {"A": "shop/gone"}}), 400) == ["/secretEnv/A"]
        service = world.submit(job)
        world.wait_states(service, "RUNNING", 1)
        first = world.job(service)["tasks"][0]["id"]
        wait_for(lambda: world.log(first) == "right\n", lambda: world.log(first))
        assert world.job(service)["secretEnv"] == {"TOKEN": "shop/token"}

        put("shop/token", "tr0ut-22")  # what is started from now on
        assert world.call("POST", "/v2/tasks/kill", {"taskId": first}).status == 204
        second = wait_for(lambda: next((task["id"] for task in world.job(service)["tasks"]
                                        if task["id"] != first and task["state"] == "RUNNING"), None), "a second start")
        wait_for(lambda: world.log(second) == "again\n", lambda: world.log(second))

        os.remove(world.path("secrets/shop/token"))
        assert world.call("POST", "/v2/tasks/kill", {"taskId": second}).status == 204

        def missing():
            tasks = world.get(f"/v2/jobs/{service}/tasks?taskState=ANY").json()
            return any(task["reason"] == "SECRET_MISSING" and "shop/token" in task["message"] for task in tasks)

        wait_for(missing, lambda: json.dumps(world.job(service)))
        put("shop/token", "tr0ut-22")
        world.wait_states(service, "RUNNING", 1)

        master = world.get("/health").json()["master"].rsplit(":", 1)[1]
        seen = ask_mesos(int(master), "/state").body + log_of(process).encode()
        for path in (f"/v2/jobs/{service}", f"/v2/jobs/{service}/versions", f"/v2/jobs/{service}/events", "/v2/audit",
                     "/v2/jobs", f"/v2/tasks/{second}"):
            seen += world.get(path).body
        process.stop()
        for name in os.listdir(world.path("dev")):
            if name.startswith("mimas.db") or name.startswith("audit.log"):
                with open(world.path("dev/" + name), "rb") as file:
                    seen += file.read()
        assert b"shop/token" in seen and b"tr0ut" not in seen


def every_change_is_a_line_of_the_file_with_who_did_it():
    with World() as world:
        process = world.dev()
        by = {"X-Mimas-User": "ann", "Content-Type": "application/json"}
        job = world.call("POST", "/v2/jobs", process_job("sleep 600", type="service", appName="shop"), by)
        job = job.json()["jobUri"].rsplit("/", 1)[1]
        world.wait_states(job, "RUNNING", 1)
        task = world.job(job)["tasks"][0]["id"]
        agent = world.get("/v2/agents").json()[0]["id"]
        for method, path, body in [
                ("PATCH", f"/v2/jobs/{job}", {"labels": {"a": "b"}}),
                ("POST", "/v2/jobs/setinstancecounts", {"jobId": job, "instancesDesired": 1, "instancesMin": 0, "instancesMax": 2}),
                ("POST", "/v2/jobs/setinservice", {"jobId": job, "inService": False}),
                ("POST", "/v2/jobs/setjobprocesses", {"jobId": job, "disableIncreaseDesired": True}),
                ("POST", f"/v2/tasks/kill/{task}", None),
                ("PUT", "/v2/groups/shop", {"tier": "critical"}),
                ("DELETE", "/v2/groups/shop", None),
                ("POST", f"/v2/agents/{agent}/disable", {"reason": "x"}),
                ("POST", f"/v2/agents/{agent}/drain", {"reason": "x"}),
                ("POST", f"/v2/agents/{agent}/enable", None),
                ("POST", "/v2/operations", {"type": "reserve", "agentId": agent, "role": "r", "cpu": 0.1}),
                ("DELETE", f"/v2/jobs/{job}", None)]:
            answer = world.call(method, path, body, by)
            assert answer.status in (200, 202, 204, 400), (method, path, answer.body)
        audit = world.get("/v2/audit?limit=1000").json()
        assert len(audit) >= 11 and {one["user"] for one in audit} == {"ann"}, audit
        path = world.path("dev/audit.log")
        assert os.stat(path).st_mode & 0o777 == 0o600
        with open(path, encoding="utf-8") as file:
            assert [json.loads(line) for line in file] == audit[::-1]
        process.stop()


if __name__ == "__main__":
    run([a_server_of_others_agents_is_safe_by_itself, a_fault_in_the_policy_keeps_a_server_from_starting,
         credentials_narrow_the_policy_and_what_is_seen, a_secret_reaches_its_task_and_nothing_else,
         every_change_is_a_line_of_the_file_with_who_did_it])
