// How tasks began and ended since the server started, counted as their records change: what a graph of a
// cluster's health is made of. Kept by the published view under its lock; a copy is what readers get. Not
// thread-safe by itself. Bounds: kEndingsMax pairs of state and reason; what comes on top counts as the
// reason "OTHER". Tested in tests/server/task_lives_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "model/task.h"

namespace mimas::server {

inline constexpr std::size_t kEndingsMax = 128;

// Durations in buckets, as Prometheus counts them.
struct Durations {
  static constexpr std::array<double, 14> kBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                  1,     2.5,  5,     15,   60,  300,  3'600};  // s
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  // the last: longer
  double sum_secs = 0;
  void add(std::int64_t ms);  // what is below 0 (a clock that was set) is 0
};

class TaskLives {
 public:
  // A record that replaces `before`; null: the first that is known of it, which is counted only if it waits,
  // for others were begun in an earlier life of the server.
  void changed(const Task* before, const Task& after);

  std::uint64_t queued = 0;      // tasks made
  std::uint64_t dispatched = 0;  // … given to an agent
  std::uint64_t started = 0;     // … seen RUNNING
  std::map<std::pair<TaskState, std::string>, std::uint64_t>
      endings;         // by state and reason ("": its program's end)
  Durations waiting;   // from being queued (or from the instant it was to wait for) to an agent
  Durations starting;  // from an agent to RUNNING
};

}  // namespace mimas::server
