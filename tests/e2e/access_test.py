"""Who may do what: tokens, passwords, certificates, roles and scopes against a real server, and what the record of
changes says afterwards."""
import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

from harness import MIMAS, Reply, World, free_port, process_job, run, wait_for


def token_command(world, *words, given=None):
    """Standard output of `mimas token`, which keeps world's credentials file."""
    done = subprocess.run([MIMAS, "token", *words, "--file", world.path("credentials")], input=given, check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout.strip()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def job_of(app):
    return process_job("sleep 600", type="service", appName=app)


def hang_up(process, text):
    """SIGHUP, until the log says `text` once more than before."""
    before = whole_log(process).count(text)
    os.kill(process.pid, signal.SIGHUP)
    wait_for(lambda: whole_log(process).count(text) > before, lambda: f"'{text}' in: {process.tail()}")


def whole_log(process):
    with open(process.log_path, encoding="utf-8", errors="replace") as log:
        return log.read()


class Guarded:
    """A dev cluster with credentials for three."""

    def __init__(self, world, *extra):
        self.world = world
        self.viewer = token_command(world, "new", "eve", "--role", "viewer")
        self.scoped = token_command(world, "new", "ci", "--role", "operator", "--app", "shop")
        self.admin = token_command(world, "new", "root", "--role", "admin")
        token_command(world, "new", "ann", "--role", "operator", "--password", "-", given="sword:fish\n")
        world.listen = f"127.0.0.1:{free_port()}"
        self.process = world.start("dev", "dev", "--purge", "--listen", world.listen, "--data", world.path("dev"),
                                   "--api-credentials", world.path("credentials"), *extra)
        world.wait_subscribed(self.process)  # asks /health alone

    def ask(self, method, path, who=None, body=None, **headers):
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            own["Content-Type"] = "application/json"
        return self.world.call(method, path, body, {**own, **(who or {})})


def tokens_roles_and_scopes():
    with World() as world:
        server = Guarded(world)
        mode = os.stat(world.path("credentials")).st_mode & 0o777
        assert mode == 0o600, oct(mode)
        with open(world.path("credentials"), encoding="utf-8") as file:
            assert server.admin.rsplit("_", 1)[1] not in file.read()

        nobody = server.ask("GET", "/v2/jobs")
        assert nobody.status == 401, nobody.body
        assert [one.split()[0] for one in nobody.headers.get_all("WWW-Authenticate")] == ["Bearer", "Basic"]
        assert nobody.headers["Content-Type"] == "application/problem+json" and nobody.json()["statusCode"] == 401
        for public in ("/health", "/executor/x86_64"):
            assert server.ask("GET", public).status == 200, public

        for who in (bearer(server.viewer), bearer(server.scoped), basic("ann", "sword:fish")):
            assert server.ask("GET", "/v2/jobs", who).status == 200, who
        refused = server.ask("POST", "/v2/jobs", bearer(server.viewer), job_of("shop"))
        assert refused.status == 403 and "operator" in refused.json()["message"], refused.body
        assert server.ask("DELETE", "/v2/framework/x", bearer(server.scoped)).status == 403

        made = server.ask("POST", "/v2/jobs", bearer(server.scoped), job_of("shop"))
        assert made.status == 200, made.body
        shop = made.json()["jobUri"].rsplit("/", 1)[1]
        outside = server.ask("POST", "/v2/jobs", bearer(server.scoped), job_of("bank"))
        assert outside.status == 403 and "shop" in outside.json()["message"], outside.body
        bank = server.ask("POST", "/v2/jobs", bearer(server.admin), job_of("bank"))
        assert bank.status == 200, bank.body
        bank = bank.json()["jobUri"].rsplit("/", 1)[1]
        for path, body in (("/v2/jobs/setinstancecounts",
                            {"jobId": bank, "instancesDesired": 2, "instancesMin": 0, "instancesMax": 3}),
                           ("/v2/jobs/kill", {"jobId": bank})):
            theirs = server.ask("POST", path, bearer(server.scoped), body)
            assert theirs.status == 403, (path, theirs.status, theirs.body)
        assert server.ask("POST", "/v2/orphans/kill", bearer(server.scoped), {"all": True}).status == 403
        mine = server.ask("POST", "/v2/jobs/setinstancecounts", bearer(server.scoped),
                          {"jobId": shop, "instancesDesired": 2, "instancesMin": 0, "instancesMax": 3})
        assert mine.status == 204, mine.body

        # The record names the token, whatever the body said, and the log has a line for each change.
        assert server.ask("GET", "/v2/audit", bearer(server.viewer)).status == 403
        audit = server.ask("GET", f"/v2/audit?job={shop}", basic("ann", "sword:fish")).json()
        assert [(one["user"], one["address"], one["jobId"]) for one in audit] == [("ci", "127.0.0.1", shop)] * 2, audit
        assert [one["action"] for one in audit] == ["job.scale", "job.submit"], audit
        page = server.ask("GET", "/v2/audit?limit=1", bearer(server.admin))
        assert len(page.json()) == 1 and page.headers["X-Next-Cursor"]
        rest = server.ask("GET", f"/v2/audit?cursor={page.headers['X-Next-Cursor']}", bearer(server.admin)).json()
        assert rest and rest[0]["number"] < page.json()[0]["number"]
        log = whole_log(server.process)
        assert "ci 127.0.0.1 POST /v2/jobs/setinstancecounts 204" in log, log[-3000:]
        for secret in (server.viewer, server.scoped, server.admin, "sword:fish"):
            assert secret.rsplit("_", 1)[-1] not in log


def credentials_are_read_again_and_a_bad_file_changes_nothing():
    with World() as world:
        server = Guarded(world)
        assert "ci" in token_command(world, "list")
        token_command(world, "revoke", "ci")
        late = token_command(world, "new", "late", "--role", "viewer")
        assert server.ask("GET", "/v2/jobs", bearer(server.scoped)).status == 200
        assert server.ask("GET", "/v2/jobs", bearer(late)).status == 401
        hang_up(server.process, "credentials from")
        assert server.ask("GET", "/v2/jobs", bearer(server.scoped)).status == 401
        assert server.ask("GET", "/v2/jobs", bearer(late)).status == 200
        os.chmod(world.path("credentials"), 0o644)
        hang_up(server.process, "the old credentials stay")
        assert "chmod 600" in server.process.tail()
        assert server.ask("GET", "/v2/jobs", bearer(late)).status == 200


def guessing_has_a_price_and_those_who_are_known_do_not_pay_it():
    with World() as world:
        server = Guarded(world)
        assert server.ask("GET", "/v2/jobs", bearer(server.viewer)).status == 200
        answers = [server.ask("GET", "/v2/jobs", basic("ann", f"guess{n}")) for n in range(12)]
        states = [one.status for one in answers]
        # Ten, and what has come back meanwhile on a slow machine.
        assert states[:10] == [401] * 10, states
        last = wait_for(lambda: (lambda one: one if one.status == 429 else None)(
            server.ask("GET", "/v2/jobs", basic("ann", "guess"))), "a refusal to be asked")
        assert last.headers["Retry-After"] == "10", last.headers
        assert server.ask("GET", "/v2/jobs", basic("ann", "sword:fish")).status == 429
        assert server.ask("GET", "/v2/jobs", bearer(server.viewer)).status == 200
        assert "wrong credentials for ann from 127.0.0.1" in whole_log(server.process)


def addresses_have_roles():
    with World() as world:
        plain = f"127.0.0.1:{free_port()}"
        process = world.start("dev", "dev", "--purge", "--listen", world.listen + "=viewer", "--listen", plain + "=operator",
                              "--data", world.path("dev"))
        world.wait_subscribed(process)
        refused = world.call("POST", "/v2/jobs", process_job("true"), {"Content-Type": "application/json"})
        assert refused.status == 403, refused.body
        world.listen = plain
        world.submit(process_job("true"))
        # Beyond loopback nothing is open by oversight.
        open_to_all = world.start("serve", "serve", "--master", "127.0.0.1:1", "--listen", "0.0.0.0:0", "--data",
                                  world.path("serve"))
        wait_for(lambda: not open_to_all.alive(), "the server to refuse")
        assert open_to_all.popen.returncode == 2 and "--insecure" in open_to_all.tail(), open_to_all.tail()


def browsers_are_kept_to_their_own_pages():
    with World() as world:
        console = "https://console.example"
        process = world.start("dev", "dev", "--purge", "--listen", world.listen, "--data", world.path("dev"), "--cors-origin", console)
        world.wait_subscribed(process)
        typed = {"Content-Type": "application/json"}
        foreign = world.call("POST", "/v2/jobs", process_job("true"), {**typed, "Origin": "https://evil.example"})
        assert foreign.status == 403 and foreign.headers["Access-Control-Allow-Origin"] is None, foreign.body
        before = world.call("OPTIONS", "/v2/jobs", None, {"Origin": console, "Access-Control-Request-Method": "POST"})
        assert before.status == 204 and before.headers["Access-Control-Allow-Origin"] == console, before.headers
        named = world.call("POST", "/v2/jobs", process_job("true"), {**typed, "Origin": console})
        assert named.status == 200 and named.headers["Access-Control-Allow-Origin"] == console, named.headers
        assert world.call("GET", "/v2/jobs", None, {"Host": "evil.example"}).status == 421
        assert world.get("/v2/jobs").headers["Access-Control-Allow-Origin"] is None


def sign(world, authority, name, subject, *extensions):
    """A certificate of world's authority `authority`, made if it is not there, and its key."""
    root, root_key = world.path(authority + ".pem"), world.path(authority + ".key")
    openssl = lambda *words: subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
    if not os.path.exists(root):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={authority}", "-out", root,
                "-keyout", root_key)
    certificate, key = world.path(name + ".pem"), world.path(name + ".key")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={subject}", "-CA", root,
            "-CAkey", root_key, "-out", certificate, "-keyout", key,
            *(word for extension in extensions for word in ("-addext", extension)))
    os.chmod(key, 0o600)
    return certificate, key


