#include "base/uuid.h"

namespace mimas {

std::string uuid_v4_bytes(RandomBytes random) {
  random[6] = static_cast<std::uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<std::uint8_t>((random[8] & 0x3f) | 0x80);
  return std::string(reinterpret_cast<const char*>(random.data()), random.size());
}

std::string uuid_text(std::string_view raw) {
  if (raw.size() != 16) return {};
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    const auto byte = static_cast<unsigned char>(raw[i]);
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

bool is_uuid(std::string_view raw) {
  if (raw.size() != 16) return false;
  const auto version = static_cast<unsigned char>(raw[6]) >> 4;
  const auto variant = static_cast<unsigned char>(raw[8]) >> 6;
  return version >= 1 && version <= 5 && variant == 2;
}

}  // namespace mimas
