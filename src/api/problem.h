// Errors as REST answers: RFC 9457 problem details that also carry what Titus's clients parse (statusCode,
// message).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::api {

// One fault of a request body or query; a body's faults are all reported together.
struct Fault {
  std::string pointer;     // JSON pointer into the body ("/cpu"), or the name of a query parameter
  std::string detail;      // what is wrong, a sentence without full stop
  std::string value;       // the offending value as JSON text, cut to 200 bytes; empty when there is none
  std::string limit;       // the bound that was passed, empty when there is none
  bool later = false;      // not wrong: a later version will take it
  bool forbidden = false;  // not wrong: not for this caller
  bool operator==(const Fault&) const = default;
};

template <class T>
struct Checked {  // a T, or all faults
  T value{};
  std::vector<Fault> faults;
  bool ok() const { return faults.empty(); }
};

int http_status(Code code);
// 400; 403 or 501 when nothing is wrong but what this caller may not have, or what a later version will take.
int faults_status(const std::vector<Fault>& faults);
// application/problem+json text. For faults: their status, its code, message = a one-line summary.
// `status`: instead of the code's own, where HTTP has a finer one (405, 412, 415).
std::string render_problem(const Error& error, std::string_view request_id, int status = 0);
std::string render_faults(const std::vector<Fault>& faults, std::string_view request_id);

}  // namespace mimas::api
