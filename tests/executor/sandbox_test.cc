#include "executor/sandbox.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mimas::executor {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    char name[] = "/tmp/executor-sandbox-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string path;
};

unsigned mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(::lstat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST_CASE("an executor of its own runs its tasks in its sandbox and makes nothing there") {
  const Folder root;
  Sandboxes sandboxes(root.path, false);
  TaskSpec spec;
  spec.artifacts = {"a"};
  CHECK(*sandboxes.make("t", spec) == root.path);
  sandboxes.ended("t");
  CHECK(fs::is_empty(root.path));
}

TEST_CASE("in a shared executor each task has a folder, with links to its artifacts") {
  const Folder root;
  write(root.path + "/data", "7");
  Sandboxes sandboxes(root.path, true);
  TaskSpec spec;
  spec.artifacts = {"data"};
  const auto folder = sandboxes.make("t", spec);
  REQUIRE(folder.ok());
  CHECK(*folder == root.path + "/tasks/t");
  CHECK(mode_of(*folder) == 0755);
  CHECK(fs::read_symlink(*folder + "/data") == root.path + "/data");
  CHECK(sandboxes.make("t", spec).ok());  // after a start that came to nothing
  spec.artifacts = {};
  spec.command.user = "nobody";
  CHECK(mode_of(*sandboxes.make("u", spec)) == 0700);
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const Folder root;
  write(root.path + "/tasks", "a file");
  Sandboxes sandboxes(root.path, true);
  const auto folder = sandboxes.make("t", {});
  REQUIRE_FALSE(folder.ok());
  CHECK(folder.error().message.find(root.path + "/tasks") != std::string::npos);
  const Folder other;
  fs::create_directory(other.path + "/tasks");
  fs::create_directory_symlink(root.path, other.path + "/tasks/t");  // somebody else's idea of a sandbox
  CHECK_FALSE(Sandboxes(other.path, true).make("t", {}).ok());
}

TEST_CASE("ended tasks' folders stay, the oldest beyond the limit go") {
  const Folder root;
  Sandboxes sandboxes(root.path, true);
  const std::size_t count = kEndedFoldersMax + 2;
  for (std::size_t i = 0; i < count; ++i) {
    const auto folder = sandboxes.make(std::to_string(i), {});
    REQUIRE(folder.ok());
    write(*folder + "/stdout", "x");
    sandboxes.ended(std::to_string(i));
  }
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  CHECK_FALSE(fs::exists(root.path + "/tasks/0"));
  CHECK_FALSE(fs::exists(root.path + "/tasks/1"));
  CHECK(fs::exists(root.path + "/tasks/2/stdout"));
  CHECK(fs::exists(root.path + "/tasks/" + std::to_string(count - 1) + "/stdout"));
}

}  // namespace
}  // namespace mimas::executor
