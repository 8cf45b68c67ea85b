// The scheduler driver: one framework's conversation with a Mesos master over the v1 HTTP API. A subscription
// machine without sockets (mesos/subscription.h) decides; two threads carry it out: the reader follows the
// event stream, the writer sends calls in order on one other connection. Posts engine inputs, takes engine
// effects.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/effect.h"
#include "engine/input.h"
#include "mesos/fatal.h"
#include "net/secure.h"
#include "v1/codec.h"
#include "wire/endpoint.h"

namespace mimas::mesos {

struct DriverOptions {
  // Tried in turn; a 307 wins over the order. Empty: wait for set_masters().
  std::vector<wire::Endpoint> masters;
  v1::MediaType codec = v1::MediaType::protobuf;
  FrameworkId framework;  // empty: register anew
  std::string framework_name = "mimas";
  std::string user = "root";  // whom executors run as
  std::vector<std::string> roles = {"*"};
  std::string principal;  // FrameworkInfo.principal; empty: none. It can never change for a framework
  std::string webui_url;
  std::int64_t failover_timeout_ms = 604'800'000;  // a week

  // The value of the Authorization header; empty: none. Sent to masters of the configured or detected set and
  // to `credential_hosts`, to nobody else whom a redirect may name (mesos-protocol §1.5).
  std::string authorization;
  std::vector<wire::Endpoint> credential_hosts;
  // Where to connect for a master's name; empty: where the name says. What it answers for a trusted name is
  // trusted, and a name that it maps to a trusted master, too.
  std::function<wire::Endpoint(const wire::Endpoint&)> rewrite;
  bool tls = false;  // the masters speak https; a redirect to http is not followed then, nor the reverse
  // How, with `tls`: a client's, from net/tls.h. Masters must prove to have the name by which they are known.
  std::shared_ptr<const net::Security> security;

  // Where agents fetch executors: "http://host:port". The launch names
  // <base>/executor/<arch>?version=<executor_version>.
  std::string executor_base_url;
  std::string executor_version;
  std::string default_arch;  // of agents without an `arch` attribute: "x86_64", "arm64", "armhf", "armel"
  std::vector<std::string> executor_arguments;
  std::map<std::string, std::string>
      executor_sha256;  // by architecture; none at all: not checked (launch_options.h)
  // What a launch takes from outside of the records, each time anew; called on the writer thread. As of
  // launch_options.h; may be empty.
  std::function<Result<std::string>(const std::string& name)> secret;
  std::function<std::string()> default_network;
};

class Driver {
 public:
  // `post` is called on the reader or writer thread and may block (back-pressure). `on_fatal` likewise, once.
  // `log` gets short lines for people. `message` gets what executors say to the framework, as it came; it is
  // called on the reader thread, must be quick, and may be empty. All must be thread-safe.
  struct Hooks {
    std::function<void(engine::Input)> post;
    std::function<void(Fatal, std::string)> on_fatal;
    std::function<void(std::string)> log;
    std::function<void(const AgentId& agent, const std::string& executor, const std::string& data)> message;
  };
  Driver(DriverOptions options, Hooks hooks);
  ~Driver();  // stop()

  // The masters that a detector sees, replacing those known: the leader, or candidates for it. If the one we
  // follow is not among them, the driver leaves it for one of these. Empty: no leader is known; a
  // subscription that stands is kept, none is tried for. Thread-safe, before and after start().
  void set_masters(std::vector<wire::Endpoint> masters);

  void start();
  // Joins both threads, so not from within a hook, and a blocked `post` must come back first.
  void stop();  // closes both connections without TEARDOWN: tasks go on, the framework may come back

  // TEARDOWN: the master ends every task of the framework and refuses its id from then on (mesos-protocol
  // §1.9). Waits for the 202, at most two times 20 s; the driver is stopped then, without Disconnected. Error
  // unavailable: not subscribed, or not confirmed; the driver goes on. Thread-safe; not from within a hook.
  Status teardown();

  // Queues the call for an effect that is a master call or an acknowledgement (others are ignored), unless
  // the same KILL or acknowledgement waits already; thread-safe, never blocks. While not subscribed the
  // effect is dropped: reconciliation makes up for it.
  void send(const engine::Effect& effect);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::mesos
