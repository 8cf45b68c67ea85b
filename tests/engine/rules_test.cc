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
  auto* ask = play.only<Reconcile>();
  REQUIRE(ask->tasks.size() == 1);
  CHECK(ask->tasks[0].task.value == kFirst);
  CHECK(ask->tasks[0].agent == AgentId("a1"));
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
  auto asks = play.all<Reconcile>();
  REQUIRE(asks.size() == 2);
  CHECK(asks[0]->tasks.at(0).task.value == kFirst);
  CHECK(asks[1]->tasks.empty());
}

TEST_CASE("rule 56: INVALID_OFFERS for a running task is asked about and launches nothing") {
  Play play;
  play.running(batch_spec());
  play.master_says(kFirst, MesosState::dropped, "INVALID_OFFERS");
  CHECK(play.only<Reconcile>()->tasks.at(0).agent == AgentId("a1"));
  CHECK(play.task(kFirst).state == TaskState::running);
  CHECK_FALSE(play.tasks.contains(kSecond));
}

TEST_CASE("rule 57: an update repeated after a restart changes nothing and is acknowledged again") {
  Play play;
  play.running(batch_spec());
  StatusUpdate finished = play.update(kFirst, MesosState::finished);
  play.feed(finished);
  auto* first = play.only<Acknowledge>();
  CHECK(first->uuid == finished.uuid);
  CHECK(first->agent == AgentId("a1"));
  play.restart();
  std::string before = play.state.digest();
  play.feed(finished);
  CHECK(play.only<Acknowledge>()->uuid == finished.uuid);
  CHECK(play.state.digest() == before);
}

TEST_CASE("rule 58: an update without uuid is not acknowledged") {
  Play play;
  play.running(batch_spec());
  play.master_says(kFirst, MesosState::unreachable, "AGENT_REMOVED");
  CHECK(play.none<Acknowledge>());
}

TEST_CASE("rule 59: the same update three times is one change and three acknowledgements") {
  Play play;
  play.subscribe();
  play.submit(batch_spec());
  play.offer_and_settle("a1");
  StatusUpdate running = play.update(kFirst, MesosState::running);
  int acknowledged = 0;
  std::size_t changes = 0;
  for (int i = 0; i < 3; ++i) {
    play.feed(running);
    acknowledged += static_cast<int>(play.all<Acknowledge>().size());
    changes += play.last.changes.size();
  }
  CHECK(acknowledged == 3);
  CHECK(changes == 1);
}

