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

}  // namespace
}  // namespace mimas::engine
