#include <doctest/doctest.h>

#include "model/task.h"

namespace mimas {
namespace {

TEST_CASE("a waiting task has one step in its history, and keeps none") {
  Task task;
  task.queued_at = Instant{5};
  const auto steps = status_history(task);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0] == StatusChange{TaskState::queued, Instant{5}, "", ""});
}

TEST_CASE("what is noted comes after QUEUED, with its reason and a message of bounded length") {
  Task task;
  task.queued_at = Instant{5};
  task.state = TaskState::failed;
  task.reason = "CONTAINER_LAUNCH_FAILED";
  task.message = std::string(255, 'x') + "é and more";
  note_status(task, Instant{9});
  const auto steps = status_history(task);
  REQUIRE(steps.size() == 2);
  CHECK(steps[1].state == TaskState::failed);
  CHECK(steps[1].at == Instant{9});
  CHECK(steps[1].reason == "CONTAINER_LAUNCH_FAILED");
  CHECK(steps[1].message == std::string(255, 'x'));  // é has two bytes: it is left out as a whole
}

TEST_CASE("a long history loses its oldest steps but the first") {
  Task task;
  task.queued_at = Instant{1};
  for (std::int64_t i = 0; i < 50; ++i) {
    task.state = i % 2 == 0 ? TaskState::running : TaskState::unreachable;
    note_status(task, Instant{100 + i});
  }
  const auto steps = status_history(task);
  REQUIRE(steps.size() == kStatusHistoryMax);
  CHECK(steps.front().state == TaskState::queued);
  CHECK(steps[1].at == Instant{131});
  CHECK(steps.back().at == Instant{149});
}

TEST_CASE("the times of a task tell what a record without a history does not") {
  Task task;
  task.queued_at = Instant{1};
  task.dispatched_at = Instant{2};
  task.running_at = Instant{4};
  task.ended_at = Instant{5};
  task.state = TaskState::crashed;
  task.reason = "AGENT_REMOVED";
  task.message = std::string(255, 'x') + "é";
  const auto steps = status_history(task);
  REQUIRE(steps.size() == 4);
  CHECK(steps[1] == StatusChange{TaskState::dispatched, Instant{2}, "", ""});
  CHECK(steps[2] == StatusChange{TaskState::running, Instant{4}, "", ""});
  CHECK(steps[3] == StatusChange{TaskState::crashed, Instant{5}, "AGENT_REMOVED", std::string(255, 'x')});
}

}  // namespace
}  // namespace mimas
