#include "wire/message_lines.h"

#include <algorithm>
#include <utility>

#include "wire/chars.h"

namespace mimas::wire {
namespace {

constexpr std::size_t kLengthDigitsMax = 18;  // decimal; fits 63 bits
constexpr std::size_t kChunkDigitsMax = 15;   // hexadecimal; fits 60 bits

// " ;a=b", "" after the digits of a chunk's size. Blanks may stand before a semicolon alone.
bool is_extension(std::string_view text) {
  return text.empty() || (trim_blanks(text).starts_with(';') && is_field_value(text));
}

const char* read_length(std::string_view text, std::uint64_t& into) {
  if (text.empty() || text.size() > kLengthDigitsMax || !std::ranges::all_of(text, is_digit))
    return "Content-Length is not one reasonable number";
  into = 0;
  for (const char c : text) into = into * 10 + static_cast<std::uint64_t>(c - '0');
  return nullptr;
}

}  // namespace

LineReader::Got LineReader::feed(std::string_view bytes, std::size_t most, std::size_t& used) {
  const std::size_t end = bytes.find('\n');
  used = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + used > most) return Got::too_long;
  line_.append(bytes.substr(0, used));
  if (end == std::string_view::npos) return Got::more;
  return line_.ends_with("\r\n") ? Got::line : Got::malformed;
}

std::string LineReader::take() {
  line_.resize(line_.size() - 2);
  return std::exchange(line_, {});
}

FieldReader::Got FieldReader::feed(std::string_view bytes, std::size_t& used) {
  used = 0;
  while (used < bytes.size()) {
    std::size_t more = 0;
    const auto got =
        line_.feed(bytes.substr(used), std::min(kHeadLineBytesMax, kHeadBytesMax - bytes_), more);
    used += more;
    if (got == LineReader::Got::more) return Got::more;
    if (got == LineReader::Got::too_long) return Got::too_large;
    why_ = "a header line does not end with CRLF";
    if (got == LineReader::Got::malformed) return Got::malformed;
    const std::string line = line_.take();
    bytes_ += line.size() + 2;
    if (const Got taken = take_line(line); taken != Got::more) return taken;
  }
  return Got::more;
}

FieldReader::Got FieldReader::take_line(std::string_view line) {
  if (line.empty()) return Got::end;
  if (fields_.size() == kHeadersMax) return Got::too_large;
  const auto bad = [&](const char* why) {
    why_ = why;
    return Got::malformed;
  };
  if (is_blank(line.front())) return bad("a header is folded over two lines");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return bad("a header line has no name");
  const std::string_view name = line.substr(0, colon);
  if (!std::ranges::all_of(name, is_token_char))
    return bad("the name of a header has a blank or another character that may not stand there");
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!is_field_value(value)) return bad("the value of a header has a control character");
  fields_.push_back({std::string(name), std::string(value)});
  return Got::more;
}

Framing framing_of(const std::vector<Header>& headers) {
  Framing framing;
  const auto fault = [&](const char* why) {
    if (framing.fault == nullptr) framing.fault = why;
  };
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, "Content-Length")) {
      if (framing.has_length) fault("Content-Length is given twice");
      framing.has_length = true;
      if (const char* why = read_length(header.value, framing.length)) fault(why);
    } else if (equals_ignoring_case(header.name, "Transfer-Encoding")) {
      if (framing.chunked) fault("Transfer-Encoding is given twice");
      framing.chunked = true;
      framing.foreign_coding = framing.foreign_coding || !equals_ignoring_case(header.value, "chunked");
    }
  }
  if (framing.chunked && framing.has_length) fault("both Content-Length and Transfer-Encoding are given");
  if (framing.fault != nullptr) framing.foreign_coding = false;
  if (framing.foreign_coding) fault("a Transfer-Encoding other than chunked");
  return framing;
}

bool ChunkReader::fail(const char* why, Fault fault) {
  why_ = why;
  fault_ = fault;
  return false;
}

std::size_t ChunkReader::feed(std::string_view bytes, std::string& body) {
  std::size_t used = 0;
  while (used < bytes.size() && !done() && fault_ == Fault::none) {
    const std::string_view rest = bytes.substr(used);
    std::size_t more = 0;
    if (state_ == State::data) {
      more = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_, rest.size()));
      body.append(rest.substr(0, more));
      chunk_ -= more;
      if (chunk_ == 0) state_ = State::data_end;
    } else if (state_ == State::trailers) {  // tolerated and not kept
      const auto got = trailers_.feed(rest, more);
      if (got == FieldReader::Got::end) state_ = State::done;
      if (got == FieldReader::Got::malformed) fail(trailers_.why());
      if (got == FieldReader::Got::too_large) fail("the trailers of a chunked body are too large");
    } else {
      read_line(rest, more);
    }
    used += more;
  }
  return used;
}

bool ChunkReader::read_line(std::string_view bytes, std::size_t& used) {
  // Behind a chunk's bytes there is its CRLF and no more.
  const std::size_t most = state_ == State::data_end ? 2 : kChunkLineBytesMax;
  switch (line_.feed(bytes, most, used)) {
    case LineReader::Got::more: return true;
    case LineReader::Got::line: return take_line(line_.take());
    case LineReader::Got::too_long:
    case LineReader::Got::malformed: break;
  }
  return fail(state_ == State::data_end ? "a chunk is longer than its size says, or does not end with CRLF"
                                        : "a chunk's size does not end with CRLF, or is too long");
}

bool ChunkReader::take_line(std::string_view line) {
  if (state_ == State::size) return take_size(line);
  if (!line.empty()) return fail("a chunk is longer than its size says");
  state_ = State::size;
  return true;
}

// "1c4", "5;a=b", "5 ; a=b".
bool ChunkReader::take_size(std::string_view line) {
  std::size_t digits = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == kChunkDigitsMax) return fail("the size of a chunk has too many digits");
    chunk_ = chunk_ * 16 + static_cast<std::uint64_t>(hex_value(line[digits++]));
  }
  const std::string_view rest = line.substr(digits);
  if (digits == 0 || !is_extension(rest)) return fail("the size of a chunk is not a hexadecimal number");
  extension_bytes_ += rest.size();
  if (extension_bytes_ > kChunkExtensionBytesMax) return fail("the extensions of the chunks are too long");
  if (chunk_ > left_) return fail("the chunks are larger than may be", Fault::too_large);
  left_ -= chunk_;
  state_ = chunk_ == 0 ? State::trailers : State::data;
  return true;
}

}  // namespace mimas::wire
