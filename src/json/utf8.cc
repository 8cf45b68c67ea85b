#include "json/utf8.h"

namespace mimas::json {
namespace {

struct Sequence {
  std::size_t size;  // bytes taken: the whole code point, or the part that began well (at least 1)
  bool good;
};

// `text` is not empty.
Sequence next_sequence(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const std::size_t want = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Only the second byte has ranges of its own: they shut out overlong forms, surrogates and what lies above
  // U+10FFFF.
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t at = 1; at < want; ++at) {
    if (at >= text.size() || byte(at) < low || byte(at) > high) return {at, false};
    low = 0x80;
    high = 0xBF;
  }
  return {want, true};
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Sequence sequence = next_sequence(text.substr(at));
    if (!sequence.good) return at;
    at += sequence.size;
  }
  return at;
}

void append_replacing_bad_utf8(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t good = valid_utf8_prefix(text);
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) return;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(next_sequence(text).size);
  }
}

}  // namespace mimas::json
