#include "api/query.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "api/faults.h"
#include "api/job_limits.h"
#include "base/base64.h"

namespace mimas::api {

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> terms_of(std::string_view list) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view term = trim_blanks(list.substr(0, comma));
    if (!term.empty()) out.push_back(term);
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

std::vector<std::string> label_terms(std::string_view list) {
  std::vector<std::string> out;
  std::string term;
  const auto end_term = [&] {
    if (const std::string_view trimmed = trim_blanks(term); !trimmed.empty()) out.emplace_back(trimmed);
    term.clear();
  };
  for (std::size_t at = 0; at < list.size(); ++at) {
    const bool escape =
        list[at] == '\\' && at + 1 < list.size() && (list[at + 1] == ',' || list[at + 1] == '\\');
    if (escape) {
      term += list[++at];
    } else if (list[at] == ',') {
      end_term();
    } else {
      term += list[at];
    }
  }
  end_term();
  return out;
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::vector<Fault> unknown_parameters(const std::vector<Parameter>& parameters,
                                      const std::vector<std::string_view>& known) {
  Faults faults;
  for (const Parameter& parameter : parameters) {
    if (std::ranges::find(known, parameter.name) != known.end()) continue;
    std::string detail = "unknown query parameter";
    detail += known.empty() ? ": this path takes none" : faults.guess(parameter.name, known);
    // A query may hold any bytes; those that are no text are replaced when the answer is written.
    faults.add(cut_text(parameter.name, kTextBytesMax), std::move(detail), parameter.value);
  }
  return faults.take();
}

Checked<std::vector<std::string>> parse_fields(const std::vector<Parameter>& parameters) {
  Faults faults;
  std::vector<std::string> paths;
  for (const Parameter& parameter : parameters) {
    if (parameter.name != "fields") continue;
    for (std::string_view term : terms_of(parameter.value)) paths.emplace_back(term);
    if (paths.size() <= kQueryTermsMax) continue;
    faults.add("fields", "must not have more than " + std::to_string(kQueryTermsMax) + " terms",
               parameter.value, std::to_string(kQueryTermsMax));
    break;
  }
  return {std::move(paths), faults.take()};
}

std::string write_cursor(std::string_view list, const std::vector<std::int64_t>& numbers) {
  std::string text(list);
  for (const std::int64_t number : numbers) text += ':' + std::to_string(number);
  // Base64 of plain ASCII has no '+' or '/'; without its padding it needs no escaping in a URL.
  std::string encoded = base64_encode(text);
  while (encoded.ends_with('=')) encoded.pop_back();
  return encoded;
}

std::optional<std::vector<std::int64_t>> read_cursor(std::string_view text, std::string_view list,
                                                     std::size_t count) {
  const auto decoded = base64_decode(text);
  if (!decoded.ok() || !decoded->starts_with(list)) return std::nullopt;
  std::string_view rest = std::string_view(*decoded).substr(list.size());
  std::vector<std::int64_t> numbers;
  while (!rest.empty() && rest.front() == ':' && numbers.size() < count) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const auto number = parse_count(rest.substr(0, end));
    if (!number) return std::nullopt;
    numbers.push_back(*number);
    rest.remove_prefix(end);
  }
  if (!rest.empty() || numbers.size() != count) return std::nullopt;
  return numbers;
}

Checked<Page> parse_page(const std::vector<Parameter>& parameters, std::string_view list,
                         std::size_t numbers) {
  Faults faults;
  Page page;
  for (const Parameter& parameter : parameters) {
    const std::string_view value = trim_blanks(parameter.value);
    if (value.empty()) continue;  // as if it were not there
    if (parameter.name == "limit") {
      const auto limit = parse_count(value);
      if (limit && *limit <= kPageMax) {
        page.limit = *limit;
        continue;
      }
      faults.add("limit", "must be a whole number from 1 to " + std::to_string(kPageMax) + ", or 0 for all",
                 parameter.value, "1.." + std::to_string(kPageMax));
    } else if (parameter.name == "cursor") {
      auto after = read_cursor(value, list, numbers);
      if (!after) {
        faults.add("cursor", std::string(kCursorFault), parameter.value);
      } else {
        page.after = *std::move(after);
      }
    }
  }
  return {std::move(page), faults.take()};
}

}  // namespace mimas::api
