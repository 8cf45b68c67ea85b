// The query of a request, as names and values decoded once: what is unknown, what pages hold. Pure. Tested in
// tests/api/job_query_test.cc and tests/server/routes_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"

namespace mimas::api {

struct Parameter {
  std::string name, value;
};

// A comma list of what may have commas itself, as labels do: `\,` is a comma of the term, `\\` a backslash;
// any other backslash is itself. Trimmed; empty ones are left out.
std::vector<std::string> label_terms(std::string_view list);

// One fault for every parameter that is not among the known, with a guess at what was meant.
std::vector<Fault> unknown_parameters(const std::vector<Parameter>& parameters,
                                      const std::vector<std::string_view>& known);

// `fields=a,b.c`, as often as it is given: the paths, at most kQueryTermsMax of them.
Checked<std::vector<std::string>> parse_fields(const std::vector<Parameter>& parameters);

// Where a page ended: some numbers under a word that says of what list, in URL-safe text.
std::string write_cursor(std::string_view list, const std::vector<std::int64_t>& numbers);
// The `count` numbers of a cursor of that list; nullopt for anything else.
std::optional<std::vector<std::int64_t>> read_cursor(std::string_view text, std::string_view list,
                                                     std::size_t count);
inline constexpr std::string_view kCursorFault =
    "is not a cursor of this list: send back what X-Next-Cursor held";

// `limit` and `cursor` of a list that has nothing else. A cursor is `numbers` long.
struct Page {
  std::int64_t limit = 0;           // 0: all
  std::vector<std::int64_t> after;  // empty: from the start
};
Checked<Page> parse_page(const std::vector<Parameter>& parameters, std::string_view list,
                         std::size_t numbers);

std::string_view trim_blanks(std::string_view text);
std::vector<std::string_view> terms_of(
    std::string_view list);  // of a comma list, trimmed, without empty ones
std::optional<std::int64_t> parse_count(std::string_view text);  // a whole number, not negative

}  // namespace mimas::api
