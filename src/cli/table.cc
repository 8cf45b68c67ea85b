#include "cli/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace mimas::cli {
namespace {

// Length of the UTF-8 sequence that starts at `at`, or 0 if there is none (over-long forms and surrogates
// included).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 && lead <= 0xf4  ? 4U
                             : lead >= 0xe0 && lead < 0xf0 ? 3U
                             : lead >= 0xc2 && lead < 0xe0 ? 2U
                                                           : 0U;
  if (length == 0 || text.size() - at < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

const char* tone_code(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::good: return "\x1b[32m";
    case Tone::bad: return "\x1b[31m";
    case Tone::waiting: return "\x1b[33m";
  }
  return "";
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    const auto first = static_cast<unsigned char>(text[at]);
    // U+0080..U+009F are control characters too: some terminals obey the 8-bit CSI.
    const bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    if (length == 1 && (first == '\n' || first == '\t' || first == '\r')) {
      out += ' ';
    } else if (length == 0 || c1 || (length == 1 && (first < 0x20 || first == 0x7f))) {
      out += '?';
    } else {
      out.append(text.substr(at, length));
    }
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::string toned(const std::string& text, Tone tone) {
  return tone == Tone::plain ? text : tone_code(tone) + text + "\x1b[0m";
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

void Table::add(std::vector<Cell> row) {
  row.resize(headings_.size());
  for (Cell& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::text(bool colour) const {
  std::vector<std::size_t> widths;
  for (const std::string& heading : headings_) widths.push_back(width(heading));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
  }
  std::string out;
  const auto add_line = [&](auto&& text_of, auto&& tone_of) {
    std::string line;
    std::size_t blanks = 0;
    for (std::size_t i = 0; i < headings_.size(); ++i) {
      const std::string& text = text_of(i);
      const Tone tone = colour ? tone_of(i) : Tone::plain;
      if (!text.empty()) {
        line.append(blanks, ' ');
        blanks = 0;
        line += toned(text, tone);
      }
      blanks += widths[i] - width(text) + 2;
    }
    out += line + "\n";
  };
  add_line([&](std::size_t i) -> const std::string& { return headings_[i]; },
           [](std::size_t) { return Tone::plain; });
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) -> const std::string& { return row[i].text; },
             [&](std::size_t i) { return row[i].tone; });
  }
  return out;
}

bool colour_wanted() {
  const char* refused = std::getenv("NO_COLOR");
  return (refused == nullptr || *refused == '\0') && isatty(STDOUT_FILENO) == 1;
}

}  // namespace mimas::cli
