// Where the masters are, as people write it: one address, a list, or a ZooKeeper ensemble that knows the
// leader (mesos-protocol §6.1); and the map from names that only the cluster can resolve to addresses that we
// can reach (§6.3). Pure, thread-safe. Bounds: 64 endpoints, 64 entries of the map, a path of 1 KiB. Tested
// in tests/wire/master_location_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "wire/endpoint.h"

namespace mimas::wire {

// "zk://[user:password@]h1:p1,h2:p2/path". Without a port: 2181.
struct ZooKeeperUrl {
  std::vector<Endpoint> servers;
  std::string path;          // "/mesos", never "/" alone and without a slash at the end
  std::string digest;        // "user:password" of the digest scheme; empty: none
  std::string text() const;  // as given, without the password: for logs
  bool operator==(const ZooKeeperUrl&) const = default;
};
Result<ZooKeeperUrl> parse_zookeeper_url(std::string_view text);

enum class Scheme { unsaid, http, https };

struct MasterLocation {
  std::vector<Endpoint> masters;  // empty exactly when `zookeeper` is set
  std::optional<ZooKeeperUrl> zookeeper;
  Scheme scheme = Scheme::unsaid;  // what the addresses say; all that say one say the same
};
// "h", "h:5050", "http://h:5050,http://i:5050", "https://h", "master@h:5050", "zk://…". An Error names the
// part.
Result<MasterLocation> parse_master_location(std::string_view text, std::uint16_t default_port);

// "leader.internal=10.0.0.5,other:5050=gateway:15050": an entry with a port speaks of that port alone and
// wins over one without; without a port on the right the port stays.
class HostMap {
 public:
  static Result<HostMap> parse(std::string_view text);
  Endpoint apply(const Endpoint& endpoint) const;
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<std::pair<Endpoint, Endpoint>> entries_;  // port 0: any, or the same
};

}  // namespace mimas::wire
