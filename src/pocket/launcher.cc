#include "pocket/launcher.h"

#include <map>
#include <utility>

#include "pocket/foreign.h"
#include "pocket/process.h"
#include "pocket/sandbox.h"

namespace mimas::pocket {
namespace {

constexpr std::uint32_t kOutputMode = 0644;

}  // namespace

std::string mesos_duration(std::int64_t ms) {
  struct Unit {
    std::int64_t ms;
    const char* name;
  };
  for (const Unit& unit : {Unit{604'800'000, "weeks"}, Unit{86'400'000, "days"}, Unit{3'600'000, "hrs"},
                           Unit{60'000, "mins"}, Unit{1'000, "secs"}})
    if (ms >= unit.ms && ms % unit.ms == 0) return std::to_string(ms / unit.ms) + unit.name;
  return std::to_string(ms) + "ms";
}

std::vector<std::string> executor_environment(const StartContainer& start, const LaunchPlace& place,
                                              const std::string& sandbox) {
  const std::string address = place.agent_ip + ":" + std::to_string(place.agent_port);
  std::map<std::string, std::string> variables = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"LIBPROCESS_PORT", "0"},
      {"MESOS_FRAMEWORK_ID", start.container.framework_id},
      {"MESOS_EXECUTOR_ID", start.container.executor_id},
      {"MESOS_SLAVE_ID", start.agent_id},
      {"MESOS_SLAVE_PID", "slave(1)@" + address},
      {"MESOS_AGENT_ENDPOINT", address},
      {"MESOS_DIRECTORY", sandbox},
      {"MESOS_SANDBOX", sandbox},
      {"MESOS_CHECKPOINT", start.framework.checkpoint() ? "1" : "0"},
      {"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", mesos_duration(start.shutdown_grace_ms)},
      {"MESOS_HTTP_COMMAND_EXECUTOR", "0"},
  };
  if (start.framework.checkpoint()) {
    variables["MESOS_RECOVERY_TIMEOUT"] = mesos_duration(place.recovery_timeout_ms);
    variables["MESOS_SUBSCRIPTION_BACKOFF_MAX"] = mesos_duration(place.subscription_backoff_ms);
  }
  if (!place.domain_socket.empty()) variables["MESOS_DOMAIN_SOCKET"] = place.domain_socket;
  if (place.token) variables["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"] = place.token(start.container);
  for (const auto& variable : start.executor.command().environment().variables())
    if (variable.has_value()) variables[variable.name()] = variable.value();
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  return lines;
}

Launcher::Launcher(LaunchPlace place, Launched launched)
    : place_(std::move(place)), launched_(std::move(launched)), fetcher_(place_.agent_dir + "/fetch") {}

void Launcher::start() {
  for (int i = 0; i < kWorkers; ++i) threads_.emplace_back([this] { work(); });
}

void Launcher::launch(StartContainer start) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  queue_.push_back(std::move(start));
  arrived_.notify_one();
}

void Launcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
    fetcher_.cancel();
    arrived_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Launcher::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const StartContainer start = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    launched_(start.container, run(start));
    lock.lock();
  }
}

Result<pid_t> Launcher::run(const StartContainer& start) {
  const Result<std::string> sandbox = make_sandbox(place_.shared_dir, start.agent_id, start.container);
  if (!sandbox) return sandbox.error();
  if (const Status linked = link_volumes(place_.shared_dir, *sandbox, start.volumes); !linked)
    return linked.error();
  const mv1::CommandInfo& command = start.executor.command();
  if (const Status fetched = fetcher_.fetch(command, *sandbox); !fetched) return fetched.error();
  const Result<std::vector<std::string>> words = command_words(command, *sandbox, place_.runner);
  if (!words) return words.error();
  Program program;
  program.argv = *words;
  program.environment = executor_environment(start, place_, *sandbox);
  program.directory = *sandbox;
  // What an archive has put there under these names is not followed.
  const Result<files::Folder> folder = files::Folder::at(*sandbox);
  if (!folder) return folder.error();
  const Result<files::File> out = folder->open_or_create("stdout", files::Use::append, kOutputMode);
  if (!out) return out.error();
  const Result<files::File> err = folder->open_or_create("stderr", files::Use::append, kOutputMode);
  if (!err) return err.error();
  program.out = out->descriptor();
  program.err = err->descriptor();
  return spawn(program);
}

}  // namespace mimas::pocket
