#include "server/sandbox.h"

#include <algorithm>
#include <utility>

namespace mimas::server {

Sandbox::Sandbox(wire::Endpoint agent, const AgentAccess& access, FrameworkId framework, TaskId task,
                 std::string executor)
    : link_(std::make_shared<SandboxLink>(std::move(agent), access)) {
  const bool own = executor.empty() || executor == task.value;
  folder_ =
      "/frameworks/" + framework.value + "/executors/" + (own ? task.value : executor) + "/runs/latest/";
  if (!own) folder_ += "tasks/" + task.value + "/";
}

Result<FilePiece> Sandbox::read(std::string_view file, std::int64_t offset, std::int64_t length) const {
  auto piece = link_->read(folder_ + std::string(file), offset, length);
  if (piece.ok()) return piece;
  Error error = std::move(piece).error();
  if (error.code == Code::not_found) error.where = std::string(file);
  return error;
}

Result<std::vector<SandboxFile>> Sandbox::files() const {
  return link_->list(folder_.substr(0, folder_.size() - 1));
}

Result<std::vector<std::string>> Sandbox::names() const {
  const auto listed = files();
  if (!listed.ok()) return listed.error();
  std::vector<std::string> names;
  for (const SandboxFile& file : *listed) names.push_back(file.name);
  return names;
}

Status check_file_name(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
                     std::none_of(name.begin(), name.end(), [](unsigned char c) {
                       return c < 0x20 || c == 0x7f || c == '/' || c == '\\';
                     });
  if (plain) return Done{};
  return make_error(Code::invalid_argument, "is not a plain file name", "file", "ask for stdout or stderr");
}

}  // namespace mimas::server
