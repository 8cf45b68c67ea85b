// SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104): what the executor is known and checked by, and what
// requests to an object store are signed with. Small rather than fast: about 200 MB/s on a PC. Pure. A Sha256
// belongs to one thread. Tested in tests/base/sha256_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mimas {

using Digest256 = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  void add(std::string_view bytes);
  Digest256 finish();  // once; add() and finish() are over then

 private:
  void block(const std::uint8_t* bytes);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t size_ = 0;  // bytes added
};

Digest256 sha256(std::string_view bytes);
Digest256 hmac_sha256(std::string_view key, std::string_view bytes);

std::string hex(const Digest256& digest);            // 64 lower-case digits
std::string_view as_bytes(const Digest256& digest);  // valid as long as the digest is

}  // namespace mimas
