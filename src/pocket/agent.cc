#include "pocket/agent.h"

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "pocket/agent_folders.h"

namespace mimas::pocket {
namespace {

constexpr int kReapLooks = 500;
constexpr std::chrono::milliseconds kReapPause{10};

// Gone, and reaped where they are our children: a zombie still looks alive to the next life.
void kill_and_reap(const std::vector<pid_t>& pids) {
  kill_sessions(pids, SIGKILL);
  for (const pid_t pid : pids) {
    for (int look = 0; look < kReapLooks; ++look) {
      const pid_t reaped = ::waitpid(pid, nullptr, WNOHANG);
      if (reaped == pid) break;
      if (reaped < 0 && ::kill(pid, 0) != 0) break;  // not our child, and gone
      std::this_thread::sleep_for(kReapPause);
    }
  }
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::start(AgentSetup setup) {
  std::unique_ptr<Agent> agent(new Agent(std::move(setup)));
  auto life = AgentLife::start(agent->setup_);
  if (!life) return life.error();
  agent->life_ = std::move(*life);
  return agent;
}

void Agent::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !restarting_; });
  if (life_) life_->stop();
}

void Agent::shutdown(std::int64_t grace_ms) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !restarting_; });
    if (life_ && !stopped_) life_->shutdown(grace_ms);
  }
  stop();
}

Status Agent::end_executors(AgentRestart how, const std::vector<pid_t>& pids) const {
  if (how == AgentRestart::keep) return Done{};
  kill_and_reap(pids);
  if (how == AgentRestart::reboot) return Done{};
  return remove_agent_folders(setup_.dir);
}

Status Agent::restart(AgentRestart how, std::int64_t away_ms) {
  std::unique_ptr<AgentLife> old;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || restarting_)
      return make_error(Code::conflict, stopped_ ? "the agent has been stopped" : "it is being restarted");
    restarting_ = true;
    old = std::move(life_);
  }
  Status status = Done{};
  if (old) {
    old->stop();
    const std::vector<pid_t> pids = old->executor_pids();
    old.reset();
    status = end_executors(how, pids);
  }
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(away_ms), [&] { return stopped_; });
  if (status && !stopped_) {
    lock.unlock();
    auto life = AgentLife::start(setup_);
    lock.lock();
    if (life) {
      life_ = std::move(*life);
    } else {
      status = life.error();
    }
  }
  restarting_ = false;
  changed_.notify_all();
  return status;
}

std::string Agent::id() {
  const std::lock_guard lock(mutex_);
  return life_ ? life_->id() : "";
}

int Agent::tasks() {
  const std::lock_guard lock(mutex_);
  return life_ ? life_->tasks() : 0;
}

bool Agent::idle() {
  const std::lock_guard lock(mutex_);
  return life_ && life_->idle();
}

void Agent::lose(std::int64_t ms) {
  const std::lock_guard lock(mutex_);
  if (life_) life_->lose(ms);
}

void Agent::delay_updates(std::int64_t ms) {
  const std::lock_guard lock(mutex_);
  if (life_) life_->delay_updates(ms);
}

void Agent::repeat_updates(int times) {
  const std::lock_guard lock(mutex_);
  if (life_) life_->repeat_updates(times);
}

void Agent::half_open_executors() {
  const std::lock_guard lock(mutex_);
  if (life_) life_->half_open_executors();
}

}  // namespace mimas::pocket
