#include "files/own.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "files/descriptor.h"
#include "files/names.h"

namespace mimas::files {
namespace {

constexpr mode_t kClosed = 0700;
constexpr mode_t kPassed = 0711;
constexpr mode_t kPass = 0011;
constexpr mode_t kWide = 0026;  // others list or write, or the group writes
constexpr mode_t kFile = 0600;
constexpr mode_t kWideFile = 0027;

Error own_error(const char* what, const std::string& path) {
  return make_error(Code::io, std::string(what) + ": " + std::system_category().message(errno), path);
}

mode_t mode_of(Passage passage) { return passage == Passage::open ? kPassed : kClosed; }

bool is_directory(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

// `made`: the last part was not there. Whatever the umask says.
Status make_missing(const std::string& path, mode_t mode, bool& made) {
  if (path.empty()) return make_error(Code::invalid_argument, "a folder without a name");
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    made = false;
    if (!is_directory(part)) {
      made = ::mkdir(part.c_str(), mode) == 0;
      if (!made && errno != EEXIST) return own_error("cannot make the folder", part);
      if (made && ::chmod(part.c_str(), mode) != 0) return own_error("cannot set the mode of", part);
    }
    if (end == std::string::npos) break;
  }
  if (is_directory(path)) return Done{};
  errno = ENOTDIR;
  return own_error("the folder is not usable", path);
}

bool is_empty(int folder) {
  bool any = false;
  const bool read = each_name(folder, [&any](const char*) {
    any = true;
    return false;
  });
  return read && !any;
}

}  // namespace

Passage passage_of_sandboxes() { return ::geteuid() == 0 ? Passage::open : Passage::closed; }

Status make_data_folder(const std::string& path, Passage passage) {
  bool made = false;
  if (Status done = make_missing(path, mode_of(passage), made); !done || made) return done;
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat found {};
  if (!folder.open() || ::fstat(folder.get(), &found) != 0) return own_error("cannot open the folder", path);
  const bool ours = found.st_uid == ::geteuid() && (found.st_mode & S_ISVTX) == 0 && is_empty(folder.get());
  if (ours && ::fchmod(folder.get(), mode_of(passage)) != 0) return own_error("cannot set the mode of", path);
  return Done{};
}

Status make_own_folder(const std::string& path, Passage passage) {
  bool made = false;
  if (Status done = make_missing(path, mode_of(passage), made); !done || made) return done;
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat found {};
  if (!folder.open() || ::fstat(folder.get(), &found) != 0) return own_error("cannot open the folder", path);
  if (found.st_uid != ::geteuid() || (found.st_mode & S_ISVTX) != 0) return Done{};  // sticky: /tmp
  mode_t mode = found.st_mode & 0777;
  if ((mode & kWide) != 0) mode = kClosed;
  if (passage == Passage::open) mode |= kPass;
  if (passage == Passage::closed) mode &= ~kPass | 0010;  // a group that reads also enters
  if (mode != (found.st_mode & 0777) && ::fchmod(folder.get(), mode) != 0)
    return own_error("cannot set the mode of", path);
  return Done{};
}

Status narrow_own_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  if (!file.open()) return errno == ENOENT ? Status(Done{}) : own_error("cannot open", path);
  if (::fstat(file.get(), &found) != 0) return own_error("cannot look at", path);
  const bool wide = S_ISREG(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & kWideFile) != 0;
  if (wide && ::fchmod(file.get(), kFile) != 0) return own_error("cannot set the mode of", path);
  return Done{};
}

namespace {

Status put_own(const std::string& path, int flags, std::string_view bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, kFile));
  if (!file.open()) return own_error("cannot write", path);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return own_error("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

}  // namespace

Status write_own_file(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());  // of an earlier version it may have been wider
  if (Status done = put_own(temporary, O_EXCL, bytes); !done) return done;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return own_error("cannot rename", path);
  return Done{};
}

Status append_own_file(const std::string& path, std::string_view bytes) {
  return put_own(path, O_APPEND, bytes);
}

std::string closed_folder(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string part = path.substr(0, end);
    struct stat found {};
    if (::stat(part.c_str(), &found) == 0 && (found.st_mode & S_IXOTH) == 0) return part;
    if (end == std::string::npos) return {};
  }
}

}  // namespace mimas::files
