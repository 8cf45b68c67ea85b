#include "model/task.h"

#include <doctest/doctest.h>

#include <set>

namespace mimas {
namespace {

TEST_CASE("every task state has a name of its own that reads back, in either case of letters") {
  std::set<std::string_view> names;
  for (int i = 0; i < kTaskStates; ++i) {
    auto state = static_cast<TaskState>(i);
    std::string_view name = task_state_name(state);
    CHECK(names.insert(name).second);
    CHECK(parse_task_state(name) == state);
  }
  CHECK(parse_task_state("running") == TaskState::running);
  CHECK_FALSE(parse_task_state("RUNNIN").has_value());
  CHECK_FALSE(parse_task_state("").has_value());
}

TEST_CASE("Titus knows eight states; an unreachable task reads as running to it") {
  std::set<std::string_view> names;
  for (int i = 0; i < kTaskStates; ++i) names.insert(titus_state_name(static_cast<TaskState>(i)));
  CHECK(names.size() == 8);
  CHECK(titus_state_name(TaskState::unreachable) == "RUNNING");
}

TEST_CASE("a state is queued, live on an agent or terminal, and only one of them") {
  for (int i = 0; i < kTaskStates; ++i) {
    auto state = static_cast<TaskState>(i);
    CHECK((state == TaskState::queued) + is_live_on_agent(state) + is_terminal(state) == 1);
  }
  CHECK(is_live_on_agent(TaskState::unreachable));
  CHECK(is_terminal(TaskState::finished));
}

}  // namespace
}  // namespace mimas
