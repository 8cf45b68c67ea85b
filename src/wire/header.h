// Header fields of HTTP/1.1 and what is asked of a list of them. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mimas::wire {

// Of a request's and of a response's head, and of the trailers behind a chunked body.
inline constexpr std::size_t kHeadBytesMax = 64u << 10;
inline constexpr std::size_t kHeadLineBytesMax = 8u << 10;
inline constexpr std::size_t kHeadersMax = 200;

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

bool equals_ignoring_case(std::string_view a, std::string_view b);
// First value of that name (case-insensitive); empty when absent.
std::string_view find_header(const std::vector<Header>& headers, std::string_view name);
// Whether the comma-separated list in any header of that name holds the word (case-insensitive).
bool header_lists(const std::vector<Header>& headers, std::string_view name, std::string_view word);

}  // namespace mimas::wire
