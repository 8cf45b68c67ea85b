// The way from a folder's descriptor down to a name below it, which whoever may write there rearranges at
// will meanwhile: he must not lead us out of the folder, to another file system, or into /proc's links.
//
// Nothing is opened on the way but O_PATH descriptors: these neither wake a device nor wait for a FIFO's
// other end, and what one of them names stays what it is whatever happens to the name. The kernel walks
// (openat2, Linux 5.6) where it can; else, and where a sandbox like Docker's old seccomp profile forbids the
// call, we go step by step, with the same answers. Thread-safe. Tested in tests/files/walk_test.cc.
#pragma once

#include <string_view>

#include "files/descriptor.h"

namespace mimas::files {

// What a symbolic link means: nothing but trouble, or a name of something else below the same folder.
enum class Links { refuse, beneath };

inline constexpr int kLinksMax = 40;  // on one way, as in the kernel
inline constexpr std::size_t kPathBytesMax = 4'095;

// A path that may be walked: relative, without ".", ".." and NUL, at most kPathBytesMax. Pure.
bool is_plain(std::string_view path);
// The same of a single name.
bool is_plain_name(std::string_view name);

// An O_PATH descriptor of what `path` names below `root`. With Links::refuse a link as its last part is
// what is answered, as lstat() would. Not open: errno; ELOOP for a link on the way, EXDEV for what leads out
// or to another file system, EINVAL for a path that is not plain.
Descriptor walk(int root, std::string_view path, Links links);

// The same by our own steps. walk() takes it when it must; tests always.
Descriptor walk_by_steps(int root, std::string_view path, Links links);

// For tests: as if the kernel had no openat2, or again as it is.
void forbid_openat2(bool forbidden);

}  // namespace mimas::files
