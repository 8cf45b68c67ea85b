#include "store/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "files/own.h"

namespace mimas::store {
namespace {

std::string part_of(const std::string& path) { return path + ".part"; }

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error failed(const char* what, const std::string& path) {
  const Code code = errno == ENOSPC || errno == EDQUOT ? Code::resource_exhausted : Code::io;
  return make_error(code, std::string(what) + ": " + std::system_category().message(errno), path);
}

Status make_empty(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("an old part is in the way", path);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("the backup cannot be written", path);
  ::close(fd);
  return Done{};
}

Status sync(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return failed("the backup cannot be opened", path);
  const int synced = ::fsync(fd);
  const int fault = errno;
  ::close(fd);
  errno = fault;
  if (synced != 0) return failed("the backup cannot be written", path);
  return Done{};
}

}  // namespace

Result<std::unique_ptr<Backup>> Backup::start(Connection& from, const std::string& path) {
  Status made = files::make_own_folder(directory_of(path));
  if (!made) return std::move(made).error();
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    return make_error(Code::conflict, "there is a file of that name already", path, "choose another name");
  }
  made = make_empty(part_of(path));
  if (!made) return std::move(made).error();
  Result<Connection> to = Connection::open(part_of(path));
  if (!to) return std::move(to).error();
  std::unique_ptr<Backup> backup(new Backup(path, std::move(*to)));
  // A part that is torn is thrown away: it needs no journal.
  Status set = backup->to_.execute("PRAGMA journal_mode=OFF;PRAGMA synchronous=FULL;");
  if (!set) return std::move(set).error();
  backup->copy_ = sqlite3_backup_init(backup->to_.handle(), "main", from.handle(), "main");
  if (backup->copy_ == nullptr) return backup->to_.error(SQLITE_ERROR);
  return backup;
}

Result<bool> Backup::step(int pages) {
  if (complete_) return true;
  if (copy_ == nullptr) return make_error(Code::io, "the backup has failed", path_);
  const int code = sqlite3_backup_step(copy_, pages);
  if (code == SQLITE_OK) return false;
  if (code != SQLITE_DONE) {
    Error error = to_.error(code);
    sqlite3_backup_finish(std::exchange(copy_, nullptr));
    return error;
  }
  if (Status done = finish(); !done) return std::move(done).error();
  return true;
}

Status Backup::finish() {
  const int code = sqlite3_backup_finish(std::exchange(copy_, nullptr));
  if (code != SQLITE_OK) return to_.error(code);
  const std::string part = part_of(path_);
  if (Status synced = sync(part, O_RDWR); !synced) return synced;
  // One process has the directory, one thread of it makes backups: nobody takes the name meanwhile.
  if (::rename(part.c_str(), path_.c_str()) != 0) return failed("the backup cannot get its name", path_);
  complete_ = true;
  return sync(directory_of(path_), O_RDONLY | O_DIRECTORY);
}

Backup::~Backup() {
  if (copy_ != nullptr) sqlite3_backup_finish(copy_);
  if (!complete_) ::unlink(part_of(path_).c_str());
}

}  // namespace mimas::store
