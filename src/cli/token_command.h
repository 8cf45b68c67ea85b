// `mimas token`: keeps the file of --api-credentials. It needs no server: the file is replaced as a whole,
// and a running server reads it again on SIGHUP. A token is printed once and kept as a hash alone. Tested in
// tests/cli/token_command_test.cc.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "server/access_file.h"

namespace mimas::cli {

Result<int> token(const Tokens& command);

// What a command makes of a file's text ("" for none); pure. Errors: invalid_argument, conflict for a name
// that has an entry, not_found for one that has none.
Result<std::string> with_entry(const std::string& text, const server::AccessEntry& entry);
Result<std::string> without_entry(const std::string& text, const std::string& name);
std::string token_table(const std::vector<server::AccessEntry>& entries, Instant now);

}  // namespace mimas::cli
