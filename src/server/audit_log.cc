#include "server/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "api/render_audit.h"
#include "json/value.h"
#include "json/writer.h"

namespace mimas::server {
namespace {

constexpr std::size_t kUnwrittenBytesMax = 1u << 20;
constexpr std::int64_t kEndBytes = 64 << 10;  // a line is far shorter

std::string line_of(const Audit& audit) {
  json::Writer out;
  api::write_audit(out, audit);
  return out.take() + "\n";
}

struct LineFacts {
  std::int64_t number = 0;
  Instant at{};
};
LineFacts facts_of(std::string_view line) {
  LineFacts facts;
  const auto document = json::parse(line);
  if (!document.ok() || !document->root().is_object()) return facts;
  if (const auto number = document->root().find("number"); number && number->is_integer())
    facts.number = number->int64().value();
  if (const auto at = parse_rfc3339(document->root().string_or("at", ""))) facts.at = *at;
  return facts;
}

std::string read_part(int fd, std::int64_t from, std::int64_t length) {
  std::string text(static_cast<std::size_t>(length), '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), from);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

// Of the last whole line that says its number; zeros where there is none.
LineFacts last_line(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return {};
  struct stat about {};
  const bool file = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  const std::int64_t size = file ? about.st_size : 0;
  const std::string end =
      read_part(fd, std::max<std::int64_t>(size - kEndBytes, 0), std::min(size, kEndBytes));
  ::close(fd);
  LineFacts facts;
  for (std::string_view rest = end; facts.number == 0 && rest.find('\n') != std::string_view::npos;) {
    rest = rest.substr(0, rest.rfind('\n'));
    const std::size_t before = rest.rfind('\n');
    facts = facts_of(before == std::string_view::npos ? rest : rest.substr(before + 1));
  }
  return facts;
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(AuditLogOptions options, const std::vector<Audit>& known,
                                                 Log log) {
  std::unique_ptr<AuditLog> made(new AuditLog(std::move(options), std::move(log)));
  if (made->options_.file.empty()) return made;
  if (Status opened = made->open_file(); !opened) return std::move(opened).error();
  made->read_end();
  for (const Audit& audit : known) {
    if (audit.number > made->last_number_) made->write(audit, audit.at);
  }
  return made;
}

AuditLog::~AuditLog() {
  if (fd_ >= 0) ::close(fd_);
}

Status AuditLog::open_file() {
  const auto failed = [this](const char* why, std::string hint = {}) {
    return make_error(Code::invalid_argument, why, options_.file, std::move(hint));
  };
  if (fd_ >= 0) ::close(fd_);
  fd_ =
      ::open(options_.file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd_ < 0) return failed(std::strerror(errno));
  struct stat about {};
  const bool known = ::fstat(fd_, &about) == 0 && S_ISREG(about.st_mode);
  // One that an earlier version, or somebody's umask, left wider is narrowed, as all of a data directory is.
  if (known && ((about.st_mode & (S_IRWXG | S_IRWXO)) == 0 || ::fchmod(fd_, 0600) == 0)) {
    bytes_ = about.st_size;
    first_at_ = {};
    return Done{};
  }
  ::close(std::exchange(fd_, -1));
  if (!known) return failed("is not a file");
  return failed("others than its owner may read or write it", "chmod 600 " + options_.file);
}

// Where we left off: after the last whole line, of the file before this one where this one is empty.
void AuditLog::read_end() {
  last_number_ = last_line(bytes_ > 0 ? options_.file : rotated(1)).number;
  if (bytes_ == 0) return;
  const std::string last = read_part(fd_, bytes_ - 1, 1);
  if (last != "\n") put("\n");  // half a line, of a machine that went down: the next stands alone
  const std::string head = read_part(fd_, 0, std::min(bytes_, kEndBytes));
  first_at_ = facts_of(head.substr(0, head.find('\n'))).at;
}

bool AuditLog::put(const std::string& lines) {
  for (std::size_t at = 0; at < lines.size();) {
    const ssize_t done = fd_ < 0 ? -1 : ::write(fd_, lines.data() + at, lines.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      // Half a line would spoil the next one, and would come again with it.
      if (at > 0 && ::ftruncate(fd_, bytes_) != 0) bytes_ += static_cast<std::int64_t>(at);
      return false;
    }
    at += static_cast<std::size_t>(done);
  }
  bytes_ += static_cast<std::int64_t>(lines.size());
  return true;
}

void AuditLog::write(const Audit& audit, Instant now) {
  const std::lock_guard hold(mutex_);
  if (options_.file.empty()) return;
  const bool old = first_at_.ms != 0 && now - first_at_ >= options_.rotate_ms;
  if (bytes_ > 0 && (bytes_ >= options_.file_bytes_max || old)) rotate(now);
  std::string line = line_of(audit);
  if (unwritten_.size() + line.size() > kUnwrittenBytesMax) {
    ++lost_;
    line.clear();
  }
  unwritten_ += line;
  last_number_ = audit.number;
  if (!put(unwritten_)) {
    if (!std::exchange(failing_, true))
      log_("the record of changes cannot be written to " + options_.file + ": " + std::strerror(errno));
    return;
  }
  unwritten_.clear();
  if (first_at_.ms == 0) first_at_ = audit.at;
  if (std::exchange(failing_, false)) {
    log_("the record of changes is written to " + options_.file + " again; " +
         std::to_string(std::exchange(lost_, 0)) + " are in the database alone");
  }
}

void AuditLog::rotate(Instant now) {
  for (std::int64_t number = options_.files; number >= 1; --number) {
    const std::string from = number == 1 ? options_.file : rotated(number - 1);
    (void)std::rename(from.c_str(), rotated(number).c_str());
  }
  if (options_.files == 0) (void)::unlink(options_.file.c_str());
  if (Status opened = open_file(); !opened) log_("the record of changes: " + opened.error().text());
  remove_old(now);
}

// A file's age is that of its last line.
void AuditLog::remove_old(Instant now) const {
  for (std::int64_t number = 1; options_.keep_ms > 0 && number <= options_.files; ++number) {
    const Instant at = last_line(rotated(number)).at;
    if (at.ms > 0 && now - at > options_.keep_ms) (void)::unlink(rotated(number).c_str());
  }
}

void AuditLog::reopen() {
  const std::lock_guard hold(mutex_);
  if (options_.file.empty()) return;
  if (Status opened = open_file(); !opened) log_("the record of changes: " + opened.error().text());
}

}  // namespace mimas::server
