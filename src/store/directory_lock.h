// An exclusive lock on a data directory: flock(2) on `<dir>/lock`, which the kernel drops when the process
// ends, however it ends. The file holds the owner's process id, for the message that the second one gets.
#pragma once

#include <string>

#include "base/result.h"

namespace mimas::store {

class DirectoryLock {
 public:
  // Errors: conflict "another mimas is using this directory (pid N)", io.
  static Result<DirectoryLock> take(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mimas::store
