#include "server/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace mimas::server {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

Error failed(const char* what, const std::string& path) {
  return make_error(Code::invalid_argument, std::string(what) + ": " + std::strerror(errno), path);
}

enum class Others { none, may_read };

Status check_mode(const struct stat& about, const std::string& path, Others others = Others::none) {
  if (!S_ISREG(about.st_mode)) return make_error(Code::invalid_argument, "is not a file", path);
  const bool read_too = others == Others::may_read;
  if ((about.st_mode & (S_IWGRP | (read_too ? S_IWOTH : S_IRWXO))) == 0) return Done{};
  return make_error(Code::permission_denied,
                    std::string("others than its owner may ") + (read_too ? "write it" : "read or write it"),
                    path, (read_too ? "chmod 644 " : "chmod 600 ") + path);
}

Result<std::string> read_open(int fd, const std::string& path, std::size_t bytes_max) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) != 0;) {
    if (got < 0) return failed("cannot be read", path);
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > bytes_max)
      return make_error(Code::too_large, "has more than " + std::to_string(bytes_max) + " bytes", path);
  }
  return text;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

Status write_new(const std::string& path, const std::string& text, const std::optional<struct stat>& like) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (file.get() < 0) return failed("cannot be written", path);
  // Whoever may not give files away keeps the owner he is, and then the group must not read either.
  const bool given = like && ::fchown(file.get(), like->st_uid, like->st_gid) == 0;
  if (::fchmod(file.get(), given ? like->st_mode & 0777 : 0600) != 0)
    return failed("cannot be written", path);
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::write(file.get(), text.data() + at, text.size() - at);
    if (put < 0) return failed("cannot be written", path);
    at += static_cast<std::size_t>(put);
  }
  if (::fsync(file.get()) != 0 || !file.close()) return failed("cannot be written", path);
  return Done{};
}

}  // namespace

Status check_private(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return failed("cannot be read", path);
  return check_mode(about, path);
}

namespace {

Result<std::string> read_checked(const std::string& path, std::size_t bytes_max, Others others) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return failed("cannot be read", path);
  if (Status fits = check_mode(about, path, others); !fits) return std::move(fits).error();
  return read_open(file.get(), path, bytes_max);
}

}  // namespace

Result<std::string> read_private(const std::string& path, std::size_t bytes_max) {
  return read_checked(path, bytes_max, Others::none);
}
Result<std::string> read_guarded(const std::string& path, std::size_t bytes_max) {
  return read_checked(path, bytes_max, Others::may_read);
}

Status change_private(const std::string& path, std::size_t bytes_max,
                      const std::function<Result<std::string>(const std::string& before)>& change) {
  const Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY);
  if (folder.get() < 0 || ::flock(folder.get(), LOCK_EX) != 0)
    return failed("its folder cannot be used", path);
  std::optional<struct stat> old;
  std::string before;
  {
    const Descriptor file(path, O_RDONLY | O_NONBLOCK);
    if (file.get() < 0 && errno != ENOENT) return failed("cannot be read", path);
    if (file.get() >= 0) {
      struct stat about {};
      if (::fstat(file.get(), &about) != 0) return failed("cannot be read", path);
      if (Status fits = check_mode(about, path); !fits) return fits;
      auto text = read_open(file.get(), path, bytes_max);
      if (!text) return std::move(text).error();
      before = *std::move(text);
      old = about;
    }
  }
  auto after = change(before);
  if (!after) return std::move(after).error();
  const std::string fresh = path + ".new";
  if (Status written = write_new(fresh, *after, old); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const Error error = failed("cannot be replaced", path);
    ::unlink(fresh.c_str());
    return error;
  }
  (void)::fsync(folder.get());
  return Done{};
}

}  // namespace mimas::server
