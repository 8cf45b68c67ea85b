"""What tasks use: measured by their executors, asked for at the server; and a task that is ended for its memory limit."""
import json
import os
import subprocess
import sys

from harness import MIMAS, World, descendants, process_job, run, wait_for

MIB = 1 << 20
PATIENT_SECS = 400  # a busy machine gives a task of half a core little of one

# Once it may, burns a second of its own processor time beside 50 MiB, says so, and waits.
BUSY = ("exec python3 -c 'import os, time\n"
        "while not os.path.exists(os.environ[\"GO\"]): time.sleep(0.02)\n"
        "data = bytearray(b\"x\") * (50 << 20)\n"
        "while time.process_time() < 1: pass\n"
        "print(\"burnt\", len(data), flush=True)\n"
        "time.sleep(600)'")
GREEDY = ("exec python3 -c 'data = []\n"
          "while True: data.append(bytearray(b\"x\") * (1 << 20))'")


def stats(world, task, query=""):
    answer = world.get(f"/v2/tasks/{task}/stats{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def first_task(world, job):
    return world.job(job)["tasks"][0]["id"]


def command(world, *arguments):
    done = subprocess.run([MIMAS, *arguments, "--server", world.listen], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def a_busy_task_shows_what_it_uses():
    with World() as world:
        world.dev("--metrics-interval", "500ms")
        go = world.path("go")
        job = world.submit(process_job(BUSY, type="service", cpu=0.5, memory=256, instances=1, env={"GO": go}))
        world.wait_states(job, "RUNNING", 1)
        task = first_task(world, job)
        # A rate is one between two samples: the first is there before there is something to see.
        wait_for(lambda: stats(world, task)["latest"], "a first measurement")
        with open(go, "w", encoding="utf-8"):
            pass
        wait_for(lambda: "burnt" in world.log(task), lambda: "the task to have burnt: " + world.log(task, "stderr"), PATIENT_SECS)
        done = wait_for(lambda: (lambda found: found if found["latest"] and found["latest"]["cpuSeconds"] >= 0.95 else None)(
            stats(world, task)), lambda: f"a second in the stats: {json.dumps(stats(world, task))[:2000]}")
        latest = done["latest"]
        assert latest["cpuSeconds"] <= 4, latest
        assert 50 * MIB <= latest["rssBytes"] <= 150 * MIB, latest
        assert latest["memoryPeakBytes"] >= 50 * MIB, latest
        assert 0.15 <= latest["memoryOfRequest"] <= 0.7, latest
        assert latest["processes"] == 1, latest
        assert latest["netInBytes"] is None, "it has no network of its own"
        assert done["note"] is None and done["starts"] == 1 and done["tags"]["task"] == task, done
        assert done["request"] == {"cpu": 0.5, "memoryBytes": 256 * MIB}, done
        rates = [one["cpuCores"] for one in done["history"] if one["cpuCores"] is not None]
        assert rates and max(rates) > 0 and max(rates) <= 1.5, rates  # one thread

        last = done["history"][-1]["at"]
        wait_for(lambda: stats(world, task, f"?since={last}")["history"], "a later measurement")
        assert all(one["at"] > last for one in stats(world, task, f"?since={last}")["history"])
        assert world.get(f"/v2/tasks/{task}/stats?since=yesterday").status == 400

        total = world.get(f"/v2/jobs/{job}/stats").json()
        assert total["running"] == 1 and total["measured"] == 1, total
        assert total["total"]["rssBytes"] >= 50 * MIB, total
        assert task in command(world, "stats", task)
        assert "1 running, 1 measured" in command(world, "stats", job)
        assert json.loads(command(world, "stats", job, "--json"))["jobId"] == job


def what_is_unknown_is_said():
    with World() as world:
        world.dev()
        for path in ("/v2/tasks/mimas-9-worker-0-0/stats", "/v2/jobs/mimas-9/stats", "/api/v2/tasks/nonsense/stats"):
            assert world.get(path).status == 404, path
        job = world.submit(process_job("true", hardConstraints=["arch=none-such"]))
        waiting = stats(world, first_task(world, job))
        assert waiting["latest"] is None and waiting["history"] == [] and waiting["starts"] == 0, waiting
        assert waiting["note"] == "the task is not running", waiting


def a_task_shorter_than_the_interval_is_measured_at_its_end():
    with World() as world:
        world.dev("--metrics-interval", "1hrs")
        job = world.submit(process_job("exec python3 -c 'import time\nwhile time.process_time() < 0.5: pass'", memory=64))
        world.wait_job(job, "FINISHED")
        task = first_task(world, job)
        only = wait_for(lambda: stats(world, task)["latest"], "the last measurement")
        assert 0.4 <= only["cpuSeconds"] <= 5, only
        assert only["memoryPeakBytes"] >= MIB, only
        assert only["cpuCores"] is None and only["processes"] is None, only


def voluntary_switches(pids):
    count = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            count += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
    return count


def executors(world_process):
    found = []
    for pid in descendants(world_process.pid):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                if comm.read().startswith("mimas-executor"):
                    found.append(pid)
        except OSError:
            pass
    return found


def switched_off_nothing_is_measured_and_nobody_wakes():
    with World() as quiet, World() as loud:
        process = quiet.dev("--metrics-interval", "300ms", "--features", "metrics=off")
        job = quiet.submit(process_job("exec sleep 600", type="service"))
        quiet.wait_states(job, "RUNNING", 1)
        loud.dev("--metrics-interval", "300ms")
        other = loud.submit(process_job("exec sleep 600", type="service"))
        loud.wait_states(other, "RUNNING", 1)
        noisy = first_task(loud, other)
        wait_for(lambda: len(stats(loud, noisy)["history"]) >= 2, "measurements to begin")
        pids = executors(process)
        assert pids, "no executor found"
        before, begun = voluntary_switches(pids), len(stats(loud, noisy)["history"])
        wait_for(lambda: len(stats(loud, noisy)["history"]) >= begun + 10, "ten more measurements elsewhere")
        woken = voluntary_switches(pids) - before
        assert woken < 8, f"the quiet executor woke {woken} times"  # a heartbeat at most, were it not for chance
        silent = stats(quiet, first_task(quiet, job))
        assert silent["latest"] is None and silent["note"], silent


def memory_cgroup():
    """A folder for cgroups of ours with the memory controller, or nothing."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, point, kind, options = line.split()[:4]
            v1 = kind == "cgroup" and "memory" in options.split(",")
            if not v1 and kind != "cgroup2":
                continue
            probe = os.path.join(point, f"mimas-e2e-{os.getpid()}")
            try:
                os.mkdir(probe)
            except OSError:
                continue
            usable = os.path.exists(os.path.join(probe, "memory.limit_in_bytes" if v1 else "memory.max"))
            os.rmdir(probe)
            if usable:
                return point
    return None


def a_task_over_its_memory_limit_says_so():
    if memory_cgroup() is None:
        print("not looked at: no memory cgroup can be made here", file=sys.stderr)
        return
    with World() as world:
        process = world.dev()
        job = world.submit(process_job(GREEDY, memory=64))
        world.wait_job(job, "FAILED")

        def check():
            task = world.job(job)["tasks"][0]
            assert task["state"] == "FAILED" and task["reason"] == "MEMORY_LIMIT", task
            assert task["exit"]["signal"] == 9 and task["exit"]["memoryLimit"] is True, task
            assert 48 * MIB <= task["exit"]["memoryPeakBytes"] <= 80 * MIB, task
            assert "memory" in task["message"] and "64 MiB" in task["message"], task

        check()
        assert "MEMORY_LIMIT" in command(world, "job", job)
        process.kill9()  # it is on disk
        world.dev()
        check()


if __name__ == "__main__":
    run([a_busy_task_shows_what_it_uses, what_is_unknown_is_said, a_task_shorter_than_the_interval_is_measured_at_its_end,
         switched_off_nothing_is_measured_and_nobody_wakes, a_task_over_its_memory_limit_says_so])
