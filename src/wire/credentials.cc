#include "wire/credentials.h"

#include <algorithm>

#include "base/base64.h"
#include "wire/chars.h"

namespace mimas::wire {
namespace {

constexpr std::size_t kBytesMax = 255;

Status check_part(const std::string& text, const char* name) {
  const auto bad = [name](std::string why) {
    return make_error(Code::invalid_argument, std::string("the ") + name + " " + std::move(why), name);
  };
  if (text.empty()) return bad("is empty");
  if (text.size() > kBytesMax) return bad("is longer than 255 bytes");
  if (text.find(':') != std::string::npos) return bad("has a colon, which Mesos's Basic scheme cannot carry");
  if (std::any_of(text.begin(), text.end(), is_control)) return bad("has a control character");
  return Done{};
}

}  // namespace

Status check_credentials(const Credentials& credentials) {
  if (Status fine = check_part(credentials.principal, "principal"); !fine) return fine;
  return check_part(credentials.secret, "secret");
}

std::string basic_authorization(const Credentials& credentials) {
  return "Basic " + base64_encode(credentials.principal + ":" + credentials.secret);
}

std::optional<Credentials> parse_basic_authorization(std::string_view header) {
  constexpr std::string_view kScheme = "Basic ";
  if (!header.starts_with(kScheme)) return std::nullopt;
  const auto decoded = base64_decode(trim_blanks(header.substr(kScheme.size())));
  if (!decoded) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string::npos || decoded->find(':', colon + 1) != std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

}  // namespace mimas::wire
