// One case per numbered rule of mesos-protocol §8.3 that binds the engine.
#include "play.h"

namespace mimas::engine {
namespace {

const char* const kFirst = "mimas-1-worker-0-0";
const char* const kSecond = "mimas-1-worker-0-1";

TEST_CASE("rule 46: a new subscription empties the offer table before anything else") {
  Play play;
  play.subscribe();
  play.feed(OffersReceived{{play.offer("o1", "a1")}});
  play.subscribe();
  play.submit(batch_spec());
  play.settle();
  CHECK(play.none<AcceptOffers>());
  CHECK(play.agents.at("a1").offered.cpu_milli == 0);
}

TEST_CASE("rule 50: a rescinded offer is not used, and rescinding an unknown one is no error") {
  Play play;
  play.subscribe();
  play.submit(batch_spec());
  play.feed(OffersReceived{{play.offer("o1", "a1"), play.offer("o2", "a2")}});
  play.feed(OfferRescinded{OfferId("o1")});
  play.feed(OfferRescinded{OfferId("never")});
  play.settle();
  auto* accept = play.only<AcceptOffers>();
  CHECK(accept->agent == AgentId("a2"));
  play.feed(OfferRescinded{OfferId("o2")});
  CHECK(play.last.effects.empty());
}

TEST_CASE("rule 51: an offer id that is held already is replaced, not doubled") {
  Play play;
  play.subscribe();
  play.submit(batch_spec(), 2);
  play.feed(OffersReceived{{play.offer("o1", "a1", 500)}});
  play.feed(OffersReceived{{play.offer("o1", "a1", 600)}});
  play.settle();
  auto* accept = play.only<AcceptOffers>();
  CHECK(accept->offers.size() == 1);
  CHECK(accept->launches.size() == 1);
}

TEST_CASE("rule 52: an offer held past its deadline is declined") {
  Play play;
  play.subscribe();
  play.submit(batch_spec());
  play.offer_and_settle("a1", 100);
  CHECK(play.none<DeclineOffers>());
  CHECK(play.last.wake_at <= play.now + play.policy.offer_hold_ms);
  play.after(play.policy.offer_hold_ms);
  play.settle();
  CHECK(play.only<DeclineOffers>()->refuse_ms == play.policy.busy_refuse_ms);
  play.settle();
  CHECK(play.none<DeclineOffers>());
}

TEST_CASE("rule 53: offers of one agent and role go into one ACCEPT, those of two roles never do") {
  Play play;
  play.subscribe();
  play.submit(batch_spec(), 2);
  play.feed(
      OffersReceived{{play.offer("o1", "a1", 300), play.offer("o2", "a1", 300),
                      play.offer("o3", "a1", 300, 1'024, "x"), play.offer("o4", "a1", 100, 1'024, "x")}});
  play.settle();
  auto* accept = play.only<AcceptOffers>();
  CHECK(accept->offers == std::vector<OfferId>{OfferId("o1"), OfferId("o2")});
  CHECK(accept->launches.size() == 1);
}

TEST_CASE("rule 54: a launch nobody answers is asked about after its grace, not launched again") {
  Play play;
  play.subscribe();
  play.submit(batch_spec());
  play.offer_and_settle("a1");
  CHECK(play.last.wake_at <= play.now + play.policy.launch_grace_ms);
  play.after(play.policy.launch_grace_ms);
  play.offer_and_settle("a1");
  auto asks = play.questions();
  REQUIRE(asks.size() == 1);
  REQUIRE(asks[0].tasks.size() == 1);
  CHECK(asks[0].tasks[0].task.value == kFirst);
  CHECK(asks[0].tasks[0].agent == AgentId("a1"));
  CHECK(play.none<AcceptOffers>());
  CHECK(play.task(kFirst).state == TaskState::dispatched);
}

TEST_CASE(
    "rule 55: the intent to launch is in the changes of the step that accepts, and survives a restart") {
  Play play;
  play.subscribe();
  play.submit(batch_spec());
  play.offer_and_settle("a1");
  CHECK(play.only<AcceptOffers>()->launches[0].task->id.value == kFirst);
  CHECK(play.task(kFirst).state == TaskState::dispatched);
  play.restart();
  play.after(10);
  play.subscribe();
  auto asks = play.questions();
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].tasks.at(0).task.value == kFirst);
}

TEST_CASE("rule 56: INVALID_OFFERS for a running task is asked about and launches nothing") {
  Play play;
  play.running(batch_spec());
  play.master_says(kFirst, MesosState::dropped, "INVALID_OFFERS");
  CHECK(play.questions().at(0).tasks.at(0).agent == AgentId("a1"));
  CHECK(play.task(kFirst).state == TaskState::running);
  CHECK_FALSE(play.tasks.contains(kSecond));
}

}  // namespace
}  // namespace mimas::engine
