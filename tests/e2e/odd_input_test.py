"""Fifty thousand requests nobody would send, made from api/openapi.yaml: the server answers each, and stays as it was.

No answer is a 5xx (but 501 where the contract says so, and 503 with Retry-After for streams), each error is a problem document, each
success is one that the contract names, the server lives and its memory stays flat. The seed is printed; --seed and --count repeat
a run, --server HOST:PORT asks a running server, --replay BASE64 sends one request again and shows the answer.
"""
import argparse
import base64
import json
import os
import random
import re
import socket
import sys
import threading
import time

import yaml
from harness import World, process_job, run
from odd_requests import Maker

CONTRACT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "api", "openapi.yaml")
THREADS = 4
WARM = 10_000  # requests after which the memory is what it will be
GROWTH_MIB_MAX = 64  # for all that the rest leaves on record: jobs, their ended tasks, their history
JOBS_MAX = 400  # that are let live or lie on record; more are not submitted
WELL_FORMED = re.compile(rb"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1")
KNOWN_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Wire:
    """One kept-alive connection, by hand: no library stands between us and what the server says."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.socket = None
        self.heard = b""

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket, self.heard = None, b""

    def more(self):
        got = self.socket.recv(65536)
        self.heard += got
        return bool(got)

    def until(self, mark):
        while mark not in self.heard:
            if not self.more():
                raise ConnectionError("closed in the middle of an answer" if self.heard else "closed without an answer")
        at = self.heard.index(mark) + len(mark)
        taken, self.heard = self.heard[:at], self.heard[at:]
        return taken

    def exactly(self, count):
        while len(self.heard) < count:
            if not self.more():
                raise ConnectionError("closed in the middle of a body")
        taken, self.heard = self.heard[:count], self.heard[count:]
        return taken

    def ask(self, request, method, follows):
        for last in (False, True):
            fresh = self.socket is None
            if fresh:
                self.socket = socket.create_connection(self.address, 60)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                try:
                    self.socket.sendall(request)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused before it was read whole: the answer says why
                return self.answer(method, follows)
            except (ConnectionError, BrokenPipeError):
                self.close()
                if fresh or last:
                    raise
        raise AssertionError

    def answer(self, method, follows):
        while True:
            head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(head[0].split(" ")[1])
            if status != 100:
                break
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = b""
        stream = follows and headers.get("transfer-encoding") == "chunked" and status == 200
        if stream:
            self.close()
        elif method != "HEAD" and status not in (204, 304):
            if headers.get("transfer-encoding") == "chunked":
                while True:
                    size = int(self.until(b"\r\n"), 16)
                    body += self.exactly(size + 2)[:-2]
                    if size == 0:
                        break
            else:
                body = self.exactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body)


def check_problem(answer, method):
    assert answer.headers.get("content-type", "") == "application/problem+json", "an error that is no problem document"
    if method != "HEAD":
        problem = json.loads(answer.body.decode("utf-8"))
        assert problem["status"] == problem["statusCode"] == answer.status, "its status differs from the answer's"
        for name in ("type", "title", "detail", "message"):
            assert isinstance(problem[name], str) and problem[name], f"no {name}"
        for fault in problem.get("errors", []):
            assert isinstance(fault["pointer"], str) and fault["detail"], "a fault without pointer or detail"
    if answer.status == 405:
        assert answer.headers.get("allow"), "405 without Allow"
    if answer.status in (429, 503):
        assert answer.headers.get("retry-after"), "without Retry-After"
    # A Range that is no range at all is refused with the head of the request, before there is a file.
    if answer.status == 416 and answer.headers.get("connection") != "close":
        assert answer.headers.get("content-range", "").startswith("bytes */"), "416 without Content-Range"


def check(answer, method, documented, follows):
    if answer.status >= 500:
        allowed = (answer.status in (501, 505) and str(answer.status) in documented) or (answer.status == 503 and follows)
        assert allowed, "a server error"
    if answer.status >= 400:
        return check_problem(answer, method)
    assert answer.status in (200, 201, 202, 204, 206, 304), "an odd status"
    assert str(answer.status) in documented, f"not in the contract, which has {sorted(documented)}"
    if answer.body and answer.headers.get("content-type", "").startswith("application/json"):
        json.loads(answer.body.decode("utf-8"))
    return None


class Run:
    def __init__(self, document, address, seed, count):
        self.document, self.address, self.seed, self.count = document, address, seed, count
        self.lock = threading.Lock()
        self.done, self.failures, self.statuses, self.jobs, self.warm_rss = 0, [], {}, 0, None
        self.rss = lambda: None

    def worker(self, number):
        maker = Maker(self.document, f"{self.seed}/{number}")
        wire = Wire(self.address)
        for _ in range(self.count // THREADS):
            method, path, request, follows = maker.request()
            submits = method == "POST" and path == "/v2/jobs"
            if submits and self.jobs >= JOBS_MAX:
                follows, method, request = False, "GET", b"GET /v2/jobs?limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            strict = method in KNOWN_METHODS and WELL_FORMED.fullmatch(request.partition(b"\r\n")[0])
            try:
                answer = wire.ask(request, method, follows)
                self.judge(maker, method, path, request, answer, follows)
            except (AssertionError, KeyError, ValueError, TypeError) as why:
                self.fail(request, f"{type(why).__name__}: {why}")
                wire.close()
            except (ConnectionError, socket.timeout) as why:
                wire.close()
                if strict:
                    self.fail(request, f"no answer: {why}")
            self.count_one()
            if len(self.failures) >= 20:
                return
        wire.close()

    def judge(self, maker, method, path, request, answer, follows):
        with self.lock:
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        # Which operation it was is known only if nothing of its line was made odd.
        line = request.partition(b"\r\n")[0].decode("latin-1")
        shape = re.sub(r"\\\{[^}]*\\\}", "[^/?#]+", re.escape(path))
        operation = self.document["paths"][path].get(method.lower())
        if method == "HEAD":
            operation = operation or self.document["paths"][path].get("get")
        known = operation and re.fullmatch(rf"[A-Z]+ (/api)?{shape}(\?\S*)? HTTP/1\.1", line)
        documented = set(operation["responses"]) if known else {"200", "201", "202", "204", "206", "304", "501", "505"}
        try:
            check(answer, method, documented, follows)
        except (AssertionError, KeyError, ValueError, TypeError) as why:
            raise AssertionError(f"{why}\n  {answer.status} {answer.headers}\n  {answer.body[:600]!r}") from why
        if method == "POST" and answer.status == 200 and path == "/v2/jobs" and b"jobUri" in answer.body:
            job = json.loads(answer.body)["jobUri"].rsplit("/", 1)[1]
            with self.lock:
                self.jobs += 1
            maker.job_ids = [*maker.job_ids[-20:], job]
            maker.task_ids = [*maker.task_ids[-20:], f"{job}-worker-0-0"]

    def count_one(self):
        with self.lock:
            self.done += 1
            if self.done == WARM:
                self.warm_rss = self.rss()

    def fail(self, request, why):
        with self.lock:
            self.failures.append((request, why))

    def go(self):
        begun = time.monotonic()
        threads = [threading.Thread(target=self.worker, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begun
        print(f"seed {self.seed}: {self.done} requests in {took:.0f} s, {self.jobs} jobs accepted, answers {dict(sorted(self.statuses.items()))}")
        for request, why in self.failures[:20]:
            print(f"FAILED: {why}\n  {request[:300]!r}\n  again: odd_input_test.py --server {self.address} --replay "
                  f"{base64.b64encode(request).decode()}")
        assert not self.failures, f"{len(self.failures)} answers are not as they should be"


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))


def contract():
    with open(CONTRACT, encoding="utf-8") as file:
        return yaml.safe_load(file)


def odd_requests_are_answered_and_leave_the_server_as_it_was(seed, count):
    with World() as world:
        # Its only agent has room for one task, and that one is running: what else is accepted waits, and can do no harm.
        server = world.dev("--agent", "hostname=a1;resources=cpus:1;mem:20;disk:100;ports:[31000-31009]")
        first = world.submit(process_job("echo out; echo err >&2; exec sleep 100000"))
        world.wait_states(first, "RUNNING", 1)
        # What it prints is there to be read; no request changes it (odd_requests.KEPT).
        odd = Run(contract(), world.listen, seed, count)
        odd.rss = lambda: rss_mib(server.pid)
        odd.go()
        assert server.alive(), "the server has ended: " + server.tail()
        assert world.get("/health").json()["status"] == "ok"
        later = rss_mib(server.pid)
        if odd.warm_rss is not None:
            print(f"memory: {odd.warm_rss:.1f} MiB after {WARM} requests, {later:.1f} MiB at the end")
            assert later - odd.warm_rss <= GROWTH_MIB_MAX, "memory has grown"
        assert world.states(first) == ["RUNNING"], "the one that was to be left alone"
        assert world.call("POST", "/v2/jobs/kill", {"jobId": first}).status == 204, "it still does its work"
        world.wait_job(first, "STOPPED")


def bad_answers_are_known_as_such():
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "x", "statusCode": 400, "message": "x"}
    kind = {"content-type": "application/problem+json"}
    documented = {"200", "501"}

    def good(status, headers, body, follows=False):
        try:
            check(Answer(status, headers, json.dumps(body).encode() if not isinstance(body, bytes) else body), "GET", documented, follows)
        except (AssertionError, KeyError, ValueError, TypeError):
            return False
        return True

    def of(status):
        return {**problem, "status": status, "statusCode": status}

    assert good(200, {"content-type": "application/json"}, {}) and good(400, kind, problem) and good(501, kind, of(501))
    assert good(503, {**kind, "retry-after": "1"}, of(503), follows=True)
    assert not good(200, {"content-type": "application/json"}, b"{")
    assert not good(202, {}, b"") and not good(302, {}, b"") and not good(500, kind, of(500))
    assert not good(503, {**kind, "retry-after": "1"}, of(503)) and not good(503, kind, of(503), follows=True)
    assert not good(400, {"content-type": "application/json"}, problem) and not good(404, kind, problem)
    assert not good(400, kind, {**problem, "message": ""}) and not good(405, kind, of(405)) and not good(429, kind, of(429))
    assert not good(416, kind, of(416)) and not good(400, kind, b"\xff")


def replay(address, text):
    request = base64.b64decode(text)
    wire = Wire(address)
    answer = wire.ask(request, request.split(b" ", 1)[0].decode("latin-1"), False)
    print(request[:2000], "\n", answer.status, answer.headers, "\n", answer.body.decode("utf-8", "replace"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default=os.environ.get("MIMAS_SEED") or str(random.randrange(10**9)))
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--server", help="HOST:PORT of one that runs; otherwise one is started")
    parser.add_argument("--replay", help="send this request again")
    words = parser.parse_args()
    print(f"seed {words.seed}", flush=True)
    if words.replay:
        return replay(words.server, words.replay)
    if words.server:
        return Run(contract(), words.server, words.seed, words.count).go()

    def odd_requests():
        odd_requests_are_answered_and_leave_the_server_as_it_was(words.seed, words.count)

    return run([bad_answers_are_known_as_such, odd_requests])


if __name__ == "__main__":
    sys.exit(main())
