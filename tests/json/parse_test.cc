#include <doctest/doctest.h>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/prng.h"
#include "json/value.h"

using namespace mimas;
using namespace mimas::json;

namespace {

std::string failure(std::string_view text, const ParseLimits& limits = {}) {
  auto parsed = parse(text, limits);
  return parsed ? "(accepted)" : parsed.error().message;
}

// The text of a value after a round through the tree; "(refused)" when it is not JSON.
std::string round(std::string_view text) {
  auto parsed = parse(text);
  return parsed ? parsed->root().dump() : "(refused)";
}

}  // namespace

TEST_CASE("values are read and written back in the order of their text") {
  CHECK(round(R"( {"b":1,"a":[true,false,null,"x",{}],"c":{"d":-2.5}} )") ==
        R"({"b":1,"a":[true,false,null,"x",{}],"c":{"d":-2.5}})");
  CHECK(round("5") == "5");
  CHECK(round("\"\"") == "\"\"");
  CHECK(round("[]") == "[]");
}

TEST_CASE("64-bit integers keep every digit") {
  for (const char* text : {"0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808",
                           "18446744073709551615"}) {
    CHECK(round(text) == text);
  }
}

TEST_CASE("doubles are read as exactly as the C library reads them") {
  Prng prng(11);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = prng.next();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    char text[64];
    std::snprintf(text, sizeof text, "%.*e", static_cast<int>(prng.below(25)), value);
    const double wanted = std::strtod(text, nullptr);
    if (std::isinf(wanted)) continue;
    auto parsed = parse(text);
    CAPTURE(text);
    REQUIRE(parsed.ok());
    REQUIRE(*parsed->root().number() == wanted);
  }
}

