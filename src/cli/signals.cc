#include "cli/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace mimas::cli {
namespace {

std::atomic<int> notify_fd{-1};
std::atomic<int> stops_seen{0};
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may touch lock-free atomics only");

void on_stop_signal(int number) {
  const int saved = errno;
  if (stops_seen.fetch_add(1) > 0) _exit(128 + number);
  const auto byte = static_cast<unsigned char>(number);
  const int fd = notify_fd.load();
  if (fd >= 0 && write(fd, &byte, 1) != 1) _exit(128 + number);
  errno = saved;
}

// A pipe that is full of hang-ups needs no other: whoever reads the first reads what the last one meant.
void on_hang_up_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  const int fd = notify_fd.load();
  if (fd >= 0) [[maybe_unused]]
    const ssize_t put = write(fd, &byte, 1);
  errno = saved;
}

void follow(int fd, const std::function<void(int)>& on_first, const std::function<void()>& on_hang_up) {
  for (;;) {
    unsigned char byte = 0;
    const ssize_t got = read(fd, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1 || byte == 0) return;  // 0 is the destructor's
    if (byte != SIGHUP) {
      on_first(byte);
      return;
    }
    on_hang_up();
  }
}

void install(int signal, void (*action)(int)) {
  struct sigaction wanted = {};
  wanted.sa_handler = action;
  wanted.sa_flags = SA_RESTART;
  sigemptyset(&wanted.sa_mask);
  sigaction(signal, &wanted, nullptr);
}

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// Not SIG_IGN, which programs that we start would inherit.
void on_harmless_hang_up(int) {}

void on_client_hang_up(int number) {
  const int saved = errno;
  if (!has_terminal()) _exit(128 + number);
  errno = saved;
}

void on_interrupt(int number) {
  if (isatty(STDERR_FILENO) == 1 && write(STDERR_FILENO, "\n", 1) != 1) _exit(128 + number);
  _exit(128 + number);
}

}  // namespace

void survive_hang_up(bool client) {
  struct sigaction before = {};
  const bool ignored = sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
  if (!ignored) install(SIGHUP, client && has_terminal() ? on_client_hang_up : on_harmless_hang_up);
}

void exit_on_interrupt() { install(SIGINT, on_interrupt); }

Result<StopSignals> StopSignals::watch(std::function<void(int signal)> on_first,
                                       std::function<void()> on_hang_up) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return make_error(Code::io, std::strerror(errno), "pipe");
  const bool reloads = static_cast<bool>(on_hang_up);
  std::thread watcher(follow, ends[0], std::move(on_first), std::move(on_hang_up));
  stops_seen.store(0);
  notify_fd.store(ends[1]);
  install(SIGINT, on_stop_signal);
  install(SIGTERM, on_stop_signal);
  struct sigaction before = {};
  sigaction(SIGHUP, nullptr, &before);
  if (reloads) install(SIGHUP, on_hang_up_signal);
  install(SIGPIPE, SIG_IGN);
  return StopSignals(ends[0], ends[1], before.sa_handler, std::move(watcher));
}

StopSignals::StopSignals(int read_fd, int write_fd, void (*hang_up)(int), std::thread watcher)
    : read_fd_(read_fd), write_fd_(write_fd), hang_up_before_(hang_up), watcher_(std::move(watcher)) {}

StopSignals::StopSignals(StopSignals&& other) noexcept
    : read_fd_(other.read_fd_),
      write_fd_(other.write_fd_),
      hang_up_before_(other.hang_up_before_),
      watcher_(std::move(other.watcher_)) {
  other.read_fd_ = other.write_fd_ = -1;
}

StopSignals::~StopSignals() {
  if (write_fd_ < 0) return;
  const unsigned char end = 0;
  while (write(write_fd_, &end, 1) < 0 && errno == EINTR) continue;
  watcher_.join();
  install(SIGINT, SIG_DFL);
  install(SIGTERM, SIG_DFL);
  install(SIGHUP, hang_up_before_);
  notify_fd.store(-1);
  close(read_fd_);
  close(write_fd_);
}

}  // namespace mimas::cli
