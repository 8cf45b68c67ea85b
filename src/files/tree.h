// What concerns everything below a folder: removing it, and handing it over to another owner. By descriptors
// all the way down, as files/folder.h; nothing is opened but folders. Tested in tests/files/tree_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "files/folder.h"

namespace mimas::files {

inline constexpr int kDepthMax = 256;  // of folders in folders: each holds a descriptor meanwhile

// Whatever has this name in `parent`, with all that is below; links are removed, not followed, and what is
// mounted there stays. What cannot be removed is left.
void remove_tree(const Folder& parent, std::string_view name);

// Gives the folder and what is below to uid:gid: regular files and folders that are ours (our effective
// user's) and on the same file system; not links, devices and the like, and no file with a second name.
// At most kEntriesMax entries, kDepthMax deep. Errors: io.
Status hand_over(const Folder& folder, std::uint32_t uid, std::uint32_t gid);

}  // namespace mimas::files
