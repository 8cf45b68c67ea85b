#include "cli/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "files/own.h"

namespace mimas::cli {
namespace fs = std::filesystem;

std::string default_data_directory(const char* xdg_data_home, const char* home) {
  if (xdg_data_home != nullptr && *xdg_data_home == '/') return std::string(xdg_data_home) + "/mimas";
  if (home != nullptr && *home != '\0') return std::string(home) + "/.local/share/mimas";
  return "mimas-data";
}

Result<DataDirectory> DataDirectory::open(const std::string& path) {
  std::error_code failure;
  const fs::path absolute = fs::absolute(path, failure);
  if (failure) return make_error(Code::io, failure.message(), path);
  if (const Status made = files::make_data_folder(absolute.string(), files::passage_of_sandboxes());
      !made.ok()) {
    return make_error(Code::io, "cannot create the data directory: " + made.error().message, path,
                      "choose another with --data");
  }
  const fs::path lock = absolute / "pocket.lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return make_error(Code::io, "cannot write to the data directory: " + std::string(std::strerror(errno)),
                      path, "choose another with --data");
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    const std::string why = std::strerror(errno);
    ::close(fd);
    if (!taken) return make_error(Code::io, "cannot lock the data directory: " + why, path);
    return make_error(Code::conflict, "another mimas process is using this data directory", path,
                      "stop it, or choose another with --data");
  }
  return DataDirectory(absolute.string(), fd);
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(other.lock_fd_) {
  other.lock_fd_ = -1;
}

DataDirectory::~DataDirectory() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

std::optional<std::uint16_t> DataDirectory::remembered_port(const std::string& name) const {
  std::ifstream file(path_ + "/" + name);
  char text[16] = {};
  file.read(text, sizeof text - 1);
  const char* end = text + file.gcount();
  std::uint16_t port = 0;
  const auto [rest, failure] = std::from_chars(text, end, port);
  const bool whole = rest == end || (rest + 1 == end && *rest == '\n');
  if (failure != std::errc{} || !whole || port == 0) return std::nullopt;
  return port;
}

Status DataDirectory::remember_port(const std::string& name, std::uint16_t port) const {
  const std::string target = path_ + "/" + name;
  return files::write_own_file(target, std::to_string(port) + "\n");
}

}  // namespace mimas::cli
