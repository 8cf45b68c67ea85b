// The flags of `mimas serve` and `mimas dev` that executors get on their own command line. The executor's
// parser (executor/config.h) checks them here, so that what is refused there never leaves this machine.
// Private to the room, as cli/flags.h. Tested in tests/cli/executor_flags_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace mimas::cli {

inline constexpr std::size_t kExecutorFlags = 8;

struct ExecutorFlags {
  std::array<std::string, kExecutorFlags> texts;  // in the table's order; empty: not given
};

void add_executor_flags(CLI::App& app, ExecutorFlags& flags);

// {"--features", "metrics=on", …}: what executors are told. An Error's `where` names the server's flag.
Result<std::vector<std::string>> to_executor_arguments(const ExecutorFlags& flags);

}  // namespace mimas::cli
