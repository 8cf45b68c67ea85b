// Brings an executor's URIs into its sandbox, one after another, before it starts (mesos-protocol §4.1,
// §5.7): http, file paths, executable bit, output_file, tar archives, and a cache per agent for those that
// ask for it. What an archive has put there leads no later file out of it: all is written by descriptors.
// Blocks; thread-safe. Limits: pocket/fetch_source.h. Tested in tests/pocket/parts_test.cc and
// tests/pocket/hostile_test.cc.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "base/result.h"
#include "files/folder.h"
#include "pocket/protos.h"

namespace mimas::pocket {

class Fetcher {
 public:
  explicit Fetcher(std::string cache_dir) : cache_dir_(std::move(cache_dir)) {}
  Status fetch(const mv1::CommandInfo& command, const std::string& sandbox);  // errors name the URI
  void cancel() { cancelled_ = true; }  // downloads under way fail soon, later ones at once

 private:
  Status fetch_one(const mv1::CommandInfo::URI& uri, const files::Folder& sandbox);
  Result<std::string> cached(const std::string& uri);

  std::string cache_dir_;
  std::atomic<bool> cancelled_{false};
  std::mutex cache_mutex_;  // a URI is brought in once, however many ask at the same time
};

// The file name a URI gets in the sandbox, or why it cannot have one.
Result<std::string> fetched_name(const mv1::CommandInfo::URI& uri);

}  // namespace mimas::pocket
