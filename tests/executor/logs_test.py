#!/usr/bin/env python3
"""What mimas-executor does with a task's output, against a scripted agent.

usage: logs_test.py BINARY [--measure]
"""
import os
import subprocess
import sys
import tempfile
import threading

from executor_world import World, child_of, until
from scripted_agent import Failed, expect

MIB = 1 << 20
ROTATE = MIB


class Options:
    runner = None
    binary = None


def said(world, stream="stdout"):
    """All of a stream that is still there, and the names it lies under."""
    while True:
        try:
            return read_once(world, stream)
        except FileNotFoundError:
            continue  # compressed between the look and the read


def read_once(world, stream):
    names = [name for name in os.listdir(world.sandbox) if name.startswith(stream + ".") and ".new" not in name]
    names.sort(key=lambda name: int(name.split(".")[1]))
    text = b""
    for name in names + [stream]:
        with open(os.path.join(world.sandbox, name), "rb") as file:
            data = file.read()
        text += subprocess.run(["gzip", "-dc"], input=data, stdout=subprocess.PIPE,
                               check=True).stdout if name.endswith(".gz") else data
    return text, names


def on_disk(world):
    total = 0
    for name in os.listdir(world.sandbox):
        try:
            total += os.stat(os.path.join(world.sandbox, name)).st_size
        except FileNotFoundError:
            pass  # rotated away this instant
    return total


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(world, script, **logs):
    world.agent.launch("t-1", {"shell": script, "logs": logs})


def every_line_is_kept_in_order_over_rotations_and_compression(world):
    run(world, "i=0; while [ $i -lt 30000 ]; do echo this is line number $i; i=$((i+1)); done; sleep 300",
        rotateBytes=65536, keep=50, compress=True)
    until(lambda: "stdout.5.gz" in os.listdir(world.sandbox), "rotated files are compressed while the task runs")
    wanted = b"".join(b"this is line number %d\n" % i for i in range(30000))
    until(lambda: said(world)[0] == wanted, "nothing is lost")
    world.agent.kill("t-1", 1000)
    world.agent.wait_state("t-1", "TASK_KILLED")
    expect(world.code() == 0, "it leaves")
    expect(said(world)[0] == wanted, "and still nothing is")


def our_own_stderr_moves_on_with_the_file(world):
    run(world, "yes line | head -c 200000 >&2; echo last >&2; sleep 300", rotateBytes=65536, keep=9, compress=False)
    until(lambda: said(world, "stderr")[0].endswith(b"line\nlast\n"), "all of it is there")
    expect(len(said(world, "stderr")[1]) >= 3, "rotated")
    stderr = os.readlink(f"/proc/{child_of(world.process.pid)}/fd/2")
    expect(stderr == os.path.join(world.sandbox, "stderr"), f"what we say goes to the present file: {stderr}")


