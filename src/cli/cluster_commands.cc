#include "cli/cluster_commands.h"

#include <limits.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

#include "cli/data_directory.h"
#include "cli/exit.h"
#include "cli/leave.h"
#include "cli/print.h"
#include "cli/signals.h"
#include "cli/version.h"
#include "files/own.h"
#include "net/socket.h"

namespace mimas::cli {
namespace {

constexpr const char* kPortFile = "pocket.port";

Result<std::string> own_address() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof name - 1) != 0)
    return make_error(Code::io, std::strerror(errno), "gethostname");
  const Result<std::vector<std::string>> addresses = net::resolve_by_name(name);
  if (!addresses.ok()) return addresses.error();
  return pick_own_address(*addresses);
}

std::function<void(std::string)> pocket_log() {
  return [](std::string line) { complain("pocket: " + line); };
}

std::string port_file(std::size_t master) {
  return master == 0 ? kPortFile : std::string(kPortFile) + "." + std::to_string(master);
}

// With its former ports when those are free, so that a restart finds everything where it was.
Result<std::unique_ptr<pocket::Pocket>> start_remembered(pocket::PocketOptions options,
                                                         const DataDirectory& data) {
  const std::size_t count = 1 + options.listen_more.size();
  const auto port_of = [&](std::size_t i) -> std::uint16_t& {
    return i == 0 ? options.listen.port : options.listen_more[i - 1].port;
  };
  bool former = true;
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<std::uint16_t> port = data.remembered_port(port_file(i));
    former = former && port.has_value();
    port_of(i) = port.value_or(0);
  }
  if (former) {
    Result<std::unique_ptr<pocket::Pocket>> started = pocket::Pocket::start(options);
    if (started.ok()) return started;
    complain("port " + std::to_string(options.listen.port) + " of the last run is not free; taking another");
  }
  for (std::size_t i = 0; i < count; ++i) port_of(i) = 0;
  Result<std::unique_ptr<pocket::Pocket>> started = pocket::Pocket::start(options);
  if (!started.ok()) return started;
  const std::vector<wire::Endpoint> masters = (*started)->masters();
  for (std::size_t i = 0; i < count; ++i) {
    const Status remembered = data.remember_port(port_file(i), masters[i].port);
    if (!remembered.ok()) return remembered.error();
  }
  return started;
}

// `stopped_by`: where the number of the signal goes that ends it.
Result<int> run_server(server::ServerOptions options, const std::string& greeting,
                       std::atomic<int>& stopped_by) {
  options.version = version_number();
  Result<std::unique_ptr<server::Server>> started = server::Server::start(std::move(options));
  if (!started.ok()) return started.error();
  server::Server& server = **started;
  const auto on_stop = [&server, &stopped_by](int signal) {
    stopped_by = signal;
    server.stop();
  };
  Result<StopSignals> signals = StopSignals::watch(on_stop, [&server] { server.reload(); });
  if (!signals.ok()) return signals.error();
  if (!greeting.empty()) {
    const Status printed = print("mimas dev: API " + server.listening().front().url() + greeting + "\n");
    if (!printed.ok()) complain(printed.error());
  }
  const int code = server.wait();
  server.stop();
  return code;
}

// Blocks until a signal, whose number comes through; pocket runs on threads of its own.
class Gate {
 public:
  void open(int signal) {
    const std::lock_guard hold(mutex_);
    signal_ = signal;
    changed_.notify_all();
  }
  int wait() {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [this] { return signal_ != 0; });
    return signal_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int signal_ = 0;
};

std::string texts(const std::vector<wire::Endpoint>& endpoints) {
  std::string list;
  for (const wire::Endpoint& one : endpoints) list += (list.empty() ? "" : ",") + one.text();
  return list;
}

std::string pocket_greeting(const pocket::PocketOptions& options, const pocket::Pocket& pocket) {
  const std::string agents =
      std::to_string(options.agents.size()) + (options.agents.size() == 1 ? " agent" : " agents");
  if (options.master) return "mimas pocket: master " + texts(pocket.masters()) + ", " + agents + "\n";
  return "mimas pocket: " + agents + " of " + texts(options.join) + "\n";
}

}  // namespace