def ask_tls(world, path, authority, who=None, client=None):
    """One answer over TLS; None when there is no connection."""
    context = ssl.create_default_context(cafile=world.path(authority + ".pem"))
    if client:
        context.load_cert_chain(*client)
    request = urllib.request.Request(f"https://{world.listen}{path}", headers=who or {})
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Reply(answer.code, answer.headers, answer.read())
    except (OSError, urllib.error.URLError):
        return None


def tls_with_renewal_and_clients_certificates():
    with World() as world:
        certificate, key = sign(world, "first", "server", "mimas", "subjectAltName=IP:127.0.0.1")
        gate = sign(world, "clients", "gate", "gate.example")
        stranger = sign(world, "first", "stranger", "gate.example")
        admin = token_command(world, "new", "root", "--role", "admin")
        token_command(world, "new", "gate", "--role", "viewer", "--certificate", "gate.example")
        process = world.start("dev", "dev", "--purge", "--listen", world.listen, "--data", world.path("dev"), "--api-credentials",
                              world.path("credentials"), "--api-tls-cert", certificate, "--api-tls-key", key,
                              "--api-tls-client-ca", world.path("clients.pem"))
        wait_for(lambda: process.alive() and ask_tls(world, "/health", "first"), lambda: "TLS: " + process.tail())
        assert ask_tls(world, "/v2/jobs", "first").status == 401
        assert ask_tls(world, "/v2/jobs", "first", bearer(admin)).status == 200
        assert ask_tls(world, "/v2/jobs", "first", client=gate).status == 200
        assert ask_tls(world, "/v2/audit", "first", client=gate).status == 403
        assert ask_tls(world, "/v2/jobs", "first", client=stranger) is None

        # Agents need not trust the certificate: a job runs.
        job = {"Content-Type": "application/json", **bearer(admin)}
        context = ssl.create_default_context(cafile=world.path("first.pem"))
        request = urllib.request.Request(f"https://{world.listen}/v2/jobs", headers=job, method="POST",
                                         data=json.dumps(process_job("true")).encode())
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            uri = json.load(answer)["jobUri"].replace("/api", "", 1)
        wait_for(lambda: ask_tls(world, uri, "first", bearer(admin)).json()["state"] == "FINISHED",
                 lambda: "the job to finish: " + process.tail())

        # A renewed certificate is taken on SIGHUP, a bad one is not.
        renewed, renewed_key = sign(world, "second", "renewed", "mimas", "subjectAltName=IP:127.0.0.1")
        os.replace(renewed, certificate)
        hang_up(process, "the old certificate stays")  # its key is not there yet
        assert ask_tls(world, "/health", "first").status == 200
        os.replace(renewed_key, key)
        hang_up(process, "new connections get the certificate")
        assert ask_tls(world, "/health", "first") is None
        assert ask_tls(world, "/health", "second").status == 200


if shutil.which("openssl") is None:
    print("skipped: openssl is needed to make certificates; run ./scripts/setup")
    sys.exit(77)
run([tokens_roles_and_scopes, credentials_are_read_again_and_a_bad_file_changes_nothing,
     guessing_has_a_price_and_those_who_are_known_do_not_pay_it, addresses_have_roles,
     browsers_are_kept_to_their_own_pages, tls_with_renewal_and_clients_certificates])
