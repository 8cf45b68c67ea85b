#include <algorithm>

#include "wire/chars.h"
#include "wire/http.h"

namespace mimas::wire {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// Graphic ASCII and what lies above it; no blank, no control character.
bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return !is_control(c) && c != ' '; });
}

Status check(const Request& request) {
  const auto bad = [](std::string what) {
    return make_error(Code::invalid_argument, std::move(what), "request");
  };
  if (!is_token(request.method)) return bad("the method is not a word");
  if (request.target.empty() || !is_visible(request.target)) {
    return bad("the target is empty or has a blank or a control character");
  }
  if (!is_visible(request.host)) return bad("the host has a blank or a control character");
  for (const Header& header : request.headers) {
    if (!is_token(header.name)) return bad("a header's name has characters that may not stand there");
    if (!is_field_value(header.value))
      return bad("the value of header " + header.name + " has a control character");
    // These three frame the message; a second opinion about them is how requests are smuggled.
    for (std::string_view own : {"Host", "Content-Length", "Transfer-Encoding"}) {
      if (equals_ignoring_case(header.name, own))
        return bad("header " + header.name + " is written by the client itself");
    }
  }
  return Done{};
}

bool needs_length(const Request& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

}  // namespace

Result<std::string> format_request(const Request& request) {
  if (auto checked = check(request); !checked) return checked.error();
  std::string out;
  out.reserve(256 + request.body.size());
  out += request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host + "\r\n";
  for (const Header& header : request.headers) out += header.name + ": " + header.value + "\r\n";
  if (needs_length(request)) out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  out += "\r\n";
  out += request.body;
  return out;
}

}  // namespace mimas::wire
