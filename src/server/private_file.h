// Files that hold secrets: read only when others may not, and replaced as a whole. Others are everybody but
// the owner and, for reading, the group (0600 or 0640). Errors name the file and the remedy, never its
// content. Thread-safe. Tested in tests/server/access_file_test.cc.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"

namespace mimas::server {

Status check_private(const std::string& path);

Result<std::string> read_private(const std::string& path, std::size_t bytes_max);
// Of a file that others may read, but not write.
Result<std::string> read_guarded(const std::string& path, std::size_t bytes_max);

// Reads, lets `change` make the new text of the old ("" when there is no file yet), and puts it in place by a
// rename: a crash leaves the old file or the new one. Two processes that do so at once wait for one another.
// The file keeps its mode and owner; a new one is 0600. `change`'s error is passed on and changes nothing.
Status change_private(const std::string& path, std::size_t bytes_max,
                      const std::function<Result<std::string>(const std::string& before)>& change);

}  // namespace mimas::server
