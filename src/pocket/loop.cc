#include "pocket/loop.h"

#include <algorithm>
#include <chrono>

#include "net/clock.h"

namespace mimas::pocket {

constexpr std::int64_t kWaitMsMax = 60'000;

Loop::Loop() : wall_ms_(net::wall_now().ms), monotonic_ms_(net::monotonic_ms()) {}

Instant Loop::now() const { return Instant{wall_ms_ + (net::monotonic_ms() - monotonic_ms_)}; }

void Loop::start(Turn turn) {
  const std::lock_guard lock(mutex_);
  turn_ = std::move(turn);
  stopped_ = false;
  thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    arrived_.notify_all();
    finished_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Loop::rest(std::int64_t ms) {
  const std::int64_t until = net::monotonic_ms() + ms;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::int64_t left = until - net::monotonic_ms();
    if (left <= 0) return;
    finished_.wait_for(lock, std::chrono::milliseconds(left));
  }
}

bool Loop::post(std::function<void(Instant)> task) {
  std::unique_lock lock(mutex_);
  if (std::this_thread::get_id() != thread_.get_id())
    finished_.wait(lock, [&] { return stopping_ || tasks_.size() < kTasksMax; });
  if (stopping_) return false;
  tasks_.push_back({std::move(task), nullptr});
  arrived_.notify_one();
  return true;
}

bool Loop::call_and_wait(std::function<void(Instant)> task) {
  bool done = false;
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return stopping_ || tasks_.size() < kTasksMax; });
  if (stopping_ || stopped_) return false;  // also when it has not begun: nobody would run it
  tasks_.push_back({std::move(task), &done});
  arrived_.notify_one();
  finished_.wait(lock, [&] { return done || stopped_; });
  return done;
}

void Loop::run() {
  Instant wake_at = now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::int64_t wait_ms =
        std::clamp<std::int64_t>(wake_at == kNever ? kWaitMsMax : wake_at - now(), 0, kWaitMsMax);
    arrived_.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] { return stopping_ || !tasks_.empty(); });
    if (stopping_) break;
    std::deque<Task> batch = std::exchange(tasks_, {});
    lock.unlock();
    for (Task& task : batch) task.run(now());
    wake_at = turn_(now());
    lock.lock();
    for (Task& task : batch)
      if (task.done != nullptr) *task.done = true;
    finished_.notify_all();
  }
  stopped_ = true;
  tasks_.clear();
  finished_.notify_all();
}

}  // namespace mimas::pocket
