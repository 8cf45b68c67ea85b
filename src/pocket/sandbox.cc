#include "pocket/sandbox.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "files/own.h"
#include "pocket/call_check.h"
#include "pocket/checkpoint.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kSandboxMode = 0755;

Error sandbox_error(const char* what, const std::string& path) {
  return make_error(Code::io, std::string(what) + ": " + std::strerror(errno), path);
}

}  // namespace

void relink(const std::string& link, const std::string& target) {
  std::error_code ignored;
  fs::remove(link + ".new", ignored);
  fs::create_directory_symlink(target, link + ".new", ignored);
  fs::rename(link + ".new", link, ignored);
}

Result<std::string> make_sandbox(const std::string& agent_dir, const std::string& agent_id,
                                 const ContainerRef& container) {
  if (const Status fine = check_ids(container); !fine) return fine.error();
  if (const std::string why = check_id(agent_id); !why.empty())
    return make_error(Code::invalid_argument, why);
  const std::string runs = agent_dir + "/slaves/" + agent_id + "/frameworks/" + container.framework_id +
                           "/executors/" + container.executor_id + "/runs";
  const std::string sandbox = runs + "/" + container.container_id;
  if (const Status made = files::make_own_folder(runs, files::passage_of_sandboxes()); !made)
    return made.error();
  // Others who come here may read what is in it: a container's user among them.
  if (::mkdir(sandbox.c_str(), kSandboxMode) == 0) {
    if (::chmod(sandbox.c_str(), kSandboxMode) != 0) return sandbox_error("cannot set the mode of", sandbox);
  } else if (errno != EEXIST) {
    return sandbox_error("cannot make the sandbox", sandbox);
  }
  relink(runs + "/latest", container.container_id);
  relink(agent_dir + "/slaves/latest", agent_id);
  return sandbox;
}

Status make_folders_above(const files::Folder& sandbox, const std::string& path) {
  for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    Result<files::Folder> folder = sandbox.enter(part);
    if (!folder && folder.error().code == Code::not_found) folder = sandbox.make_folder(part, kSandboxMode);
    if (!folder) return folder.error();
  }
  return Done{};
}

Status link_volumes(const std::string& agent_dir, const std::string& sandbox,
                    const std::vector<mv1::Resource>& volumes) {
  if (volumes.empty()) return Done{};
  const Result<files::Folder> folder = files::Folder::at(sandbox);
  if (!folder) return folder.error();
  for (const mv1::Resource& volume : volumes) {
    const Result<std::string> target = volume_path(agent_dir, volume);
    if (!target) return target.error();
    const std::string& text = volume.disk().volume().container_path();
    std::string name = fs::path(text).lexically_normal().string();
    while (name.ends_with('/')) name.pop_back();
    if (!files::is_plain(name))
      return make_error(Code::invalid_argument, "a volume must be inside the sandbox", text);
    if (const Status made = make_volume(*target); !made) return made;
    if (const Status made = make_folders_above(*folder, name); !made) return made;
    if (const Status linked = folder->make_link(name, *target); !linked) return linked;
    const Result<files::Facts> there = folder->look(name);
    if (!there) return there.error();
    if (there->kind != files::Kind::link)
      return make_error(Code::conflict, "cannot link a volume: something is there already", text);
  }
  return Done{};
}

}  // namespace mimas::pocket