TEST_CASE("rule 60: an update for an unknown task is acknowledged, and the task killed") {
  Play play;
  play.running(batch_spec());
  play.says("mimas-9-worker-0-0", MesosState::running);
  CHECK(play.all<Acknowledge>().size() == 1);
  CHECK(play.state.anomalies().unknown_tasks == 1);
  play.after(2'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == "mimas-9-worker-0-0");
}

TEST_CASE("rule 61: the first terminal state wins, both are acknowledged, the anomaly is counted") {
  Play play;
  play.running(batch_spec());
  play.says(kFirst, MesosState::finished);
  CHECK(play.all<Acknowledge>().size() == 1);
  play.says(kFirst, MesosState::failed);
  CHECK(play.all<Acknowledge>().size() == 1);
  CHECK(play.task(kFirst).state == TaskState::finished);
  CHECK(play.state.anomalies().illegal_transitions == 1);
}

TEST_CASE("rule 62: RUNNING after UNREACHABLE or a revocable LOST revives the task") {
  for (MesosState away : {MesosState::unreachable, MesosState::lost}) {
    Play play;
    play.running(service_spec());
    play.master_says(kFirst, away, "AGENT_DISCONNECTED");
    CHECK(play.task(kFirst).state == TaskState::unreachable);
    play.after(10'000);
    play.settle();
    play.master_says(kFirst, MesosState::running, "AGENT_REREGISTERED");
    CHECK(play.task(kFirst).state == TaskState::running);
    play.after(100'000);
    play.settle();
    CHECK(play.tasks.size() == 1);
  }
}

TEST_CASE("rule 63: an unreachable task is replaced after its time, and killed when it comes back later") {
  Play play;
  play.running(service_spec());
  play.master_says(kFirst, MesosState::unreachable, "AGENT_REMOVED");
  play.settle();
  CHECK(play.tasks.size() == 1);
  CHECK(play.last.wake_at <= play.now + 30'000);
  play.after(30'000);
  play.settle();
  CHECK(play.task(kFirst).replaced);
  CHECK(play.task(kFirst).state == TaskState::unreachable);
  CHECK(play.task(kSecond).state == TaskState::queued);
  CHECK(play.task(kSecond).attempt == 0);
  play.master_says(kFirst, MesosState::running, "AGENT_REREGISTERED");
  CHECK(play.only<KillOnAgent>()->task.value == kFirst);
  play.says(kFirst, MesosState::killed);
  CHECK(play.task(kFirst).state == TaskState::stopped);
  CHECK(play.tasks.size() == 2);
}

TEST_CASE("rule 64: a terminal update after an offer that already holds its resources is no error") {
  Play play;
  play.running(batch_spec(), 2);
  play.feed(OffersReceived{{play.offer("early", "a1", 500)}});
  play.says(kFirst, MesosState::finished);
  play.settle();
  CHECK(play.agents.at("a1").used.cpu_milli == 500);
  CHECK(play.state.anomalies().illegal_transitions == 0);
}

TEST_CASE("rule 65: only the unanswered are asked again, ever more slowly; a new subscription starts over") {
  Play play;
  play.running(service_spec(), 2);
  play.subscribe();
  CHECK(play.all<Reconcile>()[0]->tasks.size() == 2);
  play.master_says(kFirst, MesosState::running, "RECONCILIATION");
  play.after(5'000);
  play.settle();
  auto* again = play.only<Reconcile>();
  REQUIRE(again->tasks.size() == 1);
  CHECK(again->tasks[0].task.value == "mimas-1-worker-1-1");
  play.after(9'999);
  play.settle();
  CHECK(play.none<Reconcile>());
  play.after(1);
  play.settle();
  CHECK(play.only<Reconcile>()->tasks.size() == 1);
  play.subscribe();
  CHECK(play.all<Reconcile>()[0]->tasks.size() == 2);
}

TEST_CASE("rule 65: ended tasks are never asked about") {
  Play play;
  play.running(batch_spec(), 2);
  play.says(kFirst, MesosState::finished);
  play.subscribe();
  auto asks = play.all<Reconcile>();
  REQUIRE(asks.size() == 2);
  CHECK(asks[0]->tasks.size() == 1);
}

TEST_CASE("rule 66: ten minutes without an answer declare nobody dead") {
  Play play;
  play.running(service_spec(), 2);
  play.subscribe();
  for (int i = 0; i < 600; ++i) {
    play.after(1'000);
    play.settle();
  }
  CHECK(play.task(kFirst).state == TaskState::running);
  CHECK(play.tasks.size() == 2);
}

TEST_CASE("rule 67: a stray is killed with its agent, again and again until it has ended") {
  Play play;
  play.running(service_spec());
  StatusUpdate stray = play.update("ghost", MesosState::running, "RECONCILIATION", "MASTER");
  stray.agent = AgentId("a7");
  play.feed(stray);
  play.after(2'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->agent == AgentId("a7"));
  play.after(5'000);
  play.settle();
  CHECK(play.all<KillOnAgent>().size() == 1);
  stray.state = MesosState::killed;
  play.feed(stray);
  play.after(60'000);
  play.settle();
  CHECK(play.none<KillOnAgent>());
}

TEST_CASE("rule 67: a database that knows almost nothing of what runs does not wipe the cluster") {
  Play play;
  play.running(service_spec());
  for (int i = 0; i < 20; ++i)
    play.master_says("other-" + std::to_string(i), MesosState::running, "RECONCILIATION");
  for (int i = 0; i < 100; ++i) {
    play.after(1'000);
    play.settle();
    CHECK(play.none<KillOnAgent>());
  }
  CHECK(play.state.anomalies().stray_kills_withheld >= 20);
}

TEST_CASE("rule 68: reconciliation never takes back an end") {
  Play play;
  play.running(batch_spec());
  play.says(kFirst, MesosState::finished);
  for (MesosState state :
       {MesosState::lost, MesosState::unknown, MesosState::gone, MesosState::unreachable}) {
    play.master_says(kFirst, state, "RECONCILIATION");
    CHECK(play.task(kFirst).state == TaskState::finished);
  }
  CHECK(play.state.anomalies().illegal_transitions == 0);
}

TEST_CASE("rule 69: KILL is repeated with growing pauses until the task has ended") {
  Play play;
  JobId job = play.running(service_spec());
  play.feed(KillJob{0, job, "me"});
  CHECK(play.all<KillOnAgent>().size() == 1);
  for (std::int64_t pause : {5'000, 10'000, 20'000, 40'000, 60'000, 60'000}) {
    play.after(pause - 1);
    play.settle();
    CHECK(play.none<KillOnAgent>());
    CHECK(play.last.wake_at == play.now + 1);
    play.after(1);
    play.settle();
    CHECK(play.only<KillOnAgent>()->agent == AgentId("a1"));
  }
  play.says(kFirst, MesosState::killed);
  CHECK(play.job(job).state == JobState::ended);
  play.after(60'000);
  play.settle();
  CHECK(play.none<KillOnAgent>());
}

TEST_CASE("rule 70: FAILURE of an agent we never used changes nothing") {
  Play play;
  play.running(service_spec());
  std::string before = play.state.digest();
  play.feed(AgentLost{AgentId("foreign")});
  CHECK(play.last.changes.empty());
  CHECK(play.last.effects.empty());
  play.feed(AgentLost{AgentId()});
  CHECK(play.last.changes.empty());
  play.feed(AgentLost{AgentId("a1")});
  CHECK(play.state.digest() == before);
  play.settle();
  CHECK(play.agents.at("a1").state == AgentState::unreachable);
}

}  // namespace
}  // namespace mimas::engine
