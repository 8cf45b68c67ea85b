#!/usr/bin/env python3
"""Logs through the server: followed over rotations, listed and read by name, archived; of shared executors too."""
import gzip
import http.client
import os
import subprocess

from harness import MIMAS, World, process_job, run, wait_for

LINES = 60_000
TALK = ("i=0; while [ $i -lt 60 ]; do seq -f 'line %.0f of a log that is long enough to be rotated more than once' "
        "$((i*1000)) $((i*1000+999)); i=$((i+1)); done")
WANTED = "".join(f"line {i} of a log that is long enough to be rotated more than once\n" for i in range(LINES))


def follow(world, task):
    host, port = world.listen.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.request("GET", f"/v2/logs/{task}/stdout?follow=true")
    return connection.getresponse()


def kept(world, task):
    """Everything of stdout that is there, by the names the server lists."""
    names = [name for name in world.get(f"/v2/logs/{task}").json()["files"] if name.startswith("stdout")]
    rotated = sorted((name for name in names if name != "stdout"), key=lambda name: int(name.split(".")[1]))
    text = b""
    for name in rotated + ["stdout"]:
        body = world.get(f"/v2/logs/{task}/{name}").body
        text += gzip.decompress(body) if name.endswith(".gz") else body
    return text.decode(), rotated


def a_log_is_followed_over_rotations():
    with World() as world:
        world.dev()
        # It waits for the follower, and at the end for the test: then no file is swept or renamed any more.
        job = world.submit(process_job("while [ ! -e go ]; do sleep 0.05; done; " + TALK,
                                       logs={"rotateMb": 1, "keep": 20, "compress": False}))
        task = f"{job}-worker-0-0"
        world.wait_states(job, "RUNNING", 1)
        answer = follow(world, task)
        command = subprocess.Popen([MIMAS, "logs", "-f", "--server", f"http://{world.listen}", task],
                                   stdout=subprocess.PIPE)
        pid = world.job(job)["tasks"][0]
        sandbox = find_sandbox(world, task)
        with open(os.path.join(sandbox, "go"), "w", encoding="utf-8"):
            pass
        assert answer.read().decode() == WANTED, pid
        assert command.communicate()[0].decode() == WANTED
        world.wait_job(job, "FINISHED")
        text, rotated = kept(world, task)
        assert text == WANTED
        assert len(rotated) >= 3, rotated


def find_sandbox(world, task):
    for folder, _, files in os.walk(world.dir):
        if f"/{task}/" in folder + "/" and "stdout" in files and "latest" not in folder:
            return folder
    raise AssertionError(f"{task} has no sandbox below {world.dir}")


def rotated_files_are_compressed_listed_and_archived():
    with World() as world:
        os.mkdir(world.path("archive"))
        world.dev("--features", "logarchive=on", "--archive", "file://" + world.path("archive"))
        job = world.submit(process_job(TALK + "; while [ ! -e go ]; do sleep 0.05; done",
                                       logs={"rotateMb": 1, "keep": 20, "compress": True}))
        task = f"{job}-worker-0-0"
        world.wait_states(job, "RUNNING", 1)
        wait_for(lambda: "stdout.3.gz" in world.get(f"/v2/logs/{task}").json()["files"], "three compressed files")
        wait_for(lambda: kept(world, task)[0] == WANTED, "all of it is there")
        with open(os.path.join(find_sandbox(world, task), "go"), "w", encoding="utf-8"):
            pass
        world.wait_job(job, "FINISHED")
        where = world.get(f"/v2/logs/{task}").json()["archive"]
        assert where["stdout"] == f"file://{world.path('archive')}/{job}/{task}/stdout", where
        archived = os.path.join(world.path("archive"), job, task)
        wait_for(lambda: {"stdout", "stderr", "stdout.3.gz"} <= set(os.listdir(archived)), "its files are archived")
        assert world.get(f"/v2/logs/{task}/..%2Fstdout").status in (400, 404)


