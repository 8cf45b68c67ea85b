"""The mimas program as people and scripts use it: every command once, its exit codes, pipes and terminals."""
import base64
import errno
import http.server
import json
import os
import pty
import select
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

from harness import MIMAS, PATIENCE_SECS, World, free_port, process_job, run, wait_for

SHELL_SERVICE = ["run", "--service", "--cpu", "0.02", "--mem", "8", "--disk", "1", "--name", "web"]


class Said:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout:\n{self.out}\n--- stderr:\n{self.err}"


def mimas(world, *arguments, stdin="", env=None, code=0, server=None):
    """Runs one client command against the world's server and holds it to its exit code."""
    done = subprocess.run([MIMAS, *arguments], input=stdin, capture_output=True, text=True, timeout=PATIENCE_SECS * 2,
                          env={**os.environ, "MIMAS_SERVER": server or world.listen, **(env or {})}, check=False)
    said = Said(done.returncode, done.stdout, done.stderr)
    assert code is None or said.code == code, f"mimas {' '.join(arguments)}: expected exit {code}, got {said!r}"
    if said.code not in (0, 8, 9):  # those two are told by the lines of what happened
        assert any(line.startswith("mimas: ") for line in said.err.splitlines()), repr(said)
    return said


def on_terminal(world, *arguments, env=None, until=None):
    """The same with a pseudo terminal for stdout and stderr; answers what the terminal got and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"MIMAS_SERVER": world.listen, **(env or {})})
        os.execv(MIMAS, [MIMAS, *arguments])
    seen, interrupted = b"", False
    deadline = time.monotonic() + PATIENCE_SECS * 2
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError as error:  # EIO: the other side is gone
                assert error.errno == errno.EIO
                break
            if not piece:
                break
            seen += piece
        if until and not interrupted and until(seen.decode(errors="replace")):
            os.kill(pid, signal.SIGINT)
            interrupted = True
    os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    return seen.decode(errors="replace"), os.waitstatus_to_exitcode(status)


def a_job_is_run_followed_and_looked_at():
    with World() as world:
        world.dev("--agents", "2")
        said = mimas(world, "run", "--follow", "--name", "hello", "--", "sh", "-c", "echo hello; exit 0")
        assert said.out == "mimas-1\nhello\n", f"stdout is the id and what the program wrote: {said!r}"
        assert "mimas-1-worker-0-0  RUNNING" in said.err or "FINISHED" in said.err, repr(said)
        assert "mimas-1  FINISHED" in said.err and "\x1b" not in said.err, repr(said)
        assert mimas(world, "logs", "mimas-1").out == "hello\n"
        mimas(world, "run", "--follow", "--", "sh", "-c", "exit 3", code=8)
        lines = mimas(world, "run", "--follow", "--json", "--", "true").out.splitlines()
        assert json.loads(lines[0]) == {"jobUri": "/api/v2/jobs/mimas-3"}
        assert json.loads(lines[-1])["state"] == "FINISHED", lines
        said = mimas(world, "run", "--follow", "--no-wait", "--cpu", "1000", "--", "true", code=9)
        assert "QUEUED" in said.err, repr(said)
        mimas(world, "kill", "mimas-4", "--wait")
        said = mimas(world, "run", "--follow", "--timeout", "1", "--", "sleep", "300", code=7)
        mimas(world, "kill", "mimas-5", "--wait", "--timeout", "60")
        # Standard input, and what is wrong with a description.
        assert mimas(world, "run", "-f", "-", stdin=json.dumps(process_job("true"))).out == "mimas-6\n"
        said = mimas(world, "run", "-f", "-", stdin='{"name": "x", "entrypoint": "true", "cpu": -1}', code=3)
        assert "entryPoint" in said.err and "/cpu" in said.err, repr(said)
        assert "line 1" in mimas(world, "run", "-f", "-", stdin='{"name":', code=3).err
        mimas(world, "run", "-f", world.path("none.json"), code=4)
        # A dry run starts nothing; the same key is the same job.
        before = len(mimas(world, "jobs", "--all", "--json").json())
        dry = mimas(world, "run", "--dry-run", "--json", "--name", "dry", "--", "true").json()
        assert dry["name"] == "dry", dry
        assert len(mimas(world, "jobs", "--all", "--json").json()) == before
        once = mimas(world, "run", "--idempotency-key", "k1", "--detach", "--", "true").out
        assert mimas(world, "run", "--idempotency-key", "k1", "--detach", "--", "true").out == once
        mimas(world, "run", "--idempotency-key", "k1", "--", "false", code=5)


def services_are_scaled_changed_and_told_apart():
    with World() as world:
        world.dev("--agents", "2")
        job = mimas(world, *SHELL_SERVICE, "--", "sleep", "1000").out.strip()
        said = mimas(world, "scale", job, "3", "--wait")
        assert said.out == "" and "RUNNING" in said.err, repr(said)
        assert world.states(job).count("RUNNING") == 3
        mimas(world, "scale", job, "2", "--min", "1", "--max", "4", "--wait")
        counts = world.job(job)
        assert (counts["instancesMin"], counts["instancesDesired"], counts["instancesMax"]) == (1, 2, 4), counts
        mimas(world, "scale", "mimas-99", "1", code=4)
        tasks = mimas(world, "tasks", "--job", job, "--state", "RUNNING", "-q").out.split()
        assert len(tasks) == 2, tasks
        mimas(world, "kill", tasks[0], "--shrink", "--wait")
        wait_for(lambda: world.job(job)["instancesDesired"] == 1, "a killed task not to be replaced")
        mimas(world, "kill", tasks[0], code=5)  # it has ended
        mimas(world, "kill", tasks[1], "mimas-99-worker-0-0", code=4)
        assert world.states(job).count("RUNNING") == 1, "strict: none is killed if one is unknown"
        mimas(world, "kill", "--no-strict", "--wait", tasks[1], "mimas-99-worker-0-0")

        mimas(world, "service", job, "--out")
        assert world.job(job)["inService"] is False
        mimas(world, "service", job, "--in")
        assert world.job(job)["inService"] is True
        mimas(world, "processes", job, "--increase", "off", "--decrease", "on")
        said = mimas(world, "scale", job, "4", code=3)
        mimas(world, "processes", job, "--increase", "on", "--decrease", "on")

        dry = mimas(world, "change", job, "--set", "labels.team=web", "--dry-run", "--json").json()
        assert dry["labels"] == {"team": "web"} and world.job(job)["labels"] == {}
        version = int(world.get(f"/v2/jobs/{job}").headers["ETag"].strip('"'))
        mimas(world, "change", job, "--set", "labels.team=web", "--if-version", str(version))
        assert world.job(job)["labels"] == {"team": "web"}
        mimas(world, "change", job, "--set", "labels.team=db", "--if-version", str(version), code=5)
        said = mimas(world, "change", job, "--set", "cpu=0.03", code=3)  # tasks would have to be replaced
        assert "later" in said.err or "cpu" in said.err, repr(said)
        mimas(world, "change", job, "-f", "-", stdin='{"labels": {"team": null}}')
        assert world.job(job)["labels"] == {}
        assert job in mimas(world, "jobs", "--type", "service", "-q").out
        assert mimas(world, "jobs", "--label", "team=web", "-q").out == ""

        history = mimas(world, "history", job)
        assert "job.submit" in history.out and "RUNNING" in history.out, repr(history)
        versions = mimas(world, "versions", job, "--json").json()
        assert versions, versions
        assert "job.change" in mimas(world, "versions", job).out
        difference = mimas(world, "diff", job)
        assert "/labels" in difference.out and difference.out.startswith(("- ", "+ ")), repr(difference)
        audit = mimas(world, "audit", "--job", job)
        assert "job.scale" in audit.out and "job.change" in audit.out, repr(audit)
        assert mimas(world, "audit", "--json", "--limit", "1").json()
        mimas(world, "history", "mimas-99", code=4)


def tasks_logs_and_files_are_shown():
    with World() as world:
        world.dev()
        job = world.submit(process_job("for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2; echo x > other; sleep 1000"))
        world.wait_states(job, "RUNNING", 1)
        task = f"{job}-worker-0-0"
        wait_for(lambda: "line 5" in mimas(world, "logs", job).out, "the output")
        assert mimas(world, "logs", task, "--tail", "2").out == "line 4\nline 5\n"
        assert mimas(world, "logs", task, "--stderr").out == "oops\n"
        wait_for(lambda: mimas(world, "logs", task, "--file", "other").out == "x\n", "another file")
        mimas(world, "logs", task, "--file", "none", code=4)
        assert "other" in mimas(world, "files", job).out
        assert "RUNNING" in mimas(world, "task", task).out
        assert mimas(world, "task", task, "--json").json()["id"] == task
        assert task in mimas(world, "job", job).out
        mimas(world, "stats", job)
        mimas(world, "task", "mimas-9-worker-0-0", code=4)
        follower = subprocess.Popen([MIMAS, "logs", "-f", "--tail", "1", task], stdout=subprocess.PIPE, text=True,
                                    env={**os.environ, "MIMAS_SERVER": world.listen})
        assert follower.stdout.readline() == "line 5\n"
        mimas(world, "kill", task, "--wait")
        assert follower.stdout.read() == "" and follower.wait(PATIENCE_SECS) == 0


def the_server_is_asked_about_itself():
    with World() as world:
        world.dev("--agents", "2")
        agents = mimas(world, "agents", "--json").json()
        assert len(agents) == 2
        names = mimas(world, "agents", "-o", "name").out.split()
        assert sorted(names) == sorted(agent["id"] for agent in agents)
        assert names[0] in mimas(world, "agent", names[0]).out
        mimas(world, "agent", "nobody", code=4)
        for page in (["status"], ["config"], ["config", "--limits"], ["queue"]):
            assert mimas(world, *page).out, page
            mimas(world, *page, "--json").json()
        assert "openapi: 3.1.0" in mimas(world, "openapi").out
        assert mimas(world, "api", "/v2/jobs").json() == []
        mimas(world, "api", "/v2/nowhere", code=4)
        said = mimas(world, "api", "/v2/updates/1", code=3)  # later: the server's own sentence
        assert len(said.err.split()) > 4, repr(said)
        job = world.submit(process_job("true"))
        world.wait_job(job, "FINISHED")
        answer = mimas(world, "backup", "--json").json()
        assert answer, answer
        assert os.listdir(os.path.join(world.path("dev"), "backups")), "a copy of the records"
        assert "--yes" in mimas(world, "gc", code=2).err
        mimas(world, "gc", "--yes")
        wait_for(lambda: mimas(world, "jobs", "--all", "-q").out == "", "the ended job to be forgotten")
        mimas(world, "groups", "set", "web", "--tier", "critical", "--guarantee", "cpu=1,memory=64")
        assert "critical" in mimas(world, "groups").out
        mimas(world, "groups", "delete", "web")
        mimas(world, "operations")
        mimas(world, "orphans")
        assert mimas(world, "version").out.startswith("mimas ")
        mimas(world, "teardown", code=2)
        mimas(world, "teardown", "--yes")


def what_happens_is_printed_as_it_happens():
    with World() as world:
        world.dev()
        job = world.submit(process_job("sleep 1000", type="service"))
        world.wait_states(job, "RUNNING", 1)
        lines = [json.loads(line) for line in mimas(world, "events", "--once", "--json", "--job", job).out.splitlines()]
        assert [line["event"] for line in lines] == ["job", "task", "snapshotEnd"], lines
        assert lines[0]["data"]["id"] == job, lines
        listener = subprocess.Popen([MIMAS, "events", "--no-snapshot", "--kind", "task", "--job", job],
                                    stdout=subprocess.PIPE, text=True, env={**os.environ, "MIMAS_SERVER": world.listen})
        time.sleep(0.5)  # gives it a start; a line of a later change would do as well
        mimas(world, "scale", job, "2", "--wait")
        line = listener.stdout.readline()
        assert f"{job}-worker-" in line, line
        listener.send_signal(signal.SIGINT)
        assert listener.wait(PATIENCE_SECS) == 130
        watcher = subprocess.Popen([MIMAS, "job", job, "--watch", "--json"], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "MIMAS_SERVER": world.listen})
        assert json.loads(watcher.stdout.readline())["id"] == job
        mimas(world, "kill", job)
        states = [json.loads(line)["state"] for line in watcher.stdout]
        assert states[-1] == "STOPPED" and watcher.wait(PATIENCE_SECS) == 0, states


def terminals_get_colours_and_pipes_do_not():
    with World() as world:
        world.dev()
        job = world.submit(process_job("sleep 1000", type="service"))
        world.wait_states(job, "RUNNING", 1)
        seen, code = on_terminal(world, "job", job)
        assert code == 0 and "\x1b[32mRUNNING\x1b[0m" in seen, repr(seen)
        seen, code = on_terminal(world, "job", job, env={"NO_COLOR": "1"})
        assert code == 0 and "\x1b" not in seen and "RUNNING" in seen, repr(seen)
        seen, _ = on_terminal(world, "job", job, "--color", "never")
        assert "\x1b" not in seen, repr(seen)
        seen, _ = on_terminal(world, "job", job, "--color", "always", env={"NO_COLOR": "1"})
        assert "\x1b[32m" in seen, repr(seen)
        assert "\x1b" not in mimas(world, "job", job).out
        assert "\x1b[32m" in mimas(world, "job", job, "--color", "always").out
        # A page is drawn in its own place, and Ctrl-C ends it with 130.
        changed = []

        def twice(text):
            if "RUNNING" in text and not changed:
                changed.append(True)
                world.call("POST", "/v2/jobs/setinstancecounts",
                           {"jobId": job, "instancesDesired": 2, "instancesMin": 0, "instancesMax": 2})
            return f"{job}-worker-1-" in text

        seen, code = on_terminal(world, "job", job, "--watch", until=twice)
        assert code == 130 and "A\r\x1b[J" in seen, repr(seen)
        # Progress: a line for each step, and one below that is written over.
        seen, code = on_terminal(world, "scale", job, "3", "--wait")
        assert code == 0 and "\r\x1b[K" in seen and "3/3 running" in seen, repr(seen)


def servers_that_are_not_there_or_not_ours():
    with World() as world:
        nobody = f"127.0.0.1:{free_port()}"
        said = mimas(world, "jobs", server=nobody, code=6)
        assert "hint:" in said.err and "mimas dev" in said.err, repr(said)
        mimas(world, "jobs", "--colour", code=2)
        mimas(world, code=2)
        mimas(world, "jobs", "--server", "https://" + nobody, code=6)
        secret = world.path("token")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("mimas_topsecret\n")
        os.chmod(secret, 0o644)
        said = mimas(world, "jobs", "--token-file", secret, server=nobody, code=10)
        assert "topsecret" not in said.err and "chmod" in said.err, repr(said)
        os.chmod(secret, 0o600)
        assert "topsecret" not in mimas(world, "jobs", "--token-file", secret, server=nobody, code=6).err
        assert mimas(world, "man").out.startswith(".TH MIMAS 1")
        if shutil.which("man"):
            page = world.path("mimas.1")
            with open(page, "w", encoding="utf-8") as file:
                file.write(mimas(world, "man").out)
            shown = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, check=True,
                                   env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
            assert "warning" not in shown.stderr, shown.stderr
            assert "--if-version" in shown.stdout


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers who asked, as far as the request says so."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        certificate = self.connection.getpeercert() or {}
        names = [value for rdn in certificate.get("subject", ()) for name, value in rdn if name == "commonName"]
        body = json.dumps({"authorization": self.headers["Authorization"], "certificate": names}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def make_certificate(world, name):
    certificate, key = world.path(name + ".pem"), world.path(name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


def echo_server(certificate, key, client_authority=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_authority)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *ignored: None  # refused handshakes are what some of the questions are about
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"https://127.0.0.1:{server.server_port}"


def who_asks_is_said_over_tls_and_secrets_stay_in_files():
    if shutil.which("openssl") is None:
        print("openssl is not installed: TLS is not tried")
        return
    with World() as world:
        certificate, key = make_certificate(world, "server")
        mine, my_key = make_certificate(world, "ann")
        server, address = echo_server(certificate, key)
        strict_server, strict = echo_server(certificate, key, client_authority=mine)
        try:
            assert "not trusted" in mimas(world, "api", "/", server=address, code=6).err
            assert "not trusted" in mimas(world, "api", "/", "--ca", mine, server=address, code=6).err
            said = mimas(world, "api", "/", server=address, env={"MIMAS_CA": certificate}).json()
            assert said == {"authorization": None, "certificate": []}, said
            token, login = world.path("token"), world.path("login")
            for path, text in ((token, "mimas_ci_secret\n"), (login, "ann:pass:word\n")):
                with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                    file.write(text)
            asked = ("api", "/", "--ca", certificate)
            said = mimas(world, *asked, "--token-file", token, server=address).json()
            assert said["authorization"] == "Bearer mimas_ci_secret", said
            said = mimas(world, *asked, server=address, env={"MIMAS_TOKEN": "other"}).json()
            assert said["authorization"] == "Bearer other", said
            said = mimas(world, *asked, "--login-file", login, server=address, env={"MIMAS_TOKEN": "other"}).json()
            assert said["authorization"] == "Basic " + base64.b64encode(b"ann:pass:word").decode(), said
            mimas(world, *asked, server=strict, code=6)
            said = mimas(world, *asked, "--client-cert", mine, "--client-key", my_key, server=strict).json()
            assert said["certificate"] == ["ann"], said
            mimas(world, *asked, "--client-cert", mine, "--client-key", world.path("none"), server=strict, code=3)
        finally:
            server.shutdown()
            strict_server.shutdown()


BASH_STORY = r"""
complete_line() {  # the words, the last one being typed; prints what bash would offer
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
  _mimas; printf '%s\n' "${COMPREPLY[@]}"
}
source <("$MIMAS" completion bash)
complete -p mimas
"""


def bash(world, *words):
    line = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(["bash", "--norc", "-c", BASH_STORY + f"complete_line \"$MIMAS\" {line}"], text=True,
                          capture_output=True, check=True, timeout=PATIENCE_SECS,
                          env={**os.environ, "MIMAS": MIMAS, "MIMAS_SERVER": world.listen})
    first, *offered = done.stdout.splitlines()
    assert first.endswith("-F _mimas mimas"), done.stdout
    return [one for one in offered if one]


def bash_completes_commands_flags_values_and_ids():
    with World() as world:
        world.dev()
        job = world.submit(process_job("sleep 1000"))
        world.wait_states(job, "RUNNING", 1)
        assert bash(world, "ver") == ["versions", "version"]
        assert bash(world, "kill", "--shr") == ["--shrink"]
        assert bash(world, "jobs", "--output", "=", "w") == ["wide"]
        assert bash(world, "job", "") == [job]
        assert bash(world, "logs", "mimas-") == [job, f"{job}-worker-0-0"]
        assert bash(world, "agent", "") == [agent["id"] for agent in world.get("/v2/agents").json()]
        assert bash(world, "job", "--server", f"127.0.0.1:{free_port()}", "") == []
        with tempfile.NamedTemporaryFile(dir=world.dir, prefix="job-file-") as file:
            assert bash(world, "run", "-f", file.name[:-2]) == [file.name]


def zsh_completes_commands_and_ids():
    zsh = shutil.which("zsh")
    if not zsh:
        print("zsh is not installed: its completion is not tried")
        return
    with World() as world:
        world.dev()
        job = world.submit(process_job("sleep 1000"))
        world.wait_states(job, "RUNNING", 1)
        story = world.path("story.zsh")
        with open(story, "w", encoding="utf-8") as file:
            file.write("autoload -Uz compinit; compinit -D -u\nsource <(\"$MIMAS\" completion zsh)\n"
                       "_describe() { print -l -- ${(P)2} }\nwords=(\"$MIMAS\" \"$@\"); CURRENT=${#words}; _mimas\n")
        done = subprocess.run([zsh, "-f", story, "job", "mim"], text=True, capture_output=True, check=True,
                              timeout=PATIENCE_SECS, env={**os.environ, "MIMAS": MIMAS, "MIMAS_SERVER": world.listen})
        assert [line.split(":")[0] for line in done.stdout.splitlines()] == [job], done


if __name__ == "__main__":
    run([a_job_is_run_followed_and_looked_at, services_are_scaled_changed_and_told_apart, tasks_logs_and_files_are_shown,
         the_server_is_asked_about_itself, what_happens_is_printed_as_it_happens, terminals_get_colours_and_pipes_do_not,
         servers_that_are_not_there_or_not_ours, who_asks_is_said_over_tls_and_secrets_stay_in_files,
         bash_completes_commands_flags_values_and_ids,
         zsh_completes_commands_and_ids])
