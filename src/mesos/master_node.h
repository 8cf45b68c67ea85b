// What masters leave in ZooKeeper: which of the nodes is the leader's, and where that master listens
// (mesos-protocol §6.2). Pure, thread-safe. Tested in tests/mesos/master_node_test.cc; fuzzed in tests/fuzz.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/endpoint.h"

namespace mimas::mesos {

// The child with the lowest sequence number, whatever its label: "json.info_0000000003", "info_0000000003",
// "0000000003". Others, such as "log_replicas", are no masters. nullopt: no master is registered.
std::optional<std::string> leader_node(const std::vector<std::string>& children);

// The content of such a node: a MasterInfo in JSON (Mesos 0.24 and later) or protobuf, or the text of a pid
// "master@host:port". Of a MasterInfo counts address.hostname, address.ip, hostname, pid, in this order.
// Errors (protocol): unreadable, no usable host, a port outside 1 to 65535, more than 1 MiB.
Result<wire::Endpoint> parse_master_node(std::string_view bytes);

}  // namespace mimas::mesos
