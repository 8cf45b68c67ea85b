// The answers this room gives by itself, before or instead of the handler: problem+json (RFC 9457) with the
// two fields that Titus clients look for ("statusCode", "message"). Texts are ours and plain ASCII, so
// nothing needs escaping.
#pragma once

#include <string>
#include <string_view>

#include "http/listener.h"

namespace mimas::http {

inline constexpr std::string_view kProblemType = "application/problem+json";

std::string_view reason_phrase(int status);                     // "Payload Too Large"; "Error" for a stranger
std::string_view refusal_detail(int status);                    // one sentence saying why we refuse so
std::string problem_body(int status, std::string_view detail);  // `detail` without quotes or backslashes
Reply refusal_reply(int status, std::string_view detail);  // with Retry-After where it will be better soon

}  // namespace mimas::http
