// What `mimas run --follow`, `scale --wait` and `kill --wait` tell: successive answers of GET /v2/jobs/{id} →
// the lines for what changed in between, and one line for how it goes altogether. Pure: the caller asks again
// and says what time it is. Every task state is shown once, also those that came and went between two
// answers, as far as the tasks' statusHistory tells; a waiting task's reason whenever it changes. Tested in
// tests/cli/follow_test.cc.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace mimas::cli {

class Follower {
 public:
  // `at` leads every line, "10:04:17". With `as_json` a line is a JSON object instead (one per line, for
  // programs).
  std::vector<std::string> update(json::Value job, std::string_view at, bool as_json);

  // "12/24 running, 3 starting, 9 queued (no agent has arch=arm)"; as of the last update.
  const std::string& summary() const { return summary_; }

  bool ended() const { return ended_; }
  bool succeeded() const { return succeeded_; }
  bool waiting_for_place() const { return waiting_; }  // some task is queued and the server says why
  bool settled() const { return settled_; }  // as many are ready as are wanted, and nothing else is alive

 private:
  std::map<std::string, std::string, std::less<>> told_;   // task or job id → what was said last
  std::map<std::string, std::size_t, std::less<>> steps_;  // task id → how many of its steps are told
  std::string summary_;
  bool ended_ = false;
  bool succeeded_ = false;
  bool waiting_ = false;
  bool settled_ = false;
};

// The summary of one answer, by itself.
std::string summary_text(json::Value job);

}  // namespace mimas::cli
