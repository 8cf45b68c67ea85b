// The one thread that may touch a model. Others post closures; after each batch of them, and at the instant
// the owner asked for, the turn function runs: it carries out the model's outputs and answers when it wants
// to be woken next. Time is the wall clock as it was at the start, moved on by the monotonic clock: it never
// jumps. Thread-safe: post, call, stop. Bound: tasks_max waiting closures; more block the poster. Tested in
// tests/pocket/cluster_test.cc.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/time.h"

namespace mimas::pocket {

class Loop {
 public:
  using Turn = std::function<Instant(Instant now)>;
  static constexpr std::size_t kTasksMax = 65'536;

  Loop();
  ~Loop() { stop(); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start(Turn turn);
  void stop();                                       // what is posted and not yet run is dropped
  void rest(std::int64_t ms);                        // on any other thread, until then or stop()
  bool post(std::function<void(Instant now)> task);  // false: stopped

  // Runs it on the loop, outputs carried out included, and waits. nullopt: stopped.
  template <class T>
  std::optional<T> call(std::function<T(Instant now)> task) {
    std::optional<T> answer;
    const bool ran = call_and_wait([&](Instant now) { answer = task(now); });
    return ran ? std::move(answer) : std::nullopt;
  }

 private:
  struct Task {
    std::function<void(Instant)> run;
    bool* done = nullptr;  // of a waiting caller
  };
  bool call_and_wait(std::function<void(Instant)> run);
  void run();
  Instant now() const;

  Turn turn_;
  std::int64_t wall_ms_ = 0;
  std::int64_t monotonic_ms_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable finished_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  bool stopped_ = true;
  std::thread thread_;
};

}  // namespace mimas::pocket
