// Who leads, as a machine without sockets, clocks or threads: what a ZooKeeper session says goes in, what to
// ask it next and whom to tell the driver about come out (mesos-protocol §6.2). Always true: masters are told
// only when they differ from those told last; a node that cannot be read is tried again and never passed over
// for the second one, which nobody has elected; without a connection the leader known last stays one for the
// length of a session. Not thread-safe. Times in monotonic milliseconds. Tested by values in
// tests/mesos/detection_test.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/endpoint.h"

namespace mimas::mesos {

inline constexpr std::int64_t kZooKeeperSessionMs = 10'000;  // as Mesos's own (§0.3)
inline constexpr std::int64_t kDetectAgainMs = 2'000;        // after an answer that was of no use
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

class Detection {
 public:
  // What to do about an input, in this order. `text`: a line for the log, when there is something to say.
  struct Step {
    bool reopen = false;  // close the session, if there is one, and open another
    bool list = false;    // ask for the children of the path
    std::string read;     // ask for the content of this child; empty: do not
    std::optional<std::vector<wire::Endpoint>> masters;  // tell the driver
    std::string text;
  };

  Step start(std::int64_t now_ms);
  Step open_failed(const Error& why, std::int64_t now_ms);
  Step connected(std::int64_t now_ms);
  Step disconnected(std::int64_t now_ms);
  Step expired(std::int64_t now_ms);
  Step refused(std::int64_t now_ms);  // the ensemble does not take our user and password
  Step children_changed(std::int64_t now_ms);
  Step children(const Result<std::vector<std::string>>& names, std::int64_t now_ms);
  Step content(const std::string& node, const Result<std::string>& bytes, std::int64_t now_ms);
  Step time_passed(std::int64_t now_ms);
  std::int64_t wake_at_ms() const;  // when time_passed() wants to be called; kNever: no need

 private:
  Step tell(std::vector<wire::Endpoint> masters, std::string text);
  Step again(std::string text, std::int64_t now_ms);
  Step no_answer(std::int64_t now_ms);

  bool connected_ = false;
  bool reopen_next_ = false;  // what again_at_ms_ waits for: a session, or a list
  std::int64_t again_at_ms_ = kNever;
  std::int64_t believe_until_ms_ = kNever;  // while disconnected
  std::string leader_;                      // the node we asked for or know
  std::vector<wire::Endpoint> told_;
  std::string trouble_;  // the last one written to the log, so that a lasting one gets one line
};

}  // namespace mimas::mesos
