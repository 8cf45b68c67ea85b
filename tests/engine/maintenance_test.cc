// Planned maintenance: services are moved first, batch tasks end by themselves, inverse offers are answered.
#include "play.h"

namespace mimas::engine {
namespace {

struct Plan {
  Play play;
  Unavailability planned;

  explicit Plan(Policy policy = {}) : play(policy) {}
  Offer offer(const std::string& agent, std::int64_t in_ms) {
    Offer one = play.offer("m" + std::to_string(++offers), agent);
    planned = {play.now + in_ms, 3'600'000};
    one.unavailability = planned;
    return one;
  }
  void tell(const std::string& agent, std::int64_t in_ms) {
    play.feed(OffersReceived{{offer(agent, in_ms)}});
    play.settle();
  }
  void ask_back(const std::string& agent) {
    play.feed(InverseOffersReceived{{{OfferId("i1"), AgentId(agent), planned}}});
    play.settle();
  }
  int offers = 0;
};

std::string id_of(const JobId& job, std::int64_t index, std::int64_t number) {
  return make_task_id(job, index, number).value;
}

TEST_CASE("nothing new goes where maintenance begins within the hour") {
  Plan plan;
  plan.play.subscribe();
  JobId job = plan.play.submit(batch_spec());
  plan.play.settle();
  plan.tell("a1", 3'600'000);
  CHECK(plan.play.none<AcceptOffers>());
  CHECK(plan.play.shortfalls[job.value].find("maintenance") != std::string::npos);
  CHECK(plan.play.agents.at("a1").maintenance == plan.planned);
  plan.tell("a1", 3'700'000);
  CHECK(plan.play.all<AcceptOffers>().size() == 1);
}

TEST_CASE("an inverse offer is not accepted in the moment in which a task is started on its agent") {
  Plan plan;
  plan.play.subscribe();
  plan.play.submit(batch_spec());
  plan.play.settle();
  plan.play.feed(OffersReceived{{plan.offer("a1", 7'200'000)}});  // late enough for new tasks
  plan.ask_back("a1");
  CHECK(plan.play.all<AcceptOffers>().size() == 1);
  CHECK(plan.play.none<AcceptInverseOffers>());
  plan.play.after(Policy{}.inverse_hold_ms);
  plan.play.settle();
  CHECK(plan.play.all<DeclineInverseOffers>().size() == 1);
}

TEST_CASE("an offer without plans ends them") {
  Plan plan;
  plan.play.subscribe();
  plan.tell("a1", 1'000);
  plan.play.offer_and_settle("a1");
  CHECK_FALSE(plan.play.agents.at("a1").maintenance.has_value());
}

TEST_CASE("a service is moved: the old task ends when the new one runs, not before") {
  Plan plan;
  Play& play = plan.play;
  JobId job = play.running(service_spec());
  plan.tell("a1", 600'000);
  CHECK(play.task(id_of(job, 0, 0)).replaced);
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::running);
  CHECK(play.task(id_of(job, 0, 1)).state == TaskState::queued);
  CHECK(play.none<KillOnAgent>());
  play.offer_and_settle("a2");
  CHECK(play.task(id_of(job, 0, 1)).agent == AgentId("a2"));
  CHECK(play.none<KillOnAgent>());
  play.says(id_of(job, 0, 1), MesosState::running);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
  play.says(id_of(job, 0, 0), MesosState::killed);
  play.settle();
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::stopped);
  CHECK(play.task(id_of(job, 0, 1)).state == TaskState::running);
}

TEST_CASE("services are moved half an hour before, and the engine wakes up for it") {
  Plan plan;
  JobId job = plan.play.running(service_spec());
  plan.tell("a1", 3'000'000);
  CHECK_FALSE(plan.play.task(id_of(job, 0, 0)).replaced);
  CHECK(plan.play.last.wake_at <= plan.play.now + 1'200'000);
  plan.play.after(1'200'000);
  plan.play.settle();
  CHECK(plan.play.task(id_of(job, 0, 0)).replaced);
}

TEST_CASE("not more than a few services are on the move at a time") {
  Policy policy;
  policy.moves_max = 2;
  Plan plan(policy);
  Play& play = plan.play;
  JobId job = play.running(service_spec(), 4);
  plan.tell("a1", 600'000);
  auto moved = [&] {
    return std::count_if(play.tasks.begin(), play.tasks.end(),
                         [](const auto& one) { return one.second.replaced && !one.second.kill_requested; });
  };
  CHECK(moved() == 2);
  CHECK(play.last.wake_at <= play.now + 1'000);
  play.offer_and_settle("a2", 2'000);
  play.says(id_of(job, 0, 4), MesosState::running);
  play.after(1'000);
  play.settle();
  play.after(1'000);
  play.settle();
  CHECK(moved() == 2);
  CHECK(play.task(id_of(job, 2, 2)).replaced);
}

TEST_CASE("a restart in the middle of a move goes on with it") {
  Plan plan;
  Play& play = plan.play;
  JobId job = play.running(service_spec());
  plan.tell("a1", 600'000);
  play.offer_and_settle("a2");
  play.restart();
  play.subscribe();
  play.settle();
  CHECK(play.none<KillOnAgent>());
  play.says(id_of(job, 0, 1), MesosState::running);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
}

TEST_CASE("a moved task ends too when its slot is given up") {
  Plan plan;
  Play& play = plan.play;
  JobId job = play.running(service_spec());
  plan.tell("a1", 600'000);
  play.feed(SetInstanceCounts{0, job, 0, 0, 5, "me"});
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
}

TEST_CASE("batch tasks are left to end by themselves") {
  Plan plan;
  JobId job = plan.play.running(batch_spec());
  plan.tell("a1", 60'000);
  CHECK_FALSE(plan.play.task(id_of(job, 0, 0)).replaced);
  CHECK(plan.play.none<KillOnAgent>());
}

TEST_CASE("an inverse offer is accepted at once where nothing of ours is") {
  Plan plan;
  plan.play.subscribe();
  plan.tell("a1", 600'000);
  plan.ask_back("a1");
  CHECK(plan.play.only<AcceptInverseOffers>()->offers == std::vector{OfferId("i1")});
  plan.play.settle();
  CHECK(plan.play.none<AcceptInverseOffers>());
}

TEST_CASE("an inverse offer waits for the agent to be drained, or is declined for now") {
  Plan plan;
  Play& play = plan.play;
  JobId job = play.running(batch_spec());
  plan.tell("a1", 600'000);
  plan.ask_back("a1");
  CHECK(play.none<AcceptInverseOffers>());
  CHECK(play.none<DeclineInverseOffers>());
  SUBCASE("drained in time") {
    play.says(id_of(job, 0, 0), MesosState::finished);
    play.settle();
    CHECK(play.all<AcceptInverseOffers>().size() == 1);
  }
  SUBCASE("not drained") {
    CHECK(play.last.wake_at <= play.now + play.policy.inverse_hold_ms);
    play.after(play.policy.inverse_hold_ms);
    play.settle();
    CHECK(play.only<DeclineInverseOffers>()->refuse_ms == play.policy.inverse_refuse_ms);
    CHECK(std::any_of(play.last.reasons.begin(), play.last.reasons.end(), [](const std::string& text) {
      return text.find("1 tasks are still on") != std::string::npos;
    }));
  }
  SUBCASE("rescinded: the plan is off") {
    play.feed(InverseOfferRescinded{OfferId("i1")});
    play.feed(InverseOfferRescinded{OfferId("never seen")});
    play.settle();
    CHECK_FALSE(play.agents.at("a1").maintenance.has_value());
    play.says(id_of(job, 0, 0), MesosState::finished);
    play.settle();
    CHECK(play.none<AcceptInverseOffers>());
  }
  SUBCASE("the connection is lost: the offer is void") {
    play.feed(Disconnected{"test"});
    play.subscribe();
    play.after(play.policy.inverse_hold_ms);
    play.settle();
    CHECK(play.none<DeclineInverseOffers>());
  }
}

// A service on a1, which is drained and whose successor fits nowhere.
struct Drained {
  Play play;
  JobId job;
  std::string old_task, new_task;

  explicit Drained(std::shared_ptr<JobSpec> spec = service_spec(), Policy policy = {}) : play(policy) {
    job = play.running(std::move(spec));
    old_task = id_of(job, 0, 0);
    new_task = id_of(job, 0, 1);
    play.feed(OffersReceived{{play.offer("there", "a1", 500)}});
    play.settle();
    order(AgentOrder::Kind::drain);
    REQUIRE(play.task(old_task).replaced);
    REQUIRE(play.task(new_task).state == TaskState::queued);
  }
  void order(std::optional<AgentOrder::Kind> kind) {
    play.feed(OrderAgent{0, AgentId("a1"), kind, {}, "", "ann", ""});
    play.settle();
  }
  void check_stays() {
    CHECK_FALSE(play.task(old_task).replaced);
    CHECK_FALSE(play.task(old_task).kill_requested);
    CHECK(play.task(old_task).state == TaskState::running);
    CHECK(play.state.digest() == State(play.policy, play.recovered()).digest());
  }
};

TEST_CASE("enabling an agent takes back what was to be moved: the slot is the old task's again") {
  Drained drained;
  Play& play = drained.play;
  SUBCASE("while the successor waits") {
    drained.order(std::nullopt);
    drained.check_stays();
    CHECK(play.task(drained.new_task).state == TaskState::stopped);
    CHECK(play.task(drained.new_task).reason == "WITHDRAWN");
  }
  SUBCASE("while the successor is being started") {
    play.offer_and_settle("a2", 500);
    REQUIRE(play.task(drained.new_task).state == TaskState::dispatched);
    drained.order(std::nullopt);
    drained.check_stays();
    CHECK(play.task(drained.new_task).kill_requested);
    play.says(drained.new_task, MesosState::running);
    play.says(drained.new_task, MesosState::killed);
    play.settle();
    drained.check_stays();
  }
  SUBCASE("by an order that only keeps new work away") {
    drained.order(AgentOrder::Kind::disable);
    drained.check_stays();
  }
  CHECK(play.tasks.size() == 2);  // no third one
}

TEST_CASE("a move that is over stays so when its agent is enabled in the same moment") {
  Drained drained;
  drained.play.offer_and_settle("a2", 500);
  drained.play.says(drained.new_task, MesosState::running);
  drained.order(std::nullopt);
  CHECK(drained.play.task(drained.old_task).kill_requested);
  CHECK_FALSE(drained.play.task(drained.new_task).kill_requested);
}

TEST_CASE("a slot that is given up in a move is not taken back") {
  Drained drained;
  Play& play = drained.play;
  play.offer_and_settle("a2", 500);
  play.feed(SetInstanceCounts{0, drained.job, 0, 0, 5, "ann"});
  drained.order(std::nullopt);
  play.says(drained.new_task, MesosState::killed);
  play.settle();
  CHECK(play.task(drained.old_task).kill_requested);
}

TEST_CASE("nobody is preempted for a move that was taken back") {
  Policy policy;
  Play play(policy);
  auto spec = service_spec();
  spec->production = true;
  const JobId job = play.running(spec);
  const JobId low = play.submit(batch_spec());
  play.settle();
  play.offer_and_settle("a2", 500);
  play.says(id_of(low, 0, 0), MesosState::running);
  play.feed(OffersReceived{{play.offer("there", "a1", 100)}});
  play.settle();
  play.feed(OrderAgent{0, AgentId("a1"), AgentOrder::Kind::drain, {}, "", "ann", ""});
  play.settle();
  REQUIRE(play.task(id_of(job, 0, 1)).state == TaskState::queued);
  play.after(1'000);
  play.feed(OrderAgent{0, AgentId("a1"), std::nullopt, {}, "", "ann", ""});
  for (int i = 0; i < 30; ++i) {
    play.settle();
    CHECK(play.none<KillOnAgent>());
    play.after(1'000);
  }
  CHECK(play.task(id_of(low, 0, 0)).state == TaskState::running);
}

TEST_CASE("the end of a plan of maintenance, or its being dropped, takes back what was to be moved") {
  Plan plan;
  Play& play = plan.play;
  const JobId job = play.running(service_spec());
  plan.tell("a1", 60'000);
  REQUIRE(play.task(id_of(job, 0, 0)).replaced);
  SUBCASE("over") {
    play.after(60'000 + plan.planned.duration_ms);
    play.settle();
  }
  SUBCASE("dropped, as an offer says") { play.offer_and_settle("a1", 100); }
  SUBCASE("dropped, as the inverse offer says") {
    plan.ask_back("a1");
    play.feed(InverseOfferRescinded{OfferId("i1")});
    play.settle();
  }
  CHECK_FALSE(play.task(id_of(job, 0, 0)).replaced);
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::running);
  CHECK(play.task(id_of(job, 0, 1)).state == TaskState::stopped);
}

TEST_CASE("a short absence during a drain does not end the instance whose slot is not filled") {
  auto spec = service_spec();
  spec->unreachable_timeout_ms = 600'000;
  Drained drained(spec);
  Play& play = drained.play;
  play.master_says(drained.old_task, MesosState::unreachable, "AGENT_REMOVED");
  play.after(6'000);
  play.settle();
  SUBCASE("the drain goes on") {
    play.master_says(drained.old_task, MesosState::running, "AGENT_REREGISTERED");
    play.settle();
    CHECK(play.task(drained.old_task).state == TaskState::running);
    CHECK_FALSE(play.task(drained.old_task).kill_requested);
    play.offer_and_settle("a2", 500);
    play.says(drained.new_task, MesosState::running);
    play.settle();
    CHECK(play.task(drained.old_task).reason == "MOVED");
  }
  SUBCASE("the agent is enabled meanwhile") {
    drained.order(std::nullopt);
    play.master_says(drained.old_task, MesosState::running, "AGENT_REREGISTERED");
    play.settle();
    drained.check_stays();
    CHECK(play.task(drained.new_task).state == TaskState::stopped);
  }
}

TEST_CASE("moves that cannot happen do not stop others for long") {
  Policy policy;
  policy.moves_max = 2;
  Play play(policy);
  play.subscribe();
  // Two instances that fit on a1 alone, and one that fits anywhere.
  auto bound = service_spec();
  bound->hard_constraints.push_back(*parse_constraint("hostname=host-a1"));
  const JobId stuck = play.submit(bound, 2);
  play.settle();
  play.offer_and_settle("a1", 1'000);
  const JobId free = play.submit(service_spec());
  play.settle();
  play.offer_and_settle("a3", 500);
  for (const std::string& id : {id_of(stuck, 0, 0), id_of(stuck, 1, 1), id_of(free, 0, 0)}) {
    play.says(id, MesosState::running);
  }
  for (const char* agent : {"a1", "a3"}) {
    play.feed(OrderAgent{0, AgentId(agent), AgentOrder::Kind::drain, {}, "", "ann", ""});
    play.settle();
  }
  CHECK(play.task(id_of(stuck, 0, 0)).replaced);
  CHECK(play.task(id_of(stuck, 1, 1)).replaced);
  CHECK_FALSE(play.task(id_of(free, 0, 0)).replaced);
  for (int i = 0; i < 32; ++i) {
    play.after(1'000);
    play.settle();
  }
  CHECK(play.task(id_of(free, 0, 0)).replaced);
  play.offer_and_settle("a2", 500);
  CHECK(play.task(id_of(free, 0, 1)).agent == AgentId("a2"));
}

TEST_CASE("a second agent to be taken down does not wait for the first to be empty") {
  Plan plan;
  Play& play = plan.play;
  play.subscribe();
  const JobId job = play.submit(service_spec(), 2);
  play.settle();
  play.offer_and_settle("a1", 500);
  play.offer_and_settle("a2", 500);
  play.says(id_of(job, 1, 1), MesosState::running);  // the other one is still being started
  plan.tell("a1", 600'000);
  plan.tell("a2", 700'000);
  CHECK(play.task(id_of(job, 1, 1)).replaced);
}

}  // namespace
}  // namespace mimas::engine
