// What the server tells its executors, and how a fault in it is said in the server's own words.
#include "cli/executor_flags.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

using namespace mimas;
using namespace mimas::cli;

namespace {

Result<std::vector<std::string>> arguments_of(const std::string& line) {
  CLI::App app;
  ExecutorFlags flags;
  add_executor_flags(app, flags);
  app.parse(line);
  return to_executor_arguments(flags);
}

std::string fault_of(const std::string& line) {
  const auto arguments = arguments_of(line);
  REQUIRE_FALSE(arguments.ok());
  return arguments.error().text();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("executors are told what was asked for, and nothing more") {
  CHECK(arguments_of("")->empty());
  CHECK(*arguments_of("--executor-cgroups off --features metrics=off,logarchive=on --archive file:///logs") ==
        std::vector<std::string>{"--features", "metrics=off,logarchive=on", "--archive", "file:///logs",
                                 "--cgroups", "off"});
  CHECK(*arguments_of("--executor-hang-timeout 2mins") ==
        std::vector<std::string>{"--hang-timeout", "2mins"});
  CHECK(*arguments_of("--metrics-interval 30secs --executor-docker tcp://10.0.0.1:2375") ==
        std::vector<std::string>{"--docker", "tcp://10.0.0.1:2375", "--metrics-interval", "30secs"});
  CHECK(*arguments_of("--features network=on --executor-network docker:web") ==
        std::vector<std::string>{"--features", "network=on", "--network", "docker:web"});
}

TEST_CASE("a fault names the flag that was typed and the remedy") {
  CHECK(contains(fault_of("--features colour=on"), "--features"));
  CHECK(contains(fault_of("--features colour=on"), "there are metrics, logarchive, metadata and network"));
  CHECK(contains(fault_of("--features metrics=maybe"), "neither on nor off"));
  CHECK(contains(fault_of("--features logarchive=on"), "add --archive URL"));
  CHECK(contains(fault_of("--features network=on"), "add --executor-network DRIVER"));
  CHECK(contains(fault_of("--archive ftp://x"), "--archive"));
  CHECK(contains(fault_of("--executor-docker docker.example:1"), "--executor-docker"));
  CHECK(contains(fault_of("--executor-cgroups ../x"), "--executor-cgroups"));
  CHECK(contains(fault_of("--executor-hang-timeout 10ms"), "--executor-hang-timeout: '10ms' is not between"));
  CHECK(contains(fault_of("--metrics-interval soon"), "--metrics-interval"));
  CHECK(contains(fault_of("--executor-network wire"), "--executor-network"));
  CHECK(contains(fault_of("--executor-metadata listen=nowhere.example"), "--executor-metadata"));
}
