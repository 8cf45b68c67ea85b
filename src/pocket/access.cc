#include "pocket/access.h"

#include <algorithm>

#include "pocket/face.h"

namespace mimas::pocket {
namespace {

// nullptr: open to everybody.
const char* realm_of(const http::Request& request, const std::string& path) {
  for (const char* open : {"/health", "/version", "/redirect", "/pocket/fault", "/pocket/agents"})
    if (path == open) return nullptr;
  if (path == "/api/v1/scheduler") return "mesos-master-scheduler";
  const bool reads = request.method == "GET" || request.method == "HEAD";
  return reads ? "mesos-master-readonly" : "mesos-master-readwrite";
}

}  // namespace

std::optional<http::Reply> refuse_stranger(const http::Request& request, const std::string& plain_path,
                                           const std::vector<wire::Credentials>& known) {
  const char* const realm = known.empty() ? nullptr : realm_of(request, plain_path);
  if (realm == nullptr) return std::nullopt;
  const auto given = wire::parse_basic_authorization(request.header("Authorization"));
  if (given && std::find(known.begin(), known.end(), *given) != known.end()) return std::nullopt;
  http::Reply reply = plain(401, "401 Unauthorized.");
  reply.headers.push_back({"WWW-Authenticate", std::string("Basic realm=\"") + realm + "\""});
  return reply;
}

std::string principal_of(const http::Request& request) {
  const auto given = wire::parse_basic_authorization(request.header("Authorization"));
  return given ? given->principal : std::string();
}

std::string principal_mismatch(const std::string& principal, const std::string& stated) {
  if (principal == stated) return {};
  return "Authenticated principal '" + principal + "' does not match principal '" + stated +
         "' set in `FrameworkInfo`";
}

}  // namespace mimas::pocket
