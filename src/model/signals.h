// Signals as people write them: "SIGQUIT", "quit", "SIGRTMIN+3", "3". Numbers are Linux's, alike on every
// machine an executor is built for; the real-time ones begin at 34, as in Docker and glibc. Pure. Tested in
// tests/model/signals_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas {

// 1…64. Errors: invalid_argument, with what is expected.
Result<std::int32_t> parse_signal(std::string_view text);
Result<std::int32_t> check_signal(std::int64_t number);  // the same of a number

// "SIGQUIT", "SIGRTMIN+3"; of a number that is no signal, the number.
std::string signal_name(std::int32_t number);

std::vector<std::string_view> signal_names();  // all with a name of their own, "SIGHUP" first

// No program can act on them: SIGKILL, SIGSTOP.
bool is_uncatchable(std::int32_t signal);

}  // namespace mimas
