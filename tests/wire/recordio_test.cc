#include "wire/recordio.h"

#include <doctest/doctest.h>

#include "wire/backoff.h"

using namespace mimas;
using namespace mimas::wire;

namespace {

using Records = std::vector<std::string>;

const Records kThree = {"{\"type\":\"HEARTBEAT\"}", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80",
                        std::string("\0\n5\n", 4)};

std::string frame_all(const Records& records) {
  std::string out;
  for (const auto& record : records) out += frame_record(record);
  return out;
}

}  // namespace

TEST_CASE("a stream split at any byte, or at all of them, gives the same records") {
  const std::string stream = frame_all(kThree);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    RecordReader reader;
    Records got;
    REQUIRE(reader.feed(std::string_view(stream).substr(0, cut), got).ok());
    REQUIRE(reader.feed(std::string_view(stream).substr(cut), got).ok());
    CAPTURE(cut);
    REQUIRE(got == kThree);
    REQUIRE(reader.at_boundary());
  }
  RecordReader reader;
  Records got;
  for (char byte : stream) REQUIRE(reader.feed({&byte, 1}, got).ok());
  CHECK(got == kThree);
}

TEST_CASE("fifty records in one piece come out in order") {
  Records many;
  for (int i = 0; i < 50; ++i) many.push_back("record " + std::to_string(i));
  RecordReader reader;
  Records got;
  REQUIRE(reader.feed(frame_all(many), got).ok());
  CHECK(got == many);
}

TEST_CASE("the length counts bytes, not characters") { CHECK(frame_record("\xC3\xA9") == "2\n\xC3\xA9"); }

TEST_CASE("an empty record is skipped") {
  RecordReader reader;
  Records got;
  REQUIRE(reader.feed("26\n{\"type\":\"HEARTBEAT\",\"x\":1}0\n20\n{\"type\":\"HEARTBEAT\"}", got).ok());
  CHECK(got == Records{"{\"type\":\"HEARTBEAT\",\"x\":1}", "{\"type\":\"HEARTBEAT\"}"});
  CHECK(reader.at_boundary());
}

TEST_CASE("a malformed header poisons the stream for good") {
  for (const char* header :
       {"abc\n", "-5\n", "+5\n", "0x10\n", "5 \n", " 5\n", "\n", "5\r\n", "1,0\n", "\xC3\xA9\n"}) {
    CAPTURE(header);
    RecordReader reader;
    Records got;
    const auto failed = reader.feed("2\nok" + std::string(header) + "2\nno", got);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Code::protocol);
    CHECK(got == Records{"ok"});
    const auto again = reader.feed("2\nno", got);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error() == failed.error());
    CHECK(got.size() == 1);
    CHECK_FALSE(reader.at_boundary());
  }
}

TEST_CASE("too many digits or too long a record fails before the record is read") {
  const auto fails = [](std::string_view header, std::size_t limit = kRecordBytesMax) {
    RecordReader reader(limit);
    Records got;
    return !reader.feed(header, got).ok();
  };
  CHECK(fails("0000000000000000000000005\n"));
  CHECK(fails("000000000000000000005"));
  CHECK_FALSE(fails("00000000000000000005\n"));
  CHECK(fails("99999999999999999999\n"));
  CHECK(fails("18446744073709551616\n", SIZE_MAX));
  CHECK_FALSE(fails("67108864\n"));
  CHECK(fails("67108865\n"));
  CHECK_FALSE(fails("7\n", 7));
  CHECK(fails("8", 7));
  CHECK(fails("1\n", 0));
}

TEST_CASE("an end inside header or body is no boundary") {
  RecordReader reader;
  Records got;
  CHECK(reader.at_boundary());
  REQUIRE(reader.feed("1", got).ok());
  CHECK_FALSE(reader.at_boundary());
  REQUIRE(reader.feed("\n", got).ok());
  CHECK_FALSE(reader.at_boundary());
  REQUIRE(reader.feed("x", got).ok());
  CHECK(reader.at_boundary());
  REQUIRE(reader.feed("5\nhel", got).ok());
  CHECK_FALSE(reader.at_boundary());
  CHECK(got == Records{"x"});
}

TEST_CASE("back-off grows to its cap, stays above its floor and starts anew after a reset") {
  Prng prng(9);
  Backoff backoff;
  for (int n = 0; n < 100; ++n) {
    const std::int64_t top = n < 5 ? std::min<std::int64_t>(15'000, std::int64_t{500} << n) : 15'000;
    const std::int64_t wait = backoff.next_ms(prng);
    CAPTURE(n);
    REQUIRE(wait >= 50);
    REQUIRE(wait <= top);
  }
  backoff.reset();
  CHECK(backoff.next_ms(prng) <= 500);
}
