// Reading directories and small files of /proc and /sys/fs/cgroup where no memory may be asked for: in a
// signal handler, or in a guard that lives of a few pages. Nothing here allocates, keeps state or fails with
// more than "no". Linux only. Tested through process_tree.h and cgroup_tree.h, which are made of it.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mimas::executor {

// Calls visit(name, is_directory) for each entry but "." and ".."; the descriptor stays the caller's.
template <class Visit>
void each_entry(int directory, Visit visit) {
  constexpr std::size_t kNameAt = 19;  // struct linux_dirent64: inode, offset, length, type, name
  constexpr unsigned char kIsDirectory = 4;
  alignas(8) char buffer[2048];
  for (;;) {
    const long got = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (got <= 0) return;
    for (long at = 0; at < got;) {
      unsigned short length = 0;
      std::memcpy(&length, buffer + at + 16, sizeof length);
      const char* name = buffer + at + kNameAt;
      const bool dots = name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
      if (!dots) visit(name, static_cast<unsigned char>(buffer[at + 18]) == kIsDirectory);
      if (length == 0) return;
      at += length;
    }
  }
}

// Calls visit(number) for each decimal number of an open file, whatever stands between them.
template <class Visit>
void each_number(int file, Visit visit) {
  char buffer[1024];
  std::int64_t number = -1;
  for (;;) {
    const ssize_t got = ::read(file, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        number = (number < 0 ? 0 : number * 10) + (buffer[i] - '0');
      } else if (number >= 0) {
        visit(number);
        number = -1;
      }
    }
  }
  if (number >= 0) visit(number);
}

// The whole of `text` in one write; false: no such file, or it says no (errno).
inline bool write_file_at(int directory, const char* name, const char* text) {
  const int fd = ::openat(directory, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const std::size_t length = std::strlen(text);
  ssize_t written;
  do written = ::write(fd, text, length);
  while (written < 0 && errno == EINTR);
  const int error = errno;
  ::close(fd);
  errno = error;
  return written == static_cast<ssize_t>(length);
}

}  // namespace mimas::executor
