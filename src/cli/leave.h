// What becomes of the tasks when `mimas dev` or `mimas pocket` is stopped: they go on, as they do when a
// Mesos agent is stopped, unless --purge was said or somebody at the terminal says so when asked. Tested in
// tests/cli/leave_test.cc and tests/e2e/restart_test.py.
#pragma once

#include <cstdint>
#include <string>

#include "pocket/pocket.h"

namespace mimas::cli {

struct Leaving {
  const char* command = "dev";  // for the texts
  std::string data;             // its directory
  bool purge = false;
  int signal = 0;  // that it was stopped by; 0: it ended by itself
  std::int64_t recovery_ms = 0;
};

// Ends or keeps what runs on `cluster`, says what it kept, and stops it.
void leave(pocket::Pocket& cluster, const Leaving& how);

// "3 tasks go on running, for a day at most; …". Pure.
std::string kept_text(int tasks, const Leaving& how);

// Only "y" and "yes" end anything. Pure.
bool is_yes(const std::string& answer);

// "a day", "36 hours", "90 seconds": the largest unit of which it is a whole number. Pure.
std::string period_text(std::int64_t ms);

}  // namespace mimas::cli
