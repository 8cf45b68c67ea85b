#include "cli/secret_file.h"

#include <algorithm>

#include "base/base64.h"
#include "server/private_file.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kSecretBytesMax = 8u << 10;

}  // namespace

Result<std::string> read_secret(const std::string& path) {
  const Result<std::string> text = server::read_private(path, kSecretBytesMax);
  if (!text.ok()) return text;
  const std::string_view blanks = " \t\r\n";
  std::string line = text->substr(0, text->find('\n'));
  line.erase(0, std::min(line.find_first_not_of(blanks), line.size()));
  line.erase(line.find_last_not_of(blanks) + 1);
  if (line.empty()) return make_error(Code::invalid_argument, "its first line is empty", path);
  const bool controls = std::any_of(line.begin(), line.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (controls) return make_error(Code::invalid_argument, "holds control characters", path);
  return line;
}

Result<std::string> basic_login(const std::string& pair) {
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos || colon == 0)
    return make_error(Code::invalid_argument, "does not hold USER:PASSWORD");
  return "Basic " + base64_encode(pair);
}

}  // namespace mimas::cli
