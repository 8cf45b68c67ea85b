// For tests of the log keeper: an order for a task, and the loop's part.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "executor/children.h"
#include "executor/log_keeper.h"

namespace mimas::executor {

inline constexpr std::int64_t kRotate = 65'536;
inline constexpr auto kPatience = std::chrono::seconds(60);

inline TaskOrder order_for(const std::string& sandbox, const std::string& id, const LogRules& rules) {
  TaskOrder order;
  order.task_id = id;
  order.sandbox = sandbox;
  order.spec.logs = rules;
  order.spec.tags = {{"job", "mimas-1"}};
  return order;
}

// The loop's part: pumps, and hears of ended helpers.
struct KeeperLoop {
  LogKeeper& keeper;
  Instant now{1'000'000};
  std::vector<PartNews> news;

  void round() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid <= 0) break;
      helper_ended(pid);
      keeper.child_ended(pid, status, now);
    }
    keeper.pump(now, news);
  }
  // A second for each look, so that what waits for a time comes.
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      round();
      now = now + 100;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  // Through a pipe of 64 KiB, with a round whenever it may be full.
  void say(int fd, std::string_view text) {
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, 60'000);
      REQUIRE(::write(fd, piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
      text.remove_prefix(piece.size());
      round();
    }
  }
};

}  // namespace mimas::executor
