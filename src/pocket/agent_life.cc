#include "pocket/agent_life.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "net/clock.h"
#include "pocket/agent_folders.h"
#include "pocket/jwt.h"
#include "pocket/sandbox.h"

namespace mimas::pocket {
namespace {

constexpr int kPortTries = 16;
// Mesos tells executors to pause no longer than it waits for them; where we wait longer than it does, they
// need not.
constexpr std::int64_t kSubscriptionBackoffMs = 2'000;

constexpr std::int64_t kShutdownLookMs = 20;
constexpr std::int64_t kDrainMs = 500;

}  // namespace

void AgentLife::log(const std::string& line) const {
  if (setup_.log) setup_.log(setup_.info.hostname() + ": " + line);
}

Result<std::unique_ptr<AgentLife>> AgentLife::start(AgentSetup setup) {
  std::unique_ptr<AgentLife> agent(new AgentLife(std::move(setup)));
  if (const Status begun = agent->begin(); !begun) return begun.error();
  return agent;
}

Status AgentLife::begin() {
  const auto tell = [this](const std::string& line) { log(line); };
  Result<std::string> shared = make_agent_folders(setup_.dir, kElsewhere, tell);
  if (!shared) return shared.error();
  shared_dir_ = *std::move(shared);
  Result<CheckpointStore::Found> found = checkpoints_.load();
  if (!found) return found.error();
  if (const Status done = take_secret(); !done) return done;
  const bool been_here = found->agent.has_id();
  if (been_here) {
    *setup_.info.mutable_id() = found->agent.id();
    setup_.info.set_port(found->agent.port());
  }
  const bool needs_port = !found->state.executors.empty();
  // Requests that arrive before the model is there are answered 503, as by a recovering agent.
  if (const Status bound = listen(been_here ? static_cast<std::uint16_t>(setup_.info.port()) : 0, needs_port);
      !bound)
    return bound;
  if (const Status bound = listen_domain(); !bound) return bound;
  LaunchPlace place{setup_.dir,
                    shared_dir_,
                    setup_.ip,
                    listener_->port(),
                    setup_.runner,
                    std::min(setup_.executor_reregistration_ms, kSubscriptionBackoffMs),
                    setup_.executor_recovery_ms};
  if (domain_listener_) place.domain_socket = domain_path();
  if (!secret_.empty())
    place.token = [key = secret_](const ContainerRef& container) { return make_token(key, container); };
  launcher_ = std::make_unique<Launcher>(
      place,
      [this](const ContainerRef& container, const Result<pid_t>& pid) { on_launched(container, pid); });
  launcher_->start();
  const Status watching = watch_.start([this](std::uint64_t key, int status) { on_ended(key, status); });
  if (!watching) return watching;
  AgentModelOptions options;
  options.info = setup_.info;
  options.ip = setup_.ip;
  options.executor_registration_ms = setup_.executor_registration_ms;
  options.executor_reregistration_ms = setup_.executor_reregistration_ms;
  options.seed = net::random_seed();
  loop_.start([this](Instant now) { return turn(now); });
  start_link();
  loop_.post([this, options, state = std::move(found->state)](Instant now) {
    model_ = std::make_unique<AgentModel>(options, state, now);
    adopt(state);
  });
  link_->start();
  return Done{};
}

// Below the ports that the kernel hands out to clients (32768 on), so that nobody is given ours while we are
// away.
std::uint16_t AgentLife::random_port() {
  constexpr std::uint64_t kFirst = 15'000;
  constexpr std::uint64_t kLast = 29'999;
  return static_cast<std::uint16_t>(kFirst + net::random_seed() % (kLast - kFirst + 1));
}

Status AgentLife::listen(std::uint16_t port, bool must_have_it) {
  http::Options options;
  options.listen = {setup_.ip, port};
  options.host_names = setup_.host_names;
  options.host_names.push_back(setup_.info.hostname());  // what masters and viewers call it
  // One stream per executor, and a second connection for its calls.
  options.workers = 2 * setup_.executors_max + 32;
  options.streams_max = setup_.executors_max + 16;
  options.body_bytes_max = 16u << 20;
  const auto open = [&](std::uint16_t at) {
    options.listen.port = at;
    return http::Listener::open(options, [this](const http::Request& request) { return handle(request); });
  };
  auto opened = open(port != 0 ? port : random_port());
  // The last try is any port at all.
  for (int tries = kPortTries; !opened && !must_have_it && tries >= 0; --tries) {
    opened = open(tries > 0 ? random_port() : std::uint16_t{0});
  }
  if (!opened) return opened.error();
  listener_ = std::move(*opened);
  setup_.info.set_port(listener_->port());
  return Done{};
}

Status AgentLife::listen_domain() {
  if (!setup_.domain_sockets) return Done{};
  http::Options options;
  options.unix_path = domain_path();
  options.workers = 2 * setup_.executors_max + 32;
  options.streams_max = setup_.executors_max + 16;
  options.body_bytes_max = 16u << 20;
  auto opened =
      http::Listener::open(options, [this](const http::Request& request) { return handle_domain(request); });
  if (!opened) return opened.error();
  domain_listener_ = std::move(*opened);
  return Done{};
}

// The key stays over restarts: executors that run keep their tokens. Nobody else may read it.
Status AgentLife::take_secret() {
  if (!setup_.executor_auth) return Done{};
  Result<std::string> secret = keep_secret(setup_.dir + "/meta/executor_key");
  if (!secret) return secret.error();
  secret_ = *std::move(secret);
  return Done{};
}

// Executors of an earlier life: not our children (or, within one process, zombies-to-be), but watched all the
// same.
void AgentLife::adopt(const RecoveredState& state) {
  for (const RecoveredExecutor& executor : state.executors) {
    if (executor.pid == 0) continue;
    const std::uint64_t key = next_process_++;
    processes_[key] = {executor.container, static_cast<pid_t>(executor.pid)};
    watch_.watch(key, static_cast<pid_t>(executor.pid));
  }
  if (!state.executors.empty()) log("recovering " + std::to_string(state.executors.size()) + " executors");
}

void AgentLife::start_link() {
  AgentLink::Callbacks callbacks;
  callbacks.connecting = [this](std::string session) -> std::optional<Registration> {
    return loop_.call<Registration>([&](Instant) { return model_->registration(session); });
  };
  callbacks.command = [this](Command command) {
    loop_.post([this, command = std::move(command)](Instant now) {
      if (const auto* registered = std::get_if<Registered>(&command))
        log("registered as " + registered->agent_id);
      model_->command(command, now);
    });
  };
  callbacks.lost = [this] { loop_.post([this](Instant) { model_->master_gone(); }); };
  callbacks.log = [this](const std::string& line) { log(line); };
  link_ = std::make_unique<AgentLink>(setup_.masters, setup_.access, std::move(callbacks));
}

Instant AgentLife::turn(Instant now) {
  if (!model_) return kNever;
  if (model_->wake_at() <= now) model_->tick(now);
  for (const AgentOutput& output : model_->take_outputs()) carry_out(output);
  return model_->wake_at();
}

void AgentLife::carry_out(const AgentOutput& output) {
  if (const auto* start = std::get_if<StartContainer>(&output)) {
    launcher_->launch(*start);
  } else if (const auto* mount = std::get_if<MountVolumes>(&output)) {
    const Result<std::string> sandbox =
        make_sandbox(shared_dir_, model_->info().id().value(), mount->container);
    const Status linked = sandbox ? link_volumes(shared_dir_, *sandbox, mount->volumes) : sandbox.error();
    if (!linked) log("volume: " + linked.error().text());
  } else if (const auto* killed = std::get_if<KillContainer>(&output)) {
    kill(*killed);
  } else if (const auto* event = std::get_if<ToExecutorStream>(&output)) {
    const auto found = subscribers_.find(event->stream);
    if (found != subscribers_.end()) found->second.stream->push(v1::encode(event->event, found->second.type));
  } else if (const auto* end = std::get_if<EndStream>(&output)) {
    const auto found = subscribers_.find(end->stream);
    if (found == subscribers_.end()) return;
    found->second.stream->close();
    subscribers_.erase(found);
  } else if (const auto* report = std::get_if<ToMaster>(&output)) {
    link_->send(report->report);
  } else if (const auto* record = std::get_if<Checkpoint>(&output)) {
    if (const Status done = checkpoints_.write(*record); !done) log("checkpoint: " + done.error().text());
  } else if (const auto* volume = std::get_if<VolumeChange>(&output)) {
    if (const Status done = checkpoints_.change_volume(*volume); !done) log("volume: " + done.error().text());
  } else if (const auto* forget = std::get_if<ForgetContainer>(&output)) {
    checkpoints_.forget(forget->container);
  } else if (std::holds_alternative<ForgetAll>(output)) {
    checkpoints_.forget_all();
    log("told to leave the cluster");
  }
}

void AgentLife::kill(const KillContainer& order) {
  for (const auto& [key, process] : processes_) {
    if (process.container != order.container) continue;
    if (order.gentle) {
      ::kill(-process.pid, SIGTERM);
    } else {
      kill_sessions({process.pid}, SIGKILL);
    }
  }
}

void AgentLife::on_launched(const ContainerRef& container, const Result<pid_t>& pid) {
  loop_.post([this, container, pid](Instant now) {
    if (!pid) {
      log(container.executor_id + ": " + pid.error().text());
      model_->start_failed(container, pid.error().text(), now);
      return;
    }
    const std::uint64_t key = next_process_++;
    processes_[key] = {container, *pid};
    if (const Status done = checkpoints_.write_pid(container, *pid); !done)
      log("checkpoint: " + done.error().text());
    watch_.watch(key, *pid);
    model_->started(container, *pid, now);
  });
}

void AgentLife::on_ended(std::uint64_t key, int wait_status) {
  loop_.post([this, key, wait_status](Instant now) {
    const auto found = processes_.find(key);
    if (found == processes_.end()) return;
    const ContainerRef container = found->second.container;
    processes_.erase(found);
    model_->exited(container, wait_status, now);
  });
}

// Executors see a connection that ends; what runs, runs on.
void AgentLife::stop() {
  if (std::exchange(stopped_, true)) return;
  if (launcher_) launcher_->stop();
  if (link_) link_->stop();
  watch_.stop();
  loop_.call<bool>(
      [](Instant) { return true; });  // the pid of what was just forked must reach its checkpoint
  loop_.stop();
  {
    const std::lock_guard lock(frozen_mutex_);
    frozen_.clear();
    thawed_.notify_all();
  }
  for (auto& [number, subscriber] : subscribers_) subscriber.stream->close();
  if (domain_listener_) domain_listener_->stop();
  if (listener_) listener_->stop();
  subscribers_.clear();
}

void AgentLife::shutdown(std::int64_t grace_ms) {
  loop_.call<bool>([&](Instant now) { return model_ ? (model_->shutdown_all(now, grace_ms), true) : true; });
  const std::int64_t deadline = net::monotonic_ms() + grace_ms + 2'000;
  while (net::monotonic_ms() < deadline) {
    const auto idle =
        loop_.call<bool>([&](Instant) { return !model_ || (model_->idle() && processes_.empty()); });
    if (idle.value_or(true)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(kShutdownLookMs));
  }
  link_->drain(kDrainMs);
  stop();
}

std::string AgentLife::id() {
  return loop_.call<std::string>([&](Instant) { return model_ ? model_->info().id().value() : ""; })
      .value_or("");
}

int AgentLife::tasks() {
  const auto count = loop_.call<int>([&](Instant) {
    int alive = 0;
    if (!model_) return alive;
    for (const auto& [framework_id, framework] : model_->frameworks())
      for (const auto& [executor_id, executor] : framework.executors)
        for (const auto& [task_id, task] : executor.tasks) alive += is_terminal(task.latest) ? 0 : 1;
    return alive;
  });
  return count.value_or(0);
}

bool AgentLife::idle() {
  return loop_.call<bool>([&](Instant) { return model_ && !model_->recovering() && model_->idle(); })
      .value_or(false);
}

void AgentLife::delay_updates(std::int64_t ms) {
  loop_.post([this, ms](Instant) {
    if (model_) model_->delay_updates(ms);
  });
}

void AgentLife::repeat_updates(int times) {
  loop_.post([this, times](Instant) {
    if (model_) model_->repeat_updates(times);
  });
}

// The connections that are there now; an executor that makes a new one is served again.
void AgentLife::half_open_executors() {
  loop_.call<bool>([this](Instant) {
    if (!model_) return false;
    const std::lock_guard lock(frozen_mutex_);
    for (const auto& [framework_id, framework] : model_->frameworks()) {
      for (const auto& [executor_id, executor] : framework.executors) {
        const auto subscriber = subscribers_.find(executor.stream);
        if (subscriber == subscribers_.end()) continue;
        subscriber->second.stream->freeze();
        frozen_.emplace(framework_id, executor_id);
      }
    }
    return true;
  });
}

std::vector<pid_t> AgentLife::executor_pids() const {
  std::vector<pid_t> pids;
  for (const auto& [key, process] : processes_) pids.push_back(process.pid);
  return pids;
}

}  // namespace mimas::pocket
