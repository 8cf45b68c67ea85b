#!/usr/bin/env python3
"""mimas-executor as a whole, against a scripted agent on loopback.

usage: executor_test.py BINARY [--runner PROGRAM] [--rss-kib-max N] [NAME...]

--runner starts the binary through a CPU emulator; a missing one skips everything with a message. Nothing waits for
a fixed time: every wait is for a condition, with a deadline that only a failure reaches.
"""
import base64
import os
import signal
import sys
import time

import executor_agent_stories
import executor_shared_stories
from executor_world import World, child_of, data_of, gone, parse_options, resident_kib, until
from scripted_agent import Agent, Failed, expect


# --- the stories ----------------------------------------------------------------------------------------------------

def test_a_task_runs_and_finishes(w):
    agent = w.subscribed(MESOS_EXECUTOR_AUTHENTICATION_TOKEN="a.b.c")
    request, headers, body = agent.calls[0]
    expect(request == "POST /api/v1/executor HTTP/1.1", request)
    expect(headers["content-type"] == "application/json" and headers["accept"] == "application/json", headers)
    expect(headers["authorization"] == "Bearer a.b.c", headers)
    expect("mesos-stream-id" not in headers, headers)
    expect(body == {"executor_id": {"value": "e-1"}, "framework_id": {"value": "f-1"}, "type": "SUBSCRIBE",
                    "subscribe": {}}, body)
    agent.launch("t", {"shell": "echo out; echo err >&2; env; pwd; cat; cat /proc/$PPID/environ",
                       "env": {"MINE": "7", "KEPT": "changed"}})
    expect(data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"] > 1, "a pid")
    finished = agent.wait_state("t", "TASK_FINISHED")
    expect(data_of(finished) == {"v": 1, "exitCode": 0}, finished)
    expect(finished["source"] == "SOURCE_EXECUTOR" and finished["executor_id"] == {"value": "e-1"}, finished)
    uuid = base64.b64decode(finished["uuid"])
    expect(len(uuid) == 16 and uuid[6] >> 4 == 4 and uuid[8] >> 6 == 2, finished)
    expect(abs(finished["timestamp"] - time.time()) < 60, finished)
    expect(w.code() == 0, "exit 0")
    lines = w.text("stdout").splitlines()
    expect("out" in lines and "MINE=7" in lines and "KEPT=changed" in lines, lines)
    expect(os.path.realpath(w.sandbox) in lines, lines)
    expect([line for line in lines if line.startswith(("MESOS_", "LIBPROCESS_"))] == ["MESOS_SANDBOX=" + os.path.realpath(w.sandbox)], lines)
    expect("a.b.c" not in w.text("stdout") or w.options.runner, "the token reached the task")
    expect(w.text("stderr").splitlines()[0] == "err", w.text("stderr"))


def test_an_exit_status_and_a_signal_are_failures(w):
    agent = w.subscribed()
    agent.launch("s", {"argv": ["sh", "-c", "exit 7"]})
    agent.launch("k", {"argv": ["sh", "-c", "kill -9 $$"]})
    status = agent.wait_state("s", "TASK_FAILED")
    expect(status["message"] == "exited with status 7" and data_of(status) == {"v": 1, "exitCode": 7}, status)
    status = agent.wait_state("k", "TASK_FAILED")
    expect(status["message"] == "killed by signal 9 (Killed)" and data_of(status) == {"v": 1, "signal": 9}, status)
    expect(w.code() == 0, "exit 0")


def test_a_program_that_is_not_there_fails_its_task(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["no-such-program", "x"]})
    status = agent.wait_state("t", "TASK_FAILED")
    expect(status["message"] == "cannot run 'no-such-program': No such file or directory", status)
    expect(agent.states() == [("t", "TASK_FAILED")], agent.states())
    expect(w.code() == 0, "exit 0")


def test_data_of_another_version_fails_its_task(w):
    agent = w.subscribed()
    agent.launch("t", '{"v":2,"shell":"true"}')
    expect("version 2" in agent.wait_state("t", "TASK_FAILED")["message"], agent.statuses())
    expect(w.code() == 0, "exit 0")


