// Principals and secrets from a file, so that they never stand on a command line. Its text is Mesos's JSON,
// either
// {"principal": "p", "secret": "s"} or {"credentials": [{…}, …]}, or lines "principal secret". Refused are
// files that others may read, unless that is asked for. Errors name the file and never repeat a secret.
// Bound: 1 MiB, 1000 pairs. Tested in tests/cli/credentials_file_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/credentials.h"

namespace mimas::cli {

// At least one pair; no principal twice.
Result<std::vector<wire::Credentials>> parse_credentials(std::string_view text);

Result<std::vector<wire::Credentials>> read_credentials(const std::string& path, bool others_may_read);

}  // namespace mimas::cli
