// SIGINT and SIGTERM for the long-running commands. The first one calls `on_first` on a thread of its own;
// the second ends the process at once with 128 + its number. Handlers, not blocked masks: a mask would be
// inherited by every process that pocket forks, and those must stay killable. One at a time per process.
// SIGPIPE is ignored.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace mimas::cli {

class StopSignals {
 public:
  static Result<StopSignals> watch(std::function<void(int signal)> on_first);
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
