// Which connection gives way to a newcomer when all places are taken, and to whom none does. A connection may
// go only while it waits for its peer: between two requests, in the middle of sending one, or with a reply
// that is not taken. Whoever holds most of these gives first and at once, so that a crowd from a few
// addresses only ever displaces itself; among equals it takes time to become one who goes. Pure. Tested in
// tests/http/eviction_test.cc by values, and in eviction_socket_test.cc over loopback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimas::http {

inline constexpr std::int64_t kEvictAfterIdleMs =
    100;  // younger idle connections are probably about to be used again
inline constexpr std::int64_t kEvictAfterReadingMs =
    1'000;  // an honest request has arrived by then, or is large
inline constexpr std::int64_t kEvictAfterStalledMs = 1'000;  // and an honest reader has taken something

struct Place {
  enum class Waits { for_us, idle, request, reader };
  std::string_view address;  // as address_group() tells
  Waits waits = Waits::for_us;
  std::int64_t since_ms = 0;  // since when, unless it waits for us
};

// The index of the one to go; nothing: the newcomer has to. `own_alone`: it takes one of its own address,
// which has as many as one may have.
std::optional<std::size_t> who_goes(const std::vector<Place>& places, std::string_view newcomer,
                                    std::int64_t now_ms, bool own_alone = false);

// Whose a connection is: an IPv4 address, or the 64 bits of an IPv6 one that a single customer has to
// herself.
std::string address_group(std::string_view numeric_address);

}  // namespace mimas::http
