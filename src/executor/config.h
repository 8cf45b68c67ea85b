// The executor's own options, from its command line: what the server puts into ExecutorInfo.command, or a
// person into a terminal. One table makes the parser, --help and docs/executor.md. Pure. Tested in
// tests/executor/config_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::executor {

// Each integration with its switch: --features metrics=on,logarchive=off,metadata=off,network=off
struct Features {
  bool metrics = true;
  bool logarchive = false;
  bool metadata = false;
  bool network = false;
  bool operator==(const Features&) const = default;
};
Result<Features> parse_features(std::string_view text);
std::string features_text(const Features& features);  // all four, in the table's order

struct Config {
  enum class Work { serve, reap, version, help };
  Work work = Work::serve;
  Features features;
  bool shared = false;            // more tasks may come after the last one has ended (--shared)
  std::int64_t idle_ms = 60'000;  // shared: leave when there was none for this long (--idle)
  std::int64_t hang_ms =
      30'000;  // --hang-timeout: silent for this long, we and our tasks are ended (guard.h)
  std::string docker = "unix:///var/run/docker.sock";  // --docker
  std::string cgroups = "auto";      // --cgroups: auto, off, or a path below the hierarchies' roots
  std::int64_t metrics_ms = 10'000;  // --metrics-interval: between two messages of statistics
  std::string
      archive;  // --archive: s3://bucket/prefix?endpoint=…&region=…, file:///directory; empty: nowhere
  std::string metadata;  // --metadata: metadata.h
  std::string network;   // --network: cni.h
  bool dry_run = false;  // reap: only say what would be done (--dry-run)
  bool operator==(const Config&) const = default;
};

// Errors name the flag in `where` and the remedy in `hint`.
Result<Config> parse_arguments(int argc, const char* const* argv);
std::string help_text();

}  // namespace mimas::executor
