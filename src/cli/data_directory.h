// The directory that dev and pocket keep their state in: made if missing, and held by one process at a time
// with an flock(2) on <directory>/pocket.lock, which the kernel drops when the process dies, however it dies.
// Also small facts remembered there as text files. Not thread-safe. Tested in
// tests/cli/data_directory_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace mimas::cli {

// Where `mimas dev` keeps its state unless told: $XDG_DATA_HOME/mimas, else $HOME/.local/share/mimas, else
// ./mimas-data. Empty variables count as unset; relative XDG_DATA_HOME is ignored, as the XDG base directory
// specification asks.
std::string default_data_directory(const char* xdg_data_home, const char* home);

class DataDirectory {
 public:
  // Errors: io when it cannot be made or written, conflict when another process holds it.
  static Result<DataDirectory> open(const std::string& path);
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;
  ~DataDirectory();

  const std::string& path() const { return path_; }  // absolute

  // A port remembered under `name`; nullopt when there is none or the file does not hold one.
  std::optional<std::uint16_t> remembered_port(const std::string& name) const;
  Status remember_port(const std::string& name, std::uint16_t port) const;  // replaces atomically

 private:
  DataDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  std::string path_;
  int lock_fd_ = -1;
};

}  // namespace mimas::cli
