// The one bounded door to the loop: http workers and the mesos reader put inputs in, the loop takes whatever
// has arrived as one batch. Thread-safe. A full mailbox refuses commands at once (the client gets 429) and
// makes the mesos reader wait (back-pressure reaches the master's stream).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/input.h"

namespace mimas::server {

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

  // Everything that has arrived, oldest first; waits up to `wait_ms` for a first one. Empty: time passed, or
  // closed.
  std::vector<engine::Input> take(std::int64_t wait_ms) {
    std::unique_lock hold(mutex_);
    arrived_.wait_for(hold, std::chrono::milliseconds(wait_ms),
                      [this] { return closed_ || !inputs_.empty(); });
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
  bool closed_ = false;
};

}  // namespace mimas::server
