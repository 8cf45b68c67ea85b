// UUIDs as 16 raw bytes (status updates, stream ids). The random bytes are handed in by whoever has an
// entropy source.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mimas {

using RandomBytes = std::array<std::uint8_t, 16>;

// Sets version 4 and the RFC 4122 variant; answers the 16 raw bytes.
std::string uuid_v4_bytes(RandomBytes random);

// "2d274de5-3f84-4f4e-a5e3-7c34476f7ec8", lower case, from 16 raw bytes; empty text for any other length.
std::string uuid_text(std::string_view raw);

// True when `raw` is 16 bytes with an RFC 4122 variant and version 1..5, as Mesos checks it (mesos-protocol
// §2.1).
bool is_uuid(std::string_view raw);

}  // namespace mimas
