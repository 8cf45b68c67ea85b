#include "executor/config.h"

#include <doctest/doctest.h>

#include <vector>

namespace mimas::executor {
namespace {

Result<Config> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "mimas-executor");
  return parse_arguments(static_cast<int>(arguments.size()), arguments.data());
}

std::string fault(std::vector<const char*> arguments) {
  const auto config = parse(std::move(arguments));
  return config.ok() ? "accepted" : config.error().text();
}

TEST_CASE("without arguments it runs tasks, with the defaults") {
  const auto config = parse({});
  REQUIRE(config.ok());
  CHECK(*config == Config{});
  CHECK(features_text(config->features) == "metrics=on,logarchive=off,metadata=off,network=off");
}

TEST_CASE("every flag arrives, with a blank or an equals sign before its value") {
  Config want;
  want.features = {false, true, true, true};
  want.shared = true;
  want.idle_ms = 1'500;
  want.hang_ms = 120'000;
  want.docker = "tcp://127.0.0.1:2375";
  want.cgroups = "mesos/tasks";
  want.metrics_ms = 60'000;
  want.archive = "s3://logs/p?endpoint=http://10.0.0.5:9000";
  want.metadata = "listen=172.17.0.1";
  want.network = "docker:mimas";
  const auto config =
      parse({"--features", "metrics=off,logarchive=on,metadata=on,network=on", "--shared", "--idle=1.5secs",
             "--hang-timeout", "2mins", "--docker", "tcp://127.0.0.1:2375", "--cgroups", "mesos/tasks",
             "--metrics-interval", "1mins", "--archive=s3://logs/p?endpoint=http://10.0.0.5:9000",
             "--metadata", "listen=172.17.0.1", "--network", "docker:mimas"});
  REQUIRE_MESSAGE(config.ok(), config.error().text());
  CHECK(*config == want);
}

TEST_CASE("reap, version and help are works of their own") {
  CHECK(parse({"reap"})->work == Config::Work::reap);
  CHECK(parse({"reap", "--dry-run", "--cgroups", "off"})->dry_run);
  CHECK(parse({"--version"})->work == Config::Work::version);
  CHECK(parse({"--help", "--what"})->work == Config::Work::help);
}

TEST_CASE("a wrong argument is named, with the remedy") {
  CHECK(fault({"--colour"}) == "--colour: is not a flag of mimas-executor (--help lists them)");
  CHECK(fault({"run"}) == "run: is not a flag of mimas-executor (--help lists them)");
  CHECK(fault({"--shared", "reap"}) == "reap: is not a flag of mimas-executor (--help lists them)");
  CHECK(fault({"--shared=yes"}) == "--shared: takes no value");
  CHECK(fault({"--docker"}) == "--docker: needs a value (--docker ADDRESS)");
  CHECK(fault({"--docker", "http://x"}).starts_with("--docker: 'http://x' is no address"));
  CHECK(fault({"--docker", "tcp://x"}).starts_with("--docker: 'tcp://x' is no address"));
  CHECK(fault({"--idle", "soon"}).starts_with("--idle: 'soon' is no duration (for instance 10secs"));
  CHECK(fault({"--idle", "99weeks"}).starts_with("--idle: '99weeks' is not between"));
  CHECK(fault({"--metrics-interval", "1ms"}).starts_with("--metrics-interval: '1ms' is not between"));
  CHECK(fault({"--cgroups", "a/../b"}).starts_with("--cgroups: 'a/../b' is no place"));
  CHECK(fault({"--cgroups="}).starts_with("--cgroups: "));
  CHECK(fault({"--archive", "ftp://x"}).starts_with("--archive: 'ftp://x' is no archive"));
  CHECK(fault({"--metadata", "any"}).starts_with("--metadata: 'any' is not understood"));
  CHECK(fault({"--features", "network=on"}).starts_with("--features: network=on needs a driver"));
  CHECK(fault({"--network", "host"}).starts_with("--network: 'host' is not understood"));
  CHECK(fault({"--features", "metrics=on,colour=on"}) ==
        "--features: 'colour=on' names no feature (there are metrics, logarchive, metadata and network)");
  CHECK(fault({"--features", "metrics"}).starts_with("--features: 'metrics' is neither on nor off"));
  CHECK(fault({"--features", "metrics=yes"}).starts_with("--features: 'metrics=yes' is neither on nor off"));
  CHECK(fault({"--features", "logarchive=on"}) ==
        "--features: logarchive=on needs a place to put logs (add --archive URL)");
  CHECK(fault({"--dry-run"}) == "--dry-run: goes with reap alone");
}

TEST_CASE("features not named keep their defaults, and text and value agree") {
  for (int bits = 0; bits < 16; ++bits) {
    const Features features{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    const auto again = parse_features(features_text(features));
    REQUIRE(again.ok());
    CHECK(*again == features);
  }
  CHECK(*parse_features("") == Features{});
  CHECK(parse_features("network=on")->metrics);
}

TEST_CASE("the help names every flag") {
  const std::string help = help_text();
  for (const char* flag : {"reap", "--features LIST", "--shared", "--idle DURATION", "--docker ADDRESS",
                           "--cgroups PLACE", "--metrics-interval DURATION", "--archive URL",
                           "--metadata HOW", "--network DRIVER", "--dry-run", "--version", "--help"}) {
    CAPTURE(flag);
    CHECK(help.find(flag) != std::string::npos);
  }
}

}  // namespace
}  // namespace mimas::executor
