// mimas-executor: runs tasks under a Mesos agent, which tells it what it needs to know in the environment;
// its own options come on the command line (config.h).
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "executor/assembly.h"
#include "executor/config.h"
#include "executor/guard.h"
#include "executor/loop.h"
#include "executor/reap.h"
#include "executor/version.h"

extern char** environ;  // NOLINT: POSIX's name

namespace {

using namespace mimas::executor;

constexpr int kWrong = 2;  // arguments or environment
constexpr std::int64_t kReapArchiveMs = 60'000;

// The token must not be read from /proc/PID/environ by the tasks, which run as the same user.
void wipe_token() {
  const std::size_t length = std::strlen(kTokenVariable);
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, kTokenVariable, length) != 0 || (*entry)[length] != '=') continue;
    for (volatile char* at = *entry + length + 1; *at != '\0'; ++at) *at = '\0';
  }
}

std::string own_version() { return version_of(MIMAS_VERSION, "/proc/self/exe"); }

int print(std::string_view text) { return ::write(STDOUT_FILENO, text.data(), text.size()) < 0 ? 1 : 0; }

int refuse(const mimas::Error& error, const char* more = "") {
  say(error.text() + more);
  return kWrong;
}

int serve(Config config) {
  auto settings = parse_environment(environ);
  if (!settings.ok())
    return refuse(settings.error(), "; a Mesos agent starts this program and sets its environment");
  wipe_token();
  ArchiveEnvironment archive = take_archive_environment(environ);
  start_guard(settings->shutdown_grace_ms, config.hang_ms);
  const Surroundings about{std::move(settings).value(), std::move(config), environ, std::move(archive)};
  auto parts = make_parts(about);
  if (!parts.ok()) return refuse(parts.error());
  char* here = ::getcwd(nullptr, 0);
  std::string sandbox = here == nullptr ? "." : here;
  std::free(here);
  return Loop(about, std::move(parts).value(), own_version(), std::move(sandbox)).run();
}

}  // namespace

int main(int argc, char** argv) {
  auto config = parse_arguments(argc, argv);
  if (!config.ok()) return refuse(config.error());
  switch (config->work) {
    case Config::Work::help: return print(help_text());
    case Config::Work::version: return print("mimas-executor " + own_version() + "\n");
    case Config::Work::reap: {
      const int code = reap_everything(*config);
      (void)reap_archive(*config, take_archive_environment(environ), kReapArchiveMs);
      return code;
    }
    case Config::Work::serve: break;
  }
  return serve(std::move(config).value());
}
