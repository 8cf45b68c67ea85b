// Reads a task's files where they lie: the sandbox on its agent, by the virtual path of mesos-protocol §5.6,
// which survives a renamed work directory. How the agent is asked is sandbox_link.h's business. Copies share
// one link, so that all of them belong to one thread at a time. Blocking.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "server/log_reader.h"
#include "server/sandbox_link.h"
#include "wire/endpoint.h"

namespace mimas::server {

class Sandbox : public LogSource {
 public:
  // `executor`: the id of the task's executor; empty: the task's own. An executor of several tasks keeps each
  // one's files in a folder of its own, tasks/<task id>/.
  Sandbox(wire::Endpoint agent, const AgentAccess& access, FrameworkId framework, TaskId task,
          std::string executor = {});

  // At most 64 KiB. Errors: as SandboxLink's.
  Result<FilePiece> read(std::string_view file, std::int64_t offset, std::int64_t length) const override;
  Result<std::vector<std::string>> names() const override;
  Result<std::vector<SandboxFile>> files() const;

 private:
  std::string folder_;  // virtual, ends with a slash
  std::shared_ptr<SandboxLink> link_;
};

// Refuses anything but a plain file name: no separator, no "..", no control character, at most 255 bytes.
Status check_file_name(std::string_view name);

}  // namespace mimas::server
