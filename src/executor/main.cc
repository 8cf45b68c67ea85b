// mimas-executor: runs one job's tasks under a Mesos agent. Everything it needs to know is in the
// environment.
#include <unistd.h>

#include <cstring>

#include "executor/guard.h"
#include "executor/loop.h"

extern char** environ;  // NOLINT: POSIX's name

namespace {

// The token must not be read from /proc/PID/environ by the tasks, which run as the same user.
void wipe_token() {
  const std::size_t length = std::strlen(mimas::executor::kTokenVariable);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, mimas::executor::kTokenVariable, length) != 0 || (*entry)[length] != '=')
      continue;
    for (volatile char* at = *entry + length + 1; *at != '\0'; ++at) *at = '\0';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--version") == 0) {
    constexpr char kVersion[] = "mimas-executor " MIMAS_VERSION "\n";
    return ::write(STDOUT_FILENO, kVersion, sizeof kVersion - 1) < 0 ? 1 : 0;
  }
  auto settings = mimas::executor::parse_environment(environ);
  if (!settings.ok()) {
    mimas::executor::say(settings.error().text() +
                         "; a Mesos agent starts this program and sets its environment");
    return 2;
  }
  wipe_token();
  mimas::executor::start_guard(settings->shutdown_grace_ms);
  return mimas::executor::Loop(std::move(settings).value(), environ).run();
}
