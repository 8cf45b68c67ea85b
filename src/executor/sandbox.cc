#include "executor/sandbox.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "executor/children.h"
#include "files/folder.h"
#include "files/tree.h"

namespace mimas::executor {
namespace {

constexpr const char* kTasks = "tasks";

}  // namespace

Status make_below(const std::string& sandbox, std::string_view path) {
  auto folder = files::Folder::at(sandbox);
  while (folder.ok() && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name == "..") break;
    if (name.empty() || name == ".") continue;
    auto below = folder->make_folder(name, 0755);
    if (!below.ok() && below.error().code == Code::io) return below.error();
    folder = std::move(below);
  }
  return Done{};
}

Result<std::string> Sandboxes::make(std::string_view task_id, const TaskSpec& spec) {
  if (!shared_) return root_;
  const auto root = files::Folder::at(root_);
  if (!root.ok()) return root.error();
  const auto all = root->make_folder(kTasks, 0755);
  if (!all.ok()) return all.error();
  const auto folder = all->make_folder(task_id, spec.command.user.empty() ? 0755 : 0700);
  if (!folder.ok()) return folder.error();
  for (const std::string& artifact : spec.artifacts) {
    if (const Status linked = folder->make_link(artifact, root_ + "/" + artifact); !linked.ok())
      return linked.error();
  }
  return folder->path();
}

void Sandboxes::ended(std::string_view task_id) {
  if (!shared_) return;
  ended_.emplace_back(task_id);
  if (ended_.size() <= kEndedFoldersMax) return;
  const std::int64_t helper = fork_helper({});
  if (helper == 0) {
    if (const auto all = files::Folder::at(root_ + "/" + kTasks); all.ok())
      files::remove_tree(*all, ended_.front());
    ::_exit(0);
  }
  ended_.pop_front();
}

}  // namespace mimas::executor
