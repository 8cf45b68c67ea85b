#include "executor/archive_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/clock.h"

namespace mimas::executor {
namespace {

constexpr int kDeadMax = 100;
constexpr std::size_t kFileBytesMax = 1 << 20;

std::string read_whole(int fd) {
  std::string text;
  char piece[4096];
  ssize_t got;
  while (text.size() < kFileBytesMax && (got = ::read(fd, piece, sizeof piece)) > 0) {
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

// "+path\tkey" begins a folder, "-path" ends it.
std::vector<ArchiveFolder> read_folders(std::string_view text) {
  std::vector<ArchiveFolder> folders;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    const std::size_t tab = line.find('\t');
    if (line.starts_with("+/") && tab != std::string_view::npos)
      folders.push_back({std::string(line.substr(1, tab - 1)), std::string(line.substr(tab + 1))});
    if (!line.starts_with('-')) continue;
    folders.erase(std::remove_if(folders.begin(), folders.end(),
                                 [&](const ArchiveFolder& folder) { return folder.path == line.substr(1); }),
                  folders.end());
  }
  return folders;
}

// Ours alone: what somebody else could write there would be sent in our name.
bool is_private(const std::string& directory) {
  struct stat facts {};
  return ::lstat(directory.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid() &&
         (facts.st_mode & 022) == 0;
}

}  // namespace

std::string ArchiveState::default_directory() {
  return "/var/tmp/mimas-archive-" + std::to_string(::geteuid());
}

ArchiveState::ArchiveState(std::string directory) : directory_(std::move(directory)) {}

ArchiveState::~ArchiveState() {
  if (fd_ < 0) return;
  if (open_.empty()) (void)::unlink(file_.c_str());
  ::close(fd_);
}

// Locked before it has the name under which others look for it.
bool ArchiveState::make() {
  if (fd_ >= 0 || hopeless_) return fd_ >= 0;
  hopeless_ = true;
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return false;
  if (!is_private(directory_)) return false;
  const std::string name = std::to_string(::getpid()) + "-" + std::to_string(net::wall_now().ms);
  const std::string fresh = directory_ + "/." + name;
  fd_ = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return false;
  file_ = directory_ + "/" + name;
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 && ::rename(fresh.c_str(), file_.c_str()) == 0) {
    hopeless_ = false;
    return true;
  }
  (void)::unlink(fresh.c_str());
  ::close(std::exchange(fd_, -1));
  return false;
}

void ArchiveState::begin(const ArchiveFolder& folder) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (std::any_of(folder.path.begin(), folder.path.end(), control) || !make()) return;
  const std::string line = "+" + folder.path + "\t" + folder.key + "\n";
  if (::write(fd_, line.data(), line.size()) < 0) return;
  open_.push_back(folder.path);
}

void ArchiveState::end(std::string_view path) {
  const auto found = std::find(open_.begin(), open_.end(), path);
  if (found == open_.end()) return;
  open_.erase(found);
  const std::string line = "-" + std::string(path) + "\n";
  if (open_.empty() ? ::ftruncate(fd_, 0) != 0 : ::write(fd_, line.data(), line.size()) < 0) return;
}

template <class Visit>
void ArchiveState::each_dead(Visit visit) const {
  DIR* all = is_private(directory_) ? ::opendir(directory_.c_str()) : nullptr;
  if (all == nullptr) return;
  int looked = 0;
  while (const dirent* entry = ::readdir(all)) {
    const std::string path = directory_ + "/" + entry->d_name;
    if (entry->d_name[0] == '.' || path == file_ || ++looked > kDeadMax) continue;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat facts {};
    // Who got the lock of a file that has no name any more was second.
    const bool dead = fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &facts) == 0 &&
                      facts.st_nlink > 0 && S_ISREG(facts.st_mode);
    if (dead) visit(path, read_folders(read_whole(fd)));
    if (fd >= 0) ::close(fd);
  }
  ::closedir(all);
}

std::vector<ArchiveFolder> ArchiveState::adopt() {
  std::vector<ArchiveFolder> taken;
  each_dead([&](const std::string& path, std::vector<ArchiveFolder> folders) {
    for (ArchiveFolder& folder : folders) {
      begin(folder);
      if (fd_ >= 0) taken.push_back(std::move(folder));
    }
    if (fd_ >= 0 || folders.empty()) (void)::unlink(path.c_str());
  });
  return taken;
}

std::vector<ArchiveFolder> ArchiveState::abandoned() const {
  std::vector<ArchiveFolder> left;
  each_dead([&](const std::string&, const std::vector<ArchiveFolder>& folders) {
    left.insert(left.end(), folders.begin(), folders.end());
  });
  return left;
}

}  // namespace mimas::executor
