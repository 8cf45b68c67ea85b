#include "wire/request_parser.h"

#include <algorithm>
#include <utility>

#include "wire/chars.h"

namespace mimas::wire {
namespace {

bool is_method(std::string_view text) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}) {
    if (text == known) return true;
  }
  return false;
}

// Graphic characters and what lies above ASCII. A fragment is the client's own and never sent.
bool is_target(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return !is_control(c) && c != ' ' && c != '#'; });
}

bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

bool is_port(std::string_view text) { return text.size() <= 5 && std::ranges::all_of(text, is_digit); }

// "mimas.example:7101", "127.0.0.1", "[::1]:80": RFC 3986's host without its percent escapes.
bool is_authority(std::string_view text) {
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const auto address = text.substr(1, end - 1);
    if (!std::ranges::all_of(address, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }))
      return false;
    ++end;
  } else {
    end = std::min(text.find(':'), text.size());
    const auto plain = [](char c) { return is_digit(c) || is_alpha(c) || c == '-' || c == '.' || c == '_'; };
    if (end == 0 || !std::ranges::all_of(text.substr(0, end), plain)) return false;
  }
  return end == text.size() || (text[end] == ':' && is_port(text.substr(end + 1)));
}

}  // namespace

bool RequestParser::fail(int status, std::string detail) {
  fault_ = RequestFault{status, std::move(detail)};
  return false;
}

std::size_t RequestParser::feed(std::string_view bytes, std::string& body) {
  begun_ = begun_ || !bytes.empty();
  std::size_t used = 0;
  const bool in_head = !head_complete_;
  while (used < bytes.size() && !fault_ && !complete() && in_head == !head_complete_) {
    const std::string_view rest = bytes.substr(used);
    switch (state_) {
      case State::request_line: used += take_request_line(rest); break;
      case State::fields: used += take_fields(rest); break;
      case State::fixed: used += take_fixed(rest, body); break;
      case State::chunks: used += take_chunks(rest, body); break;
      case State::complete: break;
    }
  }
  return used;
}

std::size_t RequestParser::take_request_line(std::string_view bytes) {
  std::size_t used = 0;
  switch (line_.feed(bytes, kTargetBytesMax, used)) {
    case LineReader::Got::more: return used;
    case LineReader::Got::line: break;
    case LineReader::Got::too_long: fail(414, "the request line is longer than 8 KiB"); return used;
    case LineReader::Got::malformed: fail(400, "the request line does not end with CRLF"); return used;
  }
  const std::string line = line_.take();
  // RFC 9112 §2.2: one line break too many behind the body before is forgiven.
  if (line.empty() && !std::exchange(after_blank_, true)) return used;
  read_request_line(line);
  state_ = State::fields;
  return used;
}

void RequestParser::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, std::min(first, line.size()));
  if (first == std::string_view::npos || first == last || method.empty() ||
      !std::ranges::all_of(method, is_token_char) || !is_target(line.substr(first + 1, last - first - 1)) ||
      !is_version(line.substr(last + 1))) {
    fail(400, "the request line is not a method, a target and a version with one blank between them");
    return;
  }
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    fail(505, "this server speaks HTTP/1.1");
    return;
  }
  if (!is_method(method)) {
    fail(501, "this method is not known here");
    return;
  }
  head_.method = method;
  head_.minor = version.back() - '0';
  read_target(line.substr(first + 1, last - first - 1));
}

// RFC 9112 §3.2: origin form, absolute form, or "*" for OPTIONS alone.
bool RequestParser::read_target(std::string_view target) {
  if (target == "*" ? head_.method == "OPTIONS" : target.starts_with('/')) {
    head_.target = target;
    return true;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    authority_ = target.substr(0, end);
    const std::string_view rest = target.substr(end);
    head_.target = std::string(rest.starts_with('/') ? "" : "/").append(rest);
    return is_authority(*authority_) || fail(400, "the request target has no proper host");
  }
  return fail(400, "the request target is not a path");
}

std::size_t RequestParser::take_fields(std::string_view bytes) {
  std::size_t used = 0;
  switch (fields_.feed(bytes, used)) {
    case FieldReader::Got::more: break;
    case FieldReader::Got::end: take_head_end(); break;
    case FieldReader::Got::too_large:
      fail(431, "the request has more than 200 headers, 64 KiB of them, or one of more than 8 KiB");
      break;
    case FieldReader::Got::malformed: fail(400, fields_.why()); break;
  }
  return used;
}

void RequestParser::take_head_end() {
  head_.headers = std::move(fields_.fields());
  if (!check_host() || !check_framing() || !check_expectation()) return;
  head_.keep_alive = head_.minor == 1 && !header_lists(head_.headers, "Connection", "close");
  head_complete_ = true;
  if (!head_.has_body) {
    state_ = State::complete;
  } else if (remaining_ > 0) {
    state_ = State::fixed;
  } else {
    chunks_.emplace(body_bytes_max_);
    state_ = State::chunks;
  }
}

// RFC 9112 §3.2: exactly one, HTTP/1.0 may be without; what the target says besides must be the same.
bool RequestParser::check_host() {
  const Header* host = nullptr;
  for (const Header& header : head_.headers) {
    if (!equals_ignoring_case(header.name, "Host")) continue;
    if (host != nullptr) return fail(400, "there are two Host headers");
    host = &header;
  }
  if (host == nullptr) return head_.minor == 0 || fail(400, "there is no Host header");
  if (!host->value.empty() && !is_authority(host->value))
    return fail(400, "the Host header is not a host and perhaps a port");
  if (authority_ && !equals_ignoring_case(*authority_, host->value))
    return fail(400, "the request target and the Host header name different hosts");
  return true;
}

bool RequestParser::check_framing() {
  const Framing framing = framing_of(head_.headers);
  if (framing.fault != nullptr) return fail(framing.foreign_coding ? 501 : 400, framing.fault);
  if (framing.chunked && head_.minor == 0) return fail(400, "HTTP/1.0 has no Transfer-Encoding");
  if (framing.length > body_bytes_max_) return fail(413, "the request body is larger than this server takes");
  remaining_ = framing.length;
  head_.has_body = framing.chunked || framing.length > 0;
  return true;
}

bool RequestParser::check_expectation() {
  if (head_.minor == 0) return true;
  for (const Header& header : head_.headers) {
    if (!equals_ignoring_case(header.name, "Expect")) continue;
    if (!equals_ignoring_case(header.value, "100-continue"))
      return fail(417, "the one expectation that can be met is 100-continue");
    head_.expects_continue = head_.has_body;
  }
  return true;
}

std::size_t RequestParser::take_fixed(std::string_view bytes, std::string& body) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  body.append(bytes.substr(0, size));
  remaining_ -= size;
  if (remaining_ == 0) state_ = State::complete;
  return size;
}

std::size_t RequestParser::take_chunks(std::string_view bytes, std::string& body) {
  const std::size_t used = chunks_->feed(bytes, body);
  if (chunks_->done()) state_ = State::complete;
  if (chunks_->fault() == ChunkReader::Fault::too_large)
    fail(413, "the request body is larger than this server takes");
  if (chunks_->fault() == ChunkReader::Fault::malformed) fail(400, chunks_->why());
  return used;
}

}  // namespace mimas::wire
