#include "http/byte_range.h"

#include <doctest/doctest.h>

using namespace mimas::http;

namespace {

using Kind = ByteRange::Kind;

struct Row {
  const char* range;
  std::int64_t size;
  ByteRange wanted;
};

constexpr ByteRange kNone{Kind::unsatisfiable, 0, 0};

TEST_CASE("one range of bytes is a part, what lies beyond cannot be satisfied, all else is the whole") {
  const Row rows[] = {
      {"", 10, {Kind::whole, 0, 10}},
      {"bytes=0-0", 10, {Kind::part, 0, 1}},
      {"bytes=0-9", 10, {Kind::part, 0, 10}},
      {"bytes=2-5", 10, {Kind::part, 2, 4}},
      {"bytes=2-", 10, {Kind::part, 2, 8}},
      {"bytes=9-", 10, {Kind::part, 9, 1}},
      {"bytes=2-99", 10, {Kind::part, 2, 8}},
      {"bytes=2-99999999999999999999999", 10, {Kind::part, 2, 8}},
      {"bytes=-3", 10, {Kind::part, 7, 3}},
      {"bytes=-10", 10, {Kind::part, 0, 10}},
      {"bytes=-99999999999999999999999", 10, {Kind::part, 0, 10}},
      {" Bytes= 2 - 5 ", 10, {Kind::part, 2, 4}},
      {"bytes=10-", 10, kNone},
      {"bytes=10-12", 10, kNone},
      {"bytes=99999999999999999999999-", 10, kNone},
      {"bytes=-0", 10, kNone},
      {"bytes=0-", 0, kNone},
      {"bytes=-5", 0, kNone},
      // Several, other units, and what is no range at all.
      {"bytes=0-1,4-5", 10, {Kind::whole, 0, 10}},
      {"bytes=0-1,", 10, {Kind::whole, 0, 10}},
      {"lines=0-1", 10, {Kind::whole, 0, 10}},
      {"bytes", 10, {Kind::whole, 0, 10}},
      {"bytes=", 10, {Kind::whole, 0, 10}},
      {"bytes=-", 10, {Kind::whole, 0, 10}},
      {"bytes=5-2", 10, {Kind::whole, 0, 10}},
      {"bytes=a-b", 10, {Kind::whole, 0, 10}},
      {"bytes=+1-2", 10, {Kind::whole, 0, 10}},
      {"bytes=1--2", 10, {Kind::whole, 0, 10}},
      {"bytes=--2", 10, {Kind::whole, 0, 10}},
      {"bytes=1.5-2", 10, {Kind::whole, 0, 10}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.range);
    CHECK(select_range(row.range, "", "\"t\"", row.size) == row.wanted);
  }
}

TEST_CASE("a part of a version that is no more is not given out") {
  const ByteRange part{Kind::part, 2, 8};
  const ByteRange whole{Kind::whole, 0, 10};
  CHECK(select_range("bytes=2-", "\"t\"", "\"t\"", 10) == part);
  CHECK(select_range("bytes=2-", " \"t\" ", "\"t\"", 10) == part);
  for (const char* other : {"\"u\"", "W/\"t\"", "t", "*", "Sat, 21 Nov 2026 08:12:40 GMT"}) {
    CAPTURE(other);
    CHECK(select_range("bytes=2-", other, "\"t\"", 10) == whole);
  }
  CHECK(select_range("bytes=2-", "\"t\"", "", 10) == whole);
  CHECK(select_range("bytes=99-", "\"u\"", "\"t\"", 10) == whole);  // not 416: the whole is what is asked for
}

TEST_CASE("what was selected is named by its first and last byte") {
  CHECK(content_range({Kind::part, 2, 4}, 10) == "bytes 2-5/10");
  CHECK(content_range({Kind::part, 0, 1}, 1) == "bytes 0-0/1");
  CHECK(content_range(kNone, 10) == "bytes */10");
}

}  // namespace
