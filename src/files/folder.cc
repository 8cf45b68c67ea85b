#include "files/folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "files/hold.h"
#include "files/names.h"

namespace mimas::files {
namespace {

constexpr int kLookFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
constexpr int kCreateTries = 4;  // of open_or_create, against somebody who makes and removes

Code code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Code::not_found;
    case EINVAL: return Code::invalid_argument;
    case ELOOP:
    case EXDEV:
    case EMLINK:
    case ESTALE:
    case EACCES:
    case EPERM: return Code::permission_denied;
    case EEXIST: return Code::conflict;
    default: return Code::io;
  }
}

const char* text_of(int error) {
  switch (error) {
    case EINVAL: return "is no path below a folder";
    case ELOOP: return "is, or leads through, a symbolic link";
    case EXDEV: return "leads out of the folder";
    case EMLINK: return "has a second name, which may be elsewhere";
    case ESTALE: return "is another file than it was";
    default: return std::strerror(error);
  }
}

bool facts_at(int folder, const std::string& name, Facts& into) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, kLookFlags) != 0) return false;
  into = facts_of(info);
  return true;
}

}  // namespace

// errno says the same to callers that count on it.
Error Folder::failure(int error, std::string_view path, std::string_view what) const {
  std::string text(what);
  text.append(text.empty() ? "'" : " '").append(path.substr(0, kPathBytesMax)).append("' ").append("in ");
  text.append(path_).append(": ").append(text_of(error));
  errno = error;
  return make_error(code_of(error), std::move(text));
}

Result<Folder> Folder::at(const std::string& path) {
  Folder folder(Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)), path);
  if (folder.open()) return folder;
  const int error = errno;
  Error failed = make_error(code_of(error), "cannot enter '" + path + "': " + std::strerror(error));
  errno = error;
  return failed;
}

Facts Folder::facts() const {
  struct stat info {};
  return ::fstat(descriptor_.get(), &info) == 0 ? facts_of(info) : Facts{};
}

// Where the last name of a path is: we ourselves, or a folder below.
Result<Descriptor> Folder::parent_of(std::string_view path, std::string& name) const {
  const std::size_t slash = path.rfind('/');
  name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (!is_plain_name(name) || !is_plain(path)) return failure(EINVAL, path, "");
  Descriptor parent = slash == std::string_view::npos
                          ? Descriptor(::fcntl(descriptor_.get(), F_DUPFD_CLOEXEC, 0))
                          : walk(descriptor_.get(), path.substr(0, slash), Links::refuse);
  if (!parent.open()) return failure(errno, path, "cannot reach");
  return parent;
}

Result<Facts> Folder::look(std::string_view path, Links links) const {
  const Descriptor held = walk(descriptor_.get(), path, links);
  struct stat info {};
  if (!held.open() || ::fstat(held.get(), &info) != 0) return failure(errno, path, "cannot look at");
  return facts_of(info);
}

