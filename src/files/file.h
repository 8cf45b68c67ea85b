// One open regular file. It was opened by what it is, never by a name that might have changed meanwhile:
// first held (walk.h), then looked at, then opened through that hold (/proc/self/fd). So no device, FIFO or
// socket is ever opened, nothing waits (O_NONBLOCK; a lease that somebody holds on it is EAGAIN), and no
// child of ours inherits it (O_CLOEXEC). Movable; as thread-safe as its descriptor. Tested in
// tests/files/folder_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "files/descriptor.h"
#include "files/facts.h"

namespace mimas::files {

enum class Use {
  read,
  write,   // from the beginning; nothing is cut off
  append,  // each write at the end
  note,    // read, and append
};

class File {
 public:
  File() = default;
  File(Descriptor descriptor, const Facts& facts) : descriptor_(std::move(descriptor)), facts_(facts) {}

  bool open() const { return descriptor_.open(); }
  int descriptor() const { return descriptor_.get(); }
  int release() { return descriptor_.release(); }
  void close() { descriptor_.close(); }

  const Facts& facts() const { return facts_; }  // when it was opened
  Facts facts_now() const;
  const Identity& identity() const { return facts_.identity; }

  // The bytes at `offset`, at most `size` of them; 0 at the end. Errors: io.
  Result<std::size_t> read_at(std::int64_t offset, char* into, std::size_t size) const;
  // A second descriptor of the very same file, with an offset of its own, whatever its name is now.
  Result<File> again(Use use) const;

 private:
  Descriptor descriptor_;
  Facts facts_;
};

}  // namespace mimas::files
