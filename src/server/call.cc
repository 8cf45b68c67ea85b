#include "server/call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/answers.h"
#include "server/log.h"
#include "server/takes.h"

namespace mimas::server {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::none: return "none";
    case Role::viewer: return "viewer";
    case Role::operator_: return "operator";
    case Role::admin: return "admin";
  }
  return "none";
}

bool Identity::may_change(std::string_view app_name) const {
  return apps.empty() || std::ranges::find(apps, app_name) != apps.end();
}

namespace {

// For a text that a person reads; the list of a credentials file may be long.
std::string listed(const std::vector<std::string>& apps) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < apps.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + apps[i];
  return apps.size() > kShown ? text + ", …" : text;
}

Error out_of_scope(const Identity& who, const std::string& of_what, const char* may = "change jobs") {
  const std::string name = who.name.empty() ? "this caller" : who.name;
  return make_error(Code::permission_denied,
                    name + " may " + may + " of " + listed(who.apps) + " alone, not " + of_what, {},
                    "use credentials whose \"apps\" name it, or that have none");
}

}  // namespace

Status may_change(const Call& call, std::string_view app_name) {
  if (call.who.may_change(app_name)) return Done{};
  return out_of_scope(call.who,
                      app_name.empty() ? "those without an appName" : "of " + std::string(app_name));
}

Status may_change_cluster(const Call& call) {
  if (call.who.may_change_all()) return Done{};
  return out_of_scope(call.who, "what belongs to the whole cluster");
}

Status may_read(const Call& call, std::string_view app_name) {
  if (call.who.may_change(app_name)) return Done{};
  return out_of_scope(call.who, app_name.empty() ? "those without an appName" : "of " + std::string(app_name),
                      "read logs, files and statistics of jobs");
}

std::string sender_of(const Call& call, const std::string& said) {
  if (!call.who.name.empty()) return call.who.name;
  if (!said.empty()) return said;
  const std::string_view header = call.request.header("X-Mimas-User");
  const bool plain = header.size() <= kSenderBytesMax &&
                     std::ranges::all_of(header, [](char c) { return c > 0x20 && c < 0x7f; });
  return plain ? std::string(header) : std::string();
}

Authenticate everybody_is(Role role) {
  return [role](const http::Request&) -> Result<Identity> { return Identity{{}, role, {}}; };
}

namespace {

// Titus's gateway answered these without /v2.
bool has_bare_twin(std::string_view pattern) {
  for (std::string_view first : {"/jobs", "/tasks", "/logs"}) {
    if (pattern == first || pattern.starts_with(std::string(first) + "/")) return true;
  }
  return false;
}

std::optional<http::Reply> refused_body(const http::Request& request) {
  const bool changes = request.method != "GET" && request.method != "HEAD";
  const auto fault = changes ? media_type_fault(request) : std::nullopt;
  if (!fault) return {};
  return problem(*fault, 415);
}

}  // namespace

void Routes::add(Role needs, const std::string& method, const std::string& pattern, CallHandler handler) {
  add_bare(needs, method, "/v2" + pattern, handler);
  add_bare(needs, method, "/api/v2" + pattern, handler);
  if (has_bare_twin(pattern)) add_bare(needs, method, pattern, std::move(handler));
}

namespace {

// 401 says how to say who one is, 429 how long to wait.
http::Reply refused(const Error& error) {
  http::Reply reply = problem(error);
  if (error.code == Code::unauthenticated) {
    reply.headers.push_back({"WWW-Authenticate", "Bearer realm=\"mimas\""});
    reply.headers.push_back({"WWW-Authenticate", "Basic realm=\"mimas\", charset=\"UTF-8\""});
  } else if (error.code == Code::resource_exhausted) {
    std::erase_if(reply.headers, [](const wire::Header& header) { return header.name == "Retry-After"; });
    reply.headers.push_back({"Retry-After", std::to_string(kAuthenticationRetrySecs)});
  }
  return reply;
}

bool may_change_things(const std::string& method) { return method != "GET" && method != "HEAD"; }

std::string change_line(const http::Request& request, const Identity& who, const http::Reply& reply) {
  constexpr std::size_t kPathBytesMax = 256;
  return (who.name.empty() ? "-" : who.name) + " " + request.remote + " " + request.method + " " +
         one_line(request.path, kPathBytesMax) + " " + std::to_string(reply.status);
}

http::Reply admit(const Authenticate& authenticate, Role needs, const CallHandler& handler,
                  const http::Request& request, const http::Captures& captures, Identity& who) {
  if (needs != Role::none) {
    auto known = authenticate(request);
    if (!known.ok()) return refused(known.error());
    who = *std::move(known);
    if (who.role < needs) {
      return problem(
          make_error(Code::permission_denied, "this needs the role " + std::string(role_name(needs)) +
                                                  ", and yours is " + std::string(role_name(who.role))));
    }
  }
  const Call call{request, captures, who};
  // Whatever takes an admin is about the cluster as a whole.
  if (needs == Role::admin) {
    if (Status allowed = may_change_cluster(call); !allowed.ok()) return problem(allowed.error());
  }
  if (auto refused = refused_body(request)) return *std::move(refused);
  return handler(call);
}

}  // namespace

void Routes::add_bare(Role needs, const std::string& method, const std::string& path, CallHandler handler) {
  router_.add(method, path,
              [authenticate = authenticate_, log = log_, answered = answered_, needs, method,
               pattern = path.starts_with("/api/") ? path.substr(4) : path,
               handler = std::move(handler)](const http::Request& request, const http::Captures& captures) {
                const auto began = std::chrono::steady_clock::now();
                Identity who;
                http::Reply reply = admit(authenticate, needs, handler, request, captures, who);
                if (log && may_change_things(request.method)) log(change_line(request, who, reply));
                const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
                if (answered) answered(method, pattern, reply.status, took.count());
                return reply;
              });
}

}  // namespace mimas::server
