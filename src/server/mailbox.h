// The one bounded door to the loop: http workers and the mesos reader put inputs in, the loop takes whatever
// has arrived as one batch. Thread-safe. A full mailbox refuses commands at once (the client gets 429) and
// makes the mesos reader wait (back-pressure reaches the master's stream).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/input.h"

namespace mimas::server {

// Work for the loop's thread that does not enter the engine: called once a round until it answers true. One
// round's part should take a few milliseconds.
using Errand = std::function<bool()>;
inline constexpr std::size_t kErrandsMax = 8;

class Mailbox {
 public:
  explicit Mailbox(std::size_t inputs_max) : inputs_max_(inputs_max) {}

  // False when it is full or closed.
  bool offer(engine::Input input) {
    std::lock_guard hold(mutex_);
    if (closed_ || inputs_.size() >= inputs_max_) return false;
    push(std::move(input));
    return true;
  }

  // Waits for room. False when closed.
  bool put(engine::Input input) {
    std::unique_lock hold(mutex_);
    room_.wait(hold, [this] { return closed_ || inputs_.size() < inputs_max_; });
    if (closed_) return false;
    push(std::move(input));
    return true;
  }

  // False when too many wait, or closed.
  bool offer_errand(Errand errand) {
    std::lock_guard hold(mutex_);
    if (closed_ || errands_.size() >= kErrandsMax) return false;
    errands_.push_back(std::move(errand));
    arrived_.notify_one();
    return true;
  }
  std::vector<Errand> take_errands() {
    std::lock_guard hold(mutex_);
    return std::exchange(errands_, {});
  }

  // Everything that has arrived, oldest first; waits up to `wait_ms` for a first one. Empty: time passed, an
  // errand came, or closed.
  std::vector<engine::Input> take(std::int64_t wait_ms) {
    std::unique_lock hold(mutex_);
    arrived_.wait_for(hold, std::chrono::milliseconds(wait_ms),
                      [this] { return closed_ || !inputs_.empty() || !errands_.empty(); });
    std::vector<engine::Input> batch;
    batch.swap(inputs_);
    room_.notify_all();
    return batch;
  }

  void close() {
    std::lock_guard hold(mutex_);
    closed_ = true;
    arrived_.notify_all();
    room_.notify_all();
  }

  std::size_t depth() const {
    std::lock_guard hold(mutex_);
    return inputs_.size();
  }

  bool closed() const {
    std::lock_guard hold(mutex_);
    return closed_;
  }

 private:
  void push(engine::Input input) {
    inputs_.push_back(std::move(input));
    if (inputs_.size() == 1) arrived_.notify_one();
  }

  const std::size_t inputs_max_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_, room_;
  std::vector<engine::Input> inputs_;
  std::vector<Errand> errands_;
  bool closed_ = false;
};

}  // namespace mimas::server
