// Who waits for which command's answer. An http worker opens a request, posts the command, waits with a
// deadline; the loop fulfils it after the commit. An answer that nobody waits for any more is dropped.
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/effect.h"

namespace mimas::server {

class Replies {
 public:
  engine::RequestId open() {
    std::lock_guard hold(mutex_);
    waiting_.emplace(++last_, std::make_unique<Waiter>());
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
    entry->second->answer = reply.answer;
    entry->second->answered.notify_one();
  }

  // The answer, or nothing when timeout_ms passed or close() was called; the request is forgotten either way.
  // Only the one who opened a request waits for it.
  std::optional<Result<engine::Answer>> wait(engine::RequestId request, std::int64_t timeout_ms) {
    std::unique_lock hold(mutex_);
    const auto entry = waiting_.find(request);
    if (entry == waiting_.end()) return std::nullopt;
    Waiter& waiter = *entry->second;
    waiter.answered.wait_for(hold, std::chrono::milliseconds(timeout_ms),
                             [&] { return closed_ || waiter.answer.has_value(); });
    auto answer = std::move(waiter.answer);
    waiting_.erase(request);
    return answer;
  }

  void close() {
    std::lock_guard hold(mutex_);
    closed_ = true;
    for (auto& [request, waiter] : waiting_) waiter->answered.notify_one();
  }

 private:
  struct Waiter {  // one condition each: an answer wakes nobody else
    std::condition_variable answered;
    std::optional<Result<engine::Answer>> answer;
  };
  std::mutex mutex_;
  engine::RequestId last_ = 0;
  std::map<engine::RequestId, std::unique_ptr<Waiter>> waiting_;
  bool closed_ = false;
};

}  // namespace mimas::server
