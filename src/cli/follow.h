// What `mimas run --follow` prints: successive answers of GET /v2/jobs/{id} → the lines for what changed in
// between. Pure: the caller polls and says what time it is. Every task state is shown once; a waiting task's
// reason whenever it changes. Tested in tests/cli/follow_test.cc.
#pragma once

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

  bool ended() const { return ended_; }
  bool succeeded() const { return succeeded_; }
  bool waiting_for_place() const { return waiting_; }  // some task is queued and the server says why

 private:
  std::map<std::string, std::string, std::less<>> told_;  // task or job id → what was said last
  bool ended_ = false;
  bool succeeded_ = false;
  bool waiting_ = false;
};

}  // namespace mimas::cli
