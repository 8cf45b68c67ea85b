// The bytes that a URI stands for, into a file that is open already: http and files of this machine. Blocks;
// thread-safe. Limits: kFetchBytesMax per file, kFetchSilenceMs without a byte. Tested in
// tests/pocket/parts_test.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "files/file.h"

namespace mimas::pocket {

inline constexpr std::int64_t kFetchBytesMax = 4LL << 30;
inline constexpr std::int64_t kFetchSilenceMs = 30'000;

bool is_http(const std::string& uri);

// Errors: unsupported (another kind of URI), not_found, too_large, unavailable (cancelled), io, and those of
// the connection.
Status bring(const std::string& uri, const files::File& into, const std::atomic<bool>& cancelled);

}  // namespace mimas::pocket
