// Reads a task's files where they lie: the sandbox on its agent, by the operator call READ_FILE and the
// virtual path of mesos-protocol §5.6, which survives a renamed work directory and is binary safe. Blocking;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "wire/endpoint.h"

namespace mimas::server {

struct FilePiece {
  std::string bytes;  // at most what was asked for, at most 64 KiB; empty at the end of the file
  std::int64_t file_size = 0;
};

class Sandbox {
 public:
  // The executor's id equals the task's: one executor per task.
  Sandbox(wire::Endpoint agent, FrameworkId framework, TaskId task);

  // `file` is a plain name ("stdout"). Errors: not_found (no such file, or swept away), unavailable (agent
  // away), protocol.
  Result<FilePiece> read(std::string_view file, std::int64_t offset, std::int64_t length) const;

 private:
  wire::Endpoint agent_;
  FrameworkId framework_;
  TaskId task_;
};

// Refuses anything but a plain file name: no separator, no "..", no control character, at most 255 bytes.
Status check_file_name(std::string_view name);

}  // namespace mimas::server
