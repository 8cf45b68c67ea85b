"""Stopping `mimas dev` and starting it again: what goes on, what is ended, who is asked, and what others can read of what
it keeps meanwhile."""
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import time

from harness import MIMAS, PATIENCE_SECS, World, free_port, process_job, run, wait_for

SERVICE = "echo started; exec sleep 100000"


def service(world, script=SERVICE, **fields):
    job = world.submit(process_job(script, type="service", **fields))
    world.wait_states(job, "RUNNING", 1)
    return job


def task_of(world, job):
    return world.job(job)["tasks"][0]["id"]


def process_of(world, mark):
    """The task's process, by a mark in its environment."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/environ", "rb") as environ, open(f"/proc/{entry}/comm", encoding="ascii") as comm:
                if entry.isdigit() and mark.encode() in environ.read() and comm.read() == "sleep\n":
                    return int(entry)
        except OSError:
            pass
    return None


def stop_by(process, number):
    process.popen.send_signal(number)
    return process.popen.wait(PATIENCE_SECS)


def a_stopped_dev_keeps_its_tasks_and_finds_them_again():
    for number in (signal.SIGINT, signal.SIGTERM):
        with World() as world:
            mark = world.path("mark")
            server = world.dev(keep=True)
            job = service(world, env={"RESTART_TEST": mark})
            task = task_of(world, job)
            pid = wait_for(lambda: process_of(world, mark), "the task's process")
            assert stop_by(server, number) == 0, server.tail()
            assert "1 task goes on running, without mimas for a day at most" in server.tail(), server.tail()
            assert f"`mimas dev --purge --data {world.path('dev')}` ends it" in server.tail(), server.tail()
            assert process_of(world, mark) == pid
            server = world.dev("--purge", keep=True)
            world.wait_states(job, "RUNNING", 1)
            assert (task_of(world, job), process_of(world, mark)) == (task, pid)
            assert world.log(task) == "started\n", "nothing was started again"
            assert stop_by(server, number) == 0, server.tail()
            assert process_of(world, mark) is None
            assert "running" not in server.tail().split("registered as")[-1], server.tail()


class Terminal:
    """`mimas` as the foreground process of a terminal of its own."""

    def __init__(self, *arguments, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(MIMAS, [MIMAS, *arguments], {**os.environ, **(env or {})})
        self.shown = ""

    def read_until(self, text):
        deadline = time.monotonic() + PATIENCE_SECS
        while text not in self.shown:
            assert time.monotonic() < deadline, f"no '{text}' in: {self.shown}"
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.shown += os.read(self.fd, 4096).decode(errors="replace")
                except OSError as end:
                    raise AssertionError(f"ended without '{text}': {self.shown}") from end

    def write(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        """Its exit code, or minus the signal."""
        def ended():
            if select.select([self.fd], [], [], 0)[0]:
                try:
                    self.shown += os.read(self.fd, 4096).decode(errors="replace")
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return [os.waitstatus_to_exitcode(status)] if pid else None
        return wait_for(ended, lambda: "the terminal's process to end: " + self.shown)[0]

    def hang_up(self):
        os.close(self.fd)


def somebody_at_a_terminal_is_asked():
    for answer, alive in (("\r", True), ("n\r", True), ("y\r", False), ("\x03", True)):
        with World() as world:
            mark = world.path("mark")
            terminal = Terminal("dev", "--listen", world.listen, "--data", world.path("dev"))
            terminal.read_until("mimas dev: API")
            wait_for(lambda: world.get("/health").json()["subscribed"], "mimas to subscribe")
            service(world, env={"RESTART_TEST": mark})
            wait_for(lambda: process_of(world, mark), "the task's process")
            terminal.write("\x03")
            terminal.read_until("1 task runs. End it? [y/N] ")
            terminal.write(answer)
            terminal.wait()
            assert (process_of(world, mark) is not None) == alive, (answer, terminal.shown)
            assert ("goes on running" in terminal.shown) == (alive and answer != "\x03"), terminal.shown


def without_tasks_nobody_is_asked():
    with World() as world:
        terminal = Terminal("dev", "--listen", world.listen, "--data", world.path("dev"))
        terminal.read_until("mimas dev: API")
        terminal.write("\x03")
        assert terminal.wait() == 0, terminal.shown
        assert "[y/N]" not in terminal.shown


def follow_until_heard(world, read_line):
    """Jobs until the follower has told of one: from then on it tells of each."""
    while True:
        job = world.submit(process_job("true"))
        world.wait_job(job, "FINISHED")
        if read_line():
            return


def a_hang_up_signal_harms_nobody():
    with World() as world:
        pocket = world.pocket(free_port())
        server = world.dev()
        following = subprocess.Popen([MIMAS, "events", "--server", world.listen], stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True)
        follow_until_heard(world, lambda: select.select([following.stdout], [], [], 1)[0] and following.stdout.readline())
        for process in (pocket.popen, server.popen, following):
            process.send_signal(signal.SIGHUP)
        job = world.submit(process_job("true"))
        line = "first"
        while job not in line:
            line = following.stdout.readline()
            assert line, "the client has ended"
        world.wait_job(job, "FINISHED")
        for process in (pocket.popen, server.popen, following):
            assert process.poll() is None
        following.kill()
        following.wait()


def a_client_ends_with_its_terminal():
    with World() as world:
        world.dev()
        terminal = Terminal("events", "--server", world.listen)
        follow_until_heard(world, lambda: select.select([terminal.fd], [], [], 1)[0])
        os.kill(terminal.pid, signal.SIGHUP)
        job = world.submit(process_job("true"))
        terminal.read_until(job)
        terminal.hang_up()
        assert wait_for(lambda: os.waitpid(terminal.pid, os.WNOHANG)[0], "the client to end")


def exposed(data):
    """What other users could read or list below the data directory, and a sandbox's own files are not meant."""
    found = []
    def look(path, reachable):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return
        if not stat.S_ISDIR(mode):
            if reachable and not stat.S_ISSOCK(mode) and mode & 0o006:
                found.append((path, oct(mode)))
            return
        if reachable and path != data and mode & 0o006:
            found.append((path, oct(mode)))
        if re.search(r"/runs/[^/]+$", path) and "/slaves/" in path:
            return
        for name in os.listdir(path):
            look(os.path.join(path, name), reachable and mode & 0o001 != 0)
    look(data, True)
    return [entry for entry in found if not re.search(r"/slaves/.*/runs/[^/]+$", entry[0])]


