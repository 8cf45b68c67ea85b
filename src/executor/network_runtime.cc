#include "executor/network_runtime.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "executor/children.h"
#include "executor/guard.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

constexpr int kPauseMs = 20;

// The loopback interface of a new namespace is there, but down.
bool raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

// A child in a network namespace of its own, asleep until it is killed.
Result<std::int64_t> hold_namespace() {
  int ends[2];
  if (::pipe(ends) != 0) return make_error(Code::io, std::strerror(errno));
  const std::int64_t pid = fork_helper({ends[1]});
  if (pid == 0) {
    const int error = ::unshare(CLONE_NEWNET) != 0 || !raise_loopback() ? errno : 0;
    if (::write(ends[1], &error, sizeof error) != static_cast<ssize_t>(sizeof error) || error != 0)
      ::_exit(1);
    ::close(ends[1]);
    for (;;) ::pause();
  }
  const int fork_error = errno;
  ::close(ends[1]);
  int error = pid < 0 ? fork_error : ECHILD;
  if (pid > 0) {
    ssize_t got;
    do got = ::read(ends[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
  }
  ::close(ends[0]);
  if (error == 0) return pid;
  const char* hint = error == EPERM ? "CNI needs the executor to run as root" : "";
  return make_error(Code::io, std::string("cannot make a network namespace: ") + std::strerror(error), {},
                    hint);
}

std::string variable(const char* const* environment, std::string_view name) {
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return std::string(entry.substr(name.size() + 1));
  }
  return {};
}

std::string fault_of(const HelperProgram& plugin, const std::string& path) {
  return plugin.said().empty() ? plugin.outcome().error().message : path + ": " + cni_fault(plugin.said());
}

std::string namespace_of(std::int64_t pid) { return "/proc/" + std::to_string(pid) + "/ns/net"; }

}  // namespace

NetworkRuntime::NetworkRuntime(NetworkOptions options, std::string config, const char* const* environment,
                               std::unique_ptr<Runtime> inner)
    : options_(std::move(options)),
      config_(std::move(config)),
      path_(variable(environment, "PATH")),
      inner_(std::move(inner)) {}

NetworkRuntime::~NetworkRuntime() = default;

NetworkRuntime::Place* NetworkRuntime::find(std::string_view task_id) {
  for (auto& place : places_) {
    if (place->order.task_id == task_id && place->phase != Phase::over) return place.get();
  }
  return nullptr;
}

void NetworkRuntime::start(TaskOrder order, Instant now) {
  if (options_.driver == NetworkOptions::Driver::cni) {
    begin_adding(std::move(order), now);
    return;
  }
  std::string& network = order.spec.container.network;
  if (network.empty() || network == "bridge") network = options_.name;
  inner_->start(std::move(order), now);
}

void NetworkRuntime::begin_adding(TaskOrder order, Instant now) {
  auto& place = *places_.emplace_back(std::make_unique<Place>());
  place.order = std::move(order);
  auto holder = hold_namespace();
  if (!holder.ok()) {
    place.phase = Phase::over;
    news_.emplace_back(StartFailed{place.order.task_id, holder.error().text(), false});
    return;
  }
  place.holder = *holder;
  const Status begun = run(place, CniCommand::add, now);
  if (!begun.ok()) fail(place, begun.error().message, now);
}

Status NetworkRuntime::run(Place& place, CniCommand command, Instant now) {
  const std::string id = cni_container_id(place.order.task_id);
  auto environment = cni_environment(command, id, namespace_of(place.holder), options_.plugin, path_);
  std::string input = command == CniCommand::add ? config_ : cni_del_input(config_, place.result);
  place.plugin = HelperProgram();
  return place.plugin.start(options_.plugin, environment, std::move(input), kPluginMs, now);
}

void NetworkRuntime::added(Place& place, Instant now) {
  const Result<std::string>& outcome = place.plugin.outcome();
  if (place.killed) return fail(place, "killed while its network was made", now);
  if (!outcome.ok()) return fail(place, "no network: " + fault_of(place.plugin, options_.plugin), now);
  auto address = parse_cni_result(*outcome);
  place.result = *outcome;
  if (!address.ok())
    return fail(place, "no network: " + options_.plugin + ": " + address.error().text(), now);
  place.ip = std::move(address->ip);
  place.phase = Phase::inside;
  place.order.netns = namespace_of(place.holder);
  inner_->start(place.order, now);
}

void NetworkRuntime::fail(Place& place, std::string message, Instant now) {
  news_.emplace_back(StartFailed{place.order.task_id, std::move(message), false});
  begin_removing(place, now);
}

