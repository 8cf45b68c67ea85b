#include "server/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/clock.h"

extern char** environ;

namespace mimas::server {
namespace {

constexpr int kLookMs = 20;  // at most so long between two looks whether it has ended

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// Socket pairs, because writing to one whose reader is gone can be told not to raise a signal.
struct Pair {
  Fd ours, theirs;
};
Result<Pair> make_pair_of_ends() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return make_error(Code::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  return Pair{Fd(ends[0]), Fd(ends[1])};
}

int prepare(posix_spawn_file_actions_t* actions, posix_spawnattr_t* attributes, int in, int err) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  int failed = posix_spawn_file_actions_adddup2(actions, in, 0);
  if (failed == 0) failed = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
  if (failed == 0) failed = posix_spawn_file_actions_adddup2(actions, err, 2);
  if (failed == 0) failed = posix_spawn_file_actions_addclosefrom_np(actions, 3);
  if (failed == 0) failed = posix_spawnattr_setpgroup(attributes, 0);
  if (failed == 0) failed = posix_spawnattr_setsigmask(attributes, &none);
  if (failed == 0) failed = posix_spawnattr_setsigdefault(attributes, &all);
  if (failed == 0) {
    failed = posix_spawnattr_setflags(attributes,
                                      POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  return failed;
}

Result<pid_t> start(const std::string& path, int in, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  std::string name = path;
  std::array<char*, 2> arguments = {name.data(), nullptr};
  pid_t pid = 0;
  int failed = prepare(&actions, &attributes, in, err);
  if (failed == 0)
    failed = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return make_error(Code::io, std::string("cannot be started: ") + std::strerror(failed), path);
  return pid;
}

// The program's two ends, served until it has ended.
class Talk {
 public:
  Talk(Fd in, Fd err, const std::string& input) : in_(std::move(in)), err_(std::move(err)), input_(input) {}

  void serve(int wait_ms) {
    std::array<pollfd, 2> ends = {pollfd{in_.get(), POLLOUT, 0}, pollfd{err_.get(), POLLIN, 0}};
    if (::poll(ends.data(), ends.size(), wait_ms) <= 0) return;
    if (ends[0].revents != 0) write_some();
    if (ends[1].revents != 0) read_some();
  }
  // All that it has written; others that it left behind may hold the end open, and are not waited for.
  std::string last_words() {
    while (read_some()) continue;
    while (!tail_.empty() && (tail_.back() == '\n' || tail_.back() == ' ')) tail_.pop_back();
    return tail_;
  }

 private:
  void write_some() {
    const ssize_t put =
        ::send(in_.get(), input_.data() + written_, input_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put > 0) written_ += static_cast<std::size_t>(put);
    if (put < 0 || written_ == input_.size()) in_.close();  // it has read enough, or everything
  }
  bool read_some() {
    if (err_.get() < 0) return false;
    char buffer[4096];
    const ssize_t got = ::recv(err_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
      err_.close();
      return false;
    }
    tail_.append(buffer, static_cast<std::size_t>(got));
    if (tail_.size() > kProgramErrorBytesMax) tail_.erase(0, tail_.size() - kProgramErrorBytesMax);
    return true;
  }

  Fd in_, err_;
  const std::string& input_;
  std::size_t written_ = 0;
  std::string tail_;
};

// Not reaped yet: its process group still is its own.
bool has_ended(pid_t pid) {
  siginfo_t info = {};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

void end_all(pid_t pid, int* status) {
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, status, 0) < 0 && errno == EINTR) continue;
}

Status judge(const std::string& path, int status, const std::string& last_words) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Done{};
  std::string what = WIFEXITED(status) ? "ended with status " + std::to_string(WEXITSTATUS(status))
                                       : "was ended by signal " + std::to_string(WTERMSIG(status));
  if (!last_words.empty()) what += ": " + last_words;
  return make_error(Code::unavailable, std::move(what), path);
}

}  // namespace

Status run_program(const std::string& path, const std::string& input, std::int64_t timeout_ms,
                   const std::atomic<bool>& cancelled) {
  auto in = make_pair_of_ends();
  if (!in) return in.error();
  auto err = make_pair_of_ends();
  if (!err) return err.error();
  const Result<pid_t> pid = start(path, in->theirs.get(), err->theirs.get());
  if (!pid) return pid.error();
  in->theirs.close();
  err->theirs.close();
  Talk talk(std::move(in->ours), std::move(err->ours), input);
  const std::int64_t deadline = net::monotonic_ms() + timeout_ms;
  int status = 0;
  for (;;) {
    talk.serve(kLookMs);
    if (has_ended(*pid)) break;
    const bool late = net::monotonic_ms() >= deadline;
    if (!late && !cancelled.load()) continue;
    end_all(*pid, &status);
    if (!late) return make_error(Code::unavailable, "the server stops", path);
    return make_error(Code::timeout, "did not end within " + std::to_string(timeout_ms / 1'000) + " s", path);
  }
  end_all(*pid, &status);  // what it left behind
  return judge(path, status, talk.last_words());
}

}  // namespace mimas::server
