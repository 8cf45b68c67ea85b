// HTTP/1.1, the client's half, without sockets: requests to bytes, and a push parser that turns response
// bytes into a head and decoded body bytes. Chunked framing, chunk extensions and trailers as mesos-protocol
// §8.1 asks. Limits: head 64 KiB, 200 headers. Tested byte by byte in tests/wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::wire {

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

bool equals_ignoring_case(std::string_view a, std::string_view b);
// First value of that name (case-insensitive); empty when absent.
std::string_view find_header(const std::vector<Header>& headers, std::string_view name);

struct Request {
  std::string method = "GET";
  std::string target = "/";     // path and query, already percent-encoded
  std::string host;             // value of the Host header
  std::vector<Header> headers;  // without Host and Content-Length
  std::string body;  // Content-Length is written when non-empty or the method is POST, PUT or PATCH
};

// Refuses (invalid_argument) CR, LF or NUL in any part: header injection (mesos-protocol §8.7 rule 135).
Result<std::string> format_request(const Request& request);

struct ResponseHead {
  int status = 0;
  std::string reason;
  std::vector<Header> headers;
  bool keep_alive = true;  // false: the peer closes after this response
};

// Feed it what the socket gave; it appends decoded body bytes to `body`. One response per parser; bytes that
// follow a complete response are left (see `consumed`). 1xx responses are skipped.
class ResponseParser {
 public:
  explicit ResponseParser(bool head_request = false);

  // Consumes from `bytes`, answers how many were used (less than all only once complete()). protocol errors
  // stick.
  Result<std::size_t> feed(std::string_view bytes, std::string& body);
  // The peer closed. Fine for a body delimited by close or a complete response, an Error (protocol)
  // otherwise.
  Status finish();

  bool begun() const;  // at least one byte came
  bool head_complete() const;
  bool complete() const;
  const ResponseHead& head() const;  // ASSERTs head_complete()

 private:
  enum class State {
    status_line,
    headers,
    fixed,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    until_close,
    complete,
    failed
  };
  Status take_line(std::string_view line);
  Status take_status_line(std::string_view line);
  Status take_header(std::string_view line);
  Status take_head_end();
  Status take_framing();
  Status take_chunk_size(std::string_view line);
  Status count_line_bytes(std::size_t more);
  std::size_t take_body(std::string_view bytes, std::string& body);
  Status fail(std::string why);

  State state_ = State::status_line;
  bool head_request_ = false;
  ResponseHead head_;
  std::string line_;
  std::size_t head_bytes_ = 0;  // of lines read: the head with what 1xx came before it, or the trailers
  bool begun_ = false;
  bool head_done_ = false;
  std::uint64_t remaining_ = 0;  // of a fixed body or of the present chunk
  std::string why_;              // after a failure
};

}  // namespace mimas::wire
