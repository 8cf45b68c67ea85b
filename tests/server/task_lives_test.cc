#include "server/task_lives.h"

#include <doctest/doctest.h>

using namespace mimas;
using server::TaskLives;

namespace {

// A task's records in the order in which they come; `lives` counts each change.
struct Life {
  TaskLives& lives;
  Task task;
  explicit Life(TaskLives& of) : lives(of) {
    task.queued_at = Instant{1'000};
    lives.changed(nullptr, task);
  }
  void become(TaskState state, std::int64_t at, const std::string& reason = {}) {
    const Task before = task;
    task.state = state;
    task.reason = reason;
    if (state == TaskState::dispatched) task.dispatched_at = Instant{at};
    if (state == TaskState::running && task.running_at.ms == 0) task.running_at = Instant{at};
    lives.changed(&before, task);
  }
};

}  // namespace

TEST_CASE("a life is counted from the queue to its end, with its times") {
  TaskLives lives;
  Life life(lives);
  life.become(TaskState::dispatched, 1'040);
  life.become(TaskState::running, 3'040);
  life.become(TaskState::unreachable, 4'000);
  life.become(TaskState::running, 5'000);  // back: no second start
  life.become(TaskState::failed, 6'000, "MEMORY_LIMIT");
  life.become(TaskState::failed, 6'000, "MEMORY_LIMIT");  // its record again
  CHECK(lives.queued == 1);
  CHECK(lives.dispatched == 1);
  CHECK(lives.started == 1);
  CHECK(lives.endings.at({TaskState::failed, "MEMORY_LIMIT"}) == 1);
  CHECK(lives.waiting.sum_secs == doctest::Approx(0.04));
  CHECK(lives.waiting.counts[3] == 1);  // up to 0.05 s
  CHECK(lives.starting.sum_secs == doctest::Approx(2));
}

TEST_CASE("the wait of a task that was not to be started yet begins when it may") {
  TaskLives lives;
  Life life(lives);
  life.task.not_before = Instant{61'000};
  life.become(TaskState::dispatched, 61'500);
  CHECK(lives.waiting.sum_secs == doctest::Approx(0.5));
}

TEST_CASE("what began before the server did is counted when it ends alone") {
  TaskLives lives;
  Task running;
  running.state = TaskState::running;
  lives.changed(nullptr, running);
  Task ended = running;
  ended.state = TaskState::finished;
  lives.changed(&running, ended);
  CHECK(lives.started == 0);
  CHECK(lives.endings.at({TaskState::finished, ""}) == 1);
}

TEST_CASE("however many reasons come, there is an end to their series") {
  TaskLives lives;
  for (int i = 0; i < 1'000; ++i) Life(lives).become(TaskState::failed, 2'000, "REASON_" + std::to_string(i));
  CHECK(lives.endings.size() <= server::kEndingsMax + 1);
  std::uint64_t all = 0;
  for (const auto& [ending, count] : lives.endings) all += count;
  CHECK(all == 1'000);
}
