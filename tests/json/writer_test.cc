#include "json/writer.h"

#include <doctest/doctest.h>
#include <cmath>
#include <cstring>

#include "base/prng.h"
#include "json/utf8.h"
#include "json/value.h"

using namespace mimas;
using namespace mimas::json;

TEST_CASE("the text is in the order of the calls") {
  Writer out;
  out.begin_object()
      .member("b", 1)
      .member("a", "x")
      .key("list")
      .begin_array()
      .int64(-1)
      .boolean(true)
      .null()
      .end_array();
  out.member_raw("raw", "{\"z\":0}").key("o").begin_object().end_object().end_object();
  CHECK(out.take() == R"({"b":1,"a":"x","list":[-1,true,null],"raw":{"z":0},"o":{}})");
  out.string("again");
  CHECK(out.take() == "\"again\"");
}

TEST_CASE("the pretty style breaks lines and keeps empty containers together") {
  Writer out(Writer::Style::pretty);
  out.begin_object()
      .member("a", 1)
      .key("b")
      .begin_array()
      .int64(1)
      .int64(2)
      .end_array()
      .key("c")
      .begin_array()
      .end_array();
  out.end_object();
  CHECK(out.take() == "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    2\n  ],\n  \"c\": []\n}");
}

TEST_CASE("doubles always show that they are doubles") {
  const auto text = [](double value) {
    Writer out;
    out.number(value);
    return out.take();
  };
  CHECK(text(15) == "15.0");
  CHECK(text(0) == "0.0");
  CHECK(text(-0.0) == "-0.0");
  CHECK(text(0.1) == "0.1");
  CHECK(text(1e300) == "1e300");
  CHECK(text(NAN) == "null");
  CHECK(text(INFINITY) == "null");
}

TEST_CASE("doubles are read back equal") {
  Prng prng(5);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = prng.next();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    Writer out;
    out.number(value);
    const std::string text = out.take();
    CAPTURE(text);
    REQUIRE(*parse(text)->root().number() == value);
  }
}

TEST_CASE("strings are escaped as little as JSON allows") {
  Writer out;
  out.string(std::string_view("q\" b\\ \n\t\r\b\f \0\x1f\x7f / \xC3\xA9", 20));
  CHECK(out.take() == "\"q\\\" b\\\\ \\n\\t\\r\\b\\f \\u0000\\u001f\x7f / \xC3\xA9\"");
}

TEST_CASE("a large text is drained in pieces, which join to the same text") {
  const auto write = [](Writer& out) {
    out.begin_array();
    for (int i = 0; i < 20'000; ++i) {
      out.begin_object().member("n", i).key("list").begin_array();
      for (int k = 0; k < 3; ++k) out.raw("\"element\"");
      out.end_array().end_object();
    }
    out.end_array();
  };
  Writer whole;
  write(whole);
  std::string joined;
  std::size_t largest = 0, pieces = 0;
  Writer drained([&](std::string_view piece) {
    joined += piece;
    largest = std::max(largest, piece.size());
    ++pieces;
    return true;
  });
  write(drained);
  CHECK(drained.wanted());
  drained.finish();
  CHECK(joined == whole.take());
  CHECK(pieces > 10);
  CHECK(largest < kDrainBytes + 100);
}

TEST_CASE("what nobody wants any more is thrown away") {
  int asked = 0;
  Writer out([&](std::string_view) {
    ++asked;
    return false;
  });
  out.begin_array();
  while (out.wanted()) out.begin_object().member("name", "value").end_object();
  for (int i = 0; i < 100'000; ++i) out.begin_object().member("name", "value").end_object();
  out.end_array();
  out.finish();
  CHECK(asked == 1);
}

TEST_CASE("every ASCII character is escaped or not, wherever in a text it stands") {
  for (int c = 0; c < 0x80; ++c) {
    const bool plain = c >= 0x20 && c != '"' && c != '\\';
    for (std::size_t size = 1; size <= 17; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, '~');
        text[at] = static_cast<char>(c);
        json::Writer out;
        const std::string written = out.string(text).take();
        const bool as_it_is = written == "\"" + text + "\"";
        if (as_it_is != plain) FAIL(c << " at " << at << " of " << size << ": " << written);
        const auto read = json::parse(written);
        REQUIRE(read.ok());
        REQUIRE(read->root().string().value() == text);
      }
    }
  }
}

TEST_CASE("every ill-formed sequence becomes one replacement character") {
  const auto replaced = [](std::string_view text) {
    std::string out;
    append_replacing_bad_utf8(text, out);
    return out;
  };
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(replaced("plain \xE2\x82\xAC") == "plain \xE2\x82\xAC");
  CHECK(replaced("a\xFFz") == "a" + mark + "z");
  CHECK(replaced("\xC0\x80") == mark + mark);             // overlong
  CHECK(replaced("\xED\xA0\x80") == mark + mark + mark);  // surrogate
  CHECK(replaced("\xF4\x90\x80\x80") == mark + mark + mark + mark);
  CHECK(replaced("\xE2\x82") == mark);  // cut short: one
  CHECK(replaced("\xE2\x82"
                 "A") == mark + "A");
  CHECK(replaced("\xF0\x9F\x98") == mark);
  Writer out;
  out.string("a\xFF");
  CHECK(out.take() == "\"a" + mark + "\"");
}

TEST_CASE("exactly the scalar values are well-formed") {
  for (std::uint32_t code = 0; code < 0x120000; ++code) {
    std::string text;
    if (code < 0x80) text = {static_cast<char>(code)};
    else if (code < 0x800)
      text = {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
    else if (code < 0x10000)
      text = {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
              static_cast<char>(0x80 | (code & 63))};
    else
      text = {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
              static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
    const bool scalar = code < 0xD800 || (code > 0xDFFF && code < 0x110000);
    if ((valid_utf8_prefix(text) == text.size()) != scalar) FAIL(code);
  }
}
