#include "executor/passage.h"

#include <sys/stat.h>

#include <algorithm>

namespace mimas::executor {
namespace {

bool passes(const UserIds& user, const struct stat& folder) {
  if (user.uid == 0) return true;
  if (folder.st_uid == user.uid) return (folder.st_mode & S_IXUSR) != 0;
  const bool in_group = folder.st_gid == user.gid ||
                        std::find(user.groups.begin(), user.groups.end(), folder.st_gid) != user.groups.end();
  return (folder.st_mode & (in_group ? S_IXGRP : S_IXOTH)) != 0;
}

}  // namespace

std::string closed_to(const UserIds& user, const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string part = path.substr(0, end);
    struct stat folder {};
    if (::stat(part.c_str(), &folder) != 0) return {};
    if (!passes(user, folder)) return part;
    if (end == std::string::npos) return {};
  }
}

}  // namespace mimas::executor
