// The executors that agents fetch from us: mimas-executor-<arch> files of one directory, read once at start
// and served at /executor/<arch>. Immutable afterwards, thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::server {

struct ExecutorFile {
  std::string bytes;
  std::string sha256;  // 64 hex digits
};

class Executors {
 public:
  // Reads what is there of mimas-executor-{x86_64,arm64,armhf,armel}. Errors: not_found when the one for
  // default_arch is missing, io. Files above 16 MiB are refused.
  static Result<Executors> load(const std::string& directory);

  // The bytes for an architecture or one of its other names ("arm" = armhf, "armv6" = armel, "amd64",
  // "aarch64"); nullptr when there is none.
  std::shared_ptr<const ExecutorFile> find(std::string_view arch) const;
  std::vector<std::string> architectures() const;
  std::map<std::string, std::string> sha256() const;       // by architecture
  const std::string& version() const { return version_; }  // changes when any file does

  // What this machine's own executors are called: "x86_64", "arm64", "armhf".
  static std::string own_architecture();

 private:
  std::map<std::string, std::shared_ptr<const ExecutorFile>, std::less<>> files_;
  std::string version_;
};

}  // namespace mimas::server
