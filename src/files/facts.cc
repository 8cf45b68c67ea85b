#include "files/facts.h"

namespace mimas::files {
namespace {

Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return Kind::regular;
  if (S_ISDIR(mode)) return Kind::folder;
  if (S_ISLNK(mode)) return Kind::link;
  if (S_ISFIFO(mode)) return Kind::fifo;
  return S_ISSOCK(mode) ? Kind::socket : Kind::device;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::regular: return "a regular file";
    case Kind::folder: return "a folder";
    case Kind::link: return "a symbolic link";
    case Kind::fifo: return "a FIFO";
    case Kind::socket: return "a socket";
    case Kind::device: break;
  }
  return "a device";
}

Facts facts_of(const struct stat& info) {
  Facts facts;
  facts.kind = kind_of(info.st_mode);
  facts.identity = {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
  facts.names = static_cast<std::uint64_t>(info.st_nlink);
  facts.size = static_cast<std::int64_t>(info.st_size);
  facts.mtime_ms = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000 + info.st_mtim.tv_nsec / 1'000'000;
  facts.mode = static_cast<std::uint32_t>(info.st_mode);
  facts.uid = static_cast<std::uint32_t>(info.st_uid);
  facts.gid = static_cast<std::uint32_t>(info.st_gid);
  return facts;
}

}  // namespace mimas::files
