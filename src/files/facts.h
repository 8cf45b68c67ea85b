// What there is under a name, as the file system says it: its kind, which one it is, and its figures. Plain
// values. Tested in tests/files/folder_test.cc.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string_view>

namespace mimas::files {

enum class Kind { regular, folder, link, fifo, socket, device };
std::string_view kind_name(Kind kind);  // "a regular file", "a folder", "a symbolic link", …

// The same as long as the file lives, whatever its names do. The number of a file that is gone is given out
// again by the file system: what was found to be the same may still have been changed.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool known() const { return inode != 0; }
  bool operator==(const Identity&) const = default;
};

struct Facts {
  Kind kind = Kind::regular;
  Identity identity;
  std::uint64_t names = 1;  // hard links
  std::int64_t size = 0;    // bytes
  std::int64_t mtime_ms = 0;
  std::uint32_t mode = 0;  // st_mode: kind and permissions
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const Facts&) const = default;
};
Facts facts_of(const struct stat& info);

}  // namespace mimas::files
