#include "pocket/pocket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "pocket/agent.h"
#include "pocket/agent_flags.h"
#include "pocket/fault.h"
#include "pocket/masters.h"
#include "pocket/zookeeper_election.h"

namespace mimas::pocket {
namespace {

Error io_error(const std::string& what, const std::string& where) {
  return make_error(Code::io, what + ": " + std::strerror(errno), where);
}

// One pocket per work directory; the lock is the kernel's and goes with the process.
Result<int> lock_work_dir(const std::string& work_dir) {
  std::error_code failed;
  std::filesystem::create_directories(work_dir, failed);
  if (failed) return make_error(Code::io, "cannot make the work directory: " + failed.message(), work_dir);
  const std::string path = work_dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return io_error("cannot write to the work directory", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    const Error error = taken ? make_error(Code::conflict, "another pocket is using this work directory",
                                           work_dir, "stop it or choose another directory")
                              : io_error("cannot lock", path);
    ::close(fd);
    return error;
  }
  return fd;
}

// Agents by number, hostname or id; empty: all.
bool named(const std::string& wanted, std::size_t number, const AgentOptions& options,
           const std::string& id) {
  return wanted.empty() || wanted == std::to_string(number) || wanted == id ||
         wanted ==
             (options.hostname.empty() ? "agent" + std::to_string(number) + ".pocket" : options.hostname);
}

AgentRestart restart_of(const std::string& how) {
  if (how == "wipe") return AgentRestart::wipe;
  return how == "reboot" ? AgentRestart::reboot : AgentRestart::keep;
}

}  // namespace

struct Pocket::Impl {
  PocketOptions options;
  int lock_fd = -1;
  std::unique_ptr<Masters> masters;
  std::vector<std::unique_ptr<Agent>> agents;  // complete before the first fault can name one
  std::atomic<bool> complete{false};
  std::mutex restarts_mutex;
  std::vector<std::thread> restarts;  // guarded by restarts_mutex
  bool stopped = false;

  ~Impl() {
    stop();
    if (lock_fd >= 0) ::close(lock_fd);
  }
  std::vector<wire::Endpoint> endpoints() const { return masters ? masters->endpoints() : options.join; }
  Status start_masters();
  Status start_agents();
  Status play(const Fault& fault);
  void play_on(Agent& agent, const Fault& fault);
  void join_restarts();
  void stop();
  void shutdown(std::int64_t grace_ms);
};

Status Pocket::Impl::start_masters() {
  MastersOptions setup;
  setup.listen = {options.listen};
  setup.listen.insert(setup.listen.end(), options.listen_more.begin(), options.listen_more.end());
  setup.model.allocation_interval_ms = options.allocation_interval_ms;
  setup.model.agent_ping_timeout_ms = options.agent_ping_timeout_ms;
  setup.model.agent_reregister_ms = std::max<std::int64_t>(10'000, 5 * options.agent_ping_timeout_ms);
  setup.registry = options.registry.empty() ? options.work_dir + "/agents" : options.registry;
  setup.agents = [this](const Fault& fault) { return play(fault); };
  setup.log = options.log;
  setup.access = options.master_access;
  if (options.zookeeper)
    setup.election = std::make_unique<ZooKeeperElection>(*options.zookeeper, options.log);
  auto started = Masters::start(std::move(setup));
  if (!started) return started.error();
  masters = std::move(*started);
  return Done{};
}

Status Pocket::Impl::start_agents() {
  const int count = static_cast<int>(options.agents.size());
  for (int i = 0; i < count; ++i) {
    AgentSetup setup;
    const Result<mv1::AgentInfo> info =
        make_agent_info(options.agents[static_cast<std::size_t>(i)], i, count, options.work_dir);
    if (!info) return info.error();
    setup.info = *info;
    setup.dir = options.work_dir + "/agent" + std::to_string(i);
    setup.ip = options.agent_ip;
    setup.masters = endpoints();
    setup.access = options.agent_access;
    setup.runner = options.runner;
    setup.executor_registration_ms = options.executor_registration_ms;
    setup.executor_reregistration_ms = options.executor_reregistration_ms;
    setup.executors_max = std::max(1, options.executors_max);
    setup.executor_auth = options.executor_auth;
    setup.domain_sockets = options.domain_sockets;
    setup.log = options.log;
    auto agent = Agent::start(std::move(setup));
    if (!agent) return agent.error();
    agents.push_back(std::move(*agent));
  }
  complete.store(true);
  return Done{};
}

void Pocket::Impl::play_on(Agent& agent, const Fault& fault) {
  if (const auto* lose = std::get_if<LoseAgent>(&fault)) agent.lose(lose->ms);
  if (const auto* delay = std::get_if<DelayUpdates>(&fault)) agent.delay_updates(delay->ms);
  if (const auto* repeat = std::get_if<RepeatUpdates>(&fault))
    agent.repeat_updates(static_cast<int>(repeat->times));
  if (std::holds_alternative<HalfOpenExecutors>(fault)) agent.half_open_executors();
  if (const auto* restart = std::get_if<RestartAgent>(&fault)) {
    const std::lock_guard lock(restarts_mutex);
    restarts.emplace_back([this, &agent, how = restart_of(restart->how), away_ms = restart->away_ms] {
      const Status done = agent.restart(how, away_ms);
      if (!done && options.log) options.log("restart of an agent: " + done.error().text());
    });
  }
}

Status Pocket::Impl::play(const Fault& fault) {
  if (!complete) return make_error(Code::unavailable, "agents are still being started", fault_name(fault));
  const std::string wanted = std::visit(
      [](const auto& one) -> std::string {
        if constexpr (requires { one.agent; }) return one.agent;
        return {};
      },
      fault);
  bool found = false;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    if (!named(wanted, i, options.agents[i], agents[i]->id())) continue;
    found = true;
    play_on(*agents[i], fault);
  }
  if (found) return Done{};
  return make_error(Code::not_found, "there is no agent '" + wanted + "' in this process", "/agent",
                    "give its number from 0, its hostname or its id");
}

void Pocket::Impl::join_restarts() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(restarts_mutex);
    threads.swap(restarts);
  }
  for (std::thread& thread : threads) thread.join();
}

