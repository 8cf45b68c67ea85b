// One session with a ZooKeeper ensemble: the one place that includes its C client, which has two threads of
// its own for each session. Thin: who leads and what to do about it is decided elsewhere (mesos/detection.h).
// All callbacks come on the client's thread and must neither block nor destroy the session. Calls are
// thread-safe. Tested against a real ZooKeeper in tests/e2e/zookeeper_test.py.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/master_location.h"

namespace mimas::net {

// The number ZooKeeper gave a sequential node: of "json.info_0000000007" 7, of "0000000007" 7. It is a signed
// counter of 32 bits, whose negative half comes after its positive one. nullopt: not such a node
// ("log_replicas").
std::optional<std::int32_t> zookeeper_sequence(std::string_view node);

class ZooKeeper {
 public:
  enum class State {
    connected,     // also after a time without
    disconnected,  // the client tries again by itself
    expired,       // for good: ephemeral nodes are gone; open another session
    refused,       // for good: the ensemble does not take the user and password
  };
  struct Hooks {
    std::function<void(State)> state;
    std::function<void()>
        children_changed;  // of a path that children() asked for; ask again to be told again
  };
  // Answers at once and connects in the background. Errors: unavailable (no host name can be resolved), io.
  static Result<std::unique_ptr<ZooKeeper>> open(const wire::ZooKeeperUrl& ensemble, std::int64_t session_ms,
                                                 Hooks hooks);
  ~ZooKeeper();  // calls that wait are answered before it returns (unavailable); ends the session at once

  // Errors: not_found, permission_denied, unavailable. `done` is called exactly once, perhaps before the call
  // returns.
  void children(const std::string& path, std::function<void(Result<std::vector<std::string>>)> done);
  void data(const std::string& path, std::function<void(Result<std::string>)> done);
  void create(const std::string& path, std::function<void(Status)> done);  // conflict: it is there already
  // The full path of the node, which goes when the connection with ZooKeeper ends for good.
  void create_ephemeral_sequential(const std::string& path, const std::string& bytes,
                                   std::function<void(Result<std::string>)> done);

 private:
  struct Impl;
  explicit ZooKeeper(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::net
