// A folder that a task could write to, and one beside it that nobody must get at, for tests.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

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
    if (::symlink(target.c_str(), (*this / name).c_str()) != 0) errno = 0;  // there is something already
  }
  void second_name(const std::string& name) const {  // of the precious file
    if (::link((outside() + "/precious").c_str(), (*this / name).c_str()) != 0) errno = 0;
  }
  void fifo(const std::string& name) const { (void)::mkfifo((*this / name).c_str(), 0666); }
  bool device(const std::string& name) const {  // false: only root makes devices
    return ::mknod((*this / name).c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0;  // as /dev/null
  }
  void socket(const std::string& name) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (*this / name).c_str(), sizeof address.sun_path - 1);
    (void)::bind(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address);
    ::close(fd);
  }
  // Something else than a file of the folder's own under this name: kTraps. False: it cannot be made here.
  bool trap(std::string_view kind, const std::string& name) const {
    if (kind == "absolute link") link(name, outside() + "/precious");
    if (kind == "relative link") link(name, "../outside/precious");
    if (kind == "link to a folder") link(name, outside());
    if (kind == "dangling link") link(name, outside() + "/new");
    if (kind == "second name") second_name(name);
    if (kind == "FIFO") fifo(name);
    if (kind == "socket") socket(name);
    if (kind == "folder") std::filesystem::create_directory(*this / name);
    return kind != "device" || device(name);
  }
  // What is outside is as it was, and alone.
  bool untouched() const {
    int entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator(outside()))
      entries += entry.path().empty() ? 0 : 1;
    return entries == 1 && precious() == "precious";
  }

 private:
  std::string base_;
};

inline constexpr const char* kTraps[] = {"absolute link", "relative link", "link to a folder",
                                         "dangling link", "second name",   "device",
                                         "FIFO",          "socket",        "folder"};

// Both ways of walking, one after the other: for (const bool steps : kWays) { const Way way(steps); … }
inline constexpr bool kWays[] = {false, true};
struct Way {
  explicit Way(bool steps) { forbid_openat2(steps); }
  ~Way() { forbid_openat2(false); }
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
};

}  // namespace mimas::files
