// Brings an executor's URIs into its sandbox, one after another, before it starts (mesos-protocol §4.1,
// §5.7): http, file paths, executable bit, output_file, tar archives, and a cache per agent for those that
// ask for it. Blocks; thread-safe. Limits: kFetchBytesMax per file, kFetchSilenceMs without a byte. Tested in
// tests/pocket/parts_test.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/result.h"
#include "pocket/protos.h"

namespace mimas::pocket {

inline constexpr std::int64_t kFetchBytesMax = 4LL << 30;
inline constexpr std::int64_t kFetchSilenceMs = 30'000;

class Fetcher {
 public:
  explicit Fetcher(std::string cache_dir) : cache_dir_(std::move(cache_dir)) {}
  Status fetch(const mv1::CommandInfo& command, const std::string& sandbox);  // errors name the URI
  void cancel() { cancelled_ = true; }  // downloads under way fail soon, later ones at once

 private:
  Status fetch_one(const mv1::CommandInfo::URI& uri, const std::string& sandbox);
  Result<std::string> cached(const std::string& uri);

  std::string cache_dir_;
  std::atomic<bool> cancelled_{false};
  std::mutex cache_mutex_;  // a URI is brought in once, however many ask at the same time
};

// The file name a URI gets in the sandbox, or why it cannot have one.
Result<std::string> fetched_name(const mv1::CommandInfo::URI& uri);

}  // namespace mimas::pocket
