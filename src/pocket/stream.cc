#include "pocket/stream.h"

#include <chrono>
#include <utility>

#include "wire/recordio.h"

namespace mimas::pocket {

void EventStream::push(std::string_view record) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  queue_.push_back(wire::frame_record(record));
  queued_bytes_ += queue_.back().size();
  if (queued_bytes_ > kStreamQueueBytesMax) {
    queue_.clear();
    queued_bytes_ = 0;
    closed_ = true;
  }
  changed_.notify_one();
}

void EventStream::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_one();
}

void EventStream::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

void EventStream::run(http::StreamWriter& writer, std::int64_t check_ms) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (queue_.empty() && !closed_)
      changed_.wait_for(lock, std::chrono::milliseconds(check_ms),
                        [&] { return !queue_.empty() || closed_; });
    if (frozen_) changed_.wait(lock, [&] { return closed_; });
    if ((queue_.empty() || frozen_) && closed_) return;
    std::deque<std::string> batch = std::exchange(queue_, {});
    queued_bytes_ = 0;
    lock.unlock();
    if (batch.empty() && !writer.peer_alive()) return;
    for (const std::string& record : batch)
      if (!writer.write(record)) return;
    lock.lock();
  }
}

}  // namespace mimas::pocket
