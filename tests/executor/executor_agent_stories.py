"""An agent that misbehaves in every way of the executor API (mesos-protocol §3), and one that does so by halves."""
import json
import os
import signal

from executor_world import data_of, gone, until
from scripted_agent import expect


def frame(event):
    record = event if isinstance(event, bytes) else json.dumps(event).encode()
    return f"{len(record)}\n".encode() + record


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def alive(w, agent, task="t"):
    """The task runs on, and the executor still does what it is told."""
    pid = data_of(agent.statuses(task)[0])["pid"]
    expect(not gone(pid), "the task died of it")
    agent.kill(task, 0)
    agent.wait_state(task, "TASK_KILLED")
    expect(w.code() == 0, "exit 0")
    ends = [state for name, state in agent.states() if name == task and state not in ("TASK_STARTING", "TASK_RUNNING")]
    expect(ends == ["TASK_KILLED"], agent.states())


def sleeping(w):
    agent = w.subscribed()
    agent.launch("t", {"argv": ["sleep", "1000"]})
    agent.wait_state("t", "TASK_RUNNING")
    return agent


def test_events_it_does_not_know_are_no_matter(w):
    agent = sleeping(w)
    for event in ({"type": "TOMORROW", "tomorrow": {"x": [1]}}, {"type": "HEARTBEAT"}, {"type": 7}, {},
                  {"type": "MESSAGE", "message": {"data": "AAAA"}}):
        agent.send(event)
    alive(w, agent)
    expect(len(agent.streams) == 1, "it came again")


def test_a_launch_twice_is_one_process(w):
    agent = w.subscribed()
    for _ in range(3):
        agent.launch("t", {"shell": "echo $$ >> started; sleep 1000"})
    until(lambda: os.path.exists(os.path.join(w.sandbox, "started")), "the task is up")
    agent.wait_state("t", "TASK_RUNNING")
    agent.launch("t", {"shell": "echo again >> started"})
    alive(w, agent)
    expect(len(w.text("started").splitlines()) == 1, w.text("started"))
    expect([s for _, s in agent.states()].count("TASK_RUNNING") == 1, agent.states())


def test_a_kill_before_its_launch_wins(w):
    agent = w.agent
    agent.acknowledge = False
    w.subscribed()
    agent.kill("t")
    killed = agent.wait_state("t", "TASK_KILLED")
    agent.launch("t", {"shell": "touch never"})
    agent.launch("other", {"argv": ["true"]})
    agent.wait_state("other", "TASK_FINISHED")
    expect([s for name, s in agent.states() if name == "t"] == ["TASK_KILLED"], agent.states())
    agent.acknowledge_status(killed)
    for status in agent.statuses("other"):
        agent.acknowledge_status(status)
    expect(w.code() == 0 and not os.path.exists(os.path.join(w.sandbox, "never")), "it ran all the same")


def test_a_launch_and_its_kill_in_one_breath(w):
    agent = w.subscribed()
    launch = {"type": "LAUNCH", "launch": {"task": {"name": "t", "task_id": {"value": "t"},
              "data": "eyJ2IjoxLCJhcmd2IjpbInNsZWVwIiwiMTAwMCJdfQ=="}}}  # {"v":1,"argv":["sleep","1000"]}
    kill = {"type": "KILL", "kill": {"task_id": {"value": "t"}, "kill_policy": {"grace_period": {"nanoseconds": 0}}}}
    agent.send_raw(chunk(frame(launch) + frame(kill)))
    agent.wait_state("t", "TASK_KILLED")
    expect(w.code() == 0, "exit 0")
    expect([s for _, s in agent.states()][-1] == "TASK_KILLED", agent.states())
    expect([s for _, s in agent.states()].count("TASK_KILLED") == 1, agent.states())


def test_acknowledgements_of_what_was_never_said(w):
    agent = sleeping(w)
    uuid = "AAECAwQFRgeICQoLDA0ODw=="
    for task in ("t", "nobody"):
        agent.send({"type": "ACKNOWLEDGED", "acknowledged": {"task_id": {"value": task}, "uuid": uuid}})
    alive(w, agent)


def test_subscribed_twice_changes_nothing(w):
    agent = sleeping(w)
    for _ in range(3):
        agent.send({"type": "SUBSCRIBED", "subscribed": {"framework_info": {}}})
    alive(w, agent)
    expect(len(agent.streams) == 1, "it came again")


def test_an_error_event_means_coming_again(w):
    agent = sleeping(w)
    agent.send({"type": "ERROR", "error": {"message": "something"}})
    agent.wait_streams(2)
    alive(w, agent)
    expect("something" in w.text("stderr"), w.text("stderr"))


def test_a_record_cut_off_in_the_middle(w):
    agent = sleeping(w)
    kill = frame({"type": "KILL", "kill": {"task_id": {"value": "t"}}})
    for cut, end in ((1, b""), (5, b""), (len(kill) - 1, b""), (20, b"0\r\n\r\n")):
        streams = len(agent.streams)
        agent.send_raw(chunk(kill[:cut]) + end)
        if not end:
            agent.drop()
        agent.wait_streams(streams + 1)
    alive(w, agent)  # what came in halves was no kill


def test_slow_bytes_are_waited_for(w):
    agent = sleeping(w)
    agent.piecewise = True
    alive(w, agent)


def test_an_answer_that_is_no_http(w):
    agent = w.agent
    agent.refuse = ("what? yes", "")  # "HTTP/1.1 what? yes"
    w.start()
    agent.wait(lambda: len(agent.subscribes()) >= 3, "third attempt")
    agent.refuse = None
    agent.wait_streams(1)
    agent.launch("t", {"argv": ["true"]})
    agent.wait_state("t", "TASK_FINISHED")
    expect(w.code() == 0, "exit 0")


def test_202_without_acknowledgement_is_told_again_on_the_next_stream(w):
    agent = w.agent
    agent.acknowledge = False
    w.subscribed()
    agent.launch("t", {"shell": "exit 3"})
    agent.wait_state("t", "TASK_FAILED")
    for count in (2, 3):
        agent.drop()
        agent.wait_streams(count)
        told = [u["status"]["state"] for u in agent.subscribes()[-1]["unacknowledged_updates"]]
        expect(told == ["TASK_RUNNING", "TASK_FAILED"], told)
    for status in agent.statuses("t"):
        agent.acknowledge_status(status)
    expect(w.code() == 0, "exit 0")


def test_an_agent_that_goes_away_in_mid_shutdown(w):
    agent = sleeping(w)
    agent.acknowledge = False
    agent.send({"type": "SHUTDOWN"})
    agent.drop(listener_too=True)
    expect(w.code() == 0, "exit 0")


def test_a_shutdown_and_a_signal_together(w):
    agent = sleeping(w)
    w.process.send_signal(signal.SIGTERM)
    agent.send({"type": "SHUTDOWN"})
    agent.kill("t", 0)
    expect(w.code() == 0, "exit 0")
    expect([s for _, s in agent.states()].count("TASK_KILLED") == 1, agent.states())
