#include "base/assert.h"

#include <unistd.h>
#include <cstdlib>
#include <cstring>

namespace mimas {
namespace {

void put(const char* text) {
  // stdio is avoided: the executor carries this file, and a broken process may hold its locks.
  if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

}  // namespace

void assert_failed(const char* what, const char* file, int line) {
  char digits[12];
  char* at = digits + sizeof digits - 1;
  *at = '\0';
  do {
    *--at = static_cast<char>('0' + line % 10);
    line /= 10;
  } while (line > 0);
  put("assertion failed: ");
  put(what);
  put(" at ");
  put(file);
  put(":");
  put(at);
  put("\n");
  std::abort();
}

}  // namespace mimas
