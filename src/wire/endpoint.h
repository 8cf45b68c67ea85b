// host:port and URLs, as Mesos writes them. IPv6 literals stand in brackets in text and without them in
// `host`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mimas::wire {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string text() const;  // "h:1" or "[::1]:1"
  auto operator<=>(const Endpoint&) const = default;
};

// "h:5050", "[::1]:5050", "http://h:5050", "master@h:5050" (mesos-protocol §6.1). Without a port:
// default_port, or an Error when that is 0. Refuses control characters, blanks, empty hosts, ports
// outside 1..65535 (0 if allow_zero).
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port = 0,
                                bool allow_zero = false);

// "h1:5050,h2:5050" → list, at least one, no duplicates.
Result<std::vector<Endpoint>> parse_endpoints(std::string_view text, std::uint16_t default_port);

struct Url {
  std::string scheme;  // "http", lower case
  Endpoint endpoint;
  std::string target;  // "/path?query", at least "/"
};
Result<Url> parse_url(std::string_view text);

// The leader named by a 307's Location in all its spellings: "//h:p/path", "//h:p", "h:p", "http://h:p/path"
// (mesos-protocol §1.5). Only the authority is taken; the caller keeps its own path. `scheme` is that of the
// request: a Location that says another one is refused (unsupported), because going on would take the
// protection away or promise one that is not there.
Result<Endpoint> parse_redirect(std::string_view location, std::string_view scheme = "http");

std::string percent_encode(std::string_view text);  // everything but unreserved characters
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace mimas::wire
