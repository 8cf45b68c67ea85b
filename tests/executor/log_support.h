// For the tests of log files: a folder of their own, the bytes of a file, pipes.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "files/folder.h"

namespace mimas::executor {

inline std::string unzip(const std::string& path) {
  const std::string command = "gzip -dc '" + path + "' > '" + path + ".plain'";
  if (std::system(command.c_str()) != 0) return "gzip -d has refused it";
  std::ifstream file(path + ".plain", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path + ".plain");
  return bytes;
}

class TestFolder {
 public:
  TestFolder() {
    char name[] = "/tmp/mimas-logs-test.XXXXXX";
    path_ = ::mkdtemp(name);
    root_ = files::Folder::at(path_).value();
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  const files::Folder& root() const { return root_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
  }
  std::string unzipped(const std::string& name) const { return unzip(*this / name); }

 private:
  std::string path_;
  files::Folder root_;
};

struct TestPipe {
  int reading = -1, writing = -1;
  TestPipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) == 0) {
      reading = ends[0];
      writing = ends[1];
      ::fcntl(reading, F_SETFL, O_NONBLOCK);
    }
  }
  TestPipe(const TestPipe&) = delete;
  TestPipe& operator=(const TestPipe&) = delete;
  ~TestPipe() {
    close_writing();
    ::close(reading);
  }
  void close_writing() {
    if (writing >= 0) ::close(writing);
    writing = -1;
  }
  bool say(const std::string& bytes) const {
    return ::write(writing, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }
};

// Numbered lines, `bytes` in all: what is missing or doubled shows.
inline std::string numbered_lines(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += "line " + std::to_string(i) + " of a log\n";
  text.resize(bytes);
  return text;
}

}  // namespace mimas::executor
