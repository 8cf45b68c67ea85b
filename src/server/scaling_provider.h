// Who really adds and removes agents when a rule asks for it (docs/scaling.md): a webhook that gets the
// decision as JSON, or a program that reads it. One decision at a time, on a thread of its own, each tried
// once; what became of it is reported to the engine, which asks again, less and less often, for as long as
// the need is there. Thread-safe. Bounds: kScalingOrdersMax waiting decisions, the deadline of each. Tested
// in tests/server/scaling_provider_test.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "engine/effect.h"
#include "net/http_client.h"
#include "net/secure.h"
#include "wire/endpoint.h"

namespace mimas::server {

inline constexpr std::size_t kScalingOrdersMax = 128;
inline constexpr std::size_t kScalingTokenBytesMax = 4'096;

struct ScalingProviderOptions {
  enum class Kind { none, webhook, program, pocket };
  Kind kind = Kind::none;
  wire::Url url;                                  // webhook; http or https
  std::shared_ptr<const net::Security> security;  // of https
  std::string token_file;                         // webhook: sent as a bearer token; read for every decision
  std::string program;                            // absolute
  std::int64_t deadline_ms = 30'000;
};

// "webhook:https://host/path", "exec:/path/of/a/program", "pocket" (`mimas dev` fills in the place).
Result<ScalingProviderOptions> parse_scaling_provider(const std::string& text);

class ScalingProvider {
 public:
  using Report = std::function<void(engine::ScalingReport)>;  // on the provider's thread

  ScalingProvider(ScalingProviderOptions options, Report report);
  ~ScalingProvider() { stop(); }

  // Never waits. What finds no room is reported as failed.
  void carry_out(const engine::ScaleAgents& order);
  void stop();  // what is under way is broken off, and what waits is dropped; nothing is reported any more

 private:
  void run();
  Status try_once(const engine::ScaleAgents& order);
  Status post(const std::string& body);

  const ScalingProviderOptions options_;
  const Report report_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<engine::ScaleAgents> orders_;
  std::shared_ptr<net::HttpClient> client_;  // while a webhook is called
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace mimas::server
