// Operators' orders to agents, how much an agent is sent at a time, and agents where starts fail.
#include "engine/agent_health.h"

#include "play.h"

namespace mimas::engine {
namespace {

constexpr std::int64_t kMinute = 60'000;

struct Yard {
  Play play;

  explicit Yard(Policy policy = {}) : play(policy) { play.subscribe(); }

  Result<Answer> order(const std::string& agent, std::optional<AgentOrder::Kind> kind,
                       std::optional<std::int64_t> deadline_ms = {}) {
    play.feed(OrderAgent{1, AgentId(agent), kind, deadline_ms, "new disk", "ann", "10.0.0.1"});
    Result<Answer> answer = play.only<Reply>()->answer;
    play.settle();
    return answer;
  }
  void know(const std::string& agent) { play.offer_and_settle(agent); }
  // … and its offer goes back.
  void meet(const std::string& agent) {
    know(agent);
    play.after(10'000);
    play.settle();
  }
  const Agent& agent(const std::string& id) const { return play.agents.at(id); }

  // A job of its own is sent to the agent, and its start comes to nothing.
  void fail_start(const std::string& agent) {
    const JobId job = play.submit(batch_spec());
    play.settle();
    play.offer_and_settle(agent);
    const std::string task = make_task_id(job, 0, 0).value;
    REQUIRE(play.task(task).agent.value == agent);
    play.says(task, MesosState::failed, "CONTAINER_LAUNCH_FAILED", "AGENT");
    give_up(job);
  }
  // … and it fails by itself.
  void fail_run(const std::string& agent) {
    const JobId job = play.submit(batch_spec());
    play.settle();
    play.offer_and_settle(agent);
    const std::string task = make_task_id(job, 0, 0).value;
    play.says(task, MesosState::running);
    play.says(task, MesosState::failed);
    give_up(job);
  }
  void give_up(const JobId& job) {
    play.feed(KillJob{0, job, "ann", ""});
    play.settle();
  }
  void quarantine(const std::string& agent) {
    for (int i = 0; i < 10 && this->agent(agent).quarantined_until.ms == 0; ++i) fail_start(agent);
    REQUIRE(this->agent(agent).standing == Standing::quarantined);
  }
};

TEST_CASE("a disabled agent gets nothing new, until it is enabled") {
  Yard yard;
  yard.know("a1");
  REQUIRE(yard.order("a1", AgentOrder::Kind::disable).ok());
  CHECK(yard.agent("a1").standing == Standing::disabled);
  CHECK(yard.agent("a1").order->reason == "new disk");
  CHECK(yard.agent("a1").order->user == "ann");
  yard.play.submit(batch_spec());
  yard.play.settle();
  yard.know("a1");
  CHECK(yard.play.none<AcceptOffers>());
  REQUIRE(yard.order("a1", std::nullopt).ok());
  CHECK(yard.play.all<AcceptOffers>().size() == 1);  // what is at hand is used at once
}

TEST_CASE("an order outlives restarts and the absence of its agent, and is audited") {
  Yard yard;
  yard.know("a1");
  REQUIRE(yard.order("a1", AgentOrder::Kind::disable).ok());
  CHECK(yard.play.audits.rbegin()->second.action == "agent.disable");
  const std::string before = yard.play.state.digest();
  yard.play.restart();
  CHECK(yard.play.state.digest() == before);
  yard.play.subscribe();
  yard.know("a1");
  CHECK(yard.agent("a1").standing == Standing::disabled);
  yard.play.feed(AgentLost{AgentId("a1")});
  yard.play.after(2 * kForgetAgentMs);
  yard.play.settle();
  CHECK_FALSE(yard.play.agents.contains("a1"));
  REQUIRE(yard.order("a1", AgentOrder::Kind::drain).ok());  // known by its order
  yard.know("a1");
  CHECK(yard.agent("a1").standing == Standing::drained);
  REQUIRE(yard.order("a1", std::nullopt).ok());
  CHECK(yard.play.agent_orders.empty());
  CHECK(yard.agent("a1").standing == Standing::open);
}

TEST_CASE("an order to an agent that nobody knows is refused, a repeated one changes nothing") {
  Yard yard;
  CHECK(yard.order("a9", AgentOrder::Kind::disable).error().code == Code::not_found);
  CHECK(yard.order("a9", std::nullopt).error().code == Code::not_found);
  yard.know("a1");
  REQUIRE(yard.order("a1", AgentOrder::Kind::disable).ok());
  const std::size_t audits = yard.play.audits.size();
  REQUIRE(yard.order("a1", AgentOrder::Kind::disable).ok());
  CHECK(yard.play.audits.size() == audits);
}

TEST_CASE("orders have a bound") {
  Policy policy;
  policy.agent_orders_max = 1;
  Yard yard(policy);
  yard.know("a1");
  yard.know("a2");
  REQUIRE(yard.order("a1", AgentOrder::Kind::disable).ok());
  CHECK(yard.order("a2", AgentOrder::Kind::disable).error().code == Code::resource_exhausted);
  CHECK(yard.order("a1", AgentOrder::Kind::drain).ok());
}

TEST_CASE("a drained agent's services run elsewhere before they end there") {
  Yard yard;
  const JobId job = yard.play.running(service_spec());
  const std::string old_task = make_task_id(job, 0, 0).value, new_task = make_task_id(job, 0, 1).value;
  REQUIRE(yard.order("a1", AgentOrder::Kind::drain).ok());
  CHECK(yard.play.task(old_task).replaced);
  CHECK_FALSE(yard.play.task(old_task).kill_requested);
  yard.know("a1");
  CHECK(yard.play.none<AcceptOffers>());
  yard.know("a2");
  REQUIRE(yard.play.task(new_task).agent.value == "a2");
  yard.play.says(new_task, MesosState::running);
  yard.play.settle();
  CHECK(yard.play.task(old_task).kill_requested);
  yard.play.says(old_task, MesosState::killed);
  yard.play.settle();
  CHECK(yard.agent("a1").tasks == 0);
}

TEST_CASE("a service that was still starting when its agent was drained is moved once it runs") {
  Yard yard;
  const JobId job = yard.play.submit(service_spec());
  yard.play.settle();
  yard.know("a1");
  const std::string task = make_task_id(job, 0, 0).value;
  REQUIRE(yard.order("a1", AgentOrder::Kind::drain).ok());
  CHECK_FALSE(yard.play.task(task).replaced);
  yard.play.says(task, MesosState::running);
  yard.play.after(1'000);
  yard.play.settle();
  CHECK(yard.play.task(task).replaced);
}

TEST_CASE("batch tasks are left to end, but for a deadline: then they start again elsewhere") {
  Yard yard;
  const JobId job = yard.play.running(batch_spec());
  const std::string task = make_task_id(job, 0, 0).value;
  REQUIRE(yard.order("a1", AgentOrder::Kind::drain, 10 * kMinute).ok());
  CHECK_FALSE(yard.play.task(task).kill_requested);
  CHECK(yard.play.last.wake_at <= yard.play.now + 10 * kMinute);
  yard.play.after(10 * kMinute);
  yard.play.settle();
  CHECK(yard.play.task(task).kill_requested);
  CHECK(yard.play.task(task).reason == "DRAINED");
  yard.play.says(task, MesosState::killed);
  yard.play.settle();
  CHECK(yard.play.job(job).state == JobState::active);
  const Task& next = yard.play.task(make_task_id(job, 0, 1).value);
  CHECK(next.state == TaskState::queued);
  CHECK(next.attempt == 0);
}

TEST_CASE("an agent is sent so many containers at a time, and is open again once one of them runs") {
  Policy policy;
  policy.pulls_per_agent_max = 2;
  Yard yard(policy);
  JobSpec spec = *batch_spec();
  spec.runtime = Runtime::docker;
  spec.application_name = "nginx";
  const JobId job = yard.play.submit(std::make_shared<const JobSpec>(spec), 2);
  yard.play.settle();
  yard.play.offer_and_settle("a1", 4'000);
  CHECK(yard.agent("a1").launching == 2);
  CHECK(yard.agent("a1").standing == Standing::launching);
  yard.play.says(make_task_id(job, 0, 0).value, MesosState::running);
  yard.play.settle();
  CHECK(yard.agent("a1").launching == 1);
  CHECK(yard.agent("a1").standing == Standing::open);
}

TEST_CASE("starts of several jobs that come to nothing quarantine their agent for a while") {
  Yard yard;
  yard.know("a1");
  yard.know("a2");
  for (int i = 0; i < 4; ++i) yard.fail_start("a1");
  CHECK(yard.agent("a1").standing == Standing::open);
  CHECK(yard.agent("a1").failure_score == 4'000);
  yard.fail_start("a1");
  CHECK(yard.agent("a1").standing == Standing::quarantined);
  CHECK(yard.agent("a1").last_failure.find("CONTAINER_LAUNCH_FAILED") != std::string::npos);
  CHECK(yard.play.last.wake_at <= yard.agent("a1").quarantined_until);
  yard.play.after(5 * kMinute);
  yard.play.settle();
  CHECK(yard.agent("a1").standing == Standing::open);
  CHECK(yard.agent("a1").quarantined_until.ms == 0);
}

TEST_CASE("a quarantine soon after another lasts twice as long, up to a bound") {
  Policy policy;
  policy.quarantine_first_ms = 5 * kMinute;
  policy.quarantine_max_ms = 8 * kMinute;
  Yard yard(policy);
  yard.know("a1");
  yard.know("a2");
  yard.quarantine("a1");
  CHECK(yard.agent("a1").quarantined_until == yard.play.now + 5 * kMinute);
  yard.play.after(5 * kMinute);
  yard.play.settle();
  yard.quarantine("a1");
  CHECK(yard.agent("a1").quarantined_until == yard.play.now + 8 * kMinute);
}

TEST_CASE("enable ends a quarantine at once and forgets what led to it") {
  Yard yard;
  yard.know("a1");
  yard.know("a2");
  yard.quarantine("a1");
  REQUIRE(yard.order("a1", std::nullopt).ok());
  CHECK(yard.agent("a1").standing == Standing::open);
  CHECK(yard.agent("a1").failure_score == 0);
}

TEST_CASE("one job whose starts come to nothing everywhere is not its agent's fault") {
  Yard yard;
  yard.know("a1");
  yard.know("a2");
  const JobId job = yard.play.submit(batch_spec());
  yard.play.settle();
  for (int i = 0; i < 8; ++i) {
    yard.play.offer_and_settle("a1");
    yard.play.says(make_task_id(job, 0, i).value, MesosState::failed, "CONTAINER_LAUNCH_FAILED", "AGENT");
    yard.play.after(30'000);
    yard.play.settle();
  }
  CHECK(yard.agent("a1").failure_score <= 1'000);
  CHECK(yard.agent("a1").standing == Standing::open);
}

TEST_CASE("a job that runs elsewhere bears witness against the agent where it does not start") {
  Yard yard;
  const JobId job = yard.play.submit(service_spec(), 2);
  yard.play.settle();
  yard.play.offer_and_settle("a2", 500);
  REQUIRE(yard.play.task(make_task_id(job, 0, 0).value).agent.value == "a2");
  yard.play.says(make_task_id(job, 0, 0).value, MesosState::running);
  int number = 1;
  for (; number < 20; ++number) {
    yard.play.offer_and_settle("a1", 500);
    const std::string task = make_task_id(job, 1, number).value;
    if (yard.play.task(task).state == TaskState::queued) break;
    yard.play.says(task, MesosState::failed, "EXECUTOR_REGISTRATION_TIMEOUT", "AGENT");
    yard.play.after(30'000);
    yard.play.settle();
  }
  CHECK(yard.agent("a1").standing == Standing::quarantined);
  CHECK(number <= 8);
}

TEST_CASE("a job's own exit status says nothing, those of several jobs at once do") {
  Yard yard;
  yard.know("a1");
  yard.know("a2");
  yard.fail_run("a1");
  yard.fail_run("a1");
  CHECK(yard.agent("a1").failure_score == 0);
  yard.fail_run("a1");
  CHECK(yard.agent("a1").failure_score == 1'000);
  yard.play.after(10 * kMinute);
  yard.fail_run("a1");
  yard.play.after(2 * kMinute);
  yard.fail_run("a1");
  yard.play.after(2 * kMinute);
  yard.fail_run("a1");
  CHECK(yard.agent("a1").last_failure.find("3 jobs") != std::string::npos);
  CHECK(yard.agent("a1").failure_score < 1'000);  // minutes apart: not together
}

TEST_CASE("the last agent that takes work is never quarantined, and at most a share of all") {
  Yard yard;
  yard.know("a1");
  for (int i = 0; i < 7; ++i) yard.fail_start("a1");
  CHECK(yard.agent("a1").standing == Standing::open);
  for (const char* id : {"a2", "a3", "a4", "a5"}) yard.meet(id);
  yard.quarantine("a1");
  for (int i = 0; i < 7; ++i) yard.fail_start("a2");
  CHECK(yard.agent("a2").standing == Standing::open);  // 20 % of five agents
}

TEST_CASE("a score is halved by every half-life, and a tenth smaller with each task that runs") {
  const Policy policy;
  Agent agent;
  agent.failure_score = 4'000;
  agent.failures_at = Instant{1'000};
  const auto score = [&](std::int64_t later) {
    return failure_score_at(policy, agent, Instant{1'000 + later});
  };
  CHECK(score(0) == 4'000);
  CHECK(score(policy.failure_half_life_ms / 2) == 3'000);
  CHECK(score(policy.failure_half_life_ms) == 2'000);
  CHECK(score(2 * policy.failure_half_life_ms) == 1'000);
  CHECK(score(100 * policy.failure_half_life_ms) == 0);
  CHECK(score(-5) == 4'000);

  Yard yard;
  yard.know("a1");
  yard.fail_start("a1");
  const JobId job = yard.play.submit(batch_spec());
  yard.play.settle();
  yard.know("a1");
  yard.play.says(make_task_id(job, 0, 0).value, MesosState::running);
  yard.play.settle();
  CHECK(yard.agent("a1").failure_score == 900);
}

TEST_CASE("what an agent has is the most that was seen at one time") {
  Yard yard;
  yard.play.running(batch_spec());
  yard.play.offer_and_settle("a1", 3'000);
  const std::int64_t used = yard.agent("a1").used.cpu_milli;
  CHECK(yard.agent("a1").total.cpu_milli == 3'000 + used);
  yard.play.offer_and_settle("a2", 1'000);
  CHECK(yard.agent("a2").total.cpu_milli == 1'000);
}

TEST_CASE("maintenance changes an agent's standing when its time comes") {
  Yard yard;
  Offer offer = yard.play.offer("x", "a1");
  offer.unavailability = Unavailability{yard.play.now + 90 * kMinute, 10 * kMinute};
  yard.play.feed(OffersReceived{{offer}});
  yard.play.settle();
  CHECK(yard.agent("a1").standing == Standing::open);
  CHECK(yard.play.last.wake_at <= yard.play.now + 30 * kMinute);
  yard.play.after(30 * kMinute);
  yard.play.settle();
  CHECK(yard.agent("a1").standing == Standing::maintenance);
  yard.play.after(70 * kMinute);
  yard.play.settle();
  CHECK(yard.agent("a1").standing == Standing::open);
}

// Agents of two host ports each, and a service that wants one.
struct Ported {
  Yard yard;
  JobId job;

  Ported() {
    std::shared_ptr<JobSpec> spec = service_spec();
    spec->request.ports = 1;
    spec->retry_policy.initial_delay_ms = 1'000;
    spec->retry_policy.max_delay_ms = 1'000;
    job = yard.play.submit(spec);
    yard.play.settle();
  }
  // Where the next start goes: "a1 31000".
  std::string next(const std::vector<std::string>& agents) {
    for (; offers > 0; --offers) yard.play.feed(OfferRescinded{OfferId("p" + std::to_string(offers))});
    yard.play.after(40'000);  // past every back-off
    yard.play.settle();
    OffersReceived event;
    for (const std::string& agent : agents) {
      Offer offer = yard.play.offer("p" + std::to_string(++offers), agent);
      offer.resources.ports = *Ports::from_ranges({{31'000, 31'001}});
      event.offers.push_back(offer);
    }
    yard.play.feed(event);
    yard.play.settle();
    for (const auto& [id, task] : yard.play.tasks) {
      if (task.job != job || task.state != TaskState::dispatched) continue;
      last = id;
      return task.agent.value + " " + std::to_string(task.allocated.ports.list().at(0));
    }
    return "nowhere";
  }
  void cannot_start() { yard.play.says(last, MesosState::failed, "CONTAINER_LAUNCH_FAILED", "EXECUTOR"); }
  void ends_after(std::int64_t ms) {
    yard.play.says(last, MesosState::running);
    yard.play.after(ms);
    yard.play.says(last, MesosState::failed);
  }

  std::string last;
  int offers = 0;
};

TEST_CASE("a start that came to nothing gets another port, then another agent") {
  Ported ported;
  SUBCASE("the container cannot have the port") {
    CHECK(ported.next({"a1", "a2"}) == "a1 31000");
    ported.cannot_start();
    CHECK(ported.next({"a1", "a2"}) == "a1 31001");
    ported.cannot_start();
  }
  SUBCASE("the process finds it taken and exits") {
    CHECK(ported.next({"a1", "a2"}) == "a1 31000");
    ported.ends_after(2'000);
    CHECK(ported.next({"a1", "a2"}) == "a1 31001");
    ported.ends_after(2'000);
  }
  CHECK(ported.next({"a1", "a2"}) == "a2 31000");
  ported.cannot_start();
  CHECK(ported.next({"a1"}) == "a1 31000");  // there is nothing else
  ported.cannot_start();
  ported.yard.play.after(Policy().ports_avoid_ms);
  CHECK(ported.next({"a1", "a2"}) == "a1 31000");  // forgotten
}

TEST_CASE("a task that ran for a while says nothing about its port, nor does one that people ended") {
  Ported ported;
  CHECK(ported.next({"a1"}) == "a1 31000");
  SUBCASE("it ran for a while") { ported.ends_after(kEarlyEndMs); }
  SUBCASE("people ended it") {
    ported.yard.play.says(ported.last, MesosState::running);
    ported.yard.play.feed(KillTasks{0, {TaskId(ported.last)}, false, false, "me"});
    ported.yard.play.says(ported.last, MesosState::failed);
  }
  CHECK(ported.next({"a1"}) == "a1 31000");
}

TEST_CASE("what is remembered of failed starts is bounded") {
  Ported ported;
  for (int i = 0; i < 40; ++i) {
    const std::string agent = "b" + std::to_string(100 + i);
    REQUIRE(ported.next({agent}).starts_with(agent));
    ported.cannot_start();
  }
  State::Data& data = ported.yard.play.state.data();
  CHECK(data.jobs.at(parse_job_number(ported.job.value)).failed_on.size() == kFailedOnMax);
  AgentEntry& agent = data.agents.at(AgentId("b139"));
  CHECK(agent.doubted_ports.size() == 1);
}

}  // namespace
}  // namespace mimas::engine
