// How often an address may be wrong, on a clock cranked by hand.
#include "server/attempts.h"

#include <doctest/doctest.h>

using namespace mimas::server;

TEST_CASE("an address has ten attempts, and one comes back every ten seconds") {
  Attempts attempts;
  for (int i = 0; i < kAttempts; ++i) CHECK(attempts.take("a", 1'000));
  CHECK_FALSE(attempts.take("a", 1'000));
  CHECK(attempts.take("b", 1'000));
  CHECK_FALSE(attempts.take("a", 1'000 + kAttemptBackMs - 1));
  CHECK(attempts.take("a", 1'000 + kAttemptBackMs));
  CHECK_FALSE(attempts.take("a", 1'000 + kAttemptBackMs));
  // Long after, the store is full again, and no fuller.
  const std::int64_t later = 1'000 + 1'000 * kAttemptBackMs;
  for (int i = 0; i < kAttempts; ++i) CHECK(attempts.take("a", later));
  CHECK_FALSE(attempts.take("a", later));
}

TEST_CASE("who was right gets the attempt back") {
  Attempts attempts;
  for (int i = 0; i < 100; ++i) {
    CHECK(attempts.take("a", 0));
    attempts.give_back("a");
  }
  attempts.give_back("nobody");
  CHECK(attempts.addresses() == 1);
}

TEST_CASE("however many addresses knock, the memory is bounded, and the worst are remembered") {
  Attempts attempts;
  for (int i = 0; i < kAttempts; ++i) CHECK(attempts.take("worst", 0));
  for (std::size_t i = 0; i < 2 * kAddressesMax; ++i) attempts.take("n" + std::to_string(i), 0);
  CHECK(attempts.addresses() == kAddressesMax);
  CHECK_FALSE(attempts.take("worst", 0));
  // Those whose store is full again go first.
  attempts.take("fresh", kAttemptBackMs);
  CHECK(attempts.addresses() == 2);
  CHECK_FALSE(attempts.take("worst", 0));
}

TEST_CASE("an IPv6 address counts by its network") {
  CHECK(counted_address("10.0.0.1") == "10.0.0.1");
  CHECK(counted_address("2001:db8:1:2:3::4") == "2001:db8:1:2::/64");
  CHECK(counted_address("2001:db8:1:2:ffff::") == counted_address("2001:db8:1:2::1"));
  CHECK(counted_address("2001:db8:1:3::1") != counted_address("2001:db8:1:2::1"));
  CHECK(counted_address("") == "");
}
