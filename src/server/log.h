// The process's log: one line per fact on stderr, with UTC time and level. The only door to spdlog.
// Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace mimas::server {

class Log {
 public:
  // Levels: "debug", "info", "warning", "error", "off"; anything else means "info".
  explicit Log(const std::string& level);
  ~Log();
  void debug(const std::string& line);
  void info(const std::string& line);
  void warning(const std::string& line);
  void error(const std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What came from outside, fit for a line: control characters, quotes and bytes beyond ASCII as \xHH, blanks
// too, so that a word stays a word; cut with "…" after `bytes_max` bytes of the original.
std::string one_line(std::string_view text, std::size_t bytes_max);

}  // namespace mimas::server
