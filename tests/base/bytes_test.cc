#include <doctest/doctest.h>

#include "base/base64.h"
#include "base/prng.h"
#include "base/uuid.h"

using namespace mimas;

TEST_CASE("base64 gives the vectors of RFC 4648 both ways") {
  const char* const pairs[][2] = {{"", ""},
                                  {"f", "Zg=="},
                                  {"fo", "Zm8="},
                                  {"foo", "Zm9v"},
                                  {"foob", "Zm9vYg=="},
                                  {"fooba", "Zm9vYmE="},
                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& pair : pairs) {
    CHECK(base64_encode(pair[0]) == pair[1]);
    CHECK(*base64_decode(pair[1]) == pair[0]);
  }
}

TEST_CASE("base64 of random bytes of every length is read back equal") {
  Prng prng(1);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(prng.below(256));
    CHECK(*base64_decode(base64_encode(bytes)) == bytes);
  }
}

TEST_CASE(
    "base64 is read as Mesos reads it: blanks skipped, padding optional, stop at '=', no URL alphabet") {
  CHECK(*base64_decode("Zm 9v\r\n\tYg") == "foob");
  CHECK(*base64_decode("Zg==!!") == "f");
  for (const char* text : {"Zm9-", "Zm9_", "Zm9!", "Zm9\xC3"}) CHECK_FALSE(base64_decode(text).ok());
}

TEST_CASE("a version 4 uuid has its bits and its text") {
  RandomBytes bytes;
  bytes.fill(0xFF);
  const std::string raw = uuid_v4_bytes(bytes);
  CHECK(uuid_text(raw) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(is_uuid(raw));
  bytes.fill(0);
  CHECK(uuid_text(uuid_v4_bytes(bytes)) == "00000000-0000-4000-8000-000000000000");
}

TEST_CASE("what is not a uuid is told apart") {
  CHECK(uuid_text("short").empty());
  CHECK_FALSE(is_uuid(""));
  CHECK_FALSE(is_uuid(std::string(15, 'x')));
  CHECK_FALSE(is_uuid(std::string(16, '\0')));
  std::string raw = uuid_v4_bytes({});
  raw[6] = 0x60;  // version 6
  CHECK_FALSE(is_uuid(raw));
  raw[6] = 0x10;
  CHECK(is_uuid(raw));
  raw[8] = '\xC0';
  CHECK_FALSE(is_uuid(raw));
}

TEST_CASE("the generator gives splitmix64's published numbers") {
  Prng prng(1234567);
  CHECK(prng.next() == 6457827717110365317ULL);
  CHECK(prng.next() == 3203168211198807973ULL);
  CHECK(prng.next() == 9817491932198370423ULL);
}

TEST_CASE("draws stay below their bound and reach every number") {
  Prng prng(3);
  CHECK(prng.below(0) == 0);
  CHECK(prng.below(1) == 0);
  unsigned seen = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto drawn = prng.below(7);
    REQUIRE(drawn < 7);
    seen |= 1u << drawn;
  }
  CHECK(seen == 127);
}
