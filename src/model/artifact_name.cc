#include "model/artifact_name.h"

#include <algorithm>

namespace mimas {

std::string artifact_name(std::string_view uri) {
  std::string_view path = uri.substr(0, uri.find_first_of("?#"));
  constexpr std::string_view kAuthority = "://";
  if (const std::size_t scheme = path.find(kAuthority); scheme != std::string_view::npos) {
    path.remove_prefix(scheme + kAuthority.size());
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0: all of it
  if (name == "." || name == "..") return {};
  return std::string(name);
}

}  // namespace mimas
