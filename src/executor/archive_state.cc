#include "executor/archive_state.h"

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

std::string read_whole(const files::File& file) {
  std::string text;
  char piece[4096];
  while (text.size() < kFileBytesMax) {
    const Result<std::size_t> got = file.read_at(static_cast<std::int64_t>(text.size()), piece, sizeof piece);
    if (!got.ok() || *got == 0) break;
    text.append(piece, *got);
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

// Ours alone, else closed: what somebody else could write there would be sent in our name.
files::Folder private_folder(const std::string& directory) {
  Result<files::Folder> folder = files::Folder::at(directory);
  if (!folder.ok()) return {};
  const files::Facts facts = folder->facts();
  if (facts.uid != ::geteuid() || (facts.mode & 022) != 0) return {};
  return std::move(folder).value();
}

bool lock_state(const files::File& file) { return ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0; }

}  // namespace

std::string ArchiveState::default_directory() {
  return "/var/tmp/mimas-archive-" + std::to_string(::geteuid());
}

ArchiveState::ArchiveState(std::string directory) : directory_(std::move(directory)) {}

ArchiveState::~ArchiveState() {
  if (file_.open() && open_.empty()) (void)folder_.remove(name_);
}

// Locked before it has the name under which others look for it.
bool ArchiveState::make() {
  if (file_.open() || hopeless_) return file_.open();
  hopeless_ = true;
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return false;
  folder_ = private_folder(directory_);
  if (!folder_.open()) return false;
  name_ = std::to_string(::getpid()) + "-" + std::to_string(net::wall_now().ms);
  Result<files::File> file = folder_.create("." + name_, files::Use::append, 0600);
  if (!file.ok()) return false;
  if (lock_state(*file) && folder_.rename("." + name_, name_).ok()) {
    file_ = std::move(file).value();
    hopeless_ = false;
    return true;
  }
  (void)folder_.remove("." + name_);
  return false;
}

void ArchiveState::begin(const ArchiveFolder& folder) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (std::any_of(folder.path.begin(), folder.path.end(), control) || !make()) return;
  const std::string line = "+" + folder.path + "\t" + folder.key + "\n";
  if (::write(file_.descriptor(), line.data(), line.size()) < 0) return;
  open_.push_back(folder.path);
}

void ArchiveState::end(std::string_view path) {
  const auto found = std::find(open_.begin(), open_.end(), path);
  if (found == open_.end()) return;
  open_.erase(found);
  const std::string line = "-" + std::string(path) + "\n";
  const int fd = file_.descriptor();
  if (open_.empty() ? ::ftruncate(fd, 0) != 0 : ::write(fd, line.data(), line.size()) < 0) return;
}

template <class Visit>
void ArchiveState::each_dead(Visit visit) const {
  const files::Folder all = private_folder(directory_);
  const auto entries = all.open() ? all.list() : std::vector<files::Entry>();
  if (!entries.ok()) return;
  int looked = 0;
  for (const files::Entry& entry : *entries) {
    if (entry.name[0] == '.' || entry.name == name_ || ++looked > kDeadMax) continue;
    const Result<files::File> file = all.open(entry.name, files::Use::read);
    // Who got the lock of a file that has no name any more was second.
    if (file.ok() && lock_state(*file) && file->facts_now().names > 0)
      visit(all, entry.name, read_folders(read_whole(*file)));
  }
}

std::vector<ArchiveFolder> ArchiveState::adopt() {
  std::vector<ArchiveFolder> taken;
  each_dead([&](const files::Folder& all, const std::string& name, std::vector<ArchiveFolder> folders) {
    for (ArchiveFolder& folder : folders) {
      begin(folder);
      if (file_.open()) taken.push_back(std::move(folder));
    }
    if (file_.open() || folders.empty()) (void)all.remove(name);
  });
  return taken;
}

std::vector<ArchiveFolder> ArchiveState::abandoned() const {
  std::vector<ArchiveFolder> left;
  each_dead([&](const files::Folder&, const std::string&, const std::vector<ArchiveFolder>& folders) {
    left.insert(left.end(), folders.begin(), folders.end());
  });
  return left;
}

}  // namespace mimas::executor
