// One run of a program that an operator named: text on its standard input, and what became of it. It gets our
// environment, no standard output, no other open file, and a process group of its own, which is killed when
// time is up. Blocks; thread-safe. Tested in tests/server/scaling_provider_test.cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace mimas::server {

inline constexpr std::size_t kProgramErrorBytesMax = 500;  // of its standard error, the last ones

// Done: it ended with status 0. Errors: io (it cannot be started), timeout, unavailable (another status, or a
// signal; the message ends with what it last wrote to standard error; or `cancelled` became true).
Status run_program(const std::string& path, const std::string& input, std::int64_t timeout_ms,
                   const std::atomic<bool>& cancelled);

}  // namespace mimas::server
