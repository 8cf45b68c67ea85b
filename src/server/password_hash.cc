#include "server/password_hash.h"

#include <crypt.h>

#include <memory>

namespace mimas::server {
namespace {

constexpr const char* kMethod = "$y$";

Status check_secret(std::string_view secret) {
  if (secret.empty()) return make_error(Code::invalid_argument, "the secret is empty");
  if (secret.size() > kSecretBytesMax)
    return make_error(Code::invalid_argument,
                      "the secret is longer than " + std::to_string(kSecretBytesMax) + " bytes");
  if (secret.find('\0') != std::string_view::npos)
    return make_error(Code::invalid_argument, "the secret holds a NUL");
  return Done{};
}

// Empty when the library refuses. 32 KiB of state, which is not for a stack.
std::string crypted(std::string_view secret, const std::string& setting) {
  const auto state = std::make_unique<crypt_data>();
  const char* made = ::crypt_r(std::string(secret).c_str(), setting.c_str(), state.get());
  return made == nullptr || made[0] == '*' ? std::string() : std::string(made);
}

}  // namespace

Result<std::string> hash_secret(std::string_view secret) {
  if (Status fits = check_secret(secret); !fits) return std::move(fits).error();
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  const bool salted = ::crypt_gensalt_rn(kMethod, 0, nullptr, 0, setting, sizeof setting) != nullptr;
  std::string hash = salted ? crypted(secret, setting) : std::string();
  if (hash.empty()) return make_error(Code::internal, "libxcrypt cannot make a yescrypt hash");
  return hash;
}

bool is_secret_hash(const std::string& hash) {
  // A salt alone passes the library's check too, and would match nothing.
  return hash.size() > 20 && hash.find('\0') == std::string::npos &&
         ::crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK;
}

bool secret_matches(std::string_view secret, const std::string& hash) {
  if (!check_secret(secret)) return false;
  const std::string own = crypted(secret, hash);
  return !own.empty() && same_bytes(own, hash);
}

bool same_bytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char different = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    different = static_cast<unsigned char>(different | (a[i] ^ b[i]));
  return different == 0;
}

}  // namespace mimas::server
