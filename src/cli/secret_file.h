// A secret from a file, so that it never stands on a command line: the first line of it, without the blanks
// around. Refused are files that others may read (server/private_file.h). Errors name the file and never
// repeat what it holds. Bound: 8 KiB. Tested in tests/cli/client_flags_test.cc.
#pragma once

#include <string>

#include "base/result.h"

namespace mimas::cli {

Result<std::string> read_secret(const std::string& path);

// "name:password" → "Basic …"; invalid_argument without a name or a colon, or with control characters.
Result<std::string> basic_login(const std::string& pair);

}  // namespace mimas::cli
