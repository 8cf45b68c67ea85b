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

PATIENCE = 120.0


class Skipped(Exception):
    """This machine does not have what the story needs."""


APPLETS = ("sh", "sleep", "cat", "echo", "true", "false", "kill", "tail", "ls", "env", "touch", "test", "nc", "httpd", "wc")


def why_not():
    """Why there can be no test with Docker here; nothing if there can."""
    if not shutil.which("docker") or subprocess.run(["docker", "version"], capture_output=True).returncode != 0:
        return "no Docker Engine answers"
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


def docker(*words, host=None, check=True, **more):
    environment = dict(os.environ, **({"DOCKER_HOST": host} if host else {}))
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check, env=environment, **more).stdout.strip()


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


def import_image(name, host=None, files=None):
    environment = dict(os.environ, **({"DOCKER_HOST": host} if host else {}))
    subprocess.run(["docker", "import", "--change", "ENV PATH=/bin", "-", name], input=root_tar(files), check=True,
                   capture_output=True, env=environment)


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

    def __init__(self, live_restore):
        if os.geteuid() != 0 or not shutil.which("dockerd"):
            raise Skipped("a Docker Engine of one's own needs root, and dockerd")
        self.live_restore = live_restore
        self.folder = tempfile.mkdtemp(prefix="mimas-dockerd-")
        self.host = f"unix://{self.folder}/docker.sock"
        self.process = None
        with open(f"{self.folder}/daemon.json", "w", encoding="utf-8") as file:
            json.dump({"storage-driver": "vfs", "ip6tables": False}, file)

    def start(self):
        log = open(f"{self.folder}/log", "ab")  # noqa: SIM115 - dockerd's
        # In a network namespace of its own: a dockerd without a bridge removes docker0, which is the machine's Docker's.
        self.process = subprocess.Popen(
            ["unshare", "--net", "dockerd", "--config-file", f"{self.folder}/daemon.json", "--data-root", f"{self.folder}/data",
             "--exec-root", f"{self.folder}/exec", "-H", self.host, "--pidfile", f"{self.folder}/pid", "--bridge=none",
             "--iptables=false", *(["--live-restore"] if self.live_restore else [])],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        until(lambda: self.process.poll() is not None or
              subprocess.run(["docker", "-H", self.host, "version"], capture_output=True).returncode == 0, "dockerd is up")
        if self.process.poll() is not None:
            raise AssertionError("dockerd did not start: " + self.log())

    def log(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                ids = docker("ps", "-aq", host=self.host, check=False).split()
                if ids:
                    docker("rm", "-f", *ids, host=self.host, check=False)
                self.stop()
        finally:
            with open("/proc/self/mounts", encoding="utf-8") as file:
                mounts = [line.split()[1] for line in file if line.split()[1].startswith(self.folder + "/")]
            for mount in reversed(mounts):
                subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
            shutil.rmtree(self.folder, ignore_errors=True)
