#include "json/writer.h"

#include <cmath>
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

void append_string(std::string_view text, std::string& out) {
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
  }

  bool pretty = false;
  bool done = false;
  std::string out;
  std::vector<Level> levels;
};

Writer::Writer(Style style) : impl_(std::make_unique<Impl>()) { impl_->pretty = style == Style::pretty; }
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
  impl_->separate();
  append_string(name, impl_->out);
  impl_->out += impl_->pretty ? ": " : ":";
  impl_->levels.back().key_waits = true;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  impl_->before_value();
  append_string(text, impl_->out);
  return *this;
}

Writer& Writer::int64(std::int64_t number) { return raw(std::to_string(number)); }
Writer& Writer::uint64(std::uint64_t number) { return raw(std::to_string(number)); }

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
  return *this;
}

std::string Writer::take() {
  ASSERT(impl_->levels.empty());
  impl_->done = false;
  return std::exchange(impl_->out, {});
}

}  // namespace mimas::json