def test_a_working_directory_is_relative_to_the_sandbox(w):
    os.mkdir(os.path.join(w.sandbox, "inner"))
    agent = w.subscribed()
    agent.launch("t", {"shell": "pwd", "cwd": "inner"})
    agent.launch("u", {"shell": "pwd", "cwd": "new/deep"})
    agent.launch("v", {"shell": "pwd", "cwd": "stdout/deep"})
    agent.wait_state("t", "TASK_FINISHED")
    agent.wait_state("u", "TASK_FINISHED")
    message = agent.wait_state("v", "TASK_FAILED")["message"]
    expect(message.startswith("cannot enter '") and message.endswith("/stdout/deep': Not a directory"), message)
    expect(w.code() == 0, "exit 0")
    here = os.path.realpath(w.sandbox)
    expect(sorted(w.text("stdout").split()) == [here + "/inner", here + "/new/deep"], w.text("stdout"))


def test_a_kill_lets_the_task_tidy_up(w):
    agent = w.agent
    agent.capabilities = ["TASK_KILLING_STATE"]
    w.subscribed()
    agent.launch("t", {"shell": "trap 'echo tidy; exit 0' TERM; echo up; while :; do sleep 0.01; done"})
    until(lambda: "up" in w.text("stdout"), "the trap is set")
    agent.kill("t", 20000)
    expect(data_of(agent.wait_state("t", "TASK_KILLED")) == {"v": 1, "exitCode": 0}, agent.statuses())
    expect([s for _, s in agent.states()] == ["TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"], agent.states())
    expect(w.code() == 0 and "tidy" in w.text("stdout"), w.text("stdout"))


def test_the_grace_is_for_the_whole_group(w):
    agent = w.subscribed()
    agent.launch("t", {"shell": "sh -c 'trap \"sleep 0.2; echo tidy; exit 0\" TERM; echo up; while :; do sleep 0.01; done'; true"})
    until(lambda: "up" in w.text("stdout"), "the trap is set")
    agent.kill("t", 20000)
    agent.wait_state("t", "TASK_KILLED")
    expect(w.code() == 0 and "tidy" in w.text("stdout"), w.text("stdout"))


def test_a_stubborn_tree_is_killed_to_its_last_leaf(w):
    agent = w.subscribed()
    agent.launch("t", {"shell": "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > leaf.new; mv leaf.new leaf;"
                                " while :; do sleep 0.01; done' & while :; do sleep 0.01; done"})
    leaf = os.path.join(w.sandbox, "leaf")
    until(lambda: os.path.exists(leaf), "the grandchild is up")
    pid = int(open(leaf).read())
    agent.kill("t", 200)
    expect(data_of(agent.wait_state("t", "TASK_KILLED")) == {"v": 1, "signal": 9}, agent.statuses())
    until(lambda: gone(pid), "the grandchild is gone")
    expect(w.code() == 0, "exit 0")


def test_a_daemon_left_behind_ends_with_its_task(w):
    if w.options.runner:
        return print("  not under an emulator, which refuses PR_SET_CHILD_SUBREAPER: a daemon left behind")
    agent = w.subscribed()
    agent.launch("t", {"shell": "(setsid sh -c 'echo $$ > leaf.new; mv leaf.new leaf; exec sleep 1000' &) ;"
                                " while [ ! -e leaf ]; do sleep 0.01; done"})
    agent.wait_state("t", "TASK_FINISHED")
    pid = int(open(os.path.join(w.sandbox, "leaf")).read())
    until(lambda: gone(pid), "the daemon is gone")
    expect(w.code() == 0, "exit 0")


def test_killing_one_task_spares_the_other(w):
    agent = w.subscribed()
    agent.launch("a", {"argv": ["sleep", "1000"]})
    agent.launch("b", {"argv": ["sleep", "1000"]})
    b = data_of(agent.wait_state("b", "TASK_RUNNING"))["pid"]
    agent.kill("a", 0)
    agent.wait_state("a", "TASK_KILLED")
    expect(not gone(b), "the other task died")
    agent.kill("b", 0)
    agent.wait_state("b", "TASK_KILLED")
    expect(w.code() == 0, "exit 0")


def test_a_task_that_runs_too_long_fails(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]}, max_completion_time={"nanoseconds": 100000000})
    expect(agent.wait_state("t", "TASK_FAILED")["reason"] == "REASON_MAX_COMPLETION_TIME_REACHED", agent.statuses())
    expect(w.code() == 0, "exit 0")