// Also after an ADD that failed: the plugin may have done half of it.
void NetworkRuntime::begin_removing(Place& place, Instant now) {
  place.phase = Phase::removing;
  if (run(place, CniCommand::del, now).ok()) return;
  (void)::kill(static_cast<pid_t>(place.holder), SIGKILL);
  place.phase = Phase::over;
}

void NetworkRuntime::look(const RuntimeNews& item, Instant now) {
  std::string_view over;
  if (const auto* failed = std::get_if<StartFailed>(&item)) over = failed->task_id;
  if (const auto* gone = std::get_if<TaskGone>(&item)) over = gone->task_id;
  if (const auto* ended = std::get_if<TaskEnded>(&item)) {
    if (!ended->others) over = ended->task_id;
  }
  Place* place = over.empty() ? nullptr : find(over);
  if (place != nullptr && place->phase == Phase::inside) begin_removing(*place, now);
}

void NetworkRuntime::pump(Instant now, std::vector<RuntimeNews>& news) {
  for (auto& place : places_) {
    place->plugin.pump(now);
    if (!place->plugin.done()) continue;
    if (place->phase == Phase::adding) {
      added(*place, now);
    } else if (place->phase == Phase::removing) {
      const auto& outcome = place->plugin.outcome();
      if (!outcome.ok())
        news_.emplace_back(
            Lines{"a network was not taken back: " + fault_of(place->plugin, options_.plugin)});
      (void)::kill(static_cast<pid_t>(place->holder), SIGKILL);
      place->phase = Phase::over;
    }
  }
  std::erase_if(places_, [](const auto& place) { return place->phase == Phase::over; });
  std::vector<RuntimeNews> inner;
  inner_->pump(now, inner);
  for (RuntimeNews& item : inner) {
    if (auto* started = std::get_if<Started>(&item)) {
      const Place* place = find(started->task_id);
      if (place != nullptr) started->facts.ip = place->ip;
    }
    look(item, now);
    news_.push_back(std::move(item));
  }
  for (RuntimeNews& item : std::exchange(news_, {})) news.push_back(std::move(item));
}

void NetworkRuntime::signal(std::string_view task_id, int signal, Instant now) {
  Place* place = find(task_id);
  if (place != nullptr && place->phase == Phase::adding) return;  // the kill that follows will find it
  inner_->signal(task_id, signal, now);
}

void NetworkRuntime::kill(std::string_view task_id, Instant now) {
  Place* place = find(task_id);
  if (place != nullptr && place->phase == Phase::adding) {
    place->killed = true;  // the plugin is let come to its end: it might leave half of a network
    return;
  }
  inner_->kill(task_id, now);
}

void NetworkRuntime::probe(std::string_view task_id, std::uint64_t probe,
                           const std::vector<std::string>& argv, std::int64_t timeout_ms, Instant now) {
  inner_->probe(task_id, probe, argv, timeout_ms, now);
}

void NetworkRuntime::child_ended(std::int64_t pid, int wait_status, Instant now) {
  for (auto& place : places_) place->plugin.child_ended(pid, wait_status);
  inner_->child_ended(pid, wait_status, now);
}

void NetworkRuntime::add_to(std::vector<pollfd>& polled) const {
  for (const auto& place : places_) place->plugin.add_to(polled);
  inner_->add_to(polled);
}

Instant NetworkRuntime::wake_at() const {
  Instant wake = news_.empty() ? inner_->wake_at() : Instant{0};
  for (const auto& place : places_) {
    wake = std::min(wake, place->plugin.wake_at());
    if (place->plugin.done()) wake = Instant{0};
  }
  return wake;
}

void NetworkRuntime::end_all(std::int64_t ms) {
  const std::int64_t until = net::monotonic_ms() + ms;
  inner_->end_all(ms);
  for (auto& place : places_) {
    if (place->phase == Phase::inside) begin_removing(*place, Instant{net::monotonic_ms()});
  }
  std::vector<RuntimeNews> unheard;
  while (!places_.empty() && net::monotonic_ms() < until) {
    guard_beat();
    int status = 0;
    for (auto& place : places_) {
      const std::int64_t pid = place->plugin.pid();
      if (pid > 0 && ::waitpid(static_cast<pid_t>(pid), &status, WNOHANG) == pid)
        place->plugin.child_ended(pid, status);
    }
    pump(Instant{net::monotonic_ms()}, unheard);
    if (!places_.empty()) (void)::poll(nullptr, 0, kPauseMs);
  }
}

}  // namespace mimas::executor
