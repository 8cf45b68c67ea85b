// SIGINT and SIGTERM for the long-running commands, and SIGHUP for those that can read their files again. The
// first one calls `on_first` on a thread of its own; the second ends the process at once with 128 + its
// number. Handlers, not blocked masks: a mask would be inherited by every process that pocket forks, and
// those must stay killable. One at a time per process. SIGPIPE is ignored.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace mimas::cli {

// For the commands that end by themselves: SIGINT ends the process at once with 130, the cursor on a line of
// its own.
void exit_on_interrupt();

class StopSignals {
 public:
  // `on_hang_up` is called for every SIGHUP, on the same thread; without it SIGHUP ends the process as ever.
  static Result<StopSignals> watch(std::function<void(int signal)> on_first,
                                   std::function<void()> on_hang_up = {});
  StopSignals(StopSignals&& other) noexcept;
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();  // joins; `on_first` is not called any more

 private:
  StopSignals(int read_fd, int write_fd, std::thread watcher);
  int read_fd_ = -1;
  int write_fd_ = -1;
  std::thread watcher_;
};

}  // namespace mimas::cli
