// Processes that outlive their parent: each executor leads a session of its own, is noticed when it ends, and
// takes its whole session with it. Nothing here dies with us: a crash of the pocket leaves executors running.
// spawn(), kill_session(), process_start_time(): thread-safe. ProcessWatch: one thread of its own; watch()
// and stop() from any. Tested in tests/pocket/parts_test.cc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace mimas::pocket {

struct Program {
  std::vector<std::string> argv;         // argv[0] is looked up in the environment's PATH when it has no '/'
  std::vector<std::string> environment;  // "NAME=value", complete
  std::string directory;
  int out = -1;  // descriptors, still the caller's; -1: /dev/null
  int err = -1;
  bool new_session = true;
};
Result<pid_t> spawn(const Program& program);

// When the process began, in clock ticks since boot (/proc/<pid>/stat, field 22); 0: there is none. Tells a
// recycled pid from the process once recorded.
std::uint64_t process_start_time(pid_t pid);

// What the living processes of a leader's session have used and hold together.
struct SessionUse {
  double user_seconds = 0;
  double system_seconds = 0;
  std::int64_t rss_bytes = 0;
};
std::map<pid_t, SessionUse> session_use(const std::vector<pid_t>& leaders);  // one entry for each

// A signal for the process group of each leader and for every process of its session.
void kill_sessions(const std::vector<pid_t>& leaders, int signal);

class ProcessWatch {
 public:
  // `ended` is called on the watch's thread with a wait(2) word, or -1 when the process was not our child.
  using Ended = std::function<void(std::uint64_t key, int wait_status)>;
  ~ProcessWatch() { stop(); }
  Status start(Ended ended);
  void watch(std::uint64_t key, pid_t pid);
  void stop();

 private:
  struct Watched {
    std::uint64_t key = 0;
    pid_t pid = 0;
    int pidfd = -1;  // -1: this kernel has none; asked for now and then
  };
  void run();
  void reap(std::vector<Watched>& watched);

  Ended ended_;
  std::mutex mutex_;
  std::vector<Watched> arriving_;
  bool stopping_ = false;
  int wake_fd_ = -1;
  std::thread thread_;
};

}  // namespace mimas::pocket