Result<std::string> pick_own_address(const std::vector<std::string>& addresses) {
  const auto loopback = [](const std::string& address) {
    return address.starts_with("127.") || address == "::1";
  };
  for (const std::string& address : addresses) {
    // IPv4 first: Mesos's agents speak nothing else.
    if (!loopback(address) && address.find(':') == std::string::npos) return address;
  }
  for (const std::string& address : addresses) {
    if (!loopback(address)) return address;
  }
  return make_error(Code::not_found, "this machine's name has no address but loopback", "--agent-ip auto",
                    "name the address instead of auto");
}

Result<int> serve(const Serve& command) {
  std::atomic<int> stopped_by{0};
  return run_server(command.options, "", stopped_by);
}

Result<int> dev(const Dev& command) {
  const Result<DataDirectory> data = DataDirectory::open(command.data_directory);
  if (!data.ok()) return data.error();
  pocket::PocketOptions options = command.pocket;
  options.work_dir = data->path() + "/pocket";
  if (const Status made = files::make_own_folder(options.work_dir, files::passage_of_sandboxes()); !made.ok())
    return made.error();
  options.log = pocket_log();
  // Signals before the cluster is complete end the process at once, and its executors wait for the next
  // start.
  Result<std::unique_ptr<pocket::Pocket>> cluster = start_remembered(std::move(options), *data);
  if (!cluster.ok()) return cluster.error();
  server::ServerOptions server = command.server;
  server.data_directory = data->path();
  server.masters = (*cluster)->masters();
  if (!server.access.certificate_file.empty() && server.advertise.empty()) {
    // Pocket's agents need not trust the certificate: they fetch their executors at a door that has nothing
    // else.
    server.advertised_listener = server.access.listen.size();
    server.access.listen.push_back({{"127.0.0.1", 0}, server::Role::none, false});
  }
  if (server.scaling_provider.kind == server::ScalingProviderOptions::Kind::pocket) {
    // Over loopback, as a provider in production would be asked.
    const wire::Endpoint master = server.masters.front();
    server.scaling_provider.kind = server::ScalingProviderOptions::Kind::webhook;
    server.scaling_provider.security = command.pocket.agent_access.security;
    server.scaling_provider.url = {server.scaling_provider.security ? "https" : "http", master,
                                   "/pocket/agents"};
  }
  const std::string greeting = ", master " + texts(server.masters) + ", data " + data->path();
  std::atomic<int> stopped_by{0};
  const Result<int> code = run_server(std::move(server), greeting, stopped_by);
  if (code.ok())
    leave(**cluster, {"dev", data->path(), command.purge, stopped_by, command.pocket.executor_recovery_ms});
  return code;
}

Result<int> pocket_only(const PocketOnly& command) {
  const Result<DataDirectory> data = DataDirectory::open(command.data_directory);
  if (!data.ok()) return data.error();
  pocket::PocketOptions options = command.options;
  options.work_dir = data->path();
  options.log = pocket_log();
  if (options.agent_ip == "auto") {
    Result<std::string> address = own_address();
    if (!address.ok()) return address.error();
    options.agent_ip = *address;
  }
  Result<std::unique_ptr<pocket::Pocket>> cluster = pocket::Pocket::start(options);
  if (!cluster.ok()) return cluster.error();
  Gate stopped;
  std::optional<Result<StopSignals>> signals =
      StopSignals::watch([&stopped](int signal) { stopped.open(signal); });
  if (!signals->ok()) return signals->error();
  const Status printed = print(pocket_greeting(options, **cluster));
  if (!printed.ok()) complain(printed.error());
  const int signal = stopped.wait();
  if (!command.purge) signals.reset();  // somebody who is asked may go by another one
  leave(**cluster, {"pocket", data->path(), command.purge, signal, options.executor_recovery_ms});
  return kExitOk;
}

}  // namespace mimas::cli
