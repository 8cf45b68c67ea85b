#include "files/hold.h"

#include <fcntl.h>

#include <string>

namespace mimas::files {

int flags_of(Use use) {
  constexpr int kAlways = O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  switch (use) {
    case Use::read: return O_RDONLY | kAlways;
    case Use::write: return O_WRONLY | kAlways;
    case Use::append: return O_WRONLY | O_APPEND | kAlways;
    case Use::note: break;
  }
  return O_RDWR | O_APPEND | kAlways;
}

// The kernel's own link to the held file: there is no name in between that could change.
Descriptor open_held(int held, Use use) {
  const std::string link = "/proc/self/fd/" + std::to_string(held);
  return Descriptor(::open(link.c_str(), flags_of(use)));
}

}  // namespace mimas::files
