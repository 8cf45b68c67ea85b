#include "cli/version.h"

#include "json/writer.h"

#ifndef MIMAS_VERSION
#error "the build defines MIMAS_VERSION"
#endif

namespace mimas::cli {

std::string version_number() { return MIMAS_VERSION; }

std::string version_text(bool as_json) {
  if (!as_json) return "mimas " MIMAS_VERSION "\n";
  json::Writer out;
  out.begin_object().member("name", "mimas").member("version", MIMAS_VERSION).end_object();
  return out.take() + "\n";
}

}  // namespace mimas::cli
