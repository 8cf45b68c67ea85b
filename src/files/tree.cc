#include "files/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "files/names.h"

namespace mimas::files {
namespace {

constexpr int kHold = O_PATH | O_NOFOLLOW | O_CLOEXEC;

void remove_below(int parent, const char* name, dev_t device, int depth) {
  if (::unlinkat(parent, name, 0) == 0 || depth >= kDepthMax) return;
  const Descriptor folder(::openat(parent, name, kHold | O_DIRECTORY));
  struct stat info {};
  if (!folder.open() || ::fstat(folder.get(), &info) != 0 || info.st_dev != device) return;
  each_name(folder.get(), [&](const char* below) {
    remove_below(folder.get(), below, device, depth + 1);
    return true;
  });
  (void)::unlinkat(parent, name, AT_REMOVEDIR);
}

struct Handover {
  uid_t uid = 0;
  gid_t gid = 0;
  uid_t ours = 0;
  dev_t device = 0;
  std::size_t left = kEntriesMax;
  int error = 0;
};

// Whatever has been put there meanwhile by somebody else is not ours to give.
bool may_give(const struct stat& info, const Handover& handover) {
  if (info.st_dev != handover.device || info.st_uid != handover.ours) return false;
  return S_ISDIR(info.st_mode) || (S_ISREG(info.st_mode) && info.st_nlink == 1);
}

// What is below first: as long as the folder is ours, nobody rearranges it.
void give(int held, Handover& handover, int depth) {
  struct stat info {};
  if (handover.left == 0 || depth > kDepthMax) {
    handover.error = EFBIG;
    return;
  }
  --handover.left;
  if (::fstat(held, &info) != 0 || !may_give(info, handover)) return;
  const auto below = [&](const char* name) {
    const Descriptor entry(::openat(held, name, kHold));
    if (entry.open()) give(entry.get(), handover, depth + 1);
    return handover.error != EFBIG;
  };
  if (S_ISDIR(info.st_mode) && !each_name(held, below)) handover.error = errno;
  if (::fchownat(held, "", handover.uid, handover.gid, AT_EMPTY_PATH) != 0) handover.error = errno;
}

}  // namespace

void remove_tree(const Folder& parent, std::string_view name) {
  struct stat info {};
  if (!is_plain_name(name) || ::fstat(parent.descriptor(), &info) != 0) return;
  remove_below(parent.descriptor(), std::string(name).c_str(), info.st_dev, 0);
}

Status hand_over(const Folder& folder, std::uint32_t uid, std::uint32_t gid) {
  const Facts top = folder.facts();
  Handover handover;
  handover.uid = uid;
  handover.gid = gid;
  handover.ours = ::geteuid();
  handover.device = static_cast<dev_t>(top.identity.device);
  give(folder.descriptor(), handover, 0);
  if (handover.error == 0) return Done{};
  return make_error(Code::io, std::string("cannot hand over the sandbox: ") + std::strerror(handover.error));
}

}  // namespace mimas::files
