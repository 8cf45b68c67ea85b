// A pocket of one agent in a folder of its own, for tests over loopback, and what such tests launch and look
// at.
#pragma once

#include <sys/types.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "pocket/pocket.h"
#include "scheduler_client.h"
#include "shell_executor.h"

namespace mimas::pocket {

struct Folder {
  Folder() {
    char name[] = "/tmp/pocket-test-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

inline PocketOptions small(const std::string& dir) {
  PocketOptions options;
  options.listen.port = 0;
  options.work_dir = dir;
  options.agents.push_back({"stack:pi3", "cpus:8;mem:8192;disk:1000;ports:[31000-31099]", "one"});
  options.executors_max = 64;
  return options;
}

inline mv1::TaskInfo executor_task(const std::string& id, const std::string& agent_id,
                                   const std::string& script) {
  mv1::TaskInfo task = simple_task(id, agent_id, 0.01, 1);
  auto* executor = task.mutable_executor();
  executor->set_type(mv1::ExecutorInfo::CUSTOM);
  executor->mutable_executor_id()->set_value(id);
  executor->mutable_command()->set_value("exec ./ex.sh");
  auto* uri = executor->mutable_command()->add_uris();
  uri->set_value(script);
  uri->set_output_file("ex.sh");
  uri->set_executable(true);
  return task;
}

// Orphans may stay zombies for as long as this machine's init likes: those do not count.
inline int living_in_group(pid_t group) {
  int living = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos) continue;
    std::istringstream rest(text.substr(end + 1));
    std::string state;
    pid_t parent = 0;
    pid_t of = 0;
    rest >> state >> parent >> of;
    if (of == group && state != "Z" && state != "X") ++living;
  }
  return living;
}

inline std::string script_in(const Folder& folder) {
  const std::string path = folder.path + "/script.sh";
  std::ofstream(path) << kShellExecutor;
  return path;
}

}  // namespace mimas::pocket
