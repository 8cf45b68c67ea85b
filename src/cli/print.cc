#include "cli/print.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace mimas::cli {

Status print(std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return Done{};
  return make_error(Code::io, std::strerror(errno), "standard output");
}

void complain(std::string_view text) {
  // One call, so that lines of several threads do not mix.
  complain_raw("mimas: " + std::string(text) + "\n");
}

void complain_raw(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void complain(const Error& error) {
  // The message may hold lines of faults: the hint comes after them on its own.
  const std::string where = error.where.empty() ? "" : error.where + ": ";
  complain(where + error.message + (error.hint.empty() ? "" : "\n  hint: " + error.hint));
}

}  // namespace mimas::cli
