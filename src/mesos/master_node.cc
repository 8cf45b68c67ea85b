#include "mesos/master_node.h"

#include <cstdint>

#include "mesos/protos.h"
#include "net/zookeeper.h"
#include "v1/codec.h"

namespace mimas::mesos {
namespace {

constexpr std::size_t kNodeBytesMax = 1u << 20;  // ZooKeeper's own limit
constexpr char kProtobufStart = '\x0a';  // field 1, a string: the id, which every MasterInfo begins with

Error bad_node(std::string why) {
  return make_error(Code::protocol, "the leader's node in ZooKeeper cannot be used: " + std::move(why));
}

Result<wire::Endpoint> checked(const std::string& host, std::uint32_t port) {
  if (port == 0 || port > 65535) return bad_node("its port is not a number from 1 to 65535");
  auto endpoint = wire::parse_endpoint(wire::Endpoint{host, static_cast<std::uint16_t>(port)}.text());
  if (!endpoint) return bad_node(endpoint.error().message);
  return endpoint;
}

}  // namespace

std::optional<std::string> leader_node(const std::vector<std::string>& children) {
  std::optional<std::string> best;
  std::int32_t lowest = 0;
  for (const std::string& child : children) {
    const auto number = net::zookeeper_sequence(child);
    if (!number || (best && *number >= lowest)) continue;
    best = child;
    lowest = *number;
  }
  return best;
}

Result<wire::Endpoint> parse_master_node(std::string_view bytes) {
  if (bytes.empty()) return bad_node("it is empty");
  if (bytes.size() > kNodeBytesMax) return bad_node("it has more than 1 MiB");
  if (bytes.front() != '{' && bytes.front() != kProtobufStart) {
    auto pid = wire::parse_endpoint(bytes);
    if (!pid) return bad_node(pid.error().message);
    return pid;
  }
  const auto type = bytes.front() == '{' ? v1::MediaType::json : v1::MediaType::protobuf;
  pb::MasterInfo info;
  if (Status decoded = v1::decode_tolerant(bytes, type, &info); !decoded)
    return bad_node(decoded.error().message);
  if (info.has_address() && info.address().port() > 0) {
    const auto port = static_cast<std::uint32_t>(info.address().port());
    if (!info.address().hostname().empty()) return checked(info.address().hostname(), port);
    if (!info.address().ip().empty()) return checked(info.address().ip(), port);
  }
  if (!info.hostname().empty()) return checked(info.hostname(), info.port());
  if (info.pid().empty()) return bad_node("it names no host");
  auto pid = wire::parse_endpoint(info.pid());
  if (!pid) return bad_node(pid.error().message);
  return pid;
}

}  // namespace mimas::mesos
