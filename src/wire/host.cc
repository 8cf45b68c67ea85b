#include "wire/host.h"

#include <algorithm>

#include "wire/chars.h"
#include "wire/header.h"

namespace mimas::wire {
namespace {

// "127.0.0.1": four numbers to 255, written as nobody has to guess their base.
bool is_dotted_quad(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view digits = text.substr(0, end);
    int value = 0;
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) return false;
    for (const char c : digits) {
      if (!is_digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255 || (part < 3) != (end < text.size())) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return text.empty();
}

}  // namespace

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

// A name has no colon.
bool is_address(std::string_view host) {
  const auto six = [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; };
  return is_dotted_quad(host) ||
         (host.find(':') != std::string_view::npos && host.size() > 1 && std::ranges::all_of(host, six));
}

bool is_loopback_host(std::string_view host) {
  return equals_ignoring_case(host, "localhost") || host == "::1" ||
         (host.starts_with("127.") && is_dotted_quad(host));
}

}  // namespace mimas::wire
