#include "executor/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "executor/children.h"

namespace mimas::executor {
namespace {

constexpr int kDepthMax = 256;  // of folders to remove; descriptors and stack are bounded

Error io_error(const char* what, const std::string& path) {
  return make_error(Code::io, std::string(what) + " '" + path + "': " + std::strerror(errno));
}

Status make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return io_error("cannot make the folder", path);
  // Whatever our umask says; and a link in the folder's place is nobody's sandbox.
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return io_error("cannot enter", path);
  (void)::fchmod(folder, mode);
  ::close(folder);
  return Done{};
}

void remove_below(int parent, const char* name, int depth) {
  if (::unlinkat(parent, name, 0) == 0 || depth >= kDepthMax) return;
  const int folder = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* entries = folder < 0 ? nullptr : ::fdopendir(folder);
  if (entries == nullptr) {
    if (folder >= 0) ::close(folder);
    return;
  }
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view child = entry->d_name;
    if (child != "." && child != "..") remove_below(folder, entry->d_name, depth + 1);
  }
  ::closedir(entries);
  (void)::unlinkat(parent, name, AT_REMOVEDIR);
}

}  // namespace

Status make_below(const std::string& sandbox, std::string_view path) {
  int at = ::open(sandbox.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (at >= 0 && !path.empty()) {
    const std::string name(path.substr(0, path.find('/')));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty() || name == ".") continue;
    if (name == "..") break;
    const bool made = ::mkdirat(at, name.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) {
      const Error error = io_error("cannot make the folder", sandbox + "/…/" + name);
      ::close(at);
      return error;
    }
    const int below = ::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ::close(std::exchange(at, below));
  }
  if (at >= 0) ::close(at);
  return Done{};
}

void remove_tree(const std::string& path) { remove_below(AT_FDCWD, path.c_str(), 0); }

Result<std::string> Sandboxes::make(std::string_view task_id, const TaskSpec& spec) {
  if (!shared_) return root_;
  const std::string all = root_ + "/tasks";
  if (auto made = make_folder(all, 0755); !made.ok()) return made.error();
  std::string folder = all + "/" + std::string(task_id);
  if (auto made = make_folder(folder, spec.command.user.empty() ? 0755 : 0700); !made.ok())
    return made.error();
  for (const std::string& artifact : spec.artifacts) {
    const std::string link = folder + "/" + artifact;
    if (::symlink((root_ + "/" + artifact).c_str(), link.c_str()) != 0 && errno != EEXIST)
      return io_error("cannot make the link", link);
  }
  return folder;
}

void Sandboxes::ended(std::string_view task_id) {
  if (!shared_) return;
  ended_.push_back(root_ + "/tasks/" + std::string(task_id));
  if (ended_.size() <= kEndedFoldersMax) return;
  const std::int64_t helper = fork_helper({});
  if (helper == 0) {
    remove_tree(ended_.front());
    ::_exit(0);
  }
  ended_.pop_front();
}

}  // namespace mimas::executor
