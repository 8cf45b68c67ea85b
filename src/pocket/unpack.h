// Unpacks an archive that nobody has looked into, as root perhaps, into a sandbox. It goes to a folder of its
// own first, where nothing of an earlier archive leads it astray; what came out is looked at, and moved to
// its place name by name. Devices, FIFOs and sockets are refused, the right to become somebody else
// (set-user-id) is taken away, and a link that stands in the way is replaced, not followed. Blocks;
// thread-safe. Tested in tests/pocket/hostile_test.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "files/folder.h"

namespace mimas::pocket {

bool is_archive(const std::string& name);  // by its ending, those that tar(1) knows

// `name` is a file in `sandbox`. Errors: invalid_argument names what is wrong with it.
Status unpack(const files::Folder& sandbox, const std::string& name);

}  // namespace mimas::pocket
