#include "executor/version.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/sha256.h"

namespace mimas::executor {

std::string version_of(std::string_view release, const char* path) {
  std::string version(release);
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return version;
  Sha256 sum;
  char piece[4096];
  ssize_t got = 0;
  while ((got = ::read(file, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR))
    if (got > 0) sum.add({piece, static_cast<std::size_t>(got)});
  ::close(file);
  if (got == 0) version.append("+").append(hex(sum.finish()), 0, kVersionDigits);
  return version;
}

}  // namespace mimas::executor
