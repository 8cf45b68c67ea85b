// What a browser may do here for pages of others, at every listener: Listener::open() puts the door before
// the handler, whatever is served there and however it is bound. In this order:
// - a listener answers to addresses and to the names it is known by; a page whose name was re-bound to our
//   address sends its own name in `Host` and gets 421 (DNS rebinding; an address in `Host` was not looked up,
//   so nobody can have re-bound it);
// - answers are never wrapped for a script of another page: `?jsonp=` is 400;
// - a request that may change something and comes from a page of another origin is refused with 403, because
// a
//   browser may have sent it behind its user's back (CSRF): Origin says so, Sec-Fetch-Site where there is
//   none, Referer where there is neither;
// - one of a page of our own, or of one that is named, must be of a type that a browser asks about before it
//   sends it (Fetch standard, "CORS-safelisted"): else 415. Programs that are no browsers send none of the
//   three headers and notice nothing: curl's own type of `-d` is as good as any there;
// - pages of the origins that are named may read answers, and ask before with OPTIONS (CORS). Without names
//   there is no Access-Control header at all, and browsers keep such pages out.
// Pure but for own_names(), thread-safe. Bounds: kOriginsMax, kHostNamesMax. Tested in
// tests/http/door_test.cc.
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

struct Door {
  std::vector<std::string> origins;     // as check_origin() takes them: "https://console.example"
  std::vector<std::string> host_names;  // that it answers to besides localhost and addresses
};

// "https://console.example", "http://127.0.0.1:3000": as browsers send it. Errors: invalid_argument.
Status check_origin(std::string_view text);

// What this machine is called: its host name, and that in the domain of multicast DNS.
std::vector<std::string> own_names();

Handler behind(Door door, Handler handler);

}  // namespace mimas::http