TEST_CASE("numbers that are too big, endless or not numbers are refused, small ones become zero") {
  for (const char* text :
       {"1e309", "-1e309", "1e99999999999999999999", "1.7976931348623159e308", "NaN", "Infinity", "-Infinity",
        "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "-", "--1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse(text).ok());
  }
  CHECK(*parse("1e-99999999999999999999")->root().number() == 0.0);
  CHECK(*parse("0." + std::string(100'000, '0') + "1")->root().number() == 0.0);
  CHECK(*parse("1." + std::string(100'000, '9'))->root().number() == 2.0);
  CHECK(failure(std::string(100'000, '9')) == "line 1, column 1: the number is too big");
}

TEST_CASE("errors say line, column and what was expected") {
  CHECK(failure("") == "line 1, column 1: the text is empty");
  CHECK(failure("  \n ") == "line 2, column 2: the text is empty");
  CHECK(failure("{\"a\":1,\n  b:2}") == "line 2, column 3: expected a member name in double quotes");
  CHECK(failure("{\"a\" 1}") == "line 1, column 6: expected ':' after a member name");
  CHECK(failure("[1 2]") == "line 1, column 4: expected ',' or ']' after an element");
  CHECK(failure("{\"a\":1 2}") == "line 1, column 8: expected ',' or '}' after a member");
  CHECK(failure("{} x") == "line 1, column 4: unexpected text after the value");
  CHECK(failure("[\"\xC3\xA9\xE2\x82\xAC\" 1]") == "line 1, column 7: expected ',' or ']' after an element");
  CHECK(failure("\"abc").ends_with("a string is not closed"));
  CHECK(failure("\"a\nb\"").ends_with("an unescaped control character in a string"));
  CHECK(failure("\"\\x\"").ends_with("an unknown escape in a string"));
  CHECK(failure("\"\\u12g4\"").ends_with("expected four hexadecimal digits after \\u"));
}

TEST_CASE("a trailing comma, a comment or a single quote is not JSON") {
  for (const char* text : {"[1,]", "{\"a\":1,}", "/* */1", "// x\n1", "'a'", "{'a':1}", "[,1]", "tru",
                           "nulll", "]", "}", "[}", "{]"}) {
    CAPTURE(text);
    CHECK_FALSE(parse(text).ok());
  }
}

TEST_CASE("a NUL ends nothing: bytes behind it count") {
  CHECK_FALSE(parse(std::string_view("{}\0garbage", 10)).ok());
  CHECK_FALSE(parse(std::string_view("{}\0", 3)).ok());
  CHECK_FALSE(parse(std::string_view("\0", 1)).ok());
  CHECK_FALSE(parse(std::string_view("\"a\0b\"", 5)).ok());
}

TEST_CASE("an escaped NUL may stand in a string but not in a name") {
  auto parsed = parse("[\"a\\u0000b\"]");
  REQUIRE(parsed.ok());
  CHECK(*parsed->root().at(0).string() == std::string_view("a\0b", 3));
  CHECK(failure("{\"a\\u0000b\":1}").ends_with("a NUL character in a member name"));
}

TEST_CASE("invalid UTF-8 is an error, or is replaced when the bytes come from a peer") {
  CHECK(failure("[\"ab\xFF\"]") == "line 1, column 5: invalid UTF-8");
  ParseLimits lenient;
  lenient.replace_bad_utf8 = true;
  auto parsed = parse("[\"ab\xFF\"]", lenient);
  REQUIRE(parsed.ok());
  CHECK(*parsed->root().at(0).string() == "ab\xEF\xBF\xBD");
}

TEST_CASE("surrogates come in pairs or not at all") {
  CHECK(*parse("\"\\ud83d\\ude00\"")->root().string() == "\xF0\x9F\x98\x80");
  for (const char* text :
       {"\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\u0041\"", "{\"\\ude00\":1}"}) {
    CAPTURE(text);
    CHECK(failure(text).ends_with("an unpaired surrogate in a string"));
  }
}

TEST_CASE("depth is limited, and a hundred thousand brackets cost nothing") {
  ParseLimits limits;
  limits.depth_max = 3;
  CHECK(parse("[[[]]]", limits).ok());
  CHECK(parse("[[[]],[[]],{\"a\":{}}]", limits).ok());
  CHECK(failure("[[[[]]]]", limits).ends_with("too many nested arrays and objects"));
  CHECK(failure("{\"a\":{\"a\":{\"a\":{}}}}", limits).ends_with("too many nested arrays and objects"));
  CHECK(failure(std::string(100'000, '[')).ends_with("too many nested arrays and objects"));
  limits.depth_max = 1'000'000;
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  auto parsed = parse(deep, limits);
  REQUIRE(parsed.ok());
  CHECK(parsed->root().dump() == deep);
}

TEST_CASE("size is limited before anything is read") {
  ParseLimits limits;
  limits.bytes_max = 4;
  CHECK(parse("[12]", limits).ok());
  auto parsed = parse("[123]", limits);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code == Code::too_large);
}

TEST_CASE("no garbled text crashes, and what is accepted is read back equal") {
  const std::string seed =
      R"({"type":"OFFERS","n":[1,-2.5e3,true,null,"\u00e9\n"],"o":{"a":{"b":[[],{}]}},"u":18446744073709551615})";
  Prng prng(42);
  for (int round_number = 0; round_number < 20'000; ++round_number) {
    std::string text = seed;
    for (std::uint64_t n = 1 + prng.below(4); n > 0; --n) {
      const auto at = static_cast<std::size_t>(prng.below(text.size()));
      switch (prng.below(3)) {
        case 0: text[at] = static_cast<char>(prng.below(256)); break;
        case 1: text.erase(at, static_cast<std::size_t>(prng.below(8))); break;
        default: text.insert(at, 1, "[]{}\",:\\0e."[prng.below(11)]);
      }
      if (text.empty()) text = "0";
    }
    auto parsed = parse(text);
    if (!parsed) continue;
    const std::string once = parsed->root().dump();
    CAPTURE(text);
    REQUIRE(round(once) == once);
  }
}

TEST_CASE("a byte order mark is named") {
  CHECK(failure("\xEF\xBB\xBF{}").find("line 1, column 1: a byte order mark (EF BB BF)") == 0);
  CHECK(round("{\"\xEF\xBB\xBF\":1}") ==
        "{\"\xEF\xBB\xBF\":1}");  // within a string it is a character as any other
}
