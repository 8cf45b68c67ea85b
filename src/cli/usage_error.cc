#include "cli/usage_error.h"

#include <algorithm>
#include <utility>

namespace mimas::cli {

Error usage_error(std::string flag, std::string why) {
  return make_error(Code::invalid_argument, std::move(why), std::move(flag));
}

Error usage_error(std::string flag, Error why) {
  why.where = why.where.empty() ? std::move(flag) : std::move(flag) + " " + why.where;
  why.code = Code::invalid_argument;
  return why;
}

Status check_text(const char* flag, std::string_view text) {
  if (text.size() > kTextBytesMax)
    return usage_error(flag, "is longer than " + std::to_string(kTextBytesMax) + " bytes");
  const bool controls = std::any_of(text.begin(), text.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (controls) return usage_error(flag, "contains a control character");
  return Done{};
}

}  // namespace mimas::cli
