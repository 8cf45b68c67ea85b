#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "json/rapid.h"
#include "json/tree.h"
#include "json/utf8.h"
#include "json/value.h"

namespace mimas::json {
namespace {

// Hands RapidJSON's events on to the tree, and stops at what our limits forbid. `why` is set when it stops.
class LimitedBuilder {
 public:
  LimitedBuilder(Dom& dom, int depth_max) : dom_(dom), depth_max_(depth_max) {}

  const char* why() const { return why_; }

  bool Null() { return dom_.Null(); }
  bool Bool(bool value) { return dom_.Bool(value); }
  bool Int(int) { return stop("not JSON"); }  // numbers come as text, below
  bool Uint(unsigned) { return stop("not JSON"); }
  bool Int64(int64_t) { return stop("not JSON"); }
  bool Uint64(uint64_t) { return stop("not JSON"); }
  bool Double(double) { return stop("not JSON"); }
  // RapidJSON 1.1.0 reads outside its tables when it converts a number of very many digits, so the conversion
  // is ours; the grammar has been checked by the time the text comes here.
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return number({text, size}); }
  bool String(const char* text, rapidjson::SizeType size, bool copy) {
    return check(text, size) && dom_.String(text, size, copy);
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    if (std::memchr(text, '\0', size) != nullptr) return stop("a NUL character in a member name");
    return check(text, size) && dom_.Key(text, size, copy);
  }
  bool StartObject() { return deeper() && dom_.StartObject(); }
  bool EndObject(rapidjson::SizeType members) {
    --depth_;
    return dom_.EndObject(members);
  }
  bool StartArray() { return deeper() && dom_.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) {
    --depth_;
    return dom_.EndArray(elements);
  }

 private:
  bool stop(const char* why) {
    why_ = why;
    return false;
  }
  bool deeper() { return ++depth_ <= depth_max_ || stop("too many nested arrays and objects"); }
  // The text's own bytes were checked before; what can still be wrong is an escaped low surrogate on its own,
  // which RapidJSON 1.1.0 turns into three ill-formed bytes.
  bool check(const char* text, std::size_t size) {
    return valid_utf8_prefix({text, size}) == size || stop("an unpaired surrogate in a string");
  }

  bool number(std::string_view text) {
    std::int64_t whole = 0;
    std::uint64_t large = 0;
    const char* const end = text.data() + text.size();
    if (const auto [at, failure] = std::from_chars(text.data(), end, whole);
        failure == std::errc{} && at == end) {
      return dom_.Int64(whole);
    }
    if (const auto [at, failure] = std::from_chars(text.data(), end, large);
        failure == std::errc{} && at == end) {
      return dom_.Uint64(large);
    }
    // strtod is exact in glibc and musl alike. No part of mimas leaves the "C" locale; were that to change, a
    // decimal point it does not know is an error here and not a wrong number.
    const std::string terminated(text);
    char* stop_at = nullptr;
    const double value = std::strtod(terminated.c_str(), &stop_at);
    if (stop_at != terminated.c_str() + terminated.size()) return stop("a number this machine cannot read");
    return std::isfinite(value) ? dom_.Double(value) : stop("the number is too big");
  }

  Dom& dom_;
  int depth_max_;
  int depth_ = 0;
  const char* why_ = nullptr;
};

// `at` is the byte the reader stopped at.
const char* describe(rapidjson::ParseErrorCode code, char at) {
  switch (code) {
    case rapidjson::kParseErrorNone: break;
    case rapidjson::kParseErrorDocumentEmpty: return "the text is empty";
    case rapidjson::kParseErrorDocumentRootNotSingular: return "unexpected text after the value";
    case rapidjson::kParseErrorValueInvalid: return "expected a value";
    case rapidjson::kParseErrorObjectMissName: return "expected a member name in double quotes";
    case rapidjson::kParseErrorObjectMissColon: return "expected ':' after a member name";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "expected ',' or '}' after a member";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "expected ',' or ']' after an element";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
      return "expected four hexadecimal digits after \\u";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid: return "an unpaired surrogate in a string";
    case rapidjson::kParseErrorStringEscapeInvalid:
      return at == '\\' ? "an unknown escape in a string" : "an unescaped control character in a string";
    case rapidjson::kParseErrorStringMissQuotationMark: return "a string is not closed";
    case rapidjson::kParseErrorStringInvalidEncoding: return "an unescaped control character in a string";
    case rapidjson::kParseErrorNumberTooBig: return "the number is too big";
    case rapidjson::kParseErrorNumberMissFraction: return "expected digits after the decimal point";
    case rapidjson::kParseErrorNumberMissExponent: return "expected digits in the exponent";
    case rapidjson::kParseErrorTermination:
    case rapidjson::kParseErrorUnspecificSyntaxError: break;
  }
  return "not JSON";
}

// Lines and columns count from 1; a column is a code point, not a byte.
Error error_at(std::string_view text, std::size_t offset, std::string_view why) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (char c : text.substr(0, std::min(offset, text.size()))) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column;
    }
  }
  return make_error(Code::invalid_argument, "line " + std::to_string(line) + ", column " +
                                                std::to_string(column) + ": " + std::string(why));
}

}  // namespace

Result<Document> parse(std::string_view text, const ParseLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return make_error(Code::too_large, "the JSON text has " + std::to_string(text.size()) +
                                           " bytes, at most " + std::to_string(limits.bytes_max) +
                                           " are allowed");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return error_at(
        text, 0, "a byte order mark (EF BB BF), which JSON does not have: save the text as UTF-8 without it");
  }
  std::string replaced;
  if (const std::size_t good = valid_utf8_prefix(text); good != text.size()) {
    if (!limits.replace_bad_utf8) return error_at(text, good, "invalid UTF-8");
    append_replacing_bad_utf8(text, replaced);
    text = replaced;
  }

  auto tree = std::make_unique<Document::Tree>(text.size());
  LimitedBuilder builder(tree->dom, limits.depth_max);
  rapidjson::CrtAllocator heap;
  rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator> reader(&heap);
  // MemoryStream asks for a real address even for no bytes.
  rapidjson::MemoryStream stream(text.empty() ? "" : text.data(), text.size());
  rapidjson::ParseResult result;
  auto generate = [&](Dom&) {
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
    result = reader.Parse<kFlags>(stream, builder);
    return !result.IsError();
  };
  tree->dom.Populate(generate);
  if (result.IsError()) {
    const char at = result.Offset() < text.size() ? text[result.Offset()] : '\0';
    const char* why = builder.why() != nullptr ? builder.why() : describe(result.Code(), at);
    return error_at(text, result.Offset(), why);
  }
  // RapidJSON takes a NUL for the end of the text.
  if (stream.Tell() != text.size()) return error_at(text, stream.Tell(), "unexpected text after the value");
  return Document(std::move(tree));
}

}  // namespace mimas::json
