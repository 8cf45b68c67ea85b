#include <algorithm>
#include <utility>

#include "wire/chars.h"
#include "wire/http.h"

namespace mimas::wire {
namespace {

constexpr std::size_t kHeadBytesMax = 64u << 10;
constexpr std::size_t kHeadersMax = 200;
constexpr std::size_t kChunkLineBytesMax = 4u << 10;
constexpr std::size_t kLengthDigitsMax = 18;  // decimal; fits 63 bits
constexpr std::size_t kChunkDigitsMax = 15;   // hexadecimal; fits 60 bits

// Does the comma-separated list in any header of that name hold the word?
bool lists(const std::vector<Header>& headers, std::string_view name, std::string_view word) {
  for (const Header& header : headers) {
    if (!equals_ignoring_case(header.name, name)) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (equals_ignoring_case(trim_blanks(rest.substr(0, comma)), word)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string_view find_header(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

ResponseParser::ResponseParser(bool head_request) : head_request_(head_request) {}

bool ResponseParser::begun() const { return begun_; }
bool ResponseParser::head_complete() const { return head_done_; }
bool ResponseParser::complete() const { return state_ == State::complete; }

const ResponseHead& ResponseParser::head() const {
  ASSERT(head_done_);
  return head_;
}

Status ResponseParser::fail(std::string why) {
  state_ = State::failed;
  why_ = std::move(why);
  return make_error(Code::protocol, why_);
}

Result<std::size_t> ResponseParser::feed(std::string_view bytes, std::string& body) {
  if (state_ == State::failed) return fail(std::move(why_)).error();
  begun_ = begun_ || !bytes.empty();
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::complete) {
    const std::string_view rest = bytes.substr(used);
    if (state_ == State::fixed || state_ == State::chunk_data || state_ == State::until_close) {
      used += take_body(rest, body);
      continue;
    }
    const std::size_t end = rest.find('\n');
    const std::size_t size = end == std::string_view::npos ? rest.size() : end + 1;
    if (auto counted = count_line_bytes(size); !counted) return counted.error();
    line_.append(rest.substr(0, size));
    used += size;
    if (end == std::string_view::npos) break;
    line_.pop_back();
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    const std::string line = std::exchange(line_, {});
    if (auto taken = take_line(line); !taken) return taken.error();
  }
  return used;
}

Status ResponseParser::count_line_bytes(std::size_t more) {
  if (state_ == State::chunk_size || state_ == State::chunk_end) {
    if (line_.size() + more > kChunkLineBytesMax) return fail("a chunk header of more than 4 KiB");
    return Done{};
  }
  head_bytes_ += more;
  if (head_bytes_ > kHeadBytesMax) return fail("a response head of more than 64 KiB");
  return Done{};
}

std::size_t ResponseParser::take_body(std::string_view bytes, std::string& body) {
  if (state_ == State::until_close) {
    body.append(bytes);
    return bytes.size();
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  body.append(bytes.substr(0, size));
  remaining_ -= size;
  if (remaining_ == 0) state_ = state_ == State::fixed ? State::complete : State::chunk_end;
  return size;
}

Status ResponseParser::take_line(std::string_view line) {
  switch (state_) {
    case State::status_line: return take_status_line(line);
    case State::headers: return line.empty() ? take_head_end() : take_header(line);
    case State::chunk_size: return take_chunk_size(line);
    case State::chunk_end:
      if (!line.empty()) return fail("a chunk that is longer than its header says");
      state_ = State::chunk_size;
      return Done{};
    case State::trailers:  // they are tolerated and not kept
      if (line.empty()) state_ = State::complete;
      return Done{};
    case State::fixed:
    case State::chunk_data:
    case State::until_close:
    case State::complete:
    case State::failed: break;
  }
  ASSERT(false);
  return Done{};
}

// "HTTP/1.1 200 OK"; the reason and the blank before it may be missing.
Status ResponseParser::take_status_line(std::string_view line) {
  const bool version =
      line.starts_with("HTTP/1.") && line.size() >= 12 && is_digit(line[7]) && line[8] == ' ';
  const std::string_view status = version ? line.substr(9, 3) : std::string_view{};
  if (!version || !std::all_of(status.begin(), status.end(), is_digit) || status[0] == '0' ||
      (line.size() > 12 && line[12] != ' ') || !is_field_value(line)) {
    return fail("the answer does not begin with an HTTP/1 status line");
  }
  head_.status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
  head_.keep_alive = line[7] != '0';
  if (line.size() > 13) head_.reason = line.substr(13);
  state_ = State::headers;
  return Done{};
}

Status ResponseParser::take_header(std::string_view line) {
  if (head_.headers.size() == kHeadersMax) return fail("a response head of more than 200 headers");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("a header line without a name");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!std::all_of(name.begin(), name.end(), is_token_char))
    return fail("a header name with a forbidden character");
  if (!is_field_value(value)) return fail("a header value with a control character");
  head_.headers.push_back({std::string(name), std::string(value)});
  return Done{};
}

Status ResponseParser::take_head_end() {
  if (head_.status == 101) return fail("the peer switched protocols without being asked");
  if (head_.status < 200) {
    head_ = {};
    state_ = State::status_line;
    return Done{};
  }
  if (lists(head_.headers, "Connection", "close")) head_.keep_alive = false;
  else if (lists(head_.headers, "Connection", "keep-alive")) head_.keep_alive = true;
  return take_framing();
}

// How long the body is: RFC 9112 §6.3.
Status ResponseParser::take_framing() {
  std::string_view length;
  for (const Header& header : head_.headers) {
    if (!equals_ignoring_case(header.name, "Content-Length")) continue;
    if (header.value.empty() || header.value.size() > kLengthDigitsMax ||
        !std::all_of(header.value.begin(), header.value.end(), is_digit)) {
      return fail("a Content-Length that is not a reasonable number");
    }
    if (!length.empty() && length != header.value) return fail("two different Content-Lengths");
    length = header.value;
  }
  const std::string_view coding = find_header(head_.headers, "Transfer-Encoding");
  const bool bodiless = head_request_ || head_.status == 204 || head_.status == 304;
  if (bodiless) {
    state_ = State::complete;
  } else if (!coding.empty()) {
    if (!equals_ignoring_case(coding, "chunked")) return fail("a Transfer-Encoding other than chunked");
    if (!length.empty())
      head_.keep_alive = false;  // whoever says both may mean either; trust nothing after it
    state_ = State::chunk_size;
  } else if (!length.empty()) {
    for (char c : length) remaining_ = remaining_ * 10 + static_cast<std::uint64_t>(c - '0');
    state_ = remaining_ == 0 ? State::complete : State::fixed;
  } else {
    head_.keep_alive = false;
    state_ = State::until_close;
  }
  const std::string_view content = find_header(head_.headers, "Content-Encoding");
  if (state_ != State::complete && !content.empty() && !equals_ignoring_case(content, "identity")) {
    return fail("a body in Content-Encoding '" + std::string(content) + "', which was not asked for");
  }
  head_done_ = true;
  return Done{};
}

// "1c4", "5;a=b", "5 ; a=b".
Status ResponseParser::take_chunk_size(std::string_view line) {
  std::size_t digits = 0;
  std::uint64_t size = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == kChunkDigitsMax) return fail("a chunk header of too many digits");
    size = size * 16 + static_cast<std::uint64_t>(hex_value(line[digits++]));
  }
  const std::string_view rest = trim_blanks(line.substr(digits));
  if (digits == 0 || (!rest.empty() && rest.front() != ';'))
    return fail("a chunk header that is not a number");
  remaining_ = size;
  head_bytes_ = 0;  // from here it counts the trailers
  state_ = size == 0 ? State::trailers : State::chunk_data;
  return Done{};
}

Status ResponseParser::finish() {
  if (state_ == State::until_close) state_ = State::complete;
  if (state_ == State::complete) return Done{};
  if (state_ == State::failed) return fail(std::move(why_));
  if (head_done_) return fail("the connection was closed in the middle of the body");
  return fail(!begun_ ? "the connection was closed without an answer"
                      : "the connection was closed in the middle of the response head");
}

}  // namespace mimas::wire
