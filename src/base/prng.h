// A small deterministic random generator (splitmix64, Steele et al. 2014). The core takes one as a value, so
// a seed replays a run bit for bit on every platform. Not for secrets.
#pragma once

#include <cstdint>

namespace mimas {

class Prng {
 public:
  explicit Prng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  // In [0, bound); 0 when bound is 0. The modulo bias is below bound / 2^64; 32-bit ARM has no 128-bit
  // product.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace mimas
