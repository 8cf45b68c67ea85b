// The names in a folder, one after the other. The room's own. Tested through files/folder.h and files/tree.h.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace mimas::files {

// Calls visit(const char* name) for each but "." and ".." until it says false; `folder` may be an O_PATH
// descriptor, and its own offset is left alone. False, with errno: it cannot be read.
template <class Visit>
bool each_name(int folder, Visit visit) {
  const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* stream = own < 0 ? nullptr : ::fdopendir(own);
  if (stream == nullptr) {
    const int error = errno;
    if (own >= 0) ::close(own);
    errno = error;
    return false;
  }
  while (const dirent* entry = ::readdir(stream)) {
    const char* name = entry->d_name;
    const bool dots = name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
    if (!dots && !visit(name)) break;
  }
  ::closedir(stream);
  return true;
}

}  // namespace mimas::files
