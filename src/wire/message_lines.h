// What requests and answers of HTTP/1.1 have in common: lines, header fields, the number of a body's bytes,
// and chunked framing. Strict, for whoever stands before or behind us must not read the same bytes as another
// message (RFC 9112 §11.2): a line ends with CRLF and nothing else, a field's name with its colon, a value
// stays on its line, and a number is digits. Tested in tests/wire/request_parser_test.cc
// and response_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/header.h"

namespace mimas::wire {

inline constexpr std::size_t kChunkLineBytesMax = 4u << 10;        // the size of a chunk and its extensions
inline constexpr std::size_t kChunkExtensionBytesMax = 16u << 10;  // of all chunks of a body together

// One line, put together from the pieces it came in.
class LineReader {
 public:
  enum class Got { more, line, too_long, malformed };
  // Reads on to the line's end, `used` bytes of `bytes`. `most` counts its CRLF.
  Got feed(std::string_view bytes, std::size_t most, std::size_t& used);
  std::string take();  // the line without its CRLF, after Got::line

 private:
  std::string line_;
};

// Header lines up to the empty one: a head's, or the trailers behind the last chunk.
class FieldReader {
 public:
  enum class Got { more, end, too_large, malformed };
  Got feed(std::string_view bytes, std::size_t& used);
  std::vector<Header>& fields() { return fields_; }
  const char* why() const { return why_; }  // after `malformed`
  // Of bytes that came before the first field and count as its head.
  void count(std::size_t bytes) { bytes_ += bytes; }

 private:
  Got take_line(std::string_view line);

  LineReader line_;
  std::vector<Header> fields_;
  std::size_t bytes_ = 0;
  const char* why_ = "";
};

// How the fields say that a body is framed: RFC 9112 §6, with nothing left to guess.
struct Framing {
  bool chunked = false;
  bool has_length = false;
  std::uint64_t length = 0;
  const char* fault = nullptr;  // what is wrong with them
  bool foreign_coding = false;  // the fault is a Transfer-Encoding other than chunked
};
Framing framing_of(const std::vector<Header>& headers);

// A chunked body.
class ChunkReader {
 public:
  enum class Fault { none, malformed, too_large };
  explicit ChunkReader(std::uint64_t body_bytes_max) : left_(body_bytes_max) {}

  // Appends what is the body's, answers how many bytes were used: all, unless it is done or at fault.
  std::size_t feed(std::string_view bytes, std::string& body);
  bool done() const { return state_ == State::done; }
  Fault fault() const { return fault_; }
  const char* why() const { return why_; }

 private:
  enum class State { size, data, data_end, trailers, done };
  bool fail(const char* why, Fault fault = Fault::malformed);
  bool read_line(std::string_view bytes, std::size_t& used);
  bool take_line(std::string_view line);
  bool take_size(std::string_view line);

  State state_ = State::size;
  LineReader line_;
  FieldReader trailers_;
  std::uint64_t left_;       // what the body may still grow by
  std::uint64_t chunk_ = 0;  // of the present chunk, still to come
  std::size_t extension_bytes_ = 0;
  Fault fault_ = Fault::none;
  const char* why_ = "";
};

}  // namespace mimas::wire