def others_read_nothing_of_what_it_keeps():
    before = os.umask(0o022)
    try:
        with World() as world:
            server = world.dev(keep=True)
            service(world, env={"PASSWORD": "hunter2"})
            assert world.call("POST", "/v2/admin/backup", {}).status == 200
            assert not exposed(world.path("dev")), exposed(world.path("dev"))
            assert stop_by(server, signal.SIGTERM) == 0
            # As an earlier version left it.
            for folder, folders, names in os.walk(world.path("dev")):
                os.chmod(folder, 0o755)
                for name in names:
                    if not os.path.islink(os.path.join(folder, name)):
                        os.chmod(os.path.join(folder, name), 0o644)
            assert exposed(world.path("dev"))
            world.dev()
            left = exposed(world.path("dev"))
            # Left are names on the way to old sandboxes, and what says nothing: lock files and a port.
            assert all(re.search(r"/slaves/|lock$|port$", path) for path, _ in left), left
            database = os.stat(world.path("dev/mimas.db")).st_mode & 0o777
            assert database == 0o600, oct(database)
    finally:
        os.umask(before)


def a_task_of_another_user_enters_its_sandbox_below_closed_folders():
    if os.geteuid() != 0:
        print("  only root runs tasks as other users", flush=True)
        return
    script = "id -u; cd \"$(pwd)\" && echo mine > \"$(pwd)/file\" && cat ./file && cd .. && cd - >/dev/null && cat file"
    for data, mode in (("dev", 0o711), ("dev", 0o700), ("sub/dev", 0o700)):
        with World() as world:
            os.chmod(world.dir, mode)
            os.makedirs(os.path.dirname(world.path(data)), exist_ok=True)
            elsewhere = None
            try:
                server = world.start("dev", "dev", "--purge", "--listen", world.listen, "--data", world.path(data))
                world.wait_subscribed(server)
                slaves = world.path(data) + "/pocket/agent0/slaves"
                elsewhere = os.path.dirname(os.readlink(slaves)) if os.path.islink(slaves) else None
                assert (elsewhere is not None) == (mode == 0o700), slaves
                job = world.submit(process_job(script, runAs="nobody"))
                ended = world.wait_job(job, "FINISHED", "FAILED")
                assert ended["state"] == "FINISHED", json.dumps(ended)
                assert world.log(task_of(world, job)).split()[-2:] == ["mine", "mine"]
            finally:
                for process in world.processes:
                    process.stop()
                if elsewhere:
                    subprocess.run(["rm", "-rf", elsewhere], check=True)


TESTS = [
    a_stopped_dev_keeps_its_tasks_and_finds_them_again,
    somebody_at_a_terminal_is_asked,
    without_tasks_nobody_is_asked,
    a_hang_up_signal_harms_nobody,
    a_client_ends_with_its_terminal,
    others_read_nothing_of_what_it_keeps,
    a_task_of_another_user_enters_its_sandbox_below_closed_folders,
]
run(TESTS)
