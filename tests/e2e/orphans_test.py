"""An old copy of the database is put back: what runs unknown to it lives on until somebody decides."""
import os
import shutil
import subprocess

from harness import MIMAS, World, pids_with, process_job, run, wait_for

SERVICES = 10
AGENT = ["--agent", "hostname=a1;resources=cpus:8;mem:4096;disk:8000;ports:[33000-33999]"]


def databases(directory):
    return [os.path.join(where, name) for where, _, names in os.walk(directory) for name in names
            if name.startswith("mimas.db")]


def processes(tasks):
    """The pids of each task's processes, its executor among them."""
    return {task: sorted(pids_with(f"MIMAS_TASK_ID={task}")) for task in tasks}


class OldCopy:
    """Ten services were started anew twice, mimas was killed, and the database from before all that is put back."""

    def __init__(self, world):
        self.world = world
        self.dev = world.dev(*AGENT)
        self.jobs = [world.submit(process_job("exec sleep 1000", type="service", name=f"s{i}"))
                     for i in range(SERVICES)]
        self.wait_number(0)
        self.dev.kill9()
        copies = {path: path + ".copy" for path in databases(world.path("dev"))}
        for path, copy in copies.items():
            shutil.copy(path, copy)
        self.dev = world.dev(*AGENT)
        for number in (0, 1):
            self.wait_number(number)
            answer = world.call("POST", "/v2/tasks/kill", {"taskIds": self.tasks(number)})
            assert answer.status == 204, answer.body
        self.wait_number(2)
        self.running = self.tasks(2)
        self.pids = processes(self.running)
        assert all(self.pids.values()), self.pids
        self.dev.kill9()
        for path in databases(world.path("dev")):
            if not path.endswith(".copy"):
                os.unlink(path)
        for path, copy in copies.items():
            shutil.move(copy, path)
        self.dev = world.dev(*AGENT)
        wait_for(lambda: len(self.orphans()) == SERVICES and self.alert(),
                 lambda: f"{SERVICES} orphans and an alert: {world.get('/v2/orphans').body}\n{self.dev.tail()}")

    def tasks(self, number):
        return [f"{job}-worker-0-{number}" for job in self.jobs]

    def wait_number(self, number):
        for task in self.tasks(number):
            wait_for(lambda one=task: self.world.get(f"/v2/tasks/{one}").status == 200 and
                     self.world.get(f"/v2/tasks/{one}").json()["state"] == "RUNNING", f"{task} to run")

    def orphans(self):
        return self.world.get("/v2/orphans").json()["orphans"]

    def alert(self):
        return self.world.get("/v2/orphans").json()["alert"]

    def mimas(self, *arguments):
        done = subprocess.run([MIMAS, "orphans", *arguments, "--server", self.world.listen], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert done.returncode == 0, done.stdout
        return done.stdout.decode()


def an_old_database_kills_nothing_and_adoption_brings_all_back():
    with World() as world:
        old = OldCopy(world)
        assert {orphan["taskId"] for orphan in old.orphans()} == set(old.running)
        assert {orphan["decision"] for orphan in old.orphans()} == {"waiting"}
        assert [alert["name"] for alert in world.get("/health").json()["alerts"]] == ["orphans"]
        assert old.dev.tail().count("ALERT orphans") == 1, old.dev.tail()
        listed = old.mimas("list")
        assert all(task in listed for task in old.running), listed
        # A restart neither forgets that they wait nor does anything to them.
        old.dev.kill9()
        old.dev = world.dev(*AGENT)
        wait_for(old.alert, "the alert to be there again")
        assert processes(old.running) == old.pids

        said = old.mimas("adopt", "--all")
        assert said.count(" is adopted") == SERVICES, said
        assert old.orphans() == [] and old.mimas("list") == "no orphans\n"
        wait_for(lambda: old.alert() is None, "the alert to be over")
        old.wait_number(2)
        old.dev.kill9()
        old.dev = world.dev(*AGENT)
        old.wait_number(2)
        assert processes(old.running) == old.pids
        for job, task in zip(old.jobs, old.running):
            alive = [t["id"] for t in world.job(job)["tasks"] if t["state"] not in ("FINISHED", "STOPPED", "CRASHED")]
            assert alive == [task], alive


def orphans_are_killed_when_somebody_asks_for_it_and_their_services_go_on():
    with World() as world:
        old = OldCopy(world)
        assert old.mimas("kill", "--all").count(" will be killed") == SERVICES
        wait_for(lambda: not old.orphans(), lambda: f"the orphans to end: {old.orphans()}")
        wait_for(lambda: not any(processes(old.running).values()), "their processes to be gone")
        # What the old copy still takes for running is asked about, and replaced once the master knows nothing of it.
        known = set(old.tasks(0) + old.tasks(1) + old.tasks(2))
        for job in old.jobs:
            wait_for(lambda one=job: {t["id"] for t in world.job(one)["tasks"] if t["state"] == "RUNNING"} - known,
                     lambda one=job: f"a new task of {one} to run: {world.job(one)['tasks']}")
            running = [t["id"] for t in world.job(job)["tasks"] if t["state"] == "RUNNING"]
            assert len(running) == 1, running


run([an_old_database_kills_nothing_and_adoption_brings_all_back,
     orphans_are_killed_when_somebody_asks_for_it_and_their_services_go_on])
