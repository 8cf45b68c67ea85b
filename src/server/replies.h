// Who waits for which command's answer. An http worker opens a request, posts the command, waits with a
// deadline; the loop fulfils it after the commit. An answer that nobody waits for any more is dropped.
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/effect.h"

namespace mimas::server {

class Replies {
 public:
  engine::RequestId open() {
    std::lock_guard hold(mutex_);
    waiting_.emplace(++last_, std::nullopt);
    return last_;
  }

  void cancel(engine::RequestId request) {
    std::lock_guard hold(mutex_);
    waiting_.erase(request);
  }

  void fulfil(const engine::Reply& reply) {
    std::lock_guard hold(mutex_);
    const auto entry = waiting_.find(reply.request);
    if (entry == waiting_.end()) return;
    entry->second = reply.answer;
    answered_.notify_all();
  }

  // The answer, or nothing when timeout_ms passed or close() was called; the request is forgotten either way.
  std::optional<Result<engine::Answer>> wait(engine::RequestId request, std::int64_t timeout_ms) {
    std::unique_lock hold(mutex_);
    answered_.wait_for(hold, std::chrono::milliseconds(timeout_ms), [&] {
      const auto entry = waiting_.find(request);
      return closed_ || entry == waiting_.end() || entry->second.has_value();
    });
    const auto entry = waiting_.find(request);
    if (entry == waiting_.end()) return std::nullopt;
    auto answer = std::move(entry->second);
    waiting_.erase(entry);
    return answer;
  }

  void close() {
    std::lock_guard hold(mutex_);
    closed_ = true;
    answered_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  engine::RequestId last_ = 0;
  std::map<engine::RequestId, std::optional<Result<engine::Answer>>> waiting_;
  bool closed_ = false;
};

}  // namespace mimas::server
