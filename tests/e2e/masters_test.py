"""Leaders come and go; tasks don't notice. Three masters, their leader killed ten times while tasks start and end."""
import time

from harness import World, ask_mesos, process_job, run, wait_for

KILLS = 10
TASKS = 200
RESOURCES = "cpus:16;mem:8192;disk:8000;ports:[{0}000-{0}999]"
AGENTS = [item for n in (31, 32) for item in ("--agent", f"hostname=a{n};resources={RESOURCES.format(n)}")]


def master_ports(world):
    names = ["pocket.port", "pocket.port.1", "pocket.port.2"]
    return [int(open(world.path(f"dev/{name}"), encoding="utf-8").read()) for name in names]


def state_of_leader(ports):
    """The leader's port and /state, or None during an election."""
    for port in ports:
        answer = ask_mesos(port, "/state")
        if answer is not None and answer.status == 200:
            return port, answer.json()
    return None


def subscribed_framework(ports):
    """(port, id) once a leader has exactly our framework, connected; fails when there is a second one."""
    found = state_of_leader(ports)
    if found is None:
        return None
    port, state = found
    ids = [framework["id"] for framework in state["frameworks"]]
    assert len(ids) <= 1, ids
    assert state["completed_frameworks"] == [], state["completed_frameworks"]
    if not ids or not state["frameworks"][0]["connected"]:
        return None
    return port, ids[0]


def tasks_outlive_ten_leaders():
    with World() as world:
        dev = world.dev("--masters", "3", *AGENTS)
        ports = master_ports(world)
        leader, first_id = wait_for(lambda: subscribed_framework(ports), "the framework to be subscribed")
        witness = world.path("witness")
        script = f"echo start $MIMAS_TASK_ID >> {witness}; sleep $DELAY; echo end $MIMAS_TASK_ID >> {witness}"
        jobs = []
        for kill in range(KILLS):
            # New tasks are being launched and older ones end while the leader goes.
            jobs.append(world.submit(process_job(script, name=f"wave{kill}", instances=TASKS // KILLS,
                                                 env={"DELAY": str(1 + kill % 3)})))
            time.sleep(0.04 * kill)  # in the middle of the launches, or after them
            order = ask_mesos(ports[kill % 3], "/pocket/fault", {"fault": "kill_leader", "away_ms": 500})
            assert order is not None and order.status == 202, order and order.status
            killed = leader
            leader, now_id = wait_for(lambda: (lambda found: found if found and found[0] != killed else None)(
                subscribed_framework(ports)), lambda: f"another leader than {killed}: {dev.tail()}")
            assert now_id == first_id, (now_id, first_id)
            wait_for(lambda: (lambda answer: answer is not None and answer.status == 307)(ask_mesos(killed, "/state")),
                     f"master {killed} to come back as a follower")
        for job in jobs:
            ended = world.wait_job(job, "FINISHED", "FAILED", "STOPPED")
            finished = [task["id"] for task in ended["tasks"] if task["state"] == "FINISHED"]
            others = [(t["id"], t["state"], t["reason"], t["message"]) for t in ended["tasks"] if t["state"] != "FINISHED"]
            assert ended["state"] == "FINISHED" and len(finished) == TASKS // KILLS, (ended["state"], others)
            with open(witness, encoding="utf-8") as lines:
                said = [line.split() for line in lines if f" {job}-" in line]
            for word in ("start", "end"):
                assert sorted(task for kind, task in said if kind == word) == sorted(finished), (word, others)
        assert subscribed_framework(ports)[1] == first_id
        with open(dev.log_path, encoding="utf-8", errors="replace") as log:
            text = log.read()
        # One line each time, from whoever saw it.
        for line, times in (("is killed, away for", KILLS), (" leads\n", KILLS + 1), (" is back\n", KILLS),
                            (" I disconnected from ", KILLS), (" I subscribed to ", KILLS + 1)):
            assert text.count(line) == times, (line, text.count(line))


if __name__ == "__main__":
    run([tasks_outlive_ten_leaders])
