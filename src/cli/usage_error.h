// What was wrong with a flag, as an Error of the code invalid_argument that names the flag first. Tested in
// tests/cli/exit_test.cc.
#pragma once

#include <string>

#include "base/result.h"

namespace mimas::cli {

Error usage_error(std::string flag, std::string why);

// `why` as somebody else put it. A file that it names stays named: "--credentials /etc/x: …".
Error usage_error(std::string flag, Error why);

}  // namespace mimas::cli
