#include "mesos/call_queue.h"

#include <doctest/doctest.h>

using namespace mimas;
using mesos::CallQueue;

namespace {

engine::KillOnAgent kill(const std::string& task) { return {TaskId(task), AgentId("S0"), 5'000}; }
engine::Acknowledge acknowledge(const std::string& task, const std::string& uuid) {
  return {AgentId("S0"), TaskId(task), uuid};
}

}  // namespace

TEST_CASE("calls leave in the order in which they came") {
  CallQueue queue;
  queue.push(kill("t1"));
  queue.push(engine::ReviveOffers{});
  queue.push(kill("t2"));
  CHECK(std::get<engine::KillOnAgent>(queue.pop()).task.value == "t1");
  CHECK(std::holds_alternative<engine::ReviveOffers>(queue.pop()));
  CHECK(std::get<engine::KillOnAgent>(queue.pop()).task.value == "t2");
  CHECK(queue.empty());
}

TEST_CASE("a KILL and an acknowledgement wait once, and again when the first has left") {
  CallQueue queue;
  for (int i = 0; i < 3; ++i) {
    queue.push(kill("t1"));
    queue.push(acknowledge("t1", "u1"));
    queue.push(engine::AcknowledgeOperation{AgentId("S0"), OperationId("o1"), "u1"});
  }
  queue.push(acknowledge("t1", "u2"));
  CHECK(queue.size() == 4);
  CHECK(queue.answers() == 3);
  (void)queue.pop();
  queue.push(kill("t1"));
  CHECK(queue.size() == 4);
  queue.clear();
  CHECK(queue.empty());
  queue.push(kill("t1"));
  queue.push(acknowledge("t1", "u1"));
  CHECK(queue.size() == 2);
}
