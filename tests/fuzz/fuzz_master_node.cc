// What a stranger may have left in ZooKeeper: a usable address or an error, and one leader among any
// children.
#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "door.h"
#include "mesos/master_node.h"

using namespace mimas;

void try_bytes(std::string_view bytes) {
  if (const auto master = mesos::parse_master_node(bytes); master.ok()) {
    ASSERT(!master->host.empty() && master->port != 0);
    ASSERT(master->host.find_first_of("\r\n ") == std::string::npos);
  }
  std::vector<std::string> children;
  for (std::size_t at = 0; at <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    children.emplace_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  const auto leader = mesos::leader_node(children);
  std::reverse(children.begin(), children.end());
  const auto other = mesos::leader_node(children);
  ASSERT(leader.has_value() == other.has_value());
  if (leader) ASSERT(std::find(children.begin(), children.end(), *leader) != children.end());
}
FUZZ_DOOR
