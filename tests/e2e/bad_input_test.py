"""Bad input is normal input: each is answered, named, and the server goes on."""
import json
import socket

from harness import World, process_job, run


def bad_bodies_are_named_and_survived():
    with World() as world:
        server = world.dev()
        good = process_job("true")
        cases = [
            (b"not json", 400, "line 1"),
            (b"", 400, ""),
            (b"[]", 400, ""),
            (b"\xff\xfe{}", 400, ""),
            (json.dumps({**good, "cpu": -1}).encode(), 400, "/cpu"),
            (json.dumps({**good, "instances": 10**9}).encode(), 400, "/instances"),
            (json.dumps({**good, "name": "two\nlines"}).encode(), 400, "/name"),
            (json.dumps({**good, "entrypoint": "x", "nonsense": 1}).encode(), 400, "/nonsense"),
            (b"[" * 100_000, 400, ""),
            (b'{"a":' * 100_000, 400, ""),
            (b'{"name":"' + b"x" * 10_000_000 + b'"}', 413, ""),
            (json.dumps({**good, "memory": "lots"}).encode(), 400, "/memory"),
            (json.dumps({**good, "cpu": -1, "memory": -1, "disk": -1}).encode(), 400, "/disk"),
        ]
        for body, status, pointer in cases:
            try:
                answer = world.call("POST", "/v2/jobs", body)
            except (ConnectionError, OSError) as cut:
                # A body over the limit may be cut off while it is still being sent.
                assert status == 413, (body[:40], cut)
                continue
            assert answer.status == status, (body[:60], answer.status, answer.body[:300])
            if status == 400:
                problem = answer.json()
                assert problem["statusCode"] == 400 and problem["message"], problem
                assert pointer in json.dumps(problem["errors"]), (pointer, problem)
            assert world.get("/health").status == 200
        answer = world.call("POST", "/v2/jobs", {**good, "entrypoint": "x"})
        assert "entryPoint" in answer.body.decode(), "a near miss is named"
        assert server.alive()
        world.wait_job(world.submit(good), "FINISHED")


def broken_http_is_survived():
    with World() as world:
        world.dev()
        host, port = world.listen.split(":")
        for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"POST /v2/jobs HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
                     b"POST /v2/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
                     b"POST /v2/jobs HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort"):
            with socket.create_connection((host, int(port)), 5) as connection:
                connection.sendall(junk)
                connection.settimeout(1)
                try:
                    connection.recv(1000)
                except OSError:
                    pass
            assert world.get("/health").status == 200


if __name__ == "__main__":
    run([bad_bodies_are_named_and_survived, broken_http_is_survived])
