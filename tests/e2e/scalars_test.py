"""What agents offer beyond CPUs and memory: a job that asks for it runs where it is, as often as it is there; a network that no
agent offers keeps nobody waiting."""
import platform

from harness import World, process_job, run, wait_for


def agent(name, ports, more=""):
    return ["--agent", f"hostname={name};attributes=arch:{platform.machine()};"
                       f"resources=cpus:4;mem:1024;disk:8000;ports:[{ports}000-{ports}999]{more}"]


def a_custom_scalar_is_found_and_used_up():
    with World() as world:
        world.dev(*agent("plain", 31), *agent("card", 32, ";fpga:2"))
        job = world.submit(process_job("exec sleep 1000", type="service", instances=3, resources={"fpga": 1}, networkMbps=128))
        wait_for(lambda: world.states(job).count("RUNNING") == 2, lambda: f"two to run: {world.job(job)['tasks']}")
        tasks = world.job(job)["tasks"]
        assert {task["host"] for task in tasks if task["state"] == "RUNNING"} == {"card"}, tasks
        wait_for(lambda: any("fpga" in (task["message"] or "") for task in world.job(job)["tasks"]),
                 lambda: f"the third to say what is missing: {world.job(job)['tasks']}")
        other = world.submit(process_job("true", networkMbps=128))
        world.wait_job(other, "FINISHED")
        assert world.call("DELETE", f"/v2/jobs/{job}").status == 204
        again = world.submit(process_job("true", resources={"fpga": 2}))
        world.wait_job(again, "FINISHED")


if __name__ == "__main__":
    run([a_custom_scalar_is_found_and_used_up])
