"""An agent by hand, for executor_test.py: the executor API on a raw socket, doing as it is told."""
import base64
import json
import os
import socket
import threading

PATIENCE = 30.0  # seconds; emulated machines on a busy computer are slow


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Agent:
    """The executor API of an agent, by hand: it holds one stream and notes every call."""

    def __init__(self, path=None):
        self.changed = threading.Condition()
        self.calls = []  # (request line, headers, body as an object)
        self.streams = []
        self.everyone = []
        self.acknowledge = True
        self.refuse = None  # (status line, text) for SUBSCRIBE
        self.close_after_call = False
        self.greeting = True  # SUBSCRIBED right after the head
        self.capabilities = []
        self.piecewise = False
        self.path = path
        self.address = None
        self.listen()

    def listen(self):
        if self.path:
            self.listener = socket.socket(socket.AF_UNIX)
            directory, name = os.path.split(self.path)
            here = os.getcwd()
            os.chdir(directory)  # the path may be longer than a socket address holds
            try:
                self.listener.bind(name)
            finally:
                os.chdir(here)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(self.address or ("127.0.0.1", 0))
            self.address = self.listener.getsockname()
        self.listener.listen(16)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.changed:
                self.everyone.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        reader = connection.makefile("rb")
        try:
            while True:
                request = reader.readline().decode().strip()
                if not request:
                    return
                headers = {}
                while True:
                    line = reader.readline().decode().strip()
                    if not line:
                        break
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = json.loads(reader.read(int(headers["content-length"])))
                if not self.answer(connection, request, headers, body):
                    return
        except (OSError, ValueError):
            return

    def answer(self, connection, request, headers, body):
        with self.changed:
            self.calls.append((request, headers, body))
            self.changed.notify_all()
            if body["type"] == "SUBSCRIBE":
                if self.refuse:
                    status, text = self.refuse
                    connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
                    return True
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n")
                self.streams.append(connection)
                if self.greeting:
                    self.send({"type": "SUBSCRIBED", "subscribed": {
                        "framework_info": {"capabilities": [{"type": c} for c in self.capabilities]}}})
                self.changed.notify_all()
                if self.acknowledge:
                    for update in body["subscribe"].get("unacknowledged_updates", []):
                        self.acknowledge_status(update["status"])
                return True
            close = "Connection: close\r\n" if self.close_after_call else ""
            connection.sendall(f"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n{close}\r\n".encode())
            if self.acknowledge and body["type"] == "UPDATE":
                self.acknowledge_status(body["update"]["status"])
            if self.close_after_call:
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            return not self.close_after_call

    def acknowledge_status(self, status):
        self.send({"type": "ACKNOWLEDGED", "acknowledged": {"task_id": status["task_id"], "uuid": status["uuid"]}})

    def send(self, event):
        with self.changed:
            record = json.dumps(event).encode()
            record = f"{len(record)}\n".encode() + record
            parts = [record[i:i + 1] for i in range(len(record))] if self.piecewise else [record]
            for part in parts:
                self.streams[-1].sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def send_raw(self, data):
        with self.changed:
            self.streams[-1].sendall(data)

    def drop(self, listener_too=False):
        with self.changed:
            if listener_too:
                try:
                    self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
                except OSError:
                    pass
                self.listener.close()
            for connection in self.everyone:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                connection.close()
            self.everyone = []

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE):
                raise Failed(f"no {what}; saw {self.states()}")

    def wait_streams(self, count):
        self.wait(lambda: len(self.streams) >= count, f"subscription number {count}")

    def subscribes(self):
        return [body["subscribe"] for _, _, body in self.calls if body["type"] == "SUBSCRIBE"]

    def statuses(self, task=None):
        found = []
        for _, _, body in self.calls:
            if body["type"] == "UPDATE":
                found.append(body["update"]["status"])
        return [s for s in found if task is None or s["task_id"]["value"] == task]

    def states(self):
        return [(s["task_id"]["value"], s["state"]) for s in self.statuses()]

    def wait_state(self, task, state):
        self.wait(lambda: (task, state) in self.states(), f"{state} of {task}")
        return [s for s in self.statuses(task) if s["state"] == state][0]

    def launch(self, task, data, **more):
        text = data if isinstance(data, str) else json.dumps({"v": 1, **data})
        self.send({"type": "LAUNCH", "launch": {"task": {
            "name": task, "task_id": {"value": task}, "agent_id": {"value": "a"},
            "data": base64.b64encode(text.encode()).decode(), **more}}})

    def kill(self, task, grace_ms=None):
        kill = {"task_id": {"value": task}}
        if grace_ms is not None:
            kill["kill_policy"] = {"grace_period": {"nanoseconds": grace_ms * 1000000}}
        self.send({"type": "KILL", "kill": kill})