def test_it_comes_back_after_the_agent_restarts(w):
    agent = w.agent
    agent.acknowledge = False
    w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]})
    pid = data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"]
    agent.drop(listener_too=True)
    agent.listen()
    agent.wait_streams(2)
    again = agent.subscribes()[-1]
    expect([t["task_id"]["value"] for t in again["unacknowledged_tasks"]] == ["t"], again)
    expect([u["status"]["state"] for u in again["unacknowledged_updates"]] == ["TASK_RUNNING"], again)
    expect(again["unacknowledged_updates"][0]["status"]["uuid"] == agent.statuses("t")[0]["uuid"], again)
    expect(not gone(pid), "the task died with the connection")
    agent.acknowledge = True
    agent.acknowledge_status(agent.statuses("t")[0])
    agent.drop()
    agent.wait_streams(3)
    expect(agent.subscribes()[-1] == {}, agent.subscribes()[-1])
    agent.kill("t", 0)
    agent.wait_state("t", "TASK_KILLED")
    expect(w.code() == 0, "exit 0")


def test_a_task_that_ends_while_the_agent_is_away_is_reported_later(w):
    agent = w.subscribed()
    agent.launch("t", {"shell": "while [ ! -e go ]; do sleep 0.01; done; exit 5"})
    pid = data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"]
    agent.drop(listener_too=True)
    open(os.path.join(w.sandbox, "go"), "w").close()
    until(lambda: gone(pid), "the task is over")
    agent.listen()
    expect(w.code() == 0, "exit 0")
    told = [u["status"]["state"] for s in agent.subscribes() for u in s.get("unacknowledged_updates", [])]
    expect("TASK_FAILED" in told, agent.subscribes())


def test_without_checkpointing_a_lost_agent_ends_everything(w):
    agent = w.subscribed(MESOS_CHECKPOINT="0")
    agent.launch("t", {"argv": ["sleep", "1000"]})
    pid = data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"]
    agent.drop()
    expect(w.code() == 1, "exit 1")
    expect(gone(pid), "the task is gone")


def test_the_recovery_timeout_ends_everything(w):
    agent = w.subscribed(MESOS_RECOVERY_TIMEOUT="300ms")
    agent.launch("t", {"argv": ["sleep", "1000"]})
    pid = data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"]
    agent.drop(listener_too=True)
    expect(w.code() == 1, "exit 1")
    expect(gone(pid), "the task is gone")
    expect("did not come back" in w.text("stderr"), w.text("stderr"))


def test_sigkill_of_the_executor_takes_the_task_with_it(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]})
    pid = data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"]
    expect(not gone(pid), "the task runs")
    w.process.kill()
    w.process.wait()
    until(lambda: gone(pid), "the task is gone")


def test_shutdown_ends_every_task_and_says_so(w):
    agent = w.subscribed()
    for task in ("a", "b", "c"):
        agent.launch(task, {"argv": ["sleep", "1000"]})
        agent.wait_state(task, "TASK_RUNNING")
    agent.send({"type": "SHUTDOWN"})
    expect(w.code() == 0, "exit 0")
    expect([s for _, s in agent.states()].count("TASK_KILLED") == 3, agent.states())


def test_sigterm_is_a_shutdown(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]})
    agent.wait_state("t", "TASK_RUNNING")
    w.process.send_signal(signal.SIGTERM)
    expect(w.code() == 0, "exit 0")
    expect(("t", "TASK_KILLED") in agent.states(), agent.states())


def test_shutdown_as_the_first_event(w):
    w.agent.greeting = False
    agent = w.subscribed()
    agent.send({"type": "SHUTDOWN"})
    expect(w.code() == 0, "exit 0")


def test_an_agent_that_does_not_know_us_is_left(w):
    w.agent.refuse = ("400 Bad Request", "Executor cannot be found")
    w.start()
    expect(w.code() == 1, "exit 1")
    expect(1 < len(w.agent.subscribes()) < 20, len(w.agent.subscribes()))
    expect("Executor cannot be found" in w.text("stderr"), w.text("stderr"))


def test_a_recovering_agent_is_waited_for(w):
    agent = w.agent
    agent.refuse = ("503 Service Unavailable", "Agent has not finished recovery")
    w.start()
    agent.wait(lambda: len(agent.subscribes()) >= 8, "eighth attempt")
    agent.refuse = None
    agent.wait_streams(1)
    agent.launch("t", {"argv": ["true"]})
    agent.wait_state("t", "TASK_FINISHED")
    expect(w.code() == 0, "exit 0")


def test_refused_credentials_are_final(w):
    w.agent.refuse = ("401 Unauthorized", "no")
    w.start()
    expect(w.code() == 1 and len(w.agent.subscribes()) == 1, w.agent.subscribes())


