#include "executor/command_keeper.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "executor/children.h"
#include "executor/process_tree.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kLastKillMs = 10'000;  // what sleeps in the kernel is left behind after this

// True: the command has ended, with `status`. Others are orphans of its making.
bool ended(pid_t command, int& status) {
  int of_this = 0;
  pid_t pid;
  while ((pid = ::waitpid(-1, &of_this, WNOHANG)) > 0) {
    if (pid != command) continue;
    status = of_this;
    return true;
  }
  return false;
}

[[noreturn]] void be_keeper(const ProcessPlan& plan) {
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  ::prctl(PR_SET_NAME, "mimas-check");
  adopt_orphans();
  const auto command = start_process(plan);
  if (!command.ok()) {
    const std::string why = command.error().message;
    if (::write(plan.out, why.data(), why.size()) < 0) ::_exit(kKeeperCannotRun);
    ::_exit(kKeeperCannotRun);
  }
  int status = 0;
  siginfo_t info{};
  bool over = false;
  while (!(over = ended(static_cast<pid_t>(*command), status))) {
    if (::sigwaitinfo(&ours, &info) == SIGTERM) break;
  }
  (void)kill_descendants(kLastKillMs);
  ::_exit(!over ? kKeeperStopped : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

std::int64_t start_kept(const ProcessPlan& plan) {
  std::vector<int> keep = plan.groups;
  keep.push_back(plan.out);
  keep.push_back(plan.err);
  const std::int64_t pid = fork_helper(keep);
  if (pid == 0) be_keeper(plan);
  return pid;
}

void end_kept(std::int64_t keeper) { (void)::kill(static_cast<pid_t>(keeper), SIGTERM); }

}  // namespace mimas::executor
