#include "cli/executor_flags.h"

#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>

#include "cli/usage_error.h"
#include "executor/config.h"

namespace mimas::cli {
namespace {

struct ExecutorFlag {
  const char* name;
  const char* environment;
  const char* type;
  const char* help;
  const char* executor_name;
};
constexpr ExecutorFlag kFlags[kExecutorFlags] = {
    {"--features", "MIMAS_FEATURES", "LIST",
     "what executors do beside running tasks: metrics=on,logarchive=off,metadata=off,network=off, changed as "
     "named",
     "--features"},
    {"--archive", "MIMAS_ARCHIVE", "URL",
     "where logarchive=on puts logs: s3://BUCKET/PREFIX?endpoint=URL or file:///DIRECTORY", "--archive"},
    {"--executor-docker", "MIMAS_EXECUTOR_DOCKER", "ADDRESS",
     "the agents' Docker Engine [unix:///var/run/docker.sock]", "--docker"},
    {"--executor-cgroups", "MIMAS_EXECUTOR_CGROUPS", "PLACE",
     "auto, off, or a path below the hierarchies' roots [auto]", "--cgroups"},
    {"--executor-hang-timeout", "MIMAS_EXECUTOR_HANG_TIMEOUT", "DURATION",
     "an executor that hangs for so long is ended with its tasks [30secs]", "--hang-timeout"},
    {"--metrics-interval", "MIMAS_METRICS_INTERVAL", "DURATION",
     "between two messages of statistics from an executor [10secs]", "--metrics-interval"},
    {"--executor-metadata", "MIMAS_EXECUTOR_METADATA", "HOW",
     "of metadata=on: listen=ADDRESS,credentials=EXECUTABLE, either or none", "--metadata"},
    {"--executor-network", "MIMAS_EXECUTOR_NETWORK", "DRIVER",
     "of network=on: docker:NAME or cni:PLUGIN?config=FILE", "--network"},
};

// The executor's words for a fault, in the names that were typed here.
Error in_our_words(Error error) {
  for (const ExecutorFlag& flag : kFlags) {
    if (error.where == flag.executor_name) error.where = flag.name;
    const std::string add = "add " + std::string(flag.executor_name) + " ";
    if (error.hint.starts_with(add)) error.hint.replace(4, add.size() - 5, flag.name);
  }
  std::string where = std::exchange(error.where, {});
  return usage_error(std::move(where), std::move(error));
}

}  // namespace

void add_executor_flags(CLI::App& app, ExecutorFlags& flags) {
  for (std::size_t i = 0; i < kExecutorFlags; ++i) {
    app.add_option(kFlags[i].name, flags.texts[i], kFlags[i].help)
        ->type_name(kFlags[i].type)
        ->envname(kFlags[i].environment);
  }
}

Result<std::vector<std::string>> to_executor_arguments(const ExecutorFlags& flags) {
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < kExecutorFlags; ++i) {
    if (flags.texts[i].empty()) continue;
    if (flags.texts[i].find_first_of(std::string_view("\0\n", 2)) != std::string::npos)
      return usage_error(kFlags[i].name, "holds a line break or a zero byte");
    arguments.emplace_back(kFlags[i].executor_name);
    arguments.push_back(flags.texts[i]);
  }
  std::vector<const char*> words = {"mimas-executor"};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  const auto config = executor::parse_arguments(static_cast<int>(words.size()), words.data());
  if (!config.ok()) return in_our_words(config.error());
  return arguments;
}

}  // namespace mimas::cli
