#include "executor/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mimas::executor {
namespace {

constexpr std::int64_t kNearBytes = 4'096;  // of the end of a full file, where a newline is looked for
constexpr std::int64_t kRetryMs = 1'000;
constexpr std::int64_t kNoticeBytesMax = 160;  // of the line that counts what is missing
constexpr std::uint32_t kMode = 0644;
char scratch[16'384];  // one thread

ssize_t read_pipe(int pipe, std::int64_t most) {
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(most, sizeof scratch));
  ssize_t got;
  do got = ::read(pipe, scratch, size);
  while (got < 0 && errno == EINTR);
  return got;
}

bool is_no_more(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

LogFile::LogFile(const files::Folder& folder, std::string name, const LogRules& rules, int own)
    : folder_(folder), name_(std::move(name)), rules_(rules), own_(own) {}

void LogFile::close() { file_.close(); }

// Without O_APPEND, which splice() refuses; but the agent and our own stderr may append to the same file, so
// the end is looked for before each round (room()).
bool LogFile::open() {
  Result<files::File> file = folder_.open_or_create(name_, files::Use::write, kMode);
  if (!file.ok()) return false;
  file_ = std::move(file).value();
  struct stat ours {};
  const bool same =
      own_ >= 0 && ::fstat(own_, &ours) == 0 && files::facts_of(ours).identity == file_.identity();
  if (!same) own_ = -1;
  rotated_ = highest_number();
  return true;
}

// Of what is there from before: an earlier task of the same sandbox.
std::int64_t LogFile::highest_number() const {
  std::int64_t highest = 0;
  const Result<std::vector<files::Entry>> entries = folder_.list();
  if (!entries.ok()) return highest;
  for (const files::Entry& entry : *entries) {
    std::string_view rest(entry.name);
    if (!rest.starts_with(name_) || rest.size() <= name_.size() || rest[name_.size()] != '.') continue;
    rest.remove_prefix(name_.size() + 1);
    if (rest.ends_with(".gz")) rest.remove_suffix(3);
    std::int64_t number = 0;
    const bool digits = !rest.empty() && rest.size() <= 9 &&
                        std::all_of(rest.begin(), rest.end(), [](char c) { return c >= '0' && c <= '9'; });
    for (const char c : digits ? rest : std::string_view{}) number = number * 10 + (c - '0');
    highest = std::max(highest, number);
  }
  return highest;
}

std::int64_t LogFile::room() {
  const off_t end = ::lseek(file_.descriptor(), 0, SEEK_END);
  if (end >= 0) size_ = end;
  return rules_.rotate_bytes - size_;
}

LogFile::Pipe LogFile::take(int pipe, std::int64_t most, Instant now) {
  while (most > 0) {
    if (!ready(now)) {
      if (const Pipe left = discard(pipe, most, now); left != Pipe::more) return left;
      continue;
    }
    const std::int64_t free = room();
    ssize_t moved;
    if (splice_ && free > kNearBytes) {
      moved = ::splice(pipe, nullptr, file_.descriptor(), nullptr,
                       static_cast<std::size_t>(std::min(most, free - kNearBytes)),
                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (moved > 0) size_ += moved;
      if (moved < 0 && (errno == EINVAL || errno == ENOSYS)) {
        splice_ = false;
        continue;
      }
      if (moved < 0 && errno != EINTR && !is_no_more(errno)) {
        drop(0, errno, now);
        continue;
      }
    } else {
      moved = read_pipe(pipe, std::min(most, std::max<std::int64_t>(free, 1)));
      if (moved > 0) put({scratch, static_cast<std::size_t>(moved)}, now);
      if (moved < 0 && !is_no_more(errno)) return Pipe::closed;
    }
    if (moved == 0) return Pipe::closed;
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return Pipe::empty;
    bytes_ += moved;
    most -= moved;
  }
  return Pipe::more;
}

LogFile::Pipe LogFile::discard(int pipe, std::int64_t& most, Instant now) {
  const ssize_t got = read_pipe(pipe, most);
  if (got < 0) return is_no_more(errno) ? Pipe::empty : Pipe::closed;
  if (got == 0) return Pipe::closed;
  bytes_ += got;
  most -= got;
  drop(got, error_, now);
  return Pipe::more;
}

void LogFile::write(std::string_view bytes, Instant now) {
  bytes_ += static_cast<std::int64_t>(bytes.size());
  put(bytes, now);
}

void LogFile::put(std::string_view bytes, Instant now) {
  while (!bytes.empty()) {
    if (!ready(now)) return drop(static_cast<std::int64_t>(bytes.size()), error_, now);
    const std::int64_t free = room();
    std::string_view piece = bytes.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(free, 0)));
    bool last = free <= 0;
    if (free > kNearBytes) {
      piece = piece.substr(0, static_cast<std::size_t>(free - kNearBytes));
    } else if (const std::size_t line = piece.rfind('\n'); line != std::string_view::npos) {
      piece = piece.substr(0, line + 1);
      last = true;
    }
    if (!piece.empty()) {
      ssize_t wrote;
      do wrote = ::write(file_.descriptor(), piece.data(), piece.size());
      while (wrote < 0 && errno == EINTR);
      if (wrote <= 0) return drop(static_cast<std::int64_t>(bytes.size()), wrote < 0 ? errno : ENOSPC, now);
      size_ += wrote;
      last = last && wrote == static_cast<ssize_t>(piece.size());
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    full_ = last || size_ >= rules_.rotate_bytes;
  }
}

// A file with room, or one second of dropping more.
bool LogFile::ready(Instant now) {
  if (error_ != 0 && now < retry_at_) return false;
  const std::int64_t needed = unsaid_ > 0 ? kNoticeBytesMax : 1;
  if ((full_ || room() < needed) && !rotate()) {
    drop(0, errno, now);
    return false;
  }
  if (error_ == 0) return true;
  if (unsaid_ > 0) {
    const std::string line = "mimas-executor: " + std::to_string(unsaid_) +
                             " bytes of output are missing here: " + std::strerror(error_) + "\n";
    (void)room();
    const ssize_t wrote = ::write(file_.descriptor(), line.data(), line.size());
    if (wrote != static_cast<ssize_t>(line.size())) {
      const int error = wrote < 0 ? errno : ENOSPC;
      if (wrote > 0 && ::ftruncate(file_.descriptor(), size_) != 0) size_ += wrote;
      drop(0, error, now);
      return false;
    }
  }
  error_ = 0;
  unsaid_ = 0;
  return true;
}

void LogFile::drop(std::int64_t count, int error, Instant now) {
  if (error_ == 0 || now >= retry_at_) retry_at_ = now + kRetryMs;
  error_ = error;
  dropped_ += count;
  unsaid_ += count;
}

void LogFile::finish(Instant now) {
  if (unsaid_ == 0) return;
  retry_at_ = now;
  (void)ready(now);
}

std::string LogFile::rotated_name(std::int64_t number) const { return name_ + "." + std::to_string(number); }

// The new file is made first: where that fails, the old one stays as it is.
bool LogFile::rotate() {
  const std::string fresh = "." + name_ + ".new";
  (void)folder_.remove(fresh);
  Result<files::File> made = folder_.create(fresh, files::Use::write, kMode);
  if (!made.ok()) return false;
  if (!put_aside() || !folder_.rename(fresh, name_, made->identity()).ok()) {
    const int error = errno;
    (void)folder_.remove(fresh);
    errno = error;
    return false;
  }
  file_ = std::move(made).value();
  size_ = 0;
  full_ = false;
  remove_oldest();
  follow_own();
  return true;
}

// The old file gets its number. If somebody has removed it, there is nothing to be kept; what he may have put
// in its place is moved out of the way and is no log of ours. False: it is still there.
bool LogFile::put_aside() {
  if (rules_.keep == 0) return true;
  const std::string name = rotated_name(rotated_ + 1);
  if (folder_.rename(name_, name, file_.identity()).ok()) {
    ++rotated_;
    changes_.push_back({rotated_, false, file_.identity()});
    kept_.push_back(changes_.back());
    return true;
  }
  if (errno == ESTALE && folder_.rename(name_, name).ok()) {
    ++rotated_;
    return true;
  }
  return errno == ENOENT;
}

// Who does not read it may hold it open, as our guard does with what the agent opened for us: the room is
// given back all the same.
void LogFile::remove_oldest() {
  const std::int64_t oldest = rotated_ - rules_.keep;
  if (rules_.keep == 0 || oldest <= 0 || oldest == removed_) return;
  files::Identity ours;
  for (; !kept_.empty() && kept_.front().number <= oldest; kept_.pop_front()) ours = kept_.front().identity;
  (void)folder_.discard(rotated_name(oldest), own_ >= 0 ? ours : files::Identity{});
  (void)folder_.remove(rotated_name(oldest) + ".gz");
  changes_.push_back({oldest, true, {}});
  removed_ = oldest;
}

// By the file itself: its name may be somebody else's already.
void LogFile::follow_own() {
  if (own_ < 0) return;
  Result<files::File> file = file_.again(files::Use::append);
  if (file.ok()) (void)::dup2(file->descriptor(), own_);
}

std::vector<LogFile::Change> LogFile::take_changes() { return std::exchange(changes_, {}); }

}  // namespace mimas::executor
