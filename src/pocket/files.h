// Reading sandboxes over HTTP (mesos-protocol §5.6): /files/read, /files/browse, /files/download and the
// operator's READ_FILE and LIST_FILES. A path is virtual: /frameworks/<fw>/executors/<ex>/runs/<latest or
// container>/<file…>, or the same below the root's own path on this machine. Nothing outside that run's
// sandbox can be read (mesos-protocol §8.7 rule 134), whatever its task does to names meanwhile: the way down
// is walked by descriptors (files/folder.h). Relative links that stay inside are followed. Stateless but for
// the root, thread-safe. Tested in tests/pocket/rules_agent_test.cc and tests/pocket/hostile_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "files/folder.h"
#include "http/listener.h"

namespace mimas::pocket {

inline constexpr std::int64_t kReadBytesMax = 64 << 10;

struct FileEntry {
  std::string path;  // virtual
  std::uint64_t links = 1;
  std::uint64_t size = 0;
  double mtime = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct FilePiece {
  std::uint64_t size = 0;  // of the whole file
  std::string data;
};

class Files {
 public:
  // `root` is <agent dir>/slaves/<agent>; frameworks/… is below it.
  explicit Files(std::string root) : root_(std::move(root)) {}

  Result<std::vector<FileEntry>> list(const std::string& path) const;  // sorted; empty for a plain file
  // At most kReadBytesMax, or `length` when that is less; beyond the end: nothing.
  Result<FilePiece> read(const std::string& path, std::uint64_t offset, std::int64_t length) const;
  http::Reply handle(const http::Request& request) const;  // GET /files/…

 private:
  struct Place {
    files::Folder sandbox;
    std::string below;  // of the sandbox; empty: the sandbox itself
  };
  Result<Place> find(const std::string& path) const;
  Result<files::File> open(const std::string& path) const;
  http::Reply read_reply(const http::Request& request, const std::string& path) const;
  http::Reply browse_reply(const std::string& path) const;
  http::Reply download_reply(const std::string& path) const;

  std::string root_;
};

http::Reply file_error(const Error& error);  // 404 for not_found, otherwise 400 with the text

}  // namespace mimas::pocket
