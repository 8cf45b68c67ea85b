#include "wire/master_location.h"

#include <algorithm>

#include "wire/chars.h"
#include "wire/http.h"

namespace mimas::wire {
namespace {

constexpr std::uint16_t kZooKeeperPort = 2181;
constexpr std::size_t kPathBytesMax = 1024;
constexpr std::size_t kEntriesMax = 64;

Error bad_location(std::string why, std::string hint = {}) {
  return make_error(Code::invalid_argument, std::move(why), {}, std::move(hint));
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!equals_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Calls `each` for every part between commas; stops at its first Error.
template <class Each>
Status for_each_part(std::string_view text, Each each) {
  for (;;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (Status done = each(trim_blanks(text.substr(0, comma))); !done) return done;
    if (comma == text.size()) return Done{};
    text.remove_prefix(comma + 1);
  }
}

// As ZooKeeper wants it: absolute, no empty part, no "." and "..".
Status check_path(std::string_view path) {
  const char* hint = "write zk://host:2181/mesos";
  if (path.size() < 2) return bad_location("a ZooKeeper path other than / is needed", hint);
  if (path.size() > kPathBytesMax) return bad_location("the ZooKeeper path is longer than 1024 bytes");
  if (std::any_of(path.begin(), path.end(), [](char c) { return is_control(c) || c == ' '; }))
    return bad_location("the ZooKeeper path has a blank or a control character");
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view part = path.substr(at + 1, end - at - 1);
    if (part.empty() || part == "." || part == "..")
      return bad_location("the ZooKeeper path has an empty part, '.' or '..'", hint);
    at = end;
  }
  return Done{};
}

}  // namespace

std::string ZooKeeperUrl::text() const {
  std::string out = "zk://";
  for (std::size_t i = 0; i < servers.size(); ++i) out += (i == 0 ? "" : ",") + servers[i].text();
  return out + path;
}

Result<ZooKeeperUrl> parse_zookeeper_url(std::string_view text) {
  std::string_view rest = text;
  if (!take_prefix(rest, "zk://")) return bad_location("it does not begin with zk://");
  ZooKeeperUrl out;
  const std::size_t slash = std::min(rest.find('/'), rest.size());  // as Mesos: no slash in a password
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    out.digest = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const std::size_t colon = out.digest.find(':');
    if (colon == 0 || colon == std::string::npos)
      return bad_location("what stands before the @ is not user:password");
    if (std::any_of(out.digest.begin(), out.digest.end(), is_control))
      return bad_location("the ZooKeeper user or password has a control character");
  }
  if (path.ends_with('/') && path.size() > 1) path.remove_suffix(1);
  if (Status fine = check_path(path); !fine) return std::move(fine).error();
  out.path = path;
  auto servers = parse_endpoints(authority, kZooKeeperPort);
  if (!servers) return std::move(servers).error();
  out.servers = std::move(*servers);
  return out;
}

Result<MasterLocation> parse_master_location(std::string_view text, std::uint16_t default_port) {
  MasterLocation out;
  if (equals_ignoring_case(text.substr(0, 5), "zk://")) {
    auto zookeeper = parse_zookeeper_url(text);
    if (!zookeeper) return std::move(zookeeper).error();
    out.zookeeper = std::move(*zookeeper);
    return out;
  }
  if (text.find("zk://") != std::string_view::npos)
    return bad_location("a zk:// address cannot stand in a list",
                        "separate the ensemble's hosts inside it: zk://a,b/mesos");
  Status read = for_each_part(text, [&](std::string_view part) -> Status {
    Scheme scheme = Scheme::unsaid;
    if (take_prefix(part, "https://")) {
      scheme = Scheme::https;
    } else if (take_prefix(part, "http://")) {
      scheme = Scheme::http;
    }
    if (scheme != Scheme::unsaid && part.ends_with('/')) part.remove_suffix(1);
    if (scheme != Scheme::unsaid && out.scheme != Scheme::unsaid && scheme != out.scheme)
      return bad_location("http:// and https:// masters cannot be mixed");
    if (scheme != Scheme::unsaid) out.scheme = scheme;
    auto endpoint = parse_endpoint(part, default_port);
    if (!endpoint) return std::move(endpoint).error();
    if (std::find(out.masters.begin(), out.masters.end(), *endpoint) == out.masters.end())
      out.masters.push_back(std::move(*endpoint));
    if (out.masters.size() > kEntriesMax)
      return make_error(Code::too_large, "more than 64 masters in one list");
    return Done{};
  });
  if (!read) return std::move(read).error();
  return out;
}

Result<HostMap> HostMap::parse(std::string_view text) {
  HostMap out;
  if (trim_blanks(text).empty()) return out;
  Status read = for_each_part(text, [&](std::string_view part) -> Status {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos)
      return bad_location("'=' is missing",
                          "write name=address or name:port=address:port, separated by commas");
    // Port 0 cannot be written, so it can stand for "none was given".
    const auto side = [](std::string_view one) -> Result<Endpoint> {
      auto with_port = parse_endpoint(one);
      if (with_port) return with_port;
      auto without = parse_endpoint(one, 1);
      if (!without) return with_port;
      without->port = 0;
      return without;
    };
    auto from = side(trim_blanks(part.substr(0, equals)));
    if (!from) return std::move(from).error();
    auto to = side(trim_blanks(part.substr(equals + 1)));
    if (!to) return std::move(to).error();
    std::transform(from->host.begin(), from->host.end(), from->host.begin(), to_lower);
    for (const auto& [known, ignored] : out.entries_) {
      if (known == *from) return bad_location("'" + known.host + "' stands there twice");
    }
    out.entries_.emplace_back(std::move(*from), std::move(*to));
    if (out.entries_.size() > kEntriesMax) return make_error(Code::too_large, "more than 64 entries");
    return Done{};
  });
  if (!read) return std::move(read).error();
  return out;
}

Endpoint HostMap::apply(const Endpoint& endpoint) const {
  for (const bool with_port : {true, false}) {
    for (const auto& [from, to] : entries_) {
      if (!equals_ignoring_case(from.host, endpoint.host)) continue;
      if (from.port != (with_port ? endpoint.port : 0)) continue;
      return {to.host, to.port == 0 ? endpoint.port : to.port};
    }
  }
  return endpoint;
}

}  // namespace mimas::wire
