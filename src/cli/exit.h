// Exit codes of the `mimas` client commands, and how an Error becomes one. Scripts rely on these numbers:
// they are printed at the foot of `mimas --help` and never change their meaning. `serve`, `dev` and `pocket`
// answer the server's own codes instead (docs/mesos.md). Tested in tests/cli/exit_test.cc.
#pragma once

#include <string>

#include "base/result.h"

namespace mimas::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitGeneric = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInvalidSpec = 3;
inline constexpr int kExitNotFound = 4;
inline constexpr int kExitConflict = 5;
inline constexpr int kExitUnreachable = 6;
inline constexpr int kExitTimeout = 7;
inline constexpr int kExitJobFailed = 8;
inline constexpr int kExitPending = 9;
inline constexpr int kExitUnauthorised = 10;

int exit_code(Code code);

// Those of `serve` and `dev`, likewise (docs/mesos.md).
std::string server_exit_code_table();

// The table for people, a line for each code, ending in a newline.
std::string exit_code_table();

}  // namespace mimas::cli
