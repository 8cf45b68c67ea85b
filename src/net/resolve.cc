// A translation unit of its own: getaddrinfo drags the resolver and its plug-ins in, which a static executor
// does not want.
#include <netdb.h>
#include <sys/socket.h>
#include <algorithm>

#include "net/socket.h"

namespace mimas::net {

Result<std::vector<std::string>> resolve_by_name(const std::string& host) {
  constexpr std::size_t kAddressesMax = 16;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) {
    // AI_ADDRCONFIG does not count the loopback interface: a machine without a network still knows
    // "localhost".
    hints.ai_flags = 0;
    failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  }
  if (failure != 0) {
    return make_error(Code::unavailable, std::string("cannot resolve the name: ") + ::gai_strerror(failure),
                      host);
  }
  std::vector<std::string> out;
  for (const addrinfo* at = found; at != nullptr && out.size() < kAddressesMax; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    if (std::find(out.begin(), out.end(), text) == out.end()) out.emplace_back(text);
  }
  ::freeaddrinfo(found);
  if (out.empty()) return make_error(Code::unavailable, "the name has no address", host);
  return out;
}

}  // namespace mimas::net
