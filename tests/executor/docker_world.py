"""What tests of containers need: an image made from nothing, a registry in a few lines, a Docker of one's own."""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time

PATIENCE = 60.0
DOCKER_SECS = 60  # of one command of Docker's client


class Skipped(Exception):
    """This machine does not have what the story needs."""


APPLETS = ("sh", "sleep", "cat", "echo", "true", "false", "kill", "tail", "ls", "env", "touch", "test", "nc", "httpd", "wc")


def why_not():
    """Why there can be no test with Docker here; nothing if there can."""
    try:
        if not shutil.which("docker") or subprocess.run(["docker", "version"], capture_output=True, timeout=DOCKER_SECS).returncode:
            return "no Docker Engine answers"
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the Docker Engine is there, and has not answered within {DOCKER_SECS} s") from None
    if not shutil.which("busybox"):
        return "busybox is not installed"
    if subprocess.run(["ldd", shutil.which("busybox")], capture_output=True).returncode == 0:
        return "busybox is not static (install busybox-static)"
    return None


def until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError("never: " + (what() if callable(what) else what))
        time.sleep(0.05)


def docker(*words, host=None, check=True, timeout=DOCKER_SECS, **more):
    environment = dict(os.environ, **({"DOCKER_HOST": host} if host else {}))
    try:
        return subprocess.run(["docker", *words], capture_output=True, text=True, check=check, env=environment, timeout=timeout,
                              **more).stdout.strip()
    except subprocess.TimeoutExpired:
        raise AssertionError(f"'docker {' '.join(words)}' has not ended within {timeout:.0f} s") from None


def root_tar(files=None):
    """A root file system: busybox, its links, a few folders, and files by path."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "tmp", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        with open(shutil.which("busybox"), "rb") as file:
            entry = tarfile.TarInfo("bin/busybox")
            entry.size, entry.mode = os.fstat(file.fileno()).st_size, 0o755
            tar.addfile(entry, file)
        for applet in APPLETS:
            entry = tarfile.TarInfo("bin/" + applet)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        for path, data in (files or {}).items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def import_image(name, host=None, files=None, timeout=DOCKER_SECS):
    environment = dict(os.environ, **({"DOCKER_HOST": host} if host else {}))
    try:
        subprocess.run(["docker", "import", "--change", "ENV PATH=/bin", "-", name], input=root_tar(files), check=True,
                       capture_output=True, env=environment, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the image {name} could not be imported within {timeout:.0f} s") from None


def remove_containers(*which, host=None):
    """Those that `docker ps -a` finds with these flags, as far as the engine does it in time."""
    try:
        found = docker("ps", "-aq", *which, host=host, check=False, timeout=10).split()
        if found:
            docker("rm", "-f", "-v", *found, host=host, check=False, timeout=30)
    except AssertionError as error:
        print(f"containers may be left behind: {error}", flush=True)


def remove_images(*names, host=None):
    try:
        if names:
            docker("rmi", "-f", *names, host=host, check=False, timeout=15)
    except AssertionError as error:
        print(f"images may be left behind: {error}", flush=True)


class Registry:
    """The distribution API for one image `app:1`; with a password if asked. Notes every path."""

    def __init__(self, password=None):
        layer = root_tar() + b"\0" * 10240
        packed = gzip.compress(layer, 1)
        config = json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [self.digest(layer)]}, "history": [{"created_by": os.urandom(8).hex()}],
        }).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config),
                       "digest": self.digest(config)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(packed),
                        "digest": self.digest(packed)}],
        }).encode()
        self.image_digest = self.digest(manifest)
        self.blobs = {self.digest(b): b for b in (config, packed)}
        self.manifests = {"1": manifest, self.image_digest: manifest}
        self.authorization = "Basic " + base64.b64encode(password.encode()).decode() if password else None
        self.paths = []
        self.port = 0
        self.server = None
        self.listen()

    @staticmethod
    def digest(data):
        return "sha256:" + hashlib.sha256(data).hexdigest()

    def listen(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.serve(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def serve(self, request):
        self.paths.append(request.path)
        status, kind, body = 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
        words = request.path.split("/")
        if self.authorization and request.headers.get("Authorization") != self.authorization:
            status, body = 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        elif request.path == "/v2/":
            status, body = 200, b"{}"
        elif words[2:4] == ["app", "manifests"] and words[4] in self.manifests:
            status, kind, body = 200, "application/vnd.docker.distribution.manifest.v2+json", self.manifests[words[4]]
        elif words[2:4] == ["app", "blobs"] and words[4] in self.blobs:
            status, kind, body = 200, "application/octet-stream", self.blobs[words[4]]
        request.send_response(status)
        if status == 401:
            request.send_header("WWW-Authenticate", 'Basic realm="here"')
        if status == 200 and words[3:4] == ["manifests"]:
            request.send_header("Docker-Content-Digest", self.digest(body))
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    def image(self, reference=":1"):
        return f"127.0.0.1:{self.port}/app{reference}"


class OwnDocker:
    """A second dockerd, apart from the machine's own in everything; it may be restarted at will."""

    def __init__(self, live_restore, bridge=False):
        if os.geteuid() != 0 or not shutil.which("dockerd"):
            raise Skipped("a Docker Engine of one's own needs root, and dockerd")
        self.flags = ["--live-restore"] if live_restore else []
        self.flags += [] if bridge else ["--bridge=none", "--iptables=false"]
        self.folder = tempfile.mkdtemp(prefix="mimas-dockerd-")
        self.host = f"unix://{self.folder}/docker.sock"
        self.process = None
        with open(f"{self.folder}/daemon.json", "w", encoding="utf-8") as file:
            json.dump({"storage-driver": "vfs", "ip6tables": False}, file)

    def start(self):
        log = open(f"{self.folder}/log", "ab")  # noqa: SIM115 - dockerd's
        # In a network namespace of its own: a dockerd without a bridge removes docker0, which is the machine's Docker's.
        self.process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", "dockerd", "--config-file",
             f"{self.folder}/daemon.json", "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
             "-H", self.host, "--pidfile", f"{self.folder}/pid", *self.flags],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        until(lambda: self.process.poll() is not None or self.answers(), "dockerd is up")
        if self.process.poll() is not None:
            raise AssertionError("dockerd did not start: " + self.log())

    def answers(self):
        try:
            return subprocess.run(["docker", "-H", self.host, "version"], capture_output=True, timeout=10).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def log(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                remove_containers(host=self.host)
                self.stop()
        except subprocess.TimeoutExpired:
            print("the dockerd of the test's own does not end by itself: " + self.log(), flush=True)
            self.process.kill()
            self.process.wait()
        finally:
            with open("/proc/self/mounts", encoding="utf-8") as file:
                mounts = [line.split()[1] for line in file if line.split()[1].startswith(self.folder + "/")]
            for mount in reversed(mounts):
                subprocess.run(["umount", "-l", mount], capture_output=True, check=False, timeout=10)
            shutil.rmtree(self.folder, ignore_errors=True)
