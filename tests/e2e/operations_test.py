"""Reservations and volumes on the embedded cluster, from the command line to the agent's next offer and back."""
import json
import subprocess

from harness import MIMAS, World, run, wait_for

AGENT = ["--agent", "hostname=a1;resources=cpus:4;mem:1024;disk:4000;ports:[33000-33099]"]


def operations(world, *words):
    command = [MIMAS, "operations", *words, "--server", world.listen]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def finished(world, identity):
    def state():
        record = world.get(f"/v2/operations/{identity}").json()
        return record if record["state"] not in ("WAITING", "SENT", "PENDING") else None
    record = wait_for(state, f"the end of {identity}")
    assert record["state"] == "FINISHED", json.dumps(record)


def reservations_and_volumes_come_and_go():
    with World() as world:
        world.dev(*AGENT, "--roles", "prod")
        agent = wait_for(lambda: world.get("/v2/agents").json(), "an agent")[0]["id"]
        amounts = ["--agent", agent, "--cpu", "1.5", "--disk", "500"]
        finished(world, operations(world, "reserve", *amounts))
        finished(world, operations(world, "create", "--agent", agent, "--volume", "v1", "--path", "data", "--disk", "200"))
        finished(world, operations(world, "destroy", "--agent", agent, "--volume", "v1"))
        finished(world, operations(world, "unreserve", *amounts))
        assert "no such" not in operations(world, "list")
        refused = world.call("POST", "/v2/operations", {"type": "reserve", "agentId": agent, "role": "dev",
                                                        "resources": {"cpu": 1}})
        assert refused.status == 400, refused.body


run([reservations_and_volumes_come_and_go])
