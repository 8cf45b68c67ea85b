// A real process for tests of the metrics: it does what it is told, says a line when that is done, and then
// waits. Ended with the test.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace measured {

class Process {
 public:
  // `script` is sh's; a line that it writes to its output is waited for by ready().
  explicit Process(const char* script) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      ::dup2(ends[1], 1);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execl("/bin/sh", "sh", "-c", script, static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    REQUIRE(pid_ > 0);
  }
  ~Process() {
    ::close(output_);
    end();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void ready() const {
    char byte = 0;
    while (::read(output_, &byte, 1) < 0 && errno == EINTR) {
    }
    REQUIRE(byte != 0);
  }
  void end() {
    if (pid_ <= 0) return;
    ::kill(static_cast<pid_t>(-pid_), SIGKILL);
    while (::waitpid(static_cast<pid_t>(pid_), nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
  }
  std::int64_t pid() const { return pid_; }

 private:
  std::int64_t pid_ = 0;
  int output_ = -1;
};

// Burns processor time in a child and waits for it, then holds 24 MiB in another one.
inline constexpr const char* kBusyScript =
    "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; "
    "python3 -c 'import time; data = bytearray(b\"x\") * (24 << 20); print(len(data), flush=True); "
    "time.sleep(600)' & wait";

}  // namespace measured
