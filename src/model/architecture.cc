#include "model/architecture.h"

#include <utility>

namespace mimas {

std::string_view executor_architecture(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kNames{{
      {"x86_64", "x86_64"},
      {"amd64", "x86_64"},
      {"arm64", "arm64"},
      {"aarch64", "arm64"},
      {"armhf", "armhf"},
      {"arm", "armhf"},
      {"armv7", "armhf"},
      {"armv7l", "armhf"},
      {"armv8l", "armhf"},
      {"armel", "armel"},
      {"armv6", "armel"},
      {"armv6l", "armel"},
      {"armv5tel", "armel"},
  }};
  for (const auto& [known, architecture] : kNames) {
    if (known == name) return architecture;
  }
  return {};
}

}  // namespace mimas
