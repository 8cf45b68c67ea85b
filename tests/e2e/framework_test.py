"""A framework's end, in all its ways: torn down, removed by the master, taken over by another instance."""
import shutil
import subprocess
import time

from harness import MIMAS, World, free_port, process_job, run, wait_for

SERVICE = process_job("sleep 100000", type="service", name="lasting")


def framework_id(world):
    return world.get("/health").json()["frameworkId"]


def ends(process):
    return wait_for(lambda: process.popen.poll() is not None and [process.popen.returncode],
                    lambda: "mimas to end: " + process.tail())[0]


def start_serve(world, port, *extra, data="serve"):
    return world.start("serve", "serve", "--master", f"127.0.0.1:{port}", "--listen", world.listen, "--data",
                       world.path(data), *extra)


def a_torn_down_framework_is_forgotten_and_its_jobs_are_not():
    for codec in ("json", "protobuf"):
        with World() as world:
            port = free_port()
            world.pocket(port)
            server = world.serve(port, "--mesos-codec", codec)
            job = world.submit(SERVICE)
            world.wait_states(job, "RUNNING", 1)
            old = framework_id(world)
            assert world.call("DELETE", "/v2/framework/another").status == 404
            told = subprocess.run([MIMAS, "teardown", "--yes", "--server", world.listen], capture_output=True,
                                  text=True, check=False)
            assert told.returncode == 0 and old in told.stdout, told
            assert ends(server) == 0, server.tail()
            server = world.serve(port, "--mesos-codec", codec)
            assert framework_id(world) not in ("", old)
            world.wait_states(job, "RUNNING", 1)
            ended = [task for task in world.job(job)["tasks"] if task["state"] == "STOPPED"]
            assert [task["reason"] for task in ended] == ["FRAMEWORK_TORN_DOWN"], ended


def a_removed_framework_stops_the_server_until_it_is_given_up():
    with World() as world:
        port = free_port()
        world.pocket(port)
        server = world.serve(port, "--failover-timeout", "1secs")
        job = world.submit(SERVICE)
        world.wait_states(job, "RUNNING", 1)
        old = framework_id(world)
        assert server.stop() == 0
        time.sleep(3)  # the master removes it after one second; that it has is seen below
        server = start_serve(world, port)
        assert ends(server) == 5, server.tail()
        assert f"--new-framework {old}" in server.tail(), server.tail()
        server = world.serve(port, "--new-framework", old)
        fresh = framework_id(world)
        assert fresh not in ("", old), fresh
        world.wait_states(job, "RUNNING", 1)
        lost = [task for task in world.job(job)["tasks"] if task["reason"] == "FRAMEWORK_REMOVED"]
        assert len(lost) == 1, world.job(job)
        server.stop()
        world.serve(port, "--new-framework", old)  # nothing is left to be given up
        assert framework_id(world) == fresh


def the_instance_that_is_taken_over_stops():
    with World() as world:
        port = free_port()
        world.pocket(port)
        first = world.serve(port)
        job = world.submit(SERVICE)
        world.wait_states(job, "RUNNING", 1)
        first.stop()
        shutil.copytree(world.path("serve"), world.path("copy"))
        first = world.serve(port)
        world.listen = f"127.0.0.1:{free_port()}"
        second = start_serve(world, port, data="copy")
        world.wait_subscribed(second)
        assert ends(first) == 4, first.tail()
        assert second.alive()
        world.wait_states(job, "RUNNING", 1)


if __name__ == "__main__":
    run([a_torn_down_framework_is_forgotten_and_its_jobs_are_not,
         a_removed_framework_stops_the_server_until_it_is_given_up,
         the_instance_that_is_taken_over_stops])
