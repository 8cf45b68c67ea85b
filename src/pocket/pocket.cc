#include "pocket/pocket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "files/own.h"
#include "pocket/agent.h"
#include "pocket/agent_flags.h"
#include "pocket/agent_folders.h"
#include "pocket/agent_order.h"
#include "pocket/agent_ports.h"
#include "pocket/fault.h"
#include "pocket/masters.h"
#include "pocket/zookeeper_election.h"

namespace mimas::pocket {
namespace {

constexpr const char* kAddedFile = "/added";  // in its directory: the agent was not there at the start
// Below those that the agents of the start share among them.
constexpr Interval kAddedPorts{30'000, 30'999};
constexpr std::uint64_t kAddedPortsEach = 10;

Error io_error(const std::string& what, const std::string& where) {
  return make_error(Code::io, what + ": " + std::strerror(errno), where);
}

// One pocket per work directory; the lock is the kernel's and goes with the process.
Result<int> lock_work_dir(const std::string& work_dir) {
  if (Status made = files::make_data_folder(work_dir, files::passage_of_sandboxes()); !made)
    return made.error();
  const std::string path = work_dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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
  struct Member {
    int number = 0;  // from 0; of those added later never one that was used before
    AgentOptions options;
    std::shared_ptr<Agent> agent;
  };
  PocketOptions options;
  int lock_fd = -1;
  std::unique_ptr<Masters> masters;
  std::mutex agents_mutex;
  std::vector<Member> agents;         // by number; guarded by agents_mutex
  int next_number = 0;                // guarded by resize_mutex
  std::mutex resize_mutex;            // one after the other
  std::atomic<bool> complete{false};  // before, no fault can name an agent and none is added
  std::mutex restarts_mutex;
  std::vector<std::thread> restarts;  // guarded by restarts_mutex
  bool stopped = false;

  ~Impl() {
    stop();
    if (lock_fd >= 0) ::close(lock_fd);
  }
  std::vector<wire::Endpoint> endpoints() const { return masters ? masters->endpoints() : options.join; }
  std::vector<Member> members() {
    const std::lock_guard lock(agents_mutex);
    return agents;
  }
  std::string dir_of(int number) const { return options.work_dir + "/agent" + std::to_string(number); }
  Status start_masters();
  Status start_agents();
  Status start_added_before();
  Status start_agent(const AgentOptions& agent, int number, int share);
  Status resize(const std::string& body);
  Status add_agent(AgentOptions agent);
  Status remove_agent(const std::string& wanted);
  Status play(const Fault& fault);
  void play_on(const std::shared_ptr<Agent>& agent, const Fault& fault);
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
  setup.resize = [this](const std::string& body) { return resize(body); };
  setup.log = options.log;
  setup.access = options.master_access;
  setup.host_names = options.host_names;
  if (options.zookeeper)
    setup.election = std::make_unique<ZooKeeperElection>(*options.zookeeper, options.log);
  auto started = Masters::start(std::move(setup));
  if (!started) return started.error();
  masters = std::move(*started);
  return Done{};
}

Status Pocket::Impl::start_agent(const AgentOptions& agent, int number, int share) {
  AgentSetup setup;
  const Result<mv1::AgentInfo> info = make_agent_info(agent, number, share, options.work_dir);
  if (!info) return info.error();
  setup.info = *info;
  setup.dir = dir_of(number);
  setup.ip = options.agent_ip;
  setup.masters = endpoints();
  setup.access = options.agent_access;
  setup.host_names = options.host_names;
  setup.runner = options.runner;
  setup.executor_recovery_ms = options.executor_recovery_ms;
  setup.executor_registration_ms = options.executor_registration_ms;
  setup.executor_reregistration_ms = options.executor_reregistration_ms;
  setup.executors_max = std::max(1, options.executors_max);
  setup.executor_auth = options.executor_auth;
  setup.domain_sockets = options.domain_sockets;
  setup.log = options.log;
  auto started = Agent::start(std::move(setup));
  if (!started) return started.error();
  const std::lock_guard lock(agents_mutex);
  agents.push_back({number, agent, std::shared_ptr<Agent>(std::move(*started))});
  return Done{};
}

Status Pocket::Impl::start_agents() {
  const int count = static_cast<int>(options.agents.size());
  for (int i = 0; i < count; ++i) {
    if (Status done = start_agent(options.agents[static_cast<std::size_t>(i)], i, count); !done) return done;
  }
  next_number = count;
  if (Status done = start_added_before(); !done) return done;
  complete.store(true);
  return Done{};
}

// Those that were added to an earlier run and not removed: their tasks may still be there.
Status Pocket::Impl::start_added_before() {
  const int configured = next_number;
  std::map<int, AgentOptions> found;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(options.work_dir, failed)) {
    const std::string name = entry.path().filename().string();
    std::ifstream file(entry.path().string() + kAddedFile);
    std::string line;
    if (!name.starts_with("agent") || !std::getline(file, line)) continue;
    const int number = std::atoi(name.c_str() + 5);
    const Result<AgentOptions> agent = parse_agent(line);
    if (number >= configured && agent) found.emplace(number, *agent);
  }
  for (const auto& [number, agent] : found) {
    if (Status done = start_agent(agent, number, kPocketAgentsMax); !done) return done;
    next_number = number + 1;
  }
  return Done{};
}

Status Pocket::Impl::add_agent(AgentOptions agent) {
  std::vector<AgentOptions> others;
  for (const Member& member : members()) others.push_back(member.options);
  const std::optional<Interval> ports = free_ports(others, kAddedPorts, kAddedPortsEach);
  if (!ports) return make_error(Code::conflict, "no ports are left for another agent");
  const int number = next_number++;
  agent.resources += std::string(agent.resources.empty() ? "" : ";") + "ports:[" +
                     std::to_string(ports->begin) + "-" + std::to_string(ports->end) + "]";
  if (Status made = files::make_own_folder(dir_of(number), files::passage_of_sandboxes()); !made) return made;
  if (Status noted = files::write_own_file(dir_of(number) + kAddedFile, agent_text(agent) + '\n'); !noted)
    return noted;
  return start_agent(agent, number, kPocketAgentsMax);
}

Status Pocket::Impl::remove_agent(const std::string& wanted) {
  for (const Member& member : members()) {
    if (!named(wanted, static_cast<std::size_t>(member.number), member.options, member.agent->id())) continue;
    if (!member.agent->idle())
      return make_error(Code::conflict, "something runs there, or it is away", wanted);
    member.agent->stop();
    (void)remove_agent_folders(dir_of(member.number));
    const std::lock_guard lock(agents_mutex);
    std::erase_if(agents, [&](const Member& one) { return one.number == member.number; });
    return Done{};
  }
  return make_error(Code::not_found, "there is no agent '" + wanted + "' in this process", "/remove");
}

Status Pocket::Impl::resize(const std::string& body) {
  if (!complete) return make_error(Code::unavailable, "agents are still being started");
  Result<AgentOrder> order = parse_agent_order(body);
  if (!order) return order.error();
  const std::lock_guard lock(resize_mutex);
  if (static_cast<int>(members().size()) + order->add > kPocketAgentsMax)
    return make_error(Code::conflict, "a pocket has at most " + std::to_string(kPocketAgentsMax) + " agents");
  for (int i = 0; i < order->add; ++i) {
    if (Status done = add_agent(order->agent); !done) return done;
  }
  for (const std::string& wanted : order->remove) {
    if (Status done = remove_agent(wanted); !done) return done;
  }
  return Done{};
}

void Pocket::Impl::play_on(const std::shared_ptr<Agent>& agent, const Fault& fault) {
  if (const auto* lose = std::get_if<LoseAgent>(&fault)) agent->lose(lose->ms);
  if (const auto* delay = std::get_if<DelayUpdates>(&fault)) agent->delay_updates(delay->ms);
  if (const auto* repeat = std::get_if<RepeatUpdates>(&fault))
    agent->repeat_updates(static_cast<int>(repeat->times));
  if (std::holds_alternative<HalfOpenExecutors>(fault)) agent->half_open_executors();
  if (const auto* restart = std::get_if<RestartAgent>(&fault)) {
    const std::lock_guard lock(restarts_mutex);
    restarts.emplace_back([this, agent, how = restart_of(restart->how), away_ms = restart->away_ms] {
      const Status done = agent->restart(how, away_ms);
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
  for (const Member& member : members()) {
    if (!named(wanted, static_cast<std::size_t>(member.number), member.options, member.agent->id())) continue;
    found = true;
    play_on(member.agent, fault);
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
  complete.store(false);
  for (const Member& member : members()) member.agent->stop();
  if (masters) masters->stop();  // from here on nobody orders a fault, or another agent
  join_restarts();
  for (const Member& member : members()) member.agent->stop();  // one that came meanwhile
  const std::lock_guard lock(agents_mutex);
  agents.clear();
}

void Pocket::Impl::shutdown(std::int64_t grace_ms) {
  if (stopped) return;
  std::vector<std::thread> threads;
  for (const Member& member : members())
    threads.emplace_back([agent = member.agent, grace_ms] { agent->shutdown(grace_ms); });
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
  Result<std::vector<AgentOptions>> agents = share_ports(std::move(options.agents));
  if (!agents) return agents.error();
  options.agents = *std::move(agents);
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
int Pocket::tasks() {
  int count = 0;
  for (const Impl::Member& member : impl_->members()) count += member.agent->tasks();
  return count;
}
void Pocket::stop() { impl_->stop(); }
void Pocket::shutdown(std::int64_t grace_ms) { impl_->shutdown(grace_ms); }

}  // namespace mimas::pocket
