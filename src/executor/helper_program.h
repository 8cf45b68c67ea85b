// An operator's executable run beside the loop (a credentials provider, a CNI plugin): some bytes on its
// standard input, its standard output collected, a deadline after which it is killed. Its stderr is ours.
// Bounds: 1 MiB of input, 64 KiB of output. Single thread. Tested in tests/executor/helper_program_test.cc.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/socket.h"

namespace mimas::executor {

inline constexpr std::size_t kHelperInputMax = 1u << 20;
inline constexpr std::size_t kHelperOutputMax = 64u << 10;

class HelperProgram {
 public:
  HelperProgram() = default;
  HelperProgram(HelperProgram&& other) noexcept { *this = std::move(other); }
  HelperProgram& operator=(HelperProgram&& other) noexcept;
  ~HelperProgram() { kill(); }

  // `path` is absolute and gets no arguments; `environment` is whole. Errors (io) only when nothing could be
  // forked; that it cannot be run shows in the outcome.
  Status start(const std::string& path, const std::vector<std::string>& environment, std::string input,
               std::int64_t timeout_ms, Instant now);

  void add_to(std::vector<pollfd>& polled) const;
  Instant wake_at() const { return running() ? deadline_ : kNever; }
  void pump(Instant now);
  void child_ended(std::int64_t pid, int wait_status);
  void kill();

  bool running() const { return pid_ > 0; }
  std::int64_t pid() const { return pid_; }
  bool done() const { return done_; }
  // Once done: the output, or why there is none (it could not be run, ended with another status than 0 – then
  // with what it printed –, took too long or said too much).
  const Result<std::string>& outcome() const { return outcome_; }
  const std::string& said() const { return output_; }  // once done: by one that failed

 private:
  void finish(int wait_status);
  void read_output();

  std::string path_;
  std::int64_t pid_ = 0;
  net::Socket in_;   // ours to write to
  net::Socket out_;  // ours to read from
  std::string input_;
  std::size_t written_ = 0;
  std::string output_;
  Instant deadline_ = kNever;
  bool too_long_ = false;
  bool too_much_ = false;
  bool done_ = false;
  Result<std::string> outcome_ = std::string();
};

}  // namespace mimas::executor
