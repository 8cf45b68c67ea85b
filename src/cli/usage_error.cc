#include "cli/usage_error.h"

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

}  // namespace mimas::cli
