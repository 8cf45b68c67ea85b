#include "executor/helper_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "executor/children.h"

namespace mimas::executor {
namespace {

constexpr int kCannotRun = 127;  // as a shell says it

Error failed(const std::string& path, std::string what) {
  return make_error(Code::io, path + " " + std::move(what));
}

std::string shortened(std::string_view output) {
  while (!output.empty() && (output.back() == '\n' || output.back() == ' ')) output.remove_suffix(1);
  return std::string(output.substr(0, 512));
}

[[noreturn]] void become(const std::string& path, char* const* environment, int in, int out) {
  if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0) ::_exit(kCannotRun);
  close_on_exec_from(STDERR_FILENO + 1);
  char* const argv[] = {const_cast<char*>(path.c_str()), nullptr};
  ::execve(path.c_str(), argv, environment);
  ::_exit(kCannotRun);
}

}  // namespace

HelperProgram& HelperProgram::operator=(HelperProgram&& other) noexcept {
  if (this == &other) return *this;
  kill();
  path_ = std::move(other.path_);
  pid_ = std::exchange(other.pid_, 0);
  in_ = std::move(other.in_);
  out_ = std::move(other.out_);
  input_ = std::move(other.input_);
  written_ = other.written_;
  output_ = std::move(other.output_);
  deadline_ = other.deadline_;
  too_long_ = other.too_long_;
  too_much_ = other.too_much_;
  done_ = other.done_;
  outcome_ = std::move(other.outcome_);
  return *this;
}

Status HelperProgram::start(const std::string& path, const std::vector<std::string>& environment,
                            std::string input, std::int64_t timeout_ms, Instant now) {
  if (input.size() > kHelperInputMax) return failed(path, "was to be told more than 1 MiB");
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0)
    return failed(path, std::string("cannot have a pipe: ") + std::strerror(errno));
  net::Socket theirs_in(in[0]);
  net::Socket ours_in(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0)
    return failed(path, std::string("cannot have a pipe: ") + std::strerror(errno));
  net::Socket ours_out(out[0]);
  net::Socket theirs_out(out[1]);
  std::vector<char*> variables;
  for (const std::string& entry : environment) variables.push_back(const_cast<char*>(entry.c_str()));
  variables.push_back(nullptr);
  const std::int64_t pid = fork_helper({in[0], out[1]});
  if (pid == 0) become(path, variables.data(), in[0], out[1]);
  if (pid < 0) return failed(path, std::string("cannot be forked: ") + std::strerror(errno));
  (void)::fcntl(in[1], F_SETFL, O_NONBLOCK);
  (void)::fcntl(out[0], F_SETFL, O_NONBLOCK);
  path_ = path;
  pid_ = pid;
  in_ = std::move(ours_in);
  out_ = std::move(ours_out);
  input_ = std::move(input);
  written_ = 0;
  output_.clear();
  deadline_ = now + timeout_ms;
  too_long_ = too_much_ = done_ = false;
  pump(now);
  return Done{};
}

void HelperProgram::add_to(std::vector<pollfd>& polled) const {
  if (in_.open()) polled.push_back({in_.fd(), POLLOUT, 0});
  if (out_.open()) polled.push_back({out_.fd(), POLLIN, 0});
}

void HelperProgram::pump(Instant now) {
  if (in_.open()) {
    const ssize_t sent = ::write(in_.fd(), input_.data() + written_, input_.size() - written_);
    if (sent > 0) written_ += static_cast<std::size_t>(sent);
    // Who does not want to hear the rest (EPIPE) may still have something to say.
    if (written_ == input_.size() || (sent < 0 && errno != EAGAIN && errno != EINTR)) in_.close();
  }
  read_output();
  if (running() && now >= deadline_ && !too_long_) {
    too_long_ = true;
    (void)::kill(static_cast<pid_t>(-pid_), SIGKILL);
  }
}

void HelperProgram::read_output() {
  char bytes[4096];
  while (out_.open()) {
    const ssize_t got = ::read(out_.fd(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      out_.close();
    } else if (output_.size() + static_cast<std::size_t>(got) > kHelperOutputMax) {
      too_much_ = true;
      out_.close();
      if (running()) (void)::kill(static_cast<pid_t>(-pid_), SIGKILL);
    } else {
      output_.append(bytes, static_cast<std::size_t>(got));
    }
  }
}

void HelperProgram::child_ended(std::int64_t pid, int wait_status) {
  if (!running() || pid != pid_) return;
  read_output();
  finish(wait_status);
}

// Children of its own may hold the pipe; what counts is what was said until its end.
void HelperProgram::finish(int wait_status) {
  (void)::kill(static_cast<pid_t>(-pid_), SIGKILL);
  pid_ = 0;
  done_ = true;
  in_.close();
  out_.close();
  if (too_long_) {
    outcome_ = failed(path_, "took too long and was killed");
  } else if (too_much_) {
    outcome_ = failed(path_, "said more than 64 KiB and was killed");
  } else if (WIFSIGNALED(wait_status)) {
    outcome_ = failed(path_, "was killed by signal " + std::to_string(WTERMSIG(wait_status)));
  } else if (WEXITSTATUS(wait_status) == kCannotRun && output_.empty()) {
    outcome_ = failed(path_, "cannot be run: is it there, executable, and for this machine?");
  } else if (WEXITSTATUS(wait_status) != 0) {
    outcome_ = failed(path_, "ended with status " + std::to_string(WEXITSTATUS(wait_status)) +
                                 (output_.empty() ? "" : ": " + shortened(output_)));
  } else {
    outcome_ = std::exchange(output_, {});
  }
}

void HelperProgram::kill() {
  if (running()) (void)::kill(static_cast<pid_t>(-pid_), SIGKILL);
  pid_ = 0;
  in_.close();
  out_.close();
}

}  // namespace mimas::executor
