#include "files/walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace mimas::files {
namespace {

// Of <linux/openat2.h>, which older kernel headers lack. The number is the same on every architecture.
constexpr long kOpenat2 = 437;
constexpr std::uint64_t kNoXdev = 0x01, kNoMagicLinks = 0x02, kNoSymlinks = 0x04, kBeneath = 0x08;
struct OpenHow {
  std::uint64_t flags, mode, resolve;
};
constexpr int kTriesMax = 8;  // EAGAIN: somebody renames while the kernel walks

std::atomic<bool> missing{false}, forbidden{false};

Descriptor fail(int error) {
  errno = error;
  return {};
}

// -1 with ENOSYS: not here.
int walk_in_kernel(int root, const std::string& path, Links links) {
  OpenHow how{};
  how.flags = O_PATH | O_CLOEXEC | (links == Links::refuse ? O_NOFOLLOW : 0);
  how.resolve = kNoXdev | kNoMagicLinks | kBeneath | (links == Links::refuse ? kNoSymlinks : 0);
  long fd = -1;
  int tries = 0;
  do fd = ::syscall(kOpenat2, root, path.c_str(), &how, sizeof how);
  while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < kTriesMax);
  // A seccomp filter that does not know the call answers EPERM, an emulator EINVAL; neither is an answer of
  // openat2's about a path.
  if (fd < 0 && (errno == EPERM || errno == EINVAL)) errno = ENOSYS;
  return static_cast<int>(fd);
}

// The parts of a path, the first one last.
void push_parts(std::string_view path, std::vector<std::string>& todo) {
  std::size_t end = path.size();
  while (end > 0) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    const std::string_view part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") todo.emplace_back(part);
    end = slash == std::string_view::npos ? 0 : slash;
  }
}

std::string link_target(int link) {
  char target[kPathBytesMax + 1];
  const ssize_t size = ::readlinkat(link, "", target, sizeof target);
  return size <= 0 || size == static_cast<ssize_t>(sizeof target)
             ? std::string()
             : std::string(target, static_cast<std::size_t>(size));
}

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool is_plain(std::string_view path) {
  if (path.empty() || path.size() > kPathBytesMax || path.front() == '/') return false;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view name = path.substr(0, end);
    if (!name.empty() && !is_plain_name(name)) return false;
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return true;
}

// Every folder on the way stays open, so that ".." of a link's target is the one we came from.
Descriptor walk_by_steps(int root, std::string_view path, Links links) {
  struct stat info {};
  if (!is_plain(path)) return fail(EINVAL);
  if (::fstat(root, &info) != 0) return {};
  const dev_t device = info.st_dev;
  std::vector<std::string> todo;
  std::vector<Descriptor> way;
  push_parts(path, todo);
  for (int links_seen = 0; !todo.empty();) {
    const std::string part = std::move(todo.back());
    todo.pop_back();
    if (part == "..") {
      if (way.empty()) return fail(EXDEV);
      way.pop_back();
      continue;
    }
    Descriptor next(
        ::openat(way.empty() ? root : way.back().get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next.open() || ::fstat(next.get(), &info) != 0) return {};
    if (info.st_dev != device) return fail(EXDEV);
    if (S_ISLNK(info.st_mode) && links == Links::beneath) {
      const std::string target = link_target(next.get());
      if (target.empty()) return fail(ENOENT);
      if (target.front() == '/') return fail(EXDEV);
      if (++links_seen > kLinksMax) return fail(ELOOP);
      push_parts(target, todo);
      continue;
    }
    if (!todo.empty() && !S_ISDIR(info.st_mode)) return fail(S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR);
    way.push_back(std::move(next));
  }
  if (way.empty()) return Descriptor(::openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return std::move(way.back());
}

Descriptor walk(int root, std::string_view path, Links links) {
  if (!is_plain(path)) return fail(EINVAL);
  if (!forbidden && !missing) {
    const int fd = walk_in_kernel(root, std::string(path), links);
    if (fd >= 0 || (errno != ENOSYS && errno != EAGAIN)) return Descriptor(fd);
    missing = errno == ENOSYS;
  }
  return walk_by_steps(root, path, links);
}

void forbid_openat2(bool yes) { forbidden = yes; }

}  // namespace mimas::files
