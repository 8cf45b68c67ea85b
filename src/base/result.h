// Errors as values. A Result<T> holds either a T or an Error and must be looked at; no exception crosses a
// module. Shaped like std::expected, which C++20 does not have yet. Tested in tests/base/result_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace mimas {

// What kind of failure it is. Each code maps to one HTTP status (api/error.h) and one CLI exit code
// (cli/exit.h).
enum class Code {
  invalid_argument,    // the input is wrong and will stay wrong
  not_found,           // no such job, task, agent, file
  conflict,            // right input, wrong moment: a version or a state does not fit
  too_large,           // over a stated limit
  unsupported,         // understood, but not offered here
  unimplemented,       // part of the API, but not there yet
  resource_exhausted,  // a queue or quota is full; later may work
  unavailable,         // a peer or the store is not there (yet)
  timeout,             // no answer within the deadline; the outcome may be unknown
  unauthenticated,     // who are you?
  permission_denied,   // you may not
  protocol,            // a peer broke the protocol
  io,                  // the operating system said no
  internal,            // our own fault
};

// The stable lower-case name of a code, as it stands in API answers: "invalid_argument", "not_found", …
std::string_view code_name(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;  // one sentence for a person, no trailing full stop, no object identities
  std::string where;    // what it is about: a JSON pointer, a file name, host:port; may be empty
  std::string hint;     // the remedy; may be empty

  std::string text() const;  // "where: message (hint)"
  bool operator==(const Error&) const = default;
};

inline Error make_error(Code code, std::string message, std::string where = {}, std::string hint = {}) {
  return Error{code, std::move(message), std::move(where), std::move(hint)};
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& {
    ASSERT(ok());
    return *std::get_if<0>(&held_);
  }
  T& value() & {
    ASSERT(ok());
    return *std::get_if<0>(&held_);
  }
  T&& value() && {
    ASSERT(ok());
    return std::move(*std::get_if<0>(&held_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Error& error() const& {
    ASSERT(!ok());
    return *std::get_if<1>(&held_);
  }
  Error&& error() && {
    ASSERT(!ok());
    return std::move(*std::get_if<1>(&held_));
  }

 private:
  std::variant<T, Error> held_;
};

struct Done {
  bool operator==(const Done&) const = default;
};
using Status = Result<Done>;  // success carries nothing: `return Done{};`

}  // namespace mimas
