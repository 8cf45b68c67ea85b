#!/usr/bin/env python3
"""The executor's measurements as an agent hears them: the whole program, real processes, a scripted agent.

usage: metrics_story_test.py BINARY
"""
import base64
import json
import sys

from executor_world import World, child_of, parse_options, until
from scripted_agent import expect

MIB = 1 << 20


def said(agent):
    """The measurements of all messages so far, in order."""
    with agent.changed:
        calls = [body for _, _, body in agent.calls if body["type"] == "MESSAGE"]
    found = []
    for call in calls:
        expect(call["framework_id"] == {"value": "f-1"} and call["executor_id"] == {"value": "e-1"}, call)
        data = base64.b64decode(call["message"]["data"])
        expect(len(data) <= 64 << 10, f"{len(data)} bytes")
        message = json.loads(data)
        expect(message["v"] == 1, message)
        found += message["stats"]
    return found


def test_running_tasks_are_measured_and_once_more_at_their_end(w):
    w.arguments = ("--metrics-interval", "200ms", "--shared", "--idle", "1hrs")
    agent = w.subscribed()
    agent.launch("a", {"shell": "echo twelve more; exec sleep 600"})
    agent.launch("b", {"argv": ["python3", "-c", "import time\ndata = bytearray(b'x') * (50 << 20)\n"
                                                 "while time.process_time() < 1: pass\nprint('done', flush=True)\n"
                                                 "time.sleep(600)"]})
    agent.wait_state("a", "TASK_RUNNING")
    agent.wait_state("b", "TASK_RUNNING")
    until(lambda: any(one["task"] == "b" and one["cpuMs"] >= 950 and one["logBytes"] == 5
                      for one in said(agent)), "a second of b's, and its word")
    until(lambda: any(one["task"] == "a" and one.get("logBytes") == 12 for one in said(agent)), "a's output")
    b = [one for one in said(agent) if one["task"] == "b"]
    expect(b[-1]["cpuMs"] <= 3000, b[-1])
    expect(50 * MIB <= b[-1]["rssBytes"] <= 150 * MIB, b[-1])
    expect(b[-1]["memoryPeakBytes"] >= 50 * MIB, b[-1])
    expect(b[-1]["processes"] == 1, b[-1])
    expect("netInBytes" not in b[-1], b[-1])
    for earlier, later in zip(b, b[1:]):
        expect(earlier["at"] <= later["at"] and earlier["cpuMs"] <= later["cpuMs"], (earlier, later))
    agent.kill("b", 0)
    agent.wait_state("b", "TASK_KILLED")
    until(lambda: "rssBytes" not in [one for one in said(agent) if one["task"] == "b"][-1], "b's last measurement")
    last = [one for one in said(agent) if one["task"] == "b"][-1]
    expect(last["cpuMs"] >= 950 and last["memoryPeakBytes"] >= 50 * MIB and last["logBytes"] == 5, last)


def test_a_task_shorter_than_the_interval_is_measured_at_its_end(w):
    w.arguments = ("--metrics-interval", "1hrs")
    agent = w.subscribed()
    agent.launch("t", {"argv": ["python3", "-c", "import time\nwhile time.process_time() < 0.3: pass\nprint('x' * 99)"]})
    agent.wait_state("t", "TASK_FINISHED")
    expect(w.code() == 0, "exit 0")
    stats = said(agent)
    expect(len(stats) == 1 and stats[0]["task"] == "t", stats)
    expect(250 <= stats[0]["cpuMs"] <= 3000, stats)
    expect(stats[0]["memoryPeakBytes"] >= MIB, stats)
    expect(stats[0]["logBytes"] == 100, stats)


def test_without_a_cgroup_proc_tells(w):
    w.arguments = ("--metrics-interval", "200ms", "--cgroups", "off")
    agent = w.subscribed()
    agent.launch("t", {"shell": "sleep 600 & sleep 600 & wait"})
    agent.wait_state("t", "TASK_RUNNING")
    until(lambda: any(one.get("processes") == 3 for one in said(agent)), "three processes")
    one = said(agent)[-1]
    expect(one["rssBytes"] > 0 and "memoryBytes" not in one, one)


def test_switched_off_nothing_is_said_and_nobody_wakes(w):
    def switches():
        count = 0
        for pid in (w.process.pid, child_of(w.process.pid)):
            with open(f"/proc/{pid}/status") as status:
                count += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt"))
        return count

    w.arguments = ("--metrics-interval", "100ms", "--features", "metrics=off")
    agent = w.subscribed()
    agent.launch("t", {"shell": "exec sleep 600"})
    agent.wait_state("t", "TASK_RUNNING")
    loud = World(w.options)
    try:
        loud.arguments = ("--metrics-interval", "100ms")
        other = loud.subscribed()
        other.launch("t", {"shell": "exec sleep 600"})
        until(lambda: len(said(other)) >= 5, "measurements elsewhere")
        before, begun = switches(), len(said(other))
        until(lambda: len(said(other)) >= begun + 20, "twenty more")
        woken = switches() - before
        expect(woken < 15, f"woke {woken} times")  # a heartbeat, not twenty measurements
    finally:
        loud.close()
    expect(not said(agent), "nothing was said")
    agent.kill("t", 0)
    expect(w.code() == 0, "exit 0")
    expect(not said(agent), "nothing was said at the end")


def main():
    options = parse_options()
    failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        world = World(options)
        try:
            test(world)
            print(f"ok: {name}", flush=True)
        except Exception as error:  # a test's own mistakes are failures too
            failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}\n  stderr: {world.text('stderr')!r}")
        finally:
            world.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
