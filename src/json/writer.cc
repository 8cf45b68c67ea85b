#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "json/rapid.h"
#include "json/utf8.h"

namespace mimas::json {
namespace {

void append_escaped(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // start of the run that needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    out += '\\';
    switch (c) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case '\b': out += 'b'; break;
      case '\f': out += 'f'; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text.substr(plain));
  out += '"';
}

// Whether these eight characters stand in JSON as they are: plain ASCII without quotes, backslashes and
// control characters. All are looked at at once, by arithmetic.
bool are_plain(const char* eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  const auto has_zero = [](std::uint64_t bytes) { return (bytes - kOnes) & ~bytes & kHighs; };
  const std::uint64_t below_blank = (word - kOnes * 0x20) & ~word & kHighs;
  const std::uint64_t quote = has_zero(word ^ (kOnes * '"')), backslash = has_zero(word ^ (kOnes * '\\'));
  return ((word & kHighs) | below_blank | quote | backslash) == 0;
}

// The same of a whole text, which nearly every one is.
bool is_plain(std::string_view text) {
  if (text.size() < 8) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte > 0x7f || c == '"' || c == '\\') return false;
    }
    return true;
  }
  for (std::size_t at = 0; at + 8 <= text.size(); at += 8) {
    if (!are_plain(text.data() + at)) return false;
  }
  return are_plain(text.data() + text.size() - 8);
}

constexpr std::size_t kShortBytes = 60;  // such a text goes to its place in one piece, with what surrounds it

void append_string(std::string_view text, std::string& out) {
  if (is_plain(text)) {
    if (text.size() <= kShortBytes) {
      char piece[kShortBytes + 2];
      piece[0] = piece[text.size() + 1] = '"';
      std::copy(text.begin(), text.end(), piece + 1);
      out.append(piece, text.size() + 2);
      return;
    }
    out += '"';
    out.append(text);
    out += '"';
    return;
  }
  if (valid_utf8_prefix(text) == text.size()) return append_escaped(text, out);
  std::string good;
  append_replacing_bad_utf8(text, good);
  append_escaped(good, out);
}

}  // namespace

struct Writer::Impl {
  struct Level {
    bool object;
    bool empty;
    bool key_waits;  // a key was written, its value was not
  };

  void new_line() {
    out += '\n';
    out.append(levels.size() * 2, ' ');
  }

  // Before every element of an array and every key of an object.
  void separate() {
    Level& level = levels.back();
    if (!level.empty) out += ',';
    level.empty = false;
    if (pretty) new_line();
  }

  void before_value() {
    if (levels.empty()) {
      ASSERT(!done);  // one value per text
      done = true;
    } else if (levels.back().object) {
      ASSERT(levels.back().key_waits);
      levels.back().key_waits = false;
    } else {
      separate();
    }
  }

  void key(std::string_view name) {
    Level& level = levels.back();
    level.key_waits = true;
    if (!pretty && name.size() <= kShortBytes && is_plain(name)) {
      char piece[kShortBytes + 4];
      char* end = piece;
      if (!level.empty) *end++ = ',';
      *end++ = '"';
      end = std::copy(name.begin(), name.end(), end);
      *end++ = '"';
      *end++ = ':';
      level.empty = false;
      out.append(piece, static_cast<std::size_t>(end - piece));
      return;
    }
    separate();
    append_string(name, out);
    out += pretty ? ": " : ":";
  }

  void begin(bool object) {
    before_value();
    out += object ? '{' : '[';
    levels.push_back({object, true, false});
  }

  void end(bool object) {
    ASSERT(!levels.empty() && levels.back().object == object && !levels.back().key_waits);
    const bool empty = levels.back().empty;
    levels.pop_back();
    if (pretty && !empty) new_line();
    out += object ? '}' : ']';
    if (drain && out.size() >= kDrainBytes) drain_now();
  }

  void drain_now() {
    wanted = wanted && drain(out);
    out.clear();
  }

  Drain drain;
  bool wanted = true;
  bool pretty = false;
  bool done = false;
  std::string out;
  std::vector<Level> levels;
};

Writer::Writer(Style style) : impl_(std::make_unique<Impl>()) { impl_->pretty = style == Style::pretty; }
Writer::Writer(Drain drain) : impl_(std::make_unique<Impl>()) { impl_->drain = std::move(drain); }
Writer::~Writer() = default;

Writer& Writer::begin_object() {
  impl_->begin(true);
  return *this;
}
Writer& Writer::end_object() {
  impl_->end(true);
  return *this;
}
Writer& Writer::begin_array() {
  impl_->begin(false);
  return *this;
}
Writer& Writer::end_array() {
  impl_->end(false);
  return *this;
}

Writer& Writer::key(std::string_view name) {
  ASSERT(!impl_->levels.empty() && impl_->levels.back().object && !impl_->levels.back().key_waits);
  impl_->key(name);
  return *this;
}

Writer& Writer::string(std::string_view text) {
  impl_->before_value();
  append_string(text, impl_->out);
  return *this;
}

Writer& Writer::int64(std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return raw({digits, static_cast<std::size_t>(end - digits)});
}
Writer& Writer::uint64(std::uint64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return raw({digits, static_cast<std::size_t>(end - digits)});
}

Writer& Writer::number(double value) {
  // JSON has no NaN and no infinity; null is what every reader accepts as "no number".
  if (!std::isfinite(value)) return null();
  char digits[40];
  const char* end = rapidjson::internal::dtoa(value, digits);
  return raw({digits, static_cast<std::size_t>(end - digits)});
}

Writer& Writer::boolean(bool value) { return raw(value ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }

Writer& Writer::raw(std::string_view json) {
  impl_->before_value();
  impl_->out.append(json);
  if (impl_->drain && impl_->out.size() >= kDrainBytes) impl_->drain_now();
  return *this;
}

bool Writer::wanted() const { return impl_->wanted; }

void Writer::finish() {
  ASSERT(impl_->levels.empty() && impl_->drain);
  impl_->drain_now();
}

std::string Writer::take() {
  ASSERT(impl_->levels.empty());
  impl_->done = false;
  return std::exchange(impl_->out, {});
}

}  // namespace mimas::json
