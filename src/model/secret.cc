#include "model/secret.h"

#include <algorithm>

namespace mimas {
namespace {

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_part(std::string_view part) {
  if (part.empty() || part.size() > kSecretPartBytesMax || !is_word_char(part.front())) return false;
  return std::ranges::all_of(part, [](char c) { return is_word_char(c) || c == '.' || c == '-'; });
}

}  // namespace

bool is_secret_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return is_part(name);
  return is_part(name.substr(0, slash)) && is_part(name.substr(slash + 1));
}

std::string_view secret_application(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

}  // namespace mimas
