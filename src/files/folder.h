// The one door to what lies below a folder that somebody else may write to: a task's sandbox, whose owner
// (a user of his own, or root in a container) renames, links and makes devices in it while we, as root on the
// host, look. Every call works on the folder's descriptor; no path is ever given to the kernel whole.
//
// What the caller may rely on, whatever is done to the names meanwhile:
//   - nothing outside the folder, on another file system or behind /proc's links is read, written or removed;
//   - what is opened is a regular file, and the one that was looked at; nothing else is opened at all;
//   - no call waits for anybody: not for a FIFO's other end, a device, or the holder of a lease;
//   - a file with a second name is not opened unless that is asked for (SecondNames): the other name may be
//     outside, and then the file is not the folder's to show or to change;
//   - a symbolic link is an obstacle, or (Links::beneath) a name of something below the same folder.
// The folder itself is opened by a path whose parents are ours alone: see at().
//
// Paths are "a/b/c" (is_plain in walk.h: relative, no "..", at most 4,095 bytes), else invalid_argument.
// Errors: not_found (nothing there), permission_denied (a link, a way out, a second name, another file than
// the one asked for, or no right to), unsupported (not a regular file, or not a folder), conflict (there is
// something already), io (the rest). errno is set beside each. Needs /proc. Thread-safe, but for moving.
// Compiles without exceptions. Tested in tests/files/folder_test.cc and, with somebody who swaps all the
// time, tests/files/race_test.cc; tests/tidy/doors.py says where nothing else may be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "files/descriptor.h"
#include "files/facts.h"
#include "files/file.h"
#include "files/walk.h"

namespace mimas::files {

enum class SecondNames {
  refuse,
  // Fine on a file of the folder's own owner: nobody can have made a link to it who could not read it anyway.
  of_owner,
};

struct Terms {
  Links links = Links::refuse;
  SecondNames second_names = SecondNames::refuse;
  Identity same = {};  // known: this file and no other
};

inline constexpr std::size_t kEntriesMax = 100'000;

struct Entry {
  std::string name;
  Facts facts;  // of the entry itself: links are not followed
};

class Folder {
 public:
  // Closed, as one that could not be opened.
  Folder() = default;
  // By a path whose parents nobody else may write to (and whose links are therefore ours): only its last part
  // may belong to somebody else, and may be no link.
  static Result<Folder> at(const std::string& path);

  bool open() const { return descriptor_.open(); }
  int descriptor() const { return descriptor_.get(); }
  Facts facts() const;                               // of the folder itself
  const std::string& path() const { return path_; }  // for texts; enter() adds to it

  // What is there; with Links::refuse a link is told as what it is.
  Result<Facts> look(std::string_view path, Links links = Links::refuse) const;
  Result<Folder> enter(std::string_view path, Links links = Links::refuse) const;
  // Sorted by name; the first `most` that the file system tells, if there are more.
  Result<std::vector<Entry>> list(std::size_t most = kEntriesMax) const;

  Result<File> open(std::string_view path, Use use, const Terms& terms = {}) const;
  // New, or conflict: what is in the way is left alone.
  Result<File> create(std::string_view path, Use use, std::uint32_t mode) const;
  // What is there by the default terms, else new.
  Result<File> open_or_create(std::string_view path, Use use, std::uint32_t mode) const;

  // `from` becomes `to`, whatever that was. With an identity: only if it is that file, and when somebody was
  // quicker, `to` is removed again and the answer permission_denied.
  Status rename(std::string_view from, std::string_view to, Identity same = {}) const;
  // Also of what is not there. A folder stays: io.
  Status remove(std::string_view path) const;
  // The same, and if it is that very file its room is given back even while somebody holds it open.
  Status discard(std::string_view path, Identity same) const;

  // One that is there is entered and gets the mode, whatever our umask says.
  Result<Folder> make_folder(std::string_view name, std::uint32_t mode) const;
  // A symbolic link; one that is there already stays.
  Status make_link(std::string_view name, const std::string& target) const;

 private:
  Folder(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<Descriptor> parent_of(std::string_view path, std::string& name) const;
  Error failure(int error, std::string_view path, std::string_view what) const;

  Descriptor descriptor_;
  std::string path_;
};

}  // namespace mimas::files
