// Writing to stdout and stderr. A closed pipe on stdout ends a client command quietly (SIGPIPE is left at its
// default); a full disk behind it is an Error.
#pragma once

#include <string_view>

#include "base/result.h"

namespace mimas::cli {

Status print(std::string_view text);   // to stdout, flushed
void complain(std::string_view text);  // to stderr, one line: "mimas: …"
void complain(const Error& error);
void complain_raw(std::string_view text);  // to stderr, as it is

}  // namespace mimas::cli
