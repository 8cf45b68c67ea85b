// A folder that a task could write to, and one beside it that nobody must get at, for tests.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "files/folder.h"

namespace mimas::files {

inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class World {
 public:
  World() {
    char name[] = "/tmp/mimas-files-test.XXXXXX";
    base_ = ::mkdtemp(name);
    std::filesystem::create_directory(inside());
    std::filesystem::create_directory(outside());
    spill(outside() + "/precious", "precious");
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    std::error_code ignored;
    std::filesystem::remove_all(base_, ignored);
  }

  std::string inside() const { return base_ + "/inside"; }
  std::string outside() const { return base_ + "/outside"; }
  std::string operator/(const std::string& name) const { return inside() + "/" + name; }
  std::string precious() const { return slurp(outside() + "/precious"); }
  Folder folder() const { return Folder::at(inside()).value(); }

  void link(const std::string& name, const std::string& target) const {
    std::filesystem::create_symlink(target, *this / name);
  }
  void second_name(const std::string& name) const {  // of the precious file
    std::filesystem::create_hard_link(outside() + "/precious", *this / name);
  }
  void fifo(const std::string& name) const { (void)::mkfifo((*this / name).c_str(), 0666); }
  bool device(const std::string& name) const {  // false: only root makes devices
    return ::mknod((*this / name).c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0;  // as /dev/zero
  }
  void socket(const std::string& name) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (*this / name).c_str(), sizeof address.sun_path - 1);
    (void)::bind(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address);
    ::close(fd);
  }

 private:
  std::string base_;
};

// Both ways of walking, one after the other: for (const bool steps : kWays) { const Way way(steps); … }
inline constexpr bool kWays[] = {false, true};
struct Way {
  explicit Way(bool steps) { forbid_openat2(steps); }
  ~Way() { forbid_openat2(false); }
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
};

}  // namespace mimas::files