def test_events_in_single_bytes_and_calls_on_short_connections(w):
    w.agent.piecewise = True
    w.agent.close_after_call = True
    agent = w.subscribed()
    for i in range(5):
        agent.launch(f"t{i}", {"argv": ["true"]})
    for i in range(5):
        agent.wait_state(f"t{i}", "TASK_FINISHED")
    expect(w.code() == 0, "exit 0")


def test_garbage_from_the_agent_is_survived(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]})
    pid = data_of(agent.wait_state("t", "TASK_RUNNING"))["pid"]
    count = 1
    for garbage in (b"zzz\r\n", b"5\r\nhello\r\n", b"3\r\n-1\n\r\n", b"ffffffffffffffffff\r\n", b"0\r\n\r\n",
                    b"c\r\n99999999999\n\r\n"):
        agent.send_raw(garbage)
        count += 1
        agent.wait_streams(count)
    for text in (b"{", b"[]", b'{"type":"KILL"}', b"\xff\xfe", b'{"type":"LAUNCH","launch":{"task":{}}}', b"{" * 5000):
        record = f"{len(text)}\n".encode() + text
        agent.send_raw(f"{len(record):x}\r\n".encode() + record + b"\r\n")
    expect(not gone(pid), "the task died of it")
    agent.kill("t", 0)
    agent.wait_state("t", "TASK_KILLED")
    expect(w.code() == 0, "exit 0")


def test_a_kill_for_an_unknown_task_is_answered_once(w):
    agent = w.agent
    agent.acknowledge = False
    w.subscribed()
    agent.kill("ghost")
    agent.kill("ghost")
    status = agent.wait_state("ghost", "TASK_KILLED")
    agent.acknowledge_status(status)
    expect(w.code() == 0 and len(agent.states()) == 1, agent.states())


def test_a_missing_variable_is_named(w):
    for name in ("MESOS_FRAMEWORK_ID", "MESOS_EXECUTOR_ID", "MESOS_AGENT_ENDPOINT"):
        w.start(**{name: None})
        expect(w.code() == 2 and name in w.text("stderr"), w.text("stderr"))


def unix_world(options, depth):
    world = World(options)
    directory = os.path.join(world.sandbox, *["d" * 40] * depth)
    os.makedirs(directory, exist_ok=True)
    world.agent.drop(listener_too=True)
    world.agent = Agent(os.path.join(directory, "agent.sock"))
    return world


def test_a_domain_socket_is_preferred_whatever_its_length(w):
    for depth in (0, 4):
        world = unix_world(w.options, depth)
        try:
            agent = world.subscribed(MESOS_DOMAIN_SOCKET=world.agent.path)
            expect(agent.calls[0][0] == "POST /slave(1)/api/v1/executor HTTP/1.1", agent.calls[0])
            agent.launch("t", {"argv": ["true"]})
            agent.wait_state("t", "TASK_FINISHED")
            expect(world.code() == 0, "exit 0")
        finally:
            world.close()


def test_without_the_domain_socket_it_takes_tcp(w):
    agent = w.subscribed(MESOS_DOMAIN_SOCKET=os.path.join(w.sandbox, "none.sock"))
    expect(agent.calls[0][0] == "POST /api/v1/executor HTTP/1.1", agent.calls[0])
    agent.send({"type": "SHUTDOWN"})
    expect(w.code() == 0, "exit 0")


def test_it_is_small(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]})
    agent.wait_state("t", "TASK_RUNNING")
    guard, executor = (resident_kib(pid) for pid in (w.process.pid, child_of(w.process.pid)))
    print(f"  resident with one task: {executor} KiB, and {guard} KiB of its guard")
    rss = guard + executor
    expect(not w.options.rss_kib_max or rss <= w.options.rss_kib_max, f"{rss} KiB")


def main():
    options = parse_options(("--rss-kib-max", {"type": int, "default": 0}))
    passed = failed = 0
    stories = {**globals(), **vars(executor_agent_stories), **vars(executor_shared_stories)}
    for name, test in sorted(stories.items()):
        if not name.startswith("test_") or (options.names and name not in options.names):
            continue
        world = World(options)
        try:
            test(world)
            passed += 1
        except Exception as error:  # a test's own mistakes are failures too
            failed += 1
            try:
                stderr = world.text("stderr")
            except OSError:
                stderr = ""
            print(f"FAILED {name}: {type(error).__name__}: {error}\n  stderr: {stderr!r}")
        finally:
            world.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
