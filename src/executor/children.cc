#include "executor/children.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

namespace mimas::executor {
namespace {

constexpr int kHighestFd = 4'096;  // on kernels without close_range

std::vector<std::int64_t>& helpers() {
  static std::vector<std::int64_t> pids;
  return pids;
}

bool close_range(unsigned first, unsigned last, unsigned flags) {
#ifdef SYS_close_range
  return ::syscall(SYS_close_range, first, last, flags) == 0;
#else
  (void)first, (void)last, (void)flags;
  return false;
#endif
}

void close_between(int first, int last) {
  if (first > last) return;
  if (close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0)) return;
  for (int fd = first; fd <= std::min(last, kHighestFd); ++fd) (void)::close(fd);
}

// The descriptors between those to keep, in their order; `keep` is a handful.
void close_all_but(const std::vector<int>& keep) {
  int first = STDERR_FILENO + 1;
  for (;;) {
    int next = -1;
    for (const int fd : keep) {
      if (fd >= first && (next < 0 || fd < next)) next = fd;
    }
    if (next < 0) break;
    close_between(first, next - 1);
    first = next + 1;
  }
  close_between(first, 0x7fffffff);
}

}  // namespace

void default_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) (void)::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_on_exec_from(int first) {
  constexpr unsigned kCloexec = 4;
  if (close_range(static_cast<unsigned>(first), ~0U, kCloexec)) return;
  for (int fd = first; fd < kHighestFd; ++fd) (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

std::int64_t fork_helper(const std::vector<int>& keep) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid > 0) helpers().push_back(pid);
  if (pid != 0) return pid;
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // we were orphaned before the line above
  default_signals();
  close_all_but(keep);
  const int null = ::open("/dev/null", O_RDONLY);  // the lowest free number: keep's stay as they are
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) ::_exit(127);
  if (null > STDERR_FILENO) ::close(null);
  return 0;
}

bool is_helper(std::int64_t pid) {
  return std::find(helpers().begin(), helpers().end(), pid) != helpers().end();
}

void helper_ended(std::int64_t pid) {
  auto& all = helpers();
  all.erase(std::remove(all.begin(), all.end(), pid), all.end());
}

}  // namespace mimas::executor
