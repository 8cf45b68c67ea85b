"""TLS and credentials between server and masters: what is taken, and what is refused with a text that helps."""
import os
import shutil
import subprocess
import sys

from harness import World, free_port, process_job, run, wait_for


def make_certificate(world, name, *subject_names):
    """A self-signed certificate and its key, as files."""
    certificate, key = world.path(f"{name}.pem"), world.path(f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=" + ",".join(subject_names), "-out", certificate, "-keyout", key],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


def make_credentials(world, name, text, mode=0o600):
    path = world.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def start_pocket(world, port, *extra):
    process = world.start("pocket", "pocket", "--purge", "--listen", f"127.0.0.1:{port}", "--data", world.path("pocket"), *extra)
    wait_for(lambda: "mimas pocket: master" in process.tail(), lambda: "pocket to start: " + process.tail())
    return process


def start_serve(world, master, *extra, data="serve"):
    return world.start("serve", "serve", "--master", master, "--listen", world.listen, "--data", world.path(data), *extra)


def run_a_job(world):
    job = world.submit(process_job("echo hello"))
    world.wait_job(job, "FINISHED")


def refused(world, text, master, *extra):
    """The server goes on trying, and its log says why it does not get in."""
    server = start_serve(world, master, *extra, data=f"refused-{len(world.processes)}")
    wait_for(lambda: text in server.tail(), lambda: f"'{text}' in: {server.tail()}")
    server.stop()


def jobs_run_over_tls_with_credentials():
    with World() as world:
        certificate, key = make_certificate(world, "master", "IP:127.0.0.1", "DNS:leader.internal")
        stranger, _ = make_certificate(world, "stranger", "IP:127.0.0.1")
        port = free_port()
        known = make_credentials(world, "known", '{"credentials": [{"principal": "agent", "secret": "a"}, '
                                                 '{"principal": "fw", "secret": "swordfish"}]}')
        start_pocket(world, port, "--tls-cert", certificate, "--tls-key", key, "--credentials", known,
                     "--http-host", "leader.internal")
        mine = make_credentials(world, "mine", "fw swordfish\n")
        secure = f"https://127.0.0.1:{port}"
        refused(world, "not trusted", secure, "--credentials", mine)
        refused(world, "not trusted", secure, "--credentials", mine, "--master-ca", stranger)
        refused(world, "not for this host", f"https://localhost:{port}", "--credentials", mine, "--master-ca", certificate)

        wrong = make_credentials(world, "wrong", "fw shark\n")
        server = start_serve(world, secure, "--credentials", wrong, "--master-ca", certificate, data="refused")
        wait_for(lambda: not server.alive(), lambda: "the server to give up: " + server.tail())
        assert server.popen.returncode == 6 and "401" in server.tail(), server.tail()

        # A name that only the cluster knows; the certificate names it, the map says where it is.
        server = start_serve(world, f"https://leader.internal:{port}", "--master-host-map", "leader.internal=127.0.0.1",
                             "--credentials", mine, "--master-ca", certificate)
        world.wait_subscribed(server)
        run_a_job(world)
        assert "swordfish" not in open(server.log_path, encoding="utf-8").read()


def a_mesos_at_its_defaults_needs_its_ciphers_named():
    with World() as world:
        certificate, key = make_certificate(world, "master", "IP:127.0.0.1")
        port = free_port()
        start_pocket(world, port, "--tls-cert", certificate, "--tls-key", key, "--tls-ciphers", "AES128-SHA")
        secure = f"https://127.0.0.1:{port}"
        refused(world, "cipher", secure, "--master-ca", certificate)
        server = start_serve(world, secure, "--master-ca", certificate, "--master-tls-ciphers", "AES128-SHA")
        world.wait_subscribed(server)
        assert "AES128-SHA" in server.tail(), server.tail()  # the log says that it was asked for
        run_a_job(world)


def dev_shows_both_sides():
    with World() as world:
        certificate, key = make_certificate(world, "master", "IP:127.0.0.1")
        mine = make_credentials(world, "mine", '{"principal": "fw", "secret": "swordfish"}')
        world.dev("--tls-cert", certificate, "--tls-key", key, "--credentials", mine, "--masters", "2")
        run_a_job(world)


def a_file_that_others_may_read_is_no_secret():
    with World() as world:
        readable = make_credentials(world, "readable", "fw swordfish\n", mode=0o644)
        server = start_serve(world, "127.0.0.1:1", "--credentials", readable)
        wait_for(lambda: not server.alive(), "the server to refuse")
        assert server.popen.returncode == 2 and "chmod 600" in server.tail(), server.tail()


if shutil.which("openssl") is None:
    print("skipped: openssl is needed to make certificates; run ./scripts/setup")
    sys.exit(77)
run([jobs_run_over_tls_with_credentials, a_mesos_at_its_defaults_needs_its_ciphers_named, dev_shows_both_sides,
     a_file_that_others_may_read_is_no_secret])