void Pocket::Impl::stop() {
  if (std::exchange(stopped, true)) return;
  for (const auto& agent : agents) agent->stop();
  if (masters) masters->stop();  // from here on nobody orders a fault
  join_restarts();
  agents.clear();
}

void Pocket::Impl::shutdown(std::int64_t grace_ms) {
  if (stopped) return;
  std::vector<std::thread> threads;
  for (const auto& agent : agents) threads.emplace_back([&agent, grace_ms] { agent->shutdown(grace_ms); });
  for (std::thread& thread : threads) thread.join();
  stop();
}

Pocket::Pocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pocket::~Pocket() { stop(); }

Result<std::unique_ptr<Pocket>> Pocket::start(PocketOptions options) {
  for (const AgentOptions& agent : options.agents)
    if (const Status fine = check_agent(agent); !fine) return fine.error();
  if (options.work_dir.empty())
    return make_error(Code::invalid_argument, "a work directory is needed", "work_dir");
  if (!options.master && options.join.empty())
    return make_error(Code::invalid_argument, "without a master of its own a pocket needs one to join",
                      "join");
  auto impl = std::make_unique<Impl>();
  std::error_code failed;
  options.work_dir = std::filesystem::absolute(options.work_dir, failed).lexically_normal().string();
  while (options.work_dir.size() > 1 && options.work_dir.back() == '/') options.work_dir.pop_back();
  impl->options = std::move(options);
  Result<int> locked = lock_work_dir(impl->options.work_dir);
  if (!locked) return locked.error();
  impl->lock_fd = *locked;
  if (impl->options.master)
    if (const Status begun = impl->start_masters(); !begun) return begun.error();
  if (const Status begun = impl->start_agents(); !begun) return begun.error();
  return std::unique_ptr<Pocket>(new Pocket(std::move(impl)));
}

wire::Endpoint Pocket::master() const { return impl_->endpoints().front(); }
std::vector<wire::Endpoint> Pocket::masters() const { return impl_->endpoints(); }
void Pocket::stop() { impl_->stop(); }
void Pocket::shutdown(std::int64_t grace_ms) { impl_->shutdown(grace_ms); }

}  // namespace mimas::pocket
