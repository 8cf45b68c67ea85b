// From a held file (O_PATH, or open already) to one that can be used. The room's own. Tested through
// files/folder.h.
#pragma once

#include "files/descriptor.h"
#include "files/file.h"

namespace mimas::files {

int flags_of(Use use);  // with O_NONBLOCK, O_CLOEXEC, O_NOCTTY
// Only of what was seen to be a regular file: opening a device is a deed. Not open: errno.
Descriptor open_held(int held, Use use);

}  // namespace mimas::files
