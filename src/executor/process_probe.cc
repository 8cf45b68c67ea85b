#include "executor/process_probe.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "executor/command_keeper.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kTailMax = 512;
constexpr std::size_t kProbesMax = 100;
constexpr std::int64_t kEndMs = 5'000;  // for a keeper to kill what is below it

}  // namespace

ProcessProbes::~ProcessProbes() {
  for (const Probe& probe : probes_) {
    if (probe.out >= 0) ::close(probe.out);
  }
}

void ProcessProbes::start(std::string_view task_id, std::uint64_t number, ProcessPlan plan,
                          std::int64_t timeout_ms, Instant now, std::vector<RuntimeNews>& news) {
  const auto fail = [&](std::string why) {
    news.push_back(ProbeEnded{std::string(task_id), number, -1, std::move(why)});
  };
  int ends[2];
  if (probes_.size() >= kProbesMax) return fail("too many commands at once");
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(std::string("cannot make a pipe: ") + std::strerror(errno));
  (void)::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  plan.out = plan.err = ends[1];
  const std::int64_t pid = start_kept(plan);
  const int error = errno;
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return fail(std::string("cannot fork: ") + std::strerror(error));
  }
  probes_.push_back({std::string(task_id), number, pid, ends[0], timeout_ms, now + timeout_ms, false, {}});
}

void ProcessProbes::read_more(Probe& probe) {
  char buffer[4096];
  while (probe.out >= 0) {
    const ssize_t got = ::read(probe.out, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (got == 0) {
      ::close(std::exchange(probe.out, -1));
      return;
    }
    probe.tail.append(buffer, static_cast<std::size_t>(got));
    if (probe.tail.size() > kTailMax) probe.tail.erase(0, probe.tail.size() - kTailMax);
    if (got < static_cast<ssize_t>(sizeof buffer)) return;  // the rest another time: it may print without end
  }
}

bool ProcessProbes::child_ended(std::int64_t pid, int wait_status, std::vector<RuntimeNews>& news) {
  const auto at =
      std::find_if(probes_.begin(), probes_.end(), [&](const Probe& probe) { return probe.pid == pid; });
  if (at == probes_.end()) return false;
  read_more(*at);
  ProbeEnded ended{at->task_id, at->number, -1, std::move(at->tail)};
  if (at->late) {
    ended.message.insert(
        0, "no end within " + std::to_string(at->timeout_ms) + " ms" + (ended.message.empty() ? "" : ": "));
  } else if (WIFEXITED(wait_status)) {
    ended.status = WEXITSTATUS(wait_status);
  } else {
    ended.status = 128 + WTERMSIG(wait_status);
  }
  if (at->out >= 0) ::close(at->out);
  probes_.erase(at);
  news.push_back(std::move(ended));
  return true;
}

void ProcessProbes::add_to(std::vector<pollfd>& polled) const {
  for (const Probe& probe : probes_) {
    if (probe.out >= 0) polled.push_back({probe.out, POLLIN, 0});
  }
}

Instant ProcessProbes::wake_at() const {
  Instant wake = kNever;
  for (const Probe& probe : probes_) wake = std::min(wake, probe.deadline);
  return wake;
}

void ProcessProbes::pump(Instant now, const std::vector<std::int64_t>& tasks) {
  for (Probe& probe : probes_) {
    read_more(probe);
    if (now < probe.deadline) continue;
    probe.deadline = now + kEndMs;
    if (!std::exchange(probe.late, true)) {
      end_kept(probe.pid);
    } else {
      kill_tree(probe.pid, tasks);  // somebody has stopped it
    }
  }
}

void ProcessProbes::kill_of(std::string_view task_id, Instant now) {
  for (Probe& probe : probes_) {
    if (probe.task_id != task_id || probe.late) continue;
    probe.late = true;
    probe.deadline = now + kEndMs;
    end_kept(probe.pid);
  }
}

void ProcessProbes::end_all() {
  for (const Probe& probe : probes_) kill_tree(probe.pid, {});
}

}  // namespace mimas::executor
