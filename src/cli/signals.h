// SIGINT and SIGTERM for the long-running commands, and SIGHUP for those that can read their files again; to
// all others it does no harm, so that whoever tells a server to read its files may name every `mimas` there
// is. The first one calls `on_first` on a thread of its own; the second ends the process at once with 128 +
// its number. Handlers, not blocked masks: a mask would be inherited by every process that pocket forks, and
// those must stay killable. One at a time per process. SIGPIPE is ignored.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace mimas::cli {

// For the commands that end by themselves: SIGINT ends the process at once with 130, the cursor on a line of
// its own.
void exit_on_interrupt();

// From here on SIGHUP does nothing; but a client that had a terminal ends when that is gone. Whoever starts
// us with it ignored (nohup) has it ignored.
void survive_hang_up(bool client);

class StopSignals {
 public:
  // `on_hang_up` is called for every SIGHUP, on the same thread; without it SIGHUP does what it did before.
  static Result<StopSignals> watch(std::function<void(int signal)> on_first,
                                   std::function<void()> on_hang_up = {});
  StopSignals(StopSignals&& other) noexcept;
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();  // joins; `on_first` is not called any more

 private:
  StopSignals(int read_fd, int write_fd, void (*hang_up_before)(int), std::thread watcher);
  int read_fd_ = -1;
  int write_fd_ = -1;
  void (*hang_up_before_)(int) = nullptr;
  std::thread watcher_;
};

}  // namespace mimas::cli
