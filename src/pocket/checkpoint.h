// An agent's memory over a restart, in Mesos's own layout (mesos-protocol §5.5):
//   <agent dir>/meta/slaves/<agent>/slave.info
//                              {resources, operations}: what operations made of it, which are unacknowledged
//                              …/frameworks/<fw>/framework.info
//                              …/executors/<ex>/executor.info
//                              …/runs/<container>/{pids/forked.pid, tasks/<task>/{task.info, task.updates}}
// Files are written to a temporary name and renamed; task.updates is append-only records of a kind, a length
// and that many bytes, a torn last one is ignored. It survives a crash of the process, not of the machine (no
// fsync): after a reboot no executor lives anyway. Ids become path components only if they pass check_id. One
// thread at a time. Tested in tests/pocket/parts_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "pocket/agent_model.h"

namespace mimas::pocket {

class CheckpointStore {
 public:
  explicit CheckpointStore(std::string agent_dir) : dir_(std::move(agent_dir)) {}

  // The last agent's info (without id: none yet) and what it was running; processes that are gone have pid 0.
  struct Found {
    mv1::AgentInfo agent;
    RecoveredState state;
  };
  Result<Found> load();

  Status write(const Checkpoint& record);
  Status change_volume(const VolumeChange& change) const;
  Status write_pid(const ContainerRef& container, std::int64_t pid);
  void forget(const ContainerRef& container);
  void forget_all();

 private:
  std::string agent_path() const { return dir_ + "/meta/slaves/" + agent_id_; }
  Result<std::string> run_path(const ContainerRef& container) const;

  std::string dir_;
  std::string agent_id_;
  std::map<std::string, std::string>
      frameworks_written_;  // replacing a file by its equal can cost a disk flush
};

// 32 random bytes that stay the same for as long as the file is there; made when there is none, readable by
// its owner alone. Errors: io.
Result<std::string> keep_secret(const std::string& path);

// <agent dir>/volumes/roles/<role>/<persistence id>; a blank stands for the '/' of a role.
Result<std::string> volume_path(const std::string& agent_dir, const mv1::Resource& volume);

// Its folder, which whoever uses it may write to.
Status make_volume(const std::string& path);

// Whether all three can be names of folders.
Status check_ids(const ContainerRef& container);

}  // namespace mimas::pocket
