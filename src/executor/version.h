// What an executor says of itself: "0.1.0+3f2a9c01b7d4", its release and the first digits of the SHA-256 of
// its own file. Two builds differ, the same build says the same everywhere, and `sha256sum` on an agent or
// the header X-Mimas-SHA256 of the server tells which one it is. Reads the file once, some hundred kilobytes.
// Tested in tests/executor/version_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace mimas::executor {

inline constexpr int kVersionDigits = 12;

// The release alone when the file cannot be read.
std::string version_of(std::string_view release, const char* path);

}  // namespace mimas::executor