def a_flood_without_a_newline_stays_within_its_bound(world, mib=200):
    run(world, f"dd if=/dev/zero bs=1M count={mib} 2>/dev/null | tr '\\0' 'x'; echo; echo end", rotateBytes=ROTATE,
        keep=3, compress=True)
    most, over = [0], threading.Event()

    def watch():
        while not over.is_set():
            most[0] = max(most[0], on_disk(world))
            over.wait(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        world.agent.wait_state("t-1", "TASK_FINISHED")
    finally:
        over.set()
        watcher.join()
    expect(world.code() == 0, "it leaves")
    # A listing is not one instant: a file may be counted under its old name and its new one.
    expect(most[0] <= 7 * ROTATE, f"never more on disk than four files and one being compressed: {most[0]}")
    text, names = said(world)
    expect(text.endswith(b"x\nend\n"), "the end is there: %r" % text[-20:])
    expect(len(text) >= 3 * ROTATE, f"and three files before: {names}")
    expect(max(int(name.split(".")[1]) for name in names) >= mib - 1, f"all of it went through: {names}")


def a_task_that_floods_while_it_is_killed_ends(world):
    run(world, "trap '' TERM; yes no end of it", rotateBytes=ROTATE, keep=1, compress=True)
    until(lambda: any(name.startswith("stdout.") for name in os.listdir(world.sandbox)), "it floods")
    world.agent.kill("t-1", 100)
    world.agent.wait_state("t-1", "TASK_KILLED")
    expect(world.code() == 0, "it leaves")


def last_words_are_kept(world):
    run(world, "head -c 60000 /dev/zero | tr '\\0' y; echo; echo goodbye; kill -9 $$", rotateBytes=ROTATE)
    world.agent.wait_state("t-1", "TASK_FAILED")
    expect(world.code() == 0, "it leaves")
    expect(world.text("stdout").endswith("y\ngoodbye\n"), world.text("stdout")[-100:])


# Puts links, second names, FIFOs and devices over every name that the executor is about to use, over and over, while it
# rotates. Most attempts come too late or too early; the executor must not mind any of them.
SWAPPING = """
i=0
while [ $i -lt 60 ]; do
  i=$((i+1)); k=$((k+1))
  for name in stdout stderr .stdout.new stdout.$((i-1)) stdout.$i .stdout.$((i-1)).gz.new stdout.$((i-1)).gz .mimas-archive; do
    rm -rf trap; k=$((k+1))
    case $((k % 5)) in
      0) ln -s PRECIOUS trap;;
      1) mkfifo trap;;
      2) ln PRECIOUS trap;;
      3) mknod trap c 1 3;;
      4) mkdir trap;;
    esac
    mv -T -f trap $name || mv -f $name $name.away
  done 2>/dev/null
  head -c 70000 /dev/zero | tr '\\0' x; echo
done
touch finished; sleep 300
"""
SECRET = b"nobody but its owner may read or change this"


def everything_in(folder):
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            if os.path.islink(path) or not os.path.isfile(path) or os.stat(path).st_nlink > 1:
                continue
            with open(path, "rb") as file:
                data = file.read()
            yield path, data
            if path.endswith(".gz"):
                yield path, subprocess.run(["gzip", "-dc"], input=data, capture_output=True, check=False).stdout


def swap(world, user):
    with tempfile.TemporaryDirectory() as outside:
        os.chmod(outside, 0o755)
        precious = os.path.join(outside, "precious")
        with open(precious, "wb") as file:
            file.write(SECRET)
        os.chmod(precious, 0o600)
        task = {"shell": SWAPPING.replace("PRECIOUS", precious), "logs": {"rotateBytes": 65536, "keep": 2, "compress": True}}
        world.agent.launch("t-1", dict(task, user=user) if user else task)
        until(lambda: os.path.exists(os.path.join(world.sandbox, "finished")), "the task is through, so its pipe was read")
        world.agent.kill("t-1", 1000)
        world.agent.wait_state("t-1", "TASK_KILLED")
        expect(world.code() == 0, "it leaves")
        with open(precious, "rb") as file:
            expect(file.read() == SECRET, "what is outside is as it was")
        for path, data in everything_in(world.sandbox):
            expect(SECRET not in data, f"nothing of it is in {path}")


def a_task_that_swaps_its_logs_gets_at_nothing(world):
    swap(world, None)


def nor_does_one_of_another_user(world):
    if os.geteuid() == 0:  # nobody else starts tasks of others
        swap(world, "nobody")


STORIES = [every_line_is_kept_in_order_over_rotations_and_compression,
           our_own_stderr_moves_on_with_the_file, a_flood_without_a_newline_stays_within_its_bound,
           a_task_that_floods_while_it_is_killed_ends, last_words_are_kept,
           a_task_that_swaps_its_logs_gets_at_nothing, nor_does_one_of_another_user]


def measure(binary):
    """A gigabyte without a newline, from a program that does little else than write."""
    import time  # pylint: disable=import-outside-toplevel
    for compress in (False, True):
        world = World(Options)
        try:
            world.subscribed()
            inner = child_of(world.process.pid)
            before, start = cpu_seconds(inner), time.monotonic()
            run(world, "dd if=/dev/zero bs=64k count=16384; sleep 300", rotateBytes=16 * MIB, keep=3, compress=compress)
            world.agent.wait_state("t-1", "TASK_RUNNING")
            until(lambda: any(b"copied" in open(os.path.join(world.sandbox, name), "rb").read()[-300:]
                              for name in os.listdir(world.sandbox) if name.startswith("stderr")), "dd is done")
            took, used = time.monotonic() - start, cpu_seconds(inner) - before
            print(f"compress={compress}: 1 GiB in {took:.2f} s, {1024 / took:.0f} MiB/s, executor's cpu {used:.2f} s, "
                  f"load {os.getloadavg()[0]:.1f}")
        finally:
            world.close()
    return binary


def main():
    Options.binary = os.path.abspath(sys.argv[1])
    if "--measure" in sys.argv:
        measure(Options.binary)
        return 0
    failed = 0
    for story in STORIES:
        world = World(Options)
        try:
            world.subscribed()
            story(world)
            print("ok   ", story.__name__, flush=True)
        except (Failed, AssertionError) as error:
            failed += 1
            print("FAIL ", story.__name__, "--", error, flush=True)
        finally:
            world.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
