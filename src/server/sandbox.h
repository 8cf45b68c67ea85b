// Reads a task's files where they lie: the sandbox on its agent, by the operator calls READ_FILE and
// LIST_FILES and the virtual path of mesos-protocol §5.6, which survives a renamed work directory and is
// binary safe. Blocking; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "server/log_reader.h"
#include "wire/endpoint.h"

namespace mimas::server {

class Sandbox : public LogSource {
 public:
  // `executor`: the id of the task's executor; empty: the task's own. An executor of several tasks keeps each
  // one's files in a folder of its own, tasks/<task id>/.
  Sandbox(wire::Endpoint agent, FrameworkId framework, TaskId task, std::string executor = {});

  // At most 64 KiB. Errors: not_found (no such file, or swept away), unavailable (agent away), protocol.
  Result<FilePiece> read(std::string_view file, std::int64_t offset, std::int64_t length) const override;
  Result<std::vector<std::string>> names() const override;

 private:
  wire::Endpoint agent_;
  std::string folder_;  // virtual, ends with a slash
};

// Refuses anything but a plain file name: no separator, no "..", no control character, at most 255 bytes.
Status check_file_name(std::string_view name);

}  // namespace mimas::server
