// HTTP/1.1, the client's half, without sockets: requests to bytes, and a push parser that turns response
// bytes into a head and decoded body bytes. Chunked framing, chunk extensions and trailers as mesos-protocol
// §8.1 asks; what is framed in more than one way is refused (wire/message_lines.h). The server's half:
// wire/request_parser.h. Tested byte by byte in tests/wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/header.h"
#include "wire/message_lines.h"

namespace mimas::wire {

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
  enum class State { status_line, fields, fixed, chunks, until_close, complete, failed };
  Result<std::size_t> take_status_line(std::string_view bytes);
  Result<std::size_t> take_fields(std::string_view bytes);
  Result<std::size_t> take_chunks(std::string_view bytes, std::string& body);
  std::size_t take_plain(std::string_view bytes, std::string& body);
  Status read_status(std::string_view line);
  Status take_head_end();
  Status take_framing();
  Status fail(std::string why);

  State state_ = State::status_line;
  bool head_request_ = false;
  ResponseHead head_;
  LineReader line_;
  FieldReader fields_;
  ChunkReader chunks_{UINT64_MAX};
  std::size_t interim_bytes_ = 0;  // of 1xx responses before the one that counts
  bool begun_ = false;
  bool head_done_ = false;
  std::uint64_t remaining_ = 0;  // of a body of known length
  std::string why_;              // after a failure
};

}  // namespace mimas::wire
