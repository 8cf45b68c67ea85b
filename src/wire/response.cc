#include <algorithm>
#include <utility>

#include "wire/chars.h"
#include "wire/http.h"

namespace mimas::wire {

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
    Result<std::size_t> taken = std::size_t{0};
    switch (state_) {
      case State::status_line: taken = take_status_line(rest); break;
      case State::fields: taken = take_fields(rest); break;
      case State::chunks: taken = take_chunks(rest, body); break;
      case State::fixed:
      case State::until_close: taken = take_plain(rest, body); break;
      case State::complete:
      case State::failed: ASSERT(false);
    }
    if (!taken) return taken;
    used += *taken;
  }
  return used;
}

std::size_t ResponseParser::take_plain(std::string_view bytes, std::string& body) {
  if (state_ == State::until_close) {
    body.append(bytes);
    return bytes.size();
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  body.append(bytes.substr(0, size));
  remaining_ -= size;
  if (remaining_ == 0) state_ = State::complete;
  return size;
}

Result<std::size_t> ResponseParser::take_chunks(std::string_view bytes, std::string& body) {
  const std::size_t used = chunks_.feed(bytes, body);
  if (chunks_.fault() != ChunkReader::Fault::none) return fail(chunks_.why()).error();
  if (chunks_.done()) state_ = State::complete;
  return used;
}

Result<std::size_t> ResponseParser::take_status_line(std::string_view bytes) {
  std::size_t used = 0;
  switch (line_.feed(bytes, kHeadLineBytesMax, used)) {
    case LineReader::Got::more: return used;
    case LineReader::Got::line: break;
    case LineReader::Got::too_long: return fail("a status line of more than 8 KiB").error();
    case LineReader::Got::malformed: return fail("a status line that does not end with CRLF").error();
  }
  const std::string line = line_.take();
  if (Status read = read_status(line); !read) return read.error();
  interim_bytes_ += line.size() + 2;
  state_ = State::fields;
  return used;
}

// "HTTP/1.1 200 OK"; the reason and the blank before it may be missing.
Status ResponseParser::read_status(std::string_view line) {
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
  return Done{};
}

Result<std::size_t> ResponseParser::take_fields(std::string_view bytes) {
  std::size_t used = 0;
  switch (fields_.feed(bytes, used)) {
    case FieldReader::Got::more: return used;
    case FieldReader::Got::end: break;
    case FieldReader::Got::too_large:
      return fail("a response head of more than 64 KiB or 200 headers").error();
    case FieldReader::Got::malformed: return fail(fields_.why()).error();
  }
  head_.headers = std::move(fields_.fields());
  fields_ = {};
  if (Status taken = take_head_end(); !taken) return taken.error();
  return used;
}

Status ResponseParser::take_head_end() {
  if (head_.status == 101) return fail("the peer switched protocols without being asked");
  if (head_.status < 200) {
    for (const Header& header : head_.headers) interim_bytes_ += header.name.size() + header.value.size() + 4;
    if (interim_bytes_ > kHeadBytesMax) return fail("more than 64 KiB of interim responses");
    head_ = {};
    state_ = State::status_line;
    return Done{};
  }
  if (header_lists(head_.headers, "Connection", "close")) head_.keep_alive = false;
  else if (header_lists(head_.headers, "Connection", "keep-alive")) head_.keep_alive = true;
  return take_framing();
}

// How long the body is: RFC 9112 §6.3.
Status ResponseParser::take_framing() {
  const Framing framing = framing_of(head_.headers);
  if (framing.fault != nullptr) return fail(framing.fault);
  const bool bodiless = head_request_ || head_.status == 204 || head_.status == 304;
  if (bodiless) {
    state_ = State::complete;
  } else if (framing.chunked) {
    state_ = State::chunks;
  } else if (framing.has_length) {
    remaining_ = framing.length;
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

Status ResponseParser::finish() {
  if (state_ == State::until_close) state_ = State::complete;
  if (state_ == State::complete) return Done{};
  if (state_ == State::failed) return fail(std::move(why_));
  if (head_done_) return fail("the connection was closed in the middle of the body");
  return fail(!begun_ ? "the connection was closed without an answer"
                      : "the connection was closed in the middle of the response head");
}

}  // namespace mimas::wire
