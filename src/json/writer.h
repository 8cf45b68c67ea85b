// Writes JSON text in exactly the order it is called: stable output for golden files, stores and signatures.
// A text that may be large is drained while it is written, in pieces of about kDrainBytes. Compiles without
// exceptions. Not thread-safe; cheap to make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mimas::json {

inline constexpr std::size_t kDrainBytes = 64u << 10;

class Writer {
 public:
  enum class Style { compact, pretty };
  // Takes what was written so far; false: nobody wants more. Called by whoever writes, at the end of a value.
  using Drain = std::function<bool(std::string_view piece)>;
  explicit Writer(Style style = Style::compact);
  explicit Writer(Drain drain);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  Writer& string(std::string_view text);  // invalid UTF-8 is replaced by U+FFFD, NUL is written as \u0000
  Writer& int64(std::int64_t number);
  Writer& uint64(std::uint64_t number);
  Writer& number(
      double value);  // shortest form that reads back equal; always with a fraction or exponent ("15.0")
  Writer& boolean(bool value);
  Writer& null();
  Writer& raw(std::string_view json);  // one complete value, already JSON; trusted

  // key + value in one call.
  Writer& member(std::string_view name, std::string_view text) { return key(name).string(text); }
  Writer& member(std::string_view name, const char* text) { return key(name).string(text); }
  Writer& member(std::string_view name, const std::string& text) { return key(name).string(text); }
  Writer& member(std::string_view name, std::int64_t number) { return key(name).int64(number); }
  Writer& member(std::string_view name, int number) { return key(name).int64(number); }
  Writer& member(std::string_view name, bool value) { return key(name).boolean(value); }
  Writer& member(std::string_view name, double value) { return key(name).number(value); }
  Writer& member_raw(std::string_view name, std::string_view json) { return key(name).raw(json); }

  std::string take();  // the text; the writer is empty afterwards. ASSERTs that every begin has its end
  // With a drain: whether more is wanted. What is written nevertheless is thrown away.
  bool wanted() const;
  void finish();  // drains the rest. ASSERTs that every begin has its end

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::json
