#include "pocket/stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "wire/recordio.h"

namespace mimas::pocket {
namespace {

constexpr std::int64_t kDripMs = 50;  // between two portions of a slow stream

}  // namespace

void EventStream::push(std::string_view record) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  queue_.push_back(wire::frame_record(record));
  queued_bytes_ += queue_.back().size();
  if (cut_at_) {
    queue_.back().resize(std::min(queue_.back().size(), *cut_at_));
    closed_ = dropped_ = true;
  }
  if (queued_bytes_ > kStreamQueueBytesMax) {
    queue_.clear();
    queued_bytes_ = 0;
    closed_ = true;
  }
  changed_.notify_all();
}

void EventStream::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void EventStream::drop() {
  const std::lock_guard lock(mutex_);
  queue_.clear();
  closed_ = dropped_ = true;
  changed_.notify_all();
}

void EventStream::cut_next(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  cut_at_ = bytes;
}

void EventStream::drip(std::int64_t bytes_per_second) {
  const std::lock_guard lock(mutex_);
  bytes_per_second_ = bytes_per_second;
  changed_.notify_all();
}

void EventStream::freeze(bool on) {
  const std::lock_guard lock(mutex_);
  frozen_ = on;
  changed_.notify_all();
}

void EventStream::run(http::StreamWriter& writer, std::int64_t check_ms) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, std::chrono::milliseconds(check_ms),
                      [&] { return closed_ || (!queue_.empty() && !frozen_); });
    if (frozen_ && !closed_) {
      // Only the listener's own end is looked for; a peer that closes is not noticed, it is like a dead wire.
      continue;
    }
    if (frozen_ || (queue_.empty() && closed_)) {
      if (dropped_ || frozen_) writer.cut();
      return;
    }
    std::deque<std::string> batch = std::exchange(queue_, {});
    queued_bytes_ = 0;
    lock.unlock();
    if (batch.empty() && !writer.peer_alive()) return;
    if (!write_batch(writer, batch)) return;
    lock.lock();
  }
}

bool EventStream::write_batch(http::StreamWriter& writer, const std::deque<std::string>& batch) {
  for (const std::string& record : batch) {
    bool slowly = false;
    {
      const std::lock_guard lock(mutex_);
      slowly = bytes_per_second_ > 0;
    }
    if (slowly ? !write_slowly(writer, record) : !writer.write(record)) return false;
  }
  return true;
}

bool EventStream::write_slowly(http::StreamWriter& writer, std::string_view record) {
  std::unique_lock lock(mutex_);
  std::int64_t sent = 0;
  while (!record.empty()) {
    std::size_t portion = record.size();
    if (bytes_per_second_ > 0 && !dropped_) {
      // Whole bytes only: at less than one per portion, the wait is longer instead.
      portion = std::min<std::size_t>(
          portion, static_cast<std::size_t>(std::max<std::int64_t>(1, bytes_per_second_ * kDripMs / 1000)));
      const std::int64_t wait_ms = static_cast<std::int64_t>(portion) * 1000 / bytes_per_second_;
      if (sent > 0)
        changed_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                          [&] { return dropped_ || bytes_per_second_ == 0; });
    }
    if (dropped_) {
      writer.cut();
      return false;
    }
    lock.unlock();
    if (!writer.write(record.substr(0, portion))) return false;
    lock.lock();
    sent += static_cast<std::int64_t>(portion);
    record.remove_prefix(portion);
  }
  return true;
}

}  // namespace mimas::pocket
