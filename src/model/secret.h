// Names of secrets: files of the operator that the server reads when a task is started, so that their values
// are in no record. "shop/token" belongs to jobs of the application shop alone, "token" to none. Pure. Tested
// in tests/model/secret_test.cc.
#pragma once

#include <cstddef>
#include <string_view>

namespace mimas {

inline constexpr std::size_t kSecretPartBytesMax = 64;  // of either part of a name
inline constexpr std::size_t kSecretValueBytesMax = 32 << 10;

// One or two parts of letters, digits, '.', '_' and '-', the first of each a letter, digit or '_': never a
// path that leads anywhere else.
bool is_secret_name(std::string_view name);
std::string_view secret_application(std::string_view name);  // "shop" of "shop/token"; empty: shared

}  // namespace mimas
