// Secrets as they rest in a file: hashed by yescrypt, the password hash of Debian's own accounts, through
// libxcrypt. It was chosen over OpenSSL's scrypt because its text names method, cost and salt ("$y$j9T$…$…"),
// so that a cost can be raised later, other tools can make entries (mkpasswd(1)), and what an older release
// wrote still fits. One hash takes some ten milliseconds and 16 MiB: callers bound how many run at once
// (server/access.h). Thread-safe. Tested in tests/server/access_file_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::server {

inline constexpr std::size_t kSecretBytesMax = 255;

// Errors: invalid_argument for a secret that is empty, too long or holds a NUL; internal when the library
// fails.
Result<std::string> hash_secret(std::string_view secret);

// Whether it is the text of a hash that this library computes and nobody has broken yet.
bool is_secret_hash(const std::string& hash);

bool secret_matches(std::string_view secret, const std::string& hash);

// Takes as long for every pair of texts of one length.
bool same_bytes(std::string_view a, std::string_view b);

}  // namespace mimas::server
