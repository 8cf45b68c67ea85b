#!/usr/bin/env python3
"""The whole executor with health checks: real tasks, a real server that turns ill, commands beside the task.

usage: health_story_test.py BINARY [--runner PROGRAM] [NAME...]
"""
import http.server
import os
import sys
import threading
import traceback

from executor_world import World, data_of, parse_options, until
from scripted_agent import expect


class Health(http.server.ThreadingHTTPServer):
    """Answers every GET with `status`; counts them, by path."""

    def __init__(self):
        self.status = 200
        self.asked = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                self.send_response(server.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


def http_check(server, **more):
    return {"kind": "http", "port": server.port, "path": "/health", "intervalMs": 100, "timeoutMs": 20000, "graceMs": 0,
            "failures": 2, **more}


def health_updates(agent, task):
    return [status for status in agent.statuses(task)
            if status.get("reason") == "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"]


def judgements(agent, task):
    """Those that say something else than the one before; words alone may change in between."""
    found, last = [], (None, None)
    for status in health_updates(agent, task):
        now = status.get("healthy"), data_of(status).get("ready")
        if now != last:
            found.append(status)
        last = now
    return found


def wait_judgements(agent, task, count):
    agent.wait(lambda: len(judgements(agent, task)) >= count, f"{count} judgements on the health of {task}")
    return judgements(agent, task)


def end(world, agent, task):
    agent.kill(task, 100)
    agent.wait_state(task, "TASK_KILLED")
    expect(world.code() == 0, "the executor leaves in order")
    expect(agent.states()[-1] == (task, "TASK_KILLED"), agent.states())


def changes_are_told_and_nothing_else(world):
    server, agent = Health(), world.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"], "checks": [http_check(server)]})
    first = wait_judgements(agent, "t", 1)[0]
    expect(first["state"] == "TASK_RUNNING" and first["healthy"] is True, first)
    asked = len(server.asked)
    until(lambda: len(server.asked) > asked + 5, "more questions")
    expect(len(health_updates(agent, "t")) == 1, "one word only")
    server.status = 503
    bad = wait_judgements(agent, "t", 2)[1]
    expect(bad["healthy"] is False and "status 503 (failure 2 in a row)" in bad["message"], bad)
    server.status = 302
    good = wait_judgements(agent, "t", 3)[2]
    expect(good["healthy"] is True, good)
    expect(set(server.asked) == {"/health"}, "no redirect was followed")
    end(world, agent, "t")


def readiness_stands_apart(world):
    server, agent = Health(), world.subscribed()
    server.status = 500
    agent.launch("t", {"argv": ["sleep", "1000"], "checks": [http_check(server, purpose="readiness")]})
    first = wait_judgements(agent, "t", 1)[0]
    expect("healthy" not in first and data_of(first)["ready"] is False, first)
    server.status = 200
    second = wait_judgements(agent, "t", 2)[1]
    expect("healthy" not in second and data_of(second)["ready"] is True, second)
    end(world, agent, "t")


def a_command_runs_beside_the_task_and_its_last_line_is_told(world):
    agent = world.subscribed()
    ill = os.path.join(world.sandbox, "ill")
    check = {"kind": "command", "argv": ["/bin/sh", "-c", f'echo first; echo "mark $MARK"; test ! -e {ill}'],
             "intervalMs": 100, "timeoutMs": 20000, "graceMs": 0, "failures": 1}
    agent.launch("t", {"argv": ["sleep", "1000"], "env": {"MARK": "seven"}, "checks": [check]})
    expect(wait_judgements(agent, "t", 1)[0]["healthy"] is True, "well at first")
    with open(ill, "w"):
        pass
    bad = wait_judgements(agent, "t", 2)[1]
    expect(bad["healthy"] is False and bad["message"].endswith("exit status 1: mark seven"), bad)
    end(world, agent, "t")


def a_command_that_hangs_is_ended_and_bad(world):
    agent = world.subscribed()
    check = {"kind": "command", "argv": ["/bin/sh", "-c", "trap '' TERM; sleep 1000; :"], "intervalMs": 100,
             "timeoutMs": 200, "graceMs": 0, "failures": 2}
    agent.launch("t", {"argv": ["sleep", "1000"], "checks": [check]})
    bad = wait_judgements(agent, "t", 1)[0]
    expect(bad["healthy"] is False and "took too long" in bad["message"], bad)
    end(world, agent, "t")


def what_does_not_count_is_told_and_ends_nobody(world):
    agent = world.subscribed()
    fails = {"kind": "command", "argv": ["/bin/sh", "-c", "echo no; exit 3"], "intervalMs": 100, "timeoutMs": 20000, "graceMs": 0}
    agent.launch("t", {"argv": ["sleep", "1000"], "checks": [{**fails, "failures": 1000000},
                                                             {**fails, "failures": 1, "purpose": "informational"}]})
    wanted = ("failing, and bad after 1000000 in a row: check by command /bin/sh: exit status 3: no",
              "for information: check by command /bin/sh: exit status 3: no")
    agent.wait(lambda: any(all(part in one["message"] for part in wanted) for one in health_updates(agent, "t")), "both words")
    expect(not judgements(agent, "t"), judgements(agent, "t"))
    end(world, agent, "t")


def what_changes_while_the_agent_is_away_is_told_afterwards(world):
    server, agent = Health(), world.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"], "checks": [http_check(server)]})
    wait_judgements(agent, "t", 1)
    agent.drop(listener_too=True)
    asked = len(server.asked)
    until(lambda: len(server.asked) > asked + 3, "questions while the agent is away")
    server.status = 500
    asked = len(server.asked)
    until(lambda: len(server.asked) > asked + 5, "bad answers while the agent is away")
    agent.listen()

    def told():
        open_updates = agent.subscribes()[-1].get("unacknowledged_updates", [])
        return any(one["status"].get("healthy") is False for one in open_updates) or any(
            one.get("healthy") is False for one in health_updates(agent, "t"))

    agent.wait(told, "word of the bad health")
    end(world, agent, "t")


STORIES = [changes_are_told_and_nothing_else, readiness_stands_apart,
           a_command_runs_beside_the_task_and_its_last_line_is_told, a_command_that_hangs_is_ended_and_bad,
           what_does_not_count_is_told_and_ends_nobody, what_changes_while_the_agent_is_away_is_told_afterwards]


def main():
    options = parse_options()
    failed = 0
    for story in STORIES:
        if options.names and story.__name__ not in options.names:
            continue
        world = World(options)
        try:
            story(world)
            print("ok:", story.__name__, flush=True)
        except Exception:  # a story that fails must not keep the others from being told
            failed += 1
            traceback.print_exc()
            print("FAILED:", story.__name__, world.text("stderr") if world.process else "", flush=True)
        finally:
            world.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
