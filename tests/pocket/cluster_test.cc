// Master, agents and processes together, over loopback.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>
#include <thread>

#include "pocket/pocket.h"
#include "small_pocket.h"

namespace mimas::pocket {

TEST_CASE("a command task is offered, launched, runs and finishes, and its output can be read") {
  const Folder folder;
  auto pocket = Pocket::start(small(folder.path));
  REQUIRE_MESSAGE(pocket.ok(), (pocket.ok() ? "" : pocket.error().text()));
  SchedulerClient scheduler((*pocket)->master());
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  CHECK(offer.hostname() == "one");
  mv1::TaskInfo task = simple_task("t1", offer.agent_id().value());
  task.mutable_command()->set_value("echo hello");
  scheduler.launch(offer, {task});
  CHECK(scheduler.wait_update("t1").state() == mv1::TASK_STARTING);
  CHECK(scheduler.wait_update("t1").state() == mv1::TASK_RUNNING);
  const mv1::TaskStatus end = scheduler.wait_update("t1");
  CHECK(end.state() == mv1::TASK_FINISHED);
  net::HttpClient agent({"127.0.0.1", static_cast<std::uint16_t>(offer.url().address().port())}, {});
  wire::Request request;
  request.host = "127.0.0.1";
  request.target = "/files/read?offset=0&path=/frameworks/" + scheduler.framework_id() +
                   "/executors/t1/runs/latest/stdout";
  const auto read = agent.exchange(request, true);
  REQUIRE(read.ok());
  CHECK(read->body == R"({"data":"hello\n","offset":0})");
}

TEST_CASE("a custom executor runs, survives the pocket's crash and is killed after the recovery") {
  const Folder folder;
  auto pocket = Pocket::start(small(folder.path));
  REQUIRE(pocket.ok());
  SchedulerClient scheduler((*pocket)->master());
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  scheduler.launch(offer, {executor_task("x1", offer.agent_id().value(), script_in(folder))});
  const mv1::TaskStatus running = scheduler.wait_update("x1");
  CHECK(running.state() == mv1::TASK_RUNNING);
  CHECK(running.source() == mv1::TaskStatus::SOURCE_EXECUTOR);
  const auto pid = static_cast<pid_t>(running.container_status().executor_pid());
  REQUIRE(pid > 1);

  const std::string framework_id = scheduler.framework_id();
  (*pocket)->stop();
  pocket = make_error(Code::internal, "gone");
  CHECK(::kill(pid, 0) == 0);
  pocket = Pocket::start(small(folder.path));
  REQUIRE(pocket.ok());

  SchedulerClient again((*pocket)->master());
  again.subscribe(framework_id);
  const mv1::Offer second = again.wait_offer();
  CHECK(second.agent_id().value() == offer.agent_id().value());
  mscheduler::Call reconcile = again.make(mscheduler::Call::RECONCILE);
  reconcile.mutable_reconcile();
  again.send(reconcile);
  CHECK(again.wait_update("x1").state() == mv1::TASK_RUNNING);
  mscheduler::Call kill = again.make(mscheduler::Call::KILL);
  kill.mutable_kill()->mutable_task_id()->set_value("x1");
  // A KILL that overtakes the executor's return is lost, as in Mesos: the scheduler repeats it. RUNNING may
  // come once more, if its acknowledgement was lost in the crash.
  mv1::TaskState state = mv1::TASK_RUNNING;
  for (int i = 0; i < 100 && state == mv1::TASK_RUNNING; ++i) {
    again.send(kill);
    if (again.has(mscheduler::Event::UPDATE, 100)) state = again.wait_update("x1").state();
  }
  CHECK(state == mv1::TASK_KILLED);
}

TEST_CASE("an executor that cannot be fetched fails its task with the URI in the message") {
  const Folder folder;
  auto pocket = Pocket::start(small(folder.path));
  REQUIRE(pocket.ok());
  SchedulerClient scheduler((*pocket)->master());
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  scheduler.launch(offer, {executor_task("u1", offer.agent_id().value(), folder.path + "/nothing-here")});
  const mv1::TaskStatus status = scheduler.wait_update("u1");
  CHECK(status.state() == mv1::TASK_FAILED);
  CHECK(status.reason() == mv1::TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
  CHECK(status.source() == mv1::TaskStatus::SOURCE_AGENT);
  CHECK(status.message().find("nothing-here") != std::string::npos);
}

TEST_CASE("two hundred tasks launched at once all run and finish") {
  const Folder folder;
  auto pocket = Pocket::start(small(folder.path));
  REQUIRE(pocket.ok());
  SchedulerClient scheduler((*pocket)->master());
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  std::vector<mv1::TaskInfo> tasks;
  for (int i = 0; i < 200; ++i) {
    tasks.push_back(simple_task("n" + std::to_string(i), offer.agent_id().value(), 0.01, 1));
    tasks.back().mutable_command()->set_value("true");
  }
  scheduler.launch(offer, tasks);
  std::set<std::string> finished;
  while (finished.size() < tasks.size()) {
    const mv1::TaskStatus status = scheduler.wait_update("");
    REQUIRE(status.state() != mv1::TASK_FAILED);
    if (status.state() == mv1::TASK_FINISHED) finished.insert(status.task_id().value());
  }
}

TEST_CASE("an agent in a pocket of its own finds a restarted master again, with its id and its tasks") {
  const Folder masters;
  const Folder agents;
  PocketOptions options = small(masters.path);
  options.agents.clear();
  auto master = Pocket::start(options);
  REQUIRE(master.ok());
  options.listen = (*master)->master();
  PocketOptions joining = small(agents.path);
  joining.master = false;
  joining.join = {options.listen};
  auto agent = Pocket::start(joining);
  REQUIRE(agent.ok());
  SchedulerClient scheduler(options.listen);
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  mv1::TaskInfo task = simple_task("long", offer.agent_id().value());
  task.mutable_command()->set_value("exec sleep 600");
  scheduler.launch(offer, {task});
  const auto running = scheduler.wait_state("long", mv1::TASK_RUNNING);
  scheduler.disconnect();
  (*master)->stop();
  master = make_error(Code::internal, "gone");
  master = Pocket::start(options);
  REQUIRE(master.ok());
  SchedulerClient again(options.listen);
  again.subscribe(scheduler.framework_id());
  CHECK(again.wait_offer().agent_id().value() == offer.agent_id().value());
  mscheduler::Call kill = again.make(mscheduler::Call::KILL);
  kill.mutable_kill()->mutable_task_id()->set_value("long");
  again.send(kill);
  CHECK(again.wait_state("long", mv1::TASK_KILLED).executor_id().value() == "long");
  CHECK(running.container_status().executor_pid() > 0);
}

TEST_CASE("shutdown ends every executor and everything it started") {
  const Folder folder;
  auto pocket = Pocket::start(small(folder.path));
  REQUIRE(pocket.ok());
  SchedulerClient scheduler((*pocket)->master());
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  mv1::TaskInfo task = simple_task("stubborn", offer.agent_id().value());
  task.mutable_command()->set_value("trap '' TERM; sleep 600 & sleep 600");
  scheduler.launch(offer, {task});
  const auto running = scheduler.wait_state("stubborn", mv1::TASK_RUNNING);
  const auto pid = static_cast<pid_t>(running.container_status().executor_pid());
  (*pocket)->shutdown(200);
  const std::int64_t deadline = net::monotonic_ms() + 10'000;
  while (living_in_group(pid) > 0 && net::monotonic_ms() < deadline) std::this_thread::yield();
  CHECK(living_in_group(pid) == 0);
}

TEST_CASE("two pockets cannot share a work directory, and one port serves one master") {
  const Folder folder;
  const Folder other;
  auto first = Pocket::start(small(folder.path));
  REQUIRE(first.ok());
  auto second = Pocket::start(small(folder.path));
  REQUIRE(!second.ok());
  CHECK(second.error().code == Code::conflict);
  PocketOptions options = small(other.path);
  options.listen.port = (*first)->master().port;
  auto third = Pocket::start(options);
  REQUIRE(!third.ok());
  CHECK(third.error().code == Code::io);
}

}  // namespace mimas::pocket
