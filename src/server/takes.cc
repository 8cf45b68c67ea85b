#include "server/takes.h"

#include <utility>

#include "api/projection.h"
#include "server/answers.h"

namespace mimas::server {

std::vector<api::Parameter> parameters_of(const http::Request& request) {
  std::vector<api::Parameter> parameters;
  for (const auto& parameter : request.query) parameters.push_back({parameter.name, parameter.value});
  return parameters;
}

CallHandler taking(Takes takes, CallHandler handler) {
  if (takes.fields) takes.query.push_back("fields");
  return [takes = std::move(takes), handler = std::move(handler)](const Call& call) {
    const auto parameters = parameters_of(call.request);
    if (auto unknown = api::unknown_parameters(parameters, takes.query); !unknown.empty())
      return faults(unknown);
    if (!takes.fields) return handler(call);
    const auto paths = api::parse_fields(parameters);
    if (!paths.ok()) return faults(paths.faults);
    http::Reply reply = handler(call);
    if (reply.status != 200 || paths.value.empty()) return reply;
    http::collect(reply);
    if (!reply.stream) reply.body = api::project_fields(reply.body, paths.value);
    return reply;
  };
}

namespace {

std::string media_type(std::string_view content_type) {
  std::string type;
  for (const char c : content_type.substr(0, content_type.find(';'))) {
    if (c != ' ' && c != '\t') type += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return type;
}

}  // namespace

std::optional<Error> media_type_fault(const http::Request& request) {
  const std::string type = media_type(request.header("Content-Type"));
  if (type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"))) return {};
  const bool bare_id = type == "text/plain" && request.path.ends_with("/jobs/kill");
  if (request.body.empty() || type.empty() || type == "application/x-www-form-urlencoded" || bare_id)
    return {};
  return make_error(Code::unsupported, "the body is of the type " + type + ", and only JSON is understood",
                    {}, "send Content-Type: application/json");
}

}  // namespace mimas::server
