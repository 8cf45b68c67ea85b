// Updates and reconciliation, rules 57 to 71 and 73 of the conformance list: the engine driven by values, and
// where a rule speaks of bytes, through translate, calls and the codec.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "../engine/play.h"
#include "mesos/calls.h"
#include "mesos/event_reader.h"
#include "mesos/translate.h"
#include "v1/codec.h"

namespace mimas::engine {
namespace {

const char* const kFirst = "mimas-1-worker-0-0";
const char* const kSecond = "mimas-1-worker-0-1";

// The ACKNOWLEDGE calls of the last step, as they leave.
std::vector<mesos::scheduler::Call> acknowledgements(const Play& play) {
  std::vector<mesos::scheduler::Call> calls;
  for (const Effect& effect : play.last.effects) {
    for (auto& call : mesos::make_calls(effect, FrameworkId("F"))) {
      if (call.type() == mesos::scheduler::Call::ACKNOWLEDGE) calls.push_back(std::move(call));
    }
  }
  return calls;
}

StatusUpdate read_status(const std::string& json) {
  mesos::pb::TaskStatus status;
  REQUIRE(v1::decode_tolerant(json, v1::MediaType::json, &status).ok());
  Result<StatusUpdate> update = mesos::to_status(status);
  REQUIRE(update.ok());
  return *update;
}

TEST_CASE(
    "rule 57: what is stored is acknowledged with its own bytes, and again when it comes again after a "
    "crash") {
  Play play;
  JobId job = play.running(service_spec());
  StatusUpdate failed = read_status(
      R"({"task_id":{"value":"mimas-1-worker-0-0"},"state":"TASK_FAILED","source":"SOURCE_EXECUTOR",)"
      R"("agent_id":{"value":"a1"},"uuid":"AAECAwQFRgeICQoLDA0ODw=="})");
  play.feed(failed);
  CHECK(play.task(kFirst).state == TaskState::failed);
  CHECK_FALSE(play.last.changes.empty());  // committed before the effects leave
  play.restart();                          // … which they did not
  std::string before = play.state.digest();
  play.feed(failed);
  CHECK(play.state.digest() == before);
  CHECK(play.tasks.size() == 2);  // one successor, not two
  REQUIRE(acknowledgements(play).size() == 1);
  std::string bytes = v1::encode(acknowledgements(play)[0], v1::MediaType::json);
  CHECK(bytes.find(R"("agent_id":{"value":"a1"})") != std::string::npos);
  CHECK(bytes.find(R"("task_id":{"value":"mimas-1-worker-0-0"})") != std::string::npos);
  CHECK(bytes.find(R"("uuid":"AAECAwQFRgeICQoLDA0ODw==")") != std::string::npos);
  CHECK(play.job(job).state == JobState::active);
}

TEST_CASE("rule 58: an update without uuid is not acknowledged") {
  Play play;
  play.running(batch_spec());
  StatusUpdate update = play.update(kFirst, MesosState::unreachable, "AGENT_REMOVED", "MASTER");
  REQUIRE(update.uuid.empty());
  play.feed(update);
  CHECK(play.task(kFirst).state == TaskState::unreachable);
  CHECK(acknowledgements(play).empty());
  update.uuid = "0123456789abcdef";
  play.feed(update);
  CHECK(acknowledgements(play).size() == 1);
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
  play.running(service_spec(), 10);
  play.says("mimas-1-worker-9-0", MesosState::running);
  CHECK(acknowledgements(play).size() == 1);
  CHECK(play.state.anomalies().unknown_tasks == 1);
  play.after(2'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == "mimas-1-worker-9-0");
  play.says("mimas-1-worker-9-0", MesosState::killed);
  CHECK(acknowledgements(play).size() == 1);
  play.after(60'000);
  play.settle();
  CHECK(play.none<KillOnAgent>());
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

TEST_CASE(
    "rule 62: RUNNING after UNREACHABLE or a revocable LOST revives the task, also one that was replaced") {
  for (MesosState away : {MesosState::unreachable, MesosState::lost}) {
    for (bool replaced : {false, true}) {
      CAPTURE(mesos_state_name(away));
      CAPTURE(replaced);
      Play play;
      play.running(service_spec());
      play.master_says(kFirst, away, "AGENT_DISCONNECTED");
      CHECK(play.task(kFirst).state == TaskState::unreachable);
      play.after(replaced ? 30'000 : 10'000);
      play.settle();
      play.master_says(kFirst, MesosState::running, "AGENT_REREGISTERED");
      CHECK(play.task(kFirst).state == TaskState::running);
      CHECK(play.state.anomalies().illegal_transitions == 0);
      CHECK(play.all<KillOnAgent>().size() == (replaced ? 1 : 0));  // the policy: its successor stays
      play.after(100'000);
      play.settle();
      CHECK(play.tasks.size() == (replaced ? 2 : 1));
    }
  }
}

TEST_CASE("rule 63: an unreachable task is replaced after its time, and killed when it comes back later") {
  Play play;
  play.running(service_spec());
  play.master_says(kFirst, MesosState::unreachable, "AGENT_REMOVED");
  play.settle();
  CHECK(play.tasks.size() == 1);  // no instant relaunch
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

TEST_CASE(
    "rule 65: only the unanswered are asked again, ever more slowly; a new subscription starts over; ended "
    "ones never") {
  Play play;
  play.running(service_spec(), 2);
  JobId batch = play.submit(batch_spec());
  play.offer_and_settle("a2");
  std::string ended = make_task_id(batch, 0, 0).value;
  play.says(ended, MesosState::finished);
  auto asked = [&] {
    std::multiset<std::string> ids;
    for (const Reconcile& call : play.questions()) {
      for (const auto& item : call.tasks) {
        ids.insert(item.task.value);
        CHECK(item.agent == AgentId("a1"));
      }
    }
    return ids;
  };
  const std::string other = "mimas-1-worker-1-1";
  play.subscribe();
  CHECK(asked() == std::multiset<std::string>{kFirst, other});
  play.master_says(kFirst, MesosState::running, "RECONCILIATION");
  for (std::int64_t pause : {5'000, 10'000, 20'000, 40'000, 60'000, 60'000}) {
    play.after(pause - 1);
    play.settle();
    CHECK(asked().empty());
    play.after(1);
    play.settle();
    CHECK(asked() == std::multiset<std::string>{other});
  }
  play.subscribe();
  CHECK(asked() == std::multiset<std::string>{kFirst, other});
  play.master_says(kFirst, MesosState::running, "RECONCILIATION");
  play.master_says(other, MesosState::running, "RECONCILIATION");
  play.after(60'000);
  play.settle();
  CHECK(asked().empty());
}

TEST_CASE("rule 66: ten minutes without an answer declare nobody dead") {
  for (bool unreachable : {false, true}) {
    CAPTURE(unreachable);
    Play play;
    play.running(service_spec(), 2);
    if (unreachable) play.master_says(kFirst, MesosState::unreachable, "AGENT_REMOVED");
    play.feed(Disconnected{"the master died"});
    play.after(20'000);
    play.subscribe();
    for (int i = 0; i < 599; ++i) {
      play.after(1'000);
      play.settle();
    }
    CHECK(play.task(kFirst).state == (unreachable ? TaskState::unreachable : TaskState::running));
    CHECK_FALSE(play.task(kFirst).replaced);
    CHECK(play.tasks.size() == 2);
    play.after(1'000);
    play.settle();
    CHECK(play.task(kFirst).replaced == unreachable);  // the last word was that it is unreachable
  }
}

TEST_CASE("rule 67: a stray is killed with its agent, again and again until it has ended") {
  Play play;
  play.running(service_spec(), 10);
  StatusUpdate stray = play.update("ghost", MesosState::running, "RECONCILIATION", "MASTER");
  stray.agent = AgentId("a7");
  play.feed(stray);
  play.after(2'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->agent == AgentId("a7"));
  for (std::int64_t pause : {5'000, 10'000, 20'000, 40'000, 60'000, 60'000}) {
    play.after(pause);
    play.settle();
    CHECK(play.only<KillOnAgent>()->task.value == "ghost");
  }
  stray.state = MesosState::killed;
  play.feed(stray);
  play.after(60'000);
  play.settle();
  CHECK(play.none<KillOnAgent>());
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

TEST_CASE("rule 70: FAILURE of a foreign agent, of nobody, or of an executor changes nothing") {
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
  for (const char* event : {R"({"type":"FAILURE","failure":{"status":-1}})",
                            R"({"type":"FAILURE","failure":{}})", R"({"type":"FAILURE"})",
                            R"({"type":"FAILURE","failure":{"agent_id":{"value":"a1"},)"
                            R"("executor_id":{"value":"e"},"status":-1}})"}) {
    CAPTURE(event);
    mesos::ReadEvent read = mesos::read_event(event, v1::MediaType::json);
    const auto* input = std::get_if<Input>(&read);
    if (input != nullptr) play.feed(*input);
    CHECK(play.state.digest() == before);
  }
}

TEST_CASE("rule 71: a missing health flag and a missing reason differ from false and from reason 0") {
  const std::string head = R"({"task_id":{"value":"t"},"state":"TASK_RUNNING")";
  StatusUpdate bare = read_status(head + "}");
  CHECK_FALSE(bare.healthy.has_value());
  CHECK(bare.reason.empty());
  StatusUpdate ill = read_status(head + R"(,"healthy":false,"reason":"REASON_COMMAND_EXECUTOR_FAILED"})");
  CHECK(ill.healthy == false);
  CHECK(ill.reason == "COMMAND_EXECUTOR_FAILED");
  mesos::pb::TaskStatus status;  // the same in protobuf, where 0 is easily taken for absence
  status.mutable_task_id()->set_value("t");
  status.set_state(mesos::pb::TASK_RUNNING);
  CHECK(mesos::to_status(status)->reason.empty());
  status.set_reason(mesos::pb::TaskStatus::REASON_COMMAND_EXECUTOR_FAILED);
  mesos::pb::TaskStatus again;
  REQUIRE(v1::decode(v1::encode(status, v1::MediaType::protobuf), v1::MediaType::protobuf, &again).ok());
  CHECK(mesos::to_status(again)->reason == "COMMAND_EXECUTOR_FAILED");
}

TEST_CASE("rule 73: an int64 above 2^53 comes through both encodings exactly") {
  for (std::int64_t value : {9'007'199'254'740'993, INT64_MAX, INT64_MIN}) {
    mesos::pb::TaskStatus status;
    status.mutable_task_id()->set_value("t");
    status.set_state(mesos::pb::TASK_UNREACHABLE);
    status.mutable_unreachable_time()->set_nanoseconds(value);
    for (v1::MediaType type : {v1::MediaType::json, v1::MediaType::protobuf}) {
      mesos::pb::TaskStatus again;
      REQUIRE(v1::decode(v1::encode(status, type), type, &again).ok());
      CHECK(again.unreachable_time().nanoseconds() == value);
    }
    std::string json = v1::encode(status, v1::MediaType::json);
    CHECK(json.find(R"({"nanoseconds":)" + std::to_string(value) + "}") != std::string::npos);
  }
}

}  // namespace
}  // namespace mimas::engine
