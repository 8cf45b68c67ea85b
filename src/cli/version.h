// The program's version, set by the build.
#pragma once

#include <string>

namespace mimas::cli {

std::string version_number();            // "0.1.0"
std::string version_text(bool as_json);  // "mimas 0.1.0\n"

}  // namespace mimas::cli
