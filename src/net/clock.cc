#include "net/clock.h"

#include <fcntl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace mimas::net {
namespace {

std::int64_t read_clock_ms(clockid_t clock) {
  timespec now{};
  ASSERT(::clock_gettime(clock, &now) == 0);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// For kernels before 3.17, which have no getrandom.
bool read_urandom(void* into, std::size_t size) {
  const int fd = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t got = ::read(fd, into, size);  // never short for 256 bytes or fewer
  ::close(fd);
  return got == static_cast<ssize_t>(size);
}

void fill_random(void* into, std::size_t size) {
  ssize_t got;
  do {
    got = ::getrandom(into, size, 0);
  } while (got < 0 && errno == EINTR);
  // A process without entropy cannot make ids that are its own; there is no sensible way on.
  ASSERT(got == static_cast<ssize_t>(size) || read_urandom(into, size));
}

}  // namespace

Instant wall_now() { return Instant{read_clock_ms(CLOCK_REALTIME)}; }
std::int64_t monotonic_ms() { return read_clock_ms(CLOCK_MONOTONIC); }

RandomBytes random_bytes() {
  RandomBytes out{};
  fill_random(out.data(), out.size());
  return out;
}

std::uint64_t random_seed() {
  std::uint64_t out = 0;
  fill_random(&out, sizeof out);
  return out;
}

}  // namespace mimas::net
