#include "server/log_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mimas::server {
namespace {

constexpr std::int64_t kPieceBytes = 64 << 10;

struct Rotated {
  std::int64_t number = 0;  // 0: it is none
  bool compressed = false;
};

// "stdout.12" and "stdout.12.gz" of "stdout".
Rotated rotated_of(std::string_view name, std::string_view file) {
  Rotated rotated;
  if (!name.starts_with(file) || name.size() <= file.size() + 1 || name[file.size()] != '.') return {};
  name.remove_prefix(file.size() + 1);
  rotated.compressed = name.ends_with(".gz");
  if (rotated.compressed) name.remove_suffix(3);
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), rotated.number);
  const bool good = failure == std::errc{} && end == name.data() + name.size() && rotated.number > 0;
  return good ? rotated : Rotated{};
}

}  // namespace

bool is_log_name(std::string_view name) {
  for (const std::string_view file : {"stdout", "stderr"}) {
    if (name == file || rotated_of(name, file).number > 0) return true;
  }
  return false;
}

LogReader::LogReader(const LogSource& source, std::string file, std::int64_t offset)
    : source_(source),
      file_(std::move(file)),
      offset_(offset),
      rotates_(file_ == "stdout" || file_ == "stderr") {}

Result<LogReader::Names> LogReader::look() const {
  Names found;
  const auto names = source_.names();
  if (!names.ok()) return names.error();
  for (const std::string& name : *names) {
    const Rotated rotated = rotated_of(name, file_);
    found.newest = std::max(found.newest, rotated.number);
    if (rotated.number == generation_ + 1 && rotated.compressed) found.next_compressed = true;
    if (rotated.number > generation_ && !rotated.compressed &&
        (found.next == 0 || rotated.number < found.next)) {
      found.next = rotated.number;
    }
  }
  return found;
}

Result<LogReader::Pinned> LogReader::pin() {
  constexpr int kLooksMax = 5;
  Error why = make_error(Code::unavailable, "the log is rotated faster than it can be looked at", file_,
                         "follow=true reads on over rotations");
  for (int looked = 0; looked < kLooksMax; ++looked) {
    Names before, after;
    if (rotates_) {
      const auto names = look();
      if (!names.ok()) return names.error();
      before = *names;
    }
    const auto piece = source_.read(file_, 0, 0);
    if (rotates_) {
      const auto names = look();
      if (!names.ok()) return names.error();
      after = *names;
    }
    if (!piece.ok()) {
      // In the instant of a rotation there is no such file.
      if (piece.error().code != Code::not_found || after.newest == 0) return piece.error();
      why = piece.error();
      continue;
    }
    if (after.newest != before.newest) continue;  // the size may be of the one before
    first_ = generation_ = after.newest;
    seen_ = piece->file_size;
    return Pinned{piece->file_size, after.newest};
  }
  return why;
}

Result<LogReader::Round> LogReader::next(std::int64_t most, bool last) {
  if (!rotates_) {
    std::int64_t size = 0;
    auto bytes = read_up_to(file_, most, size);
    if (!bytes.ok()) return bytes.error();
    offset_ += static_cast<std::int64_t>(bytes->size());
    const bool at_end = bytes->empty();
    return Round{std::move(bytes).value(), at_end};
  }
  if (generation_ < 0) {
    const auto names = look();
    if (!names.ok()) return names.error();
    first_ = generation_ = names->newest;
  }
  if (!behind_) return read_present(most, last);
  const auto names = look();
  if (!names.ok()) return names.error();
  behind_ = names->newest > generation_;
  return behind_ ? read_rotated(*names, most) : read_present(most, last);
}

// Read first, then look whether it was the file that we meant.
Result<LogReader::Round> LogReader::read_present(std::int64_t most, bool last) {
  std::int64_t size = 0;
  auto bytes = read_up_to(file_, most, size);
  const bool nothing = bytes.ok() && bytes->empty() && size >= seen_;
  if (nothing && !last) return Round{{}, true};
  if (!bytes.ok() && bytes.error().code != Code::not_found) return bytes.error();
  const auto names = look();
  if (!names.ok()) return names.error();
  behind_ = names->newest > generation_;
  if (behind_) return read_rotated(*names, most);
  if (!bytes.ok()) return bytes.error();
  if (nothing) return Round{{}, true};
  if (size < seen_) {  // and no rotated file tells what has become of the rest: none is kept
    offset_ = seen_ = 0;
    return Round{"mimas: the log began anew, and what was not read before is gone\n", false, true};
  }
  offset_ += static_cast<std::int64_t>(bytes->size());
  seen_ = size;
  return Round{std::move(bytes).value(), false};
}

// The generation that we are in has become a rotated file; that one does not change any more.
Result<LogReader::Round> LogReader::read_rotated(const Names& names, std::int64_t most) {
  const std::string wanted = file_ + "." + std::to_string(generation_ + 1);
  if (names.next == generation_ + 1) {
    std::int64_t size = 0;
    auto bytes = read_up_to(wanted, most, size);
    if (!bytes.ok() && bytes.error().code != Code::not_found) return bytes.error();
    if (bytes.ok() && !bytes->empty()) {
      offset_ += static_cast<std::int64_t>(bytes->size());
      return Round{std::move(bytes).value(), false};
    }
    if (!bytes.ok()) return Round{};  // compressed or removed since: the next look will tell
    ++generation_;
    offset_ = seen_ = 0;
    return Round{};
  }
  std::string line = "mimas: ";
  if (names.next_compressed) {
    line +=
        "the rest of " + wanted + " from byte " + std::to_string(offset_) + " on is in " + wanted + ".gz\n";
    ++generation_;
  } else {
    // The next that can be read: a plain one, or the present file.
    const std::int64_t next = names.next > 0 ? names.next - 1 : names.newest;
    line +=
        "output up to " + file_ + "." + std::to_string(next) + " was rotated away before it could be read\n";
    generation_ = next;
  }
  offset_ = seen_ = 0;
  return Round{std::move(line), false, true};
}

Result<std::string> LogReader::read_up_to(const std::string& file, std::int64_t most,
                                          std::int64_t& size) const {
  std::string bytes;
  while (most > static_cast<std::int64_t>(bytes.size())) {
    const auto had = static_cast<std::int64_t>(bytes.size());
    auto piece = source_.read(file, offset_ + had, std::min(most - had, kPieceBytes));
    if (!piece.ok()) {
      if (bytes.empty()) return piece.error();
      break;
    }
    // It may have been rotated between two pieces: then the second is of another file.
    if (had > 0 && piece->file_size < size) break;
    size = piece->file_size;
    if (piece->bytes.empty()) break;
    bytes += piece->bytes;
  }
  return bytes;
}

}  // namespace mimas::server