def tasks_of_a_shared_executor_have_logs_of_their_own():
    with World() as world:
        world.dev("--executor-sharing", "job")
        job = world.submit(process_job("echo I am $MIMAS_TASK_ID; sleep 300", instances=3))
        world.wait_states(job, "RUNNING", 3)
        for index in range(3):
            task = next(t["id"] for t in world.job(job)["tasks"] if f"-worker-{index}-" in t["id"])
            wait_for(lambda task=task: world.log(task) == f"I am {task}\n",
                     lambda task=task: f"{task}'s own line, not {world.log(task)}")
        world.call("DELETE", f"/v2/jobs/{job}")


BLOB = bytes(range(256)) * 1000


def ask(world, method, path, **headers):
    """As a client sees it that knows nothing of redirects or retries."""
    host, port = world.listen.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def files_are_read_in_parts_during_the_run_and_after_it():
    with World() as world:
        world.dev()
        job = world.submit(process_job(
            "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; mkdir folder; "
            "while [ ! -e go ]; do sleep 0.05; done; echo the end; echo done=yes > ci.properties"))
        task = f"{job}-worker-0-0"
        world.wait_states(job, "RUNNING", 1)
        text = "".join(f"line {i}\n" for i in range(1000))
        url = f"/v2/logs/{task}/stdout"
        wait_for(lambda: world.log(task) == text, "all lines")
        head, body = ask(world, "HEAD", url)
        assert head.status == 200 and body == b"" and head.getheader("Content-Length") == str(len(text)), head.headers
        assert head.getheader("Accept-Ranges") == "bytes" and head.getheader("ETag"), head.headers
        part, body = ask(world, "GET", url, Range="bytes=5-10")
        assert part.status == 206 and body == text[5:11].encode(), (part.status, body)
        assert part.getheader("Content-Range") == f"bytes 5-10/{len(text)}", part.headers
        last, body = ask(world, "GET", url, Range="bytes=-9")
        assert last.status == 206 and body == text[-9:].encode(), (last.status, body)
        none, body = ask(world, "GET", url, Range=f"bytes={len(text)}-")
        assert none.status == 416 and none.getheader("Content-Range") == f"bytes */{len(text)}", none.headers
        assert ask(world, "GET", url + "?tail=2")[1] == b"line 998\nline 999\n"
        assert ask(world, "GET", url, Range="bytes=5-10", If_Range=head.getheader("ETag"))[0].status == 206

        sandbox = find_sandbox(world, task)
        with open(os.path.join(sandbox, "blob"), "wb") as file:
            file.write(BLOB)
        assert ask(world, "GET", f"/v2/logs/{task}/blob")[1] == BLOB
        assert ask(world, "GET", f"/v2/logs/{task}/blob", Range="bytes=100000-")[1] == BLOB[100000:]
        with open(os.path.join(sandbox, "go"), "w", encoding="utf-8"):
            pass
        world.wait_job(job, "FINISHED")
        later, body = ask(world, "GET", url, Range="bytes=5-10", If_Range=head.getheader("ETag"))
        assert later.status == 200 and body == (text + "the end\n").encode(), "the tag is of what it was before"
        files = world.get(f"/api/v2/logs/download/{task}").json()
        assert {"stdout", "stderr", "blob", "ci.properties"} <= set(files) and "folder" not in files, files
        assert files["stdout"] == f"http://{world.listen}{url}", files
        assert ask(world, "GET", files["ci.properties"][len(f"http://{world.listen}"):])[1] == b"done=yes\n"
        assert world.get("/v2/logs/download/mimas-99-worker-0-0").status == 404


if __name__ == "__main__":
    run([files_are_read_in_parts_during_the_run_and_after_it, a_log_is_followed_over_rotations, rotated_files_are_compressed_listed_and_archived,
         tasks_of_a_shared_executor_have_logs_of_their_own])
