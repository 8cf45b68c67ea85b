// What tasks used, as their executors measured it: kept in memory alone, for GET /v2/tasks/{id}/stats. The
// engine decides nothing by it and the store knows nothing of it; after a restart it fills anew.
//
// A task has its last measurements (60, ten minutes at the usual interval) and, older than those, one a
// minute (60, an hour). All tasks together have at most kStatsSamplesMax (28 MiB): with more than 2500 tasks
// each has less, at least two. Ten minutes after a task's end only its last measurement is left, and that
// goes with the task's record. Believed is only the executor of the task, on the agent of the task; a copy of
// a message, and one overtaken by a later one, is dropped. Thread-safe. Tested in tests/server/stats_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "engine/view.h"
#include "model/usage.h"

namespace mimas::server {

inline constexpr std::size_t kStatsSamplesMax = 300'000;  // of 96 bytes
inline constexpr std::size_t kStatsTasksMax = 50'000;     // beyond it newcomers are not measured

class Stats {
 public:
  struct Limits {
    std::size_t samples_max = kStatsSamplesMax;
    std::size_t tasks_max = kStatsTasksMax;
  };
  Stats(const engine::View& view, Instant now) : Stats(view, now, Limits()) {}  // `view` must outlive us
  Stats(const engine::View& view, Instant now, Limits limits)
      : view_(view), limits_(limits), listening_since_(now), swept_at_(now) {}

  // The data of a MESSAGE event. Answers a line for the log, now and then: what was wrong with it.
  std::string take(const AgentId& agent, std::string_view executor, std::string_view data, Instant now);

  std::vector<Usage> history(const TaskId& id) const;  // oldest first; empty: none

  Instant listening_since() const { return listening_since_; }

  struct Counts {
    std::uint64_t messages = 0;   // understood
    std::uint64_t malformed = 0;  // messages and entries
    std::uint64_t foreign = 0;    // entries of tasks that are unknown or somebody else's
    std::size_t tasks = 0, samples = 0;
  };
  Counts counts() const;

 private:
  struct Series {
    std::vector<Usage> minutes, recent;
    std::size_t size() const { return minutes.size() + recent.size(); }
  };
  struct Share {  // of one task
    std::size_t recent, minutes;
  };
  Share share() const;
  void add(const TaskId& id, const Usage& usage);
  void trim(Series& series, const Share& to);
  void sweep(Instant now);
  bool may_speak(const AgentId& agent, std::string_view executor, const TaskId& id, Instant now) const;

  const engine::View& view_;
  const Limits limits_;
  const Instant listening_since_;
  mutable std::mutex mutex_;
  std::map<TaskId, Series> tasks_;
  Counts counts_;
  Instant swept_at_;
};

}  // namespace mimas::server
