#include "files/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "files/hold.h"

namespace mimas::files {

Facts File::facts_now() const {
  struct stat info {};
  return ::fstat(descriptor_.get(), &info) == 0 ? facts_of(info) : facts_;
}

Result<std::size_t> File::read_at(std::int64_t offset, char* into, std::size_t size) const {
  ssize_t got;
  do got = ::pread(descriptor_.get(), into, size, static_cast<off_t>(offset));
  while (got < 0 && errno == EINTR);
  if (got < 0) return make_error(Code::io, std::string("cannot read: ") + std::strerror(errno));
  return static_cast<std::size_t>(got);
}

Result<File> File::again(Use use) const {
  Descriptor second = open_held(descriptor_.get(), use);
  if (!second.open()) return make_error(Code::io, std::string("cannot open again: ") + std::strerror(errno));
  return File(std::move(second), facts_);
}

}  // namespace mimas::files
