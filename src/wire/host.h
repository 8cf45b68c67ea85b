// What the host of an authority is ("mimas.example:7101", "127.0.0.1", "[::1]:80"): a name, or an address
// that nobody has to look up. Pure. Tested in tests/wire/host_test.cc.
#pragma once

#include <string_view>

namespace mimas::wire {

std::string_view host_of(std::string_view authority);  // without its port and brackets: "[::1]:80" → "::1"
bool is_address(std::string_view host);                // "127.0.0.1", "::1"; not "127.1"
bool is_loopback_host(std::string_view host);          // localhost, 127.0.0.0/8, ::1

}  // namespace mimas::wire