Result<Folder> Folder::enter(std::string_view path, Links links) const {
  const Descriptor held = walk(descriptor_.get(), path, links);
  struct stat info {};
  if (!held.open() || ::fstat(held.get(), &info) != 0) return failure(errno, path, "cannot enter");
  if (S_ISLNK(info.st_mode)) return failure(ELOOP, path, "cannot enter");
  if (!S_ISDIR(info.st_mode)) {
    errno = ENOTDIR;
    return make_error(Code::unsupported, "'" + std::string(path) + "' in " + path_ + " is no folder");
  }
  Descriptor inside(::openat(held.get(), ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inside.open()) return failure(errno, path, "cannot enter");
  return Folder(std::move(inside), path_ + "/" + std::string(path));
}

Result<std::vector<Entry>> Folder::list(std::size_t most) const {
  std::vector<Entry> entries;
  const auto take = [&](const char* name) {
    Entry entry{name, {}};
    if (facts_at(descriptor_.get(), entry.name, entry.facts)) entries.push_back(std::move(entry));
    return entries.size() < most;
  };
  if (!each_name(descriptor_.get(), take)) return failure(errno, ".", "cannot list");
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Result<File> Folder::open(std::string_view path, Use use, const Terms& terms) const {
  const Descriptor held = walk(descriptor_.get(), path, terms.links);
  struct stat info {};
  if (!held.open() || ::fstat(held.get(), &info) != 0) return failure(errno, path, "cannot open");
  const Facts facts = facts_of(info);
  if (facts.kind == Kind::link) return failure(ELOOP, path, "cannot open");
  if (facts.kind != Kind::regular) {
    errno = facts.kind == Kind::folder ? EISDIR : ENXIO;
    return make_error(Code::unsupported, "'" + std::string(path) + "' in " + path_ + " is " +
                                             std::string(kind_name(facts.kind)));
  }
  const bool shown =
      facts.names <= 1 || (terms.second_names == SecondNames::of_owner && facts.uid == this->facts().uid);
  if (!shown) return failure(EMLINK, path, "cannot open");
  if (terms.same.known() && !(terms.same == facts.identity)) return failure(ESTALE, path, "cannot open");
  Descriptor opened = open_held(held.get(), use);
  if (!opened.open()) return failure(errno, path, "cannot open");
  return File(std::move(opened), facts);
}

Result<File> Folder::create(std::string_view path, Use use, std::uint32_t mode) const {
  std::string name;
  const Result<Descriptor> parent = parent_of(path, name);
  if (!parent.ok()) return parent.error();
  Descriptor made(::openat(parent->get(), name.c_str(), flags_of(use) | O_CREAT | O_EXCL | O_NOFOLLOW,
                           static_cast<mode_t>(mode)));
  struct stat info {};
  if (!made.open() || ::fstat(made.get(), &info) != 0) return failure(errno, path, "cannot create");
  return File(std::move(made), facts_of(info));
}

Result<File> Folder::open_or_create(std::string_view path, Use use, std::uint32_t mode) const {
  for (int tries = 0;; ++tries) {
    Result<File> file = open(path, use);
    if (file.ok() || file.error().code != Code::not_found) return file;
    file = create(path, use, mode);
    if (file.ok() || file.error().code != Code::conflict || tries == kCreateTries) return file;
  }
}

Status Folder::rename(std::string_view from, std::string_view to, Identity same) const {
  std::string from_name, to_name;
  const Result<Descriptor> source = parent_of(from, from_name);
  if (!source.ok()) return source.error();
  const Result<Descriptor> target = parent_of(to, to_name);
  if (!target.ok()) return target.error();
  Facts facts;
  if (same.known()) {
    if (!facts_at(source->get(), from_name, facts)) return failure(errno, from, "cannot rename");
    if (!(facts.identity == same)) return failure(ESTALE, from, "cannot rename");
  }
  if (::renameat(source->get(), from_name.c_str(), target->get(), to_name.c_str()) != 0)
    return failure(errno, from, "cannot rename");
  if (!same.known() || (facts_at(target->get(), to_name, facts) && facts.identity == same)) return Done{};
  (void)::unlinkat(target->get(), to_name.c_str(), 0);
  return failure(ESTALE, from, "cannot rename");
}

Status Folder::remove(std::string_view path) const {
  std::string name;
  const Result<Descriptor> parent = parent_of(path, name);
  if (!parent.ok()) {
    if (parent.error().code == Code::not_found) return Done{};
    return parent.error();
  }
  if (::unlinkat(parent->get(), name.c_str(), 0) == 0 || errno == ENOENT) return Done{};
  return failure(errno, path, "cannot remove");
}

Status Folder::discard(std::string_view path, Identity same) const {
  if (same.known()) {
    const Result<File> file = open(path, Use::write, {Links::refuse, SecondNames::refuse, same});
    if (file.ok() && ::ftruncate(file->descriptor(), 0) != 0) {
      // Then its room comes back when the last holder goes.
    }
  }
  return remove(path);
}

Result<Folder> Folder::make_folder(std::string_view name, std::uint32_t mode) const {
  std::string last;
  const Result<Descriptor> parent = parent_of(name, last);
  if (!parent.ok()) return parent.error();
  if (::mkdirat(parent->get(), last.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST)
    return failure(errno, name, "cannot make the folder");
  Result<Folder> folder = enter(name);
  if (folder.ok() && ::fchmod(folder->descriptor(), static_cast<mode_t>(mode)) != 0)
    return failure(errno, name, "cannot set the mode of");
  return folder;
}

Status Folder::make_link(std::string_view name, const std::string& target) const {
  std::string last;
  const Result<Descriptor> parent = parent_of(name, last);
  if (!parent.ok()) return parent.error();
  if (::symlinkat(target.c_str(), parent->get(), last.c_str()) == 0 || errno == EEXIST) return Done{};
  return failure(errno, name, "cannot make the link");
}

}  // namespace mimas::files
