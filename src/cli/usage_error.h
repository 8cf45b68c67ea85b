// What was wrong with a flag, as an Error of the code invalid_argument that names the flag first. Tested in
// tests/cli/exit_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::cli {

Error usage_error(std::string flag, std::string why);

// `why` as somebody else put it. A file that it names stays named: "--credentials /etc/x: …".
Error usage_error(std::string flag, Error why);

// A flag that is a name or a path: at most kTextBytesMax bytes, no control characters.
inline constexpr std::size_t kTextBytesMax = 4096;
Status check_text(const char* flag, std::string_view text);

}  // namespace mimas::cli
