// What a browser may do here for pages of others. Three rules, in this order, before the handler sees a
// request:
// - a listener that only this machine reaches answers to the names of this machine alone: a page whose name
// was
//   re-bound to 127.0.0.1 sends its own in `Host` and gets 421 (DNS rebinding);
// - a request that may change something and comes from a page of another origin is refused with 403, because
// a
//   browser may have sent it behind its user's back (CSRF);
// - pages of the origins that are named may read answers, and ask before with OPTIONS (CORS, Fetch standard).
//   Without names there is no Access-Control header at all, and browsers keep such pages out.
// Programs that are no browsers send no `Origin` and notice nothing. Pure, thread-safe. Bounds: kOriginsMax,
// kHostNamesMax. Tested in tests/http/origin_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/listener.h"

namespace mimas::http {

inline constexpr std::size_t kOriginsMax = 100;
inline constexpr std::size_t kHostNamesMax = 100;
inline constexpr int kPreflightSecs = 600;  // how long a browser remembers the answer to OPTIONS

struct OriginPolicy {
  std::vector<std::string> origins;  // as check_origin() takes them: "https://console.example"
  bool check_host = false;
  std::vector<std::string> host_names;  // besides localhost, 127.0.0.0/8 and [::1]
};

// "https://console.example", "http://127.0.0.1:3000": as browsers send it. Errors: invalid_argument.
Status check_origin(std::string_view text);

// The host of a Host header or an endpoint, without its port: "[::1]:80" → "::1".
std::string_view host_of(std::string_view authority);
bool is_loopback_host(std::string_view host);  // localhost, 127.0.0.0/8, ::1

Handler with_origin_policy(OriginPolicy policy, Handler handler);

}  // namespace mimas::http
