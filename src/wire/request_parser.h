// HTTP/1.1, the server's half, without sockets: a push parser that turns request bytes into a head and
// decoded body bytes, or into the one status that refuses them. It reads what RFC 9110 and 9112 say and
// nothing besides: whatever a proxy before us might read as another request (a blank before a colon, a folded
// header, a bare line feed, a length said twice, a chunk whose size is not digits) is refused, and what
// follows on the connection must then not be read. Nothing is decoded but the chunks. Limits: wire/header.h,
// kTargetBytesMax, the body's. Pure. Tested in tests/wire/request_parser_test.cc and fuzzed
// (tests/fuzz/fuzz_request.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/message_lines.h"

namespace mimas::wire {

inline constexpr std::size_t kTargetBytesMax = kHeadLineBytesMax;  // with the rest of its line

struct RequestHead {
  std::string method;
  std::string target;  // "/path?query" (of an absolute form, what follows the authority) or "*"
  std::vector<Header> headers;
  int minor = 1;                  // of HTTP/1.x
  bool keep_alive = true;         // the peer would send another request behind this one
  bool expects_continue = false;  // it waits for "100 Continue" before it sends its body
  bool has_body = false;
};

struct RequestFault {
  int status = 400;  // 400, 413, 414, 417, 431, 501, 505
  std::string detail;
};

class RequestParser {
 public:
  explicit RequestParser(std::uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Appends decoded body bytes to `body`, answers how many bytes were used: up to the end of the head the
  // first time, then up to the end of the request. After a fault nothing is used any more.
  std::size_t feed(std::string_view bytes, std::string& body);

  bool begun() const { return begun_; }  // at least one byte came
  bool head_complete() const { return head_complete_; }
  bool complete() const { return state_ == State::complete; }
  const std::optional<RequestFault>& fault() const { return fault_; }
  RequestHead& head() { return head_; }  // once it is complete
  const RequestHead& head() const { return head_; }

 private:
  enum class State { request_line, fields, fixed, chunks, complete };
  std::size_t take_request_line(std::string_view bytes);
  std::size_t take_fields(std::string_view bytes);
  std::size_t take_fixed(std::string_view bytes, std::string& body);
  std::size_t take_chunks(std::string_view bytes, std::string& body);
  void read_request_line(std::string_view line);
  bool read_target(std::string_view target);
  void take_head_end();
  bool check_host();
  bool check_framing();
  bool check_expectation();
  bool fail(int status, std::string detail);

  const std::uint64_t body_bytes_max_;
  State state_ = State::request_line;
  bool begun_ = false;
  bool after_blank_ = false;  // one empty line came before the request line
  bool head_complete_ = false;
  RequestHead head_;
  std::optional<std::string> authority_;  // of an absolute form
  LineReader line_;
  FieldReader fields_;
  std::optional<ChunkReader> chunks_;
  std::uint64_t remaining_ = 0;  // of a body of known length
  std::optional<RequestFault> fault_;
};

}  // namespace mimas::wire
