#include "server/log_query.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace mimas::server {
namespace {

constexpr std::int64_t kPieceBytes = 64 << 10;

bool parse_integer(std::string_view text, std::int64_t& into) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failure == std::errc{} && end == text.data() + text.size();
}

}  // namespace

api::Checked<LogQuery> parse_log_query(const http::Request& request) {
  api::Checked<LogQuery> checked;
  LogQuery& query = checked.value;
  bool part = false;
  const auto fault = [&](const std::string& name, const std::string& detail, const std::string& value) {
    checked.faults.push_back({name, detail, value, {}});
  };
  for (const auto& [name, value] : request.query) {
    query.any = true;
    if (name == "offset") {
      part = true;
      if (!parse_integer(value, query.offset)) fault(name, "must be a whole number of bytes", value);
    } else if (name == "length") {
      part = true;
      const bool fits = parse_integer(value, query.length) && query.length >= 0;
      if (!fits) fault(name, "must be a number of bytes, 0 or more", value);
    } else if (name == "tail") {
      const bool fits = parse_integer(value, query.tail) && query.tail >= 1 && query.tail <= kTailLinesMax;
      if (!fits) fault(name, "must be a number of lines, 1 to " + std::to_string(kTailLinesMax), value);
    } else if (name == "follow") {
      if (value != "true" && value != "false") fault(name, "must be true or false", value);
      query.follow = value == "true";
    } else {
      fault(name, "unknown query parameter; there are offset, length, tail and follow", value);
    }
  }
  if (query.tail != 0 && part) fault("tail", "does not go with offset and length", {});
  return checked;
}

Result<std::int64_t> find_tail(const LogSource& source, const std::string& file, std::int64_t size,
                               std::int64_t lines) {
  const std::int64_t floor = std::max<std::int64_t>(0, size - kTailBytesMax);
  std::int64_t begin = size;  // of what was looked through
  while (begin > floor) {
    const std::int64_t from = std::max(floor, begin - kPieceBytes);
    const auto piece = source.read(file, from, begin - from);
    if (!piece.ok()) return piece.error();
    const std::string& bytes = piece->bytes;
    if (static_cast<std::int64_t>(bytes.size()) < begin - from) return begin;  // it has become shorter
    for (std::size_t i = bytes.size(); i-- > 0;) {
      const std::int64_t at = from + static_cast<std::int64_t>(i);
      if (bytes[i] != '\n' || at == size - 1) continue;  // the last newline ends the last line
      if (--lines == 0) return at + 1;
    }
    begin = from;
  }
  return floor;
}

}  // namespace mimas::server
