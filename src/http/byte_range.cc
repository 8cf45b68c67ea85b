#include "http/byte_range.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "wire/http.h"

namespace mimas::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits only; what is larger than any file counts as the largest.
std::optional<std::int64_t> position(std::string_view text) {
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc::result_out_of_range ? INT64_MAX : value;
}

}  // namespace

ByteRange select_range(std::string_view range, std::string_view if_range, std::string_view etag,
                       std::int64_t size) {
  using Kind = ByteRange::Kind;
  const ByteRange whole{Kind::whole, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  range = trimmed(range);
  if (range.size() < kUnit.size() || !wire::equals_ignoring_case(range.substr(0, kUnit.size()), kUnit))
    return whole;
  if (!if_range.empty() && (etag.empty() || trimmed(if_range) != etag)) return whole;
  range = trimmed(range.substr(kUnit.size()));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return whole;
  const std::string_view from = trimmed(range.substr(0, dash));
  const std::string_view to = trimmed(range.substr(dash + 1));
  const auto first = position(from);
  const auto last = position(to);

  if (from.empty()) {  // the last so many bytes
    if (!last) return whole;
    if (*last == 0 || size == 0) return {Kind::unsatisfiable, 0, 0};
    const std::int64_t length = std::min(*last, size);
    return {Kind::part, size - length, length};
  }
  if (!first || (!to.empty() && !last) || (last && *last < *first)) return whole;
  if (*first >= size) return {Kind::unsatisfiable, 0, 0};
  const std::int64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {Kind::part, *first, end - *first + 1};
}

std::string content_range(const ByteRange& selected, std::int64_t size) {
  const std::string total = std::to_string(size);
  if (selected.kind == ByteRange::Kind::unsatisfiable) return "bytes */" + total;
  return "bytes " + std::to_string(selected.offset) + "-" +
         std::to_string(selected.offset + selected.length - 1) + "/" + total;
}

}  // namespace mimas::http
