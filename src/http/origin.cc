#include "http/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "http/refusal.h"

namespace mimas::http {
namespace {

constexpr const char* kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";
constexpr const char* kRequestHeaders =
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, Range";
constexpr const char* kAnswerHeaders =
    "Accept-Ranges, Content-Range, ETag, Location, Retry-After, Warning, X-Next-Cursor, X-Request-Id";

Reply refusal(int status, std::string_view detail) {
  Reply reply;
  reply.status = status;
  reply.content_type = kProblemType;
  reply.body = problem_body(status, detail);
  return reply;
}

bool changes_nothing(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// A page of our own: its authority is the one it sends the request to. The scheme is not compared, since a
// proxy before us may speak TLS where we do not; a default port is left out by browsers on both sides.
bool same_origin(std::string_view origin, std::string_view host) {
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && !host.empty() &&
         wire::equals_ignoring_case(origin.substr(scheme + 3), host);
}

bool answers_to(const OriginPolicy& policy, std::string_view authority) {
  const std::string_view host = host_of(authority);
  if (authority.empty() || is_loopback_host(host)) return true;  // HTTP/1.0; no browser sends none
  return std::ranges::any_of(
      policy.host_names, [host](const std::string& name) { return wire::equals_ignoring_case(name, host); });
}

Reply preflight(const std::string& origin) {
  Reply reply;
  reply.status = 204;
  reply.content_type.clear();
  reply.headers = {{"Access-Control-Allow-Origin", origin},
                   {"Access-Control-Allow-Methods", kMethods},
                   {"Access-Control-Allow-Headers", kRequestHeaders},
                   {"Access-Control-Max-Age", std::to_string(kPreflightSecs)},
                   {"Vary", "Origin"}};
  return reply;
}

Reply decide(const OriginPolicy& policy, const Handler& handler, const Request& request) {
  const std::string_view host = request.header("Host");
  if (policy.check_host && !answers_to(policy, host))
    return refusal(421, "this listener answers to names of this machine alone; --http-host adds one");
  const std::string origin(request.header("Origin"));
  if (origin.empty()) return handler(request);
  const bool named = std::ranges::find(policy.origins, origin) != policy.origins.end();
  if (!named) {
    if (changes_nothing(request.method) || same_origin(origin, host)) return handler(request);
    return refusal(403, "a page of another origin may not change anything here; --cors-origin admits it");
  }
  if (request.method == "OPTIONS" && !request.header("Access-Control-Request-Method").empty())
    return preflight(origin);
  Reply reply = handler(request);
  reply.headers.push_back({"Access-Control-Allow-Origin", origin});
  reply.headers.push_back({"Access-Control-Expose-Headers", kAnswerHeaders});
  return reply;
}

}  // namespace

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool is_loopback_host(std::string_view host) {
  if (wire::equals_ignoring_case(host, "localhost") || host == "::1") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 &&
         (ntohl(address.s_addr) >> 24) == 127;
}

Status check_origin(std::string_view text) {
  const auto bad = [&](const char* why) {
    return make_error(Code::invalid_argument, why, std::string(text), "as in https://console.example:8443");
  };
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos ||
      (text.substr(0, scheme) != "https" && text.substr(0, scheme) != "http"))
    return bad("an origin begins with https:// or http://");
  const std::string_view authority = text.substr(scheme + 3);
  const bool plain = std::ranges::all_of(authority, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' ||
           c == ']';
  });
  if (host_of(authority).empty() || !plain || authority.size() > 255)
    return bad("an origin is a scheme, a host in lower case and perhaps a port, nothing after it");
  return Done{};
}

Handler with_origin_policy(OriginPolicy policy, Handler handler) {
  return [policy = std::move(policy), handler = std::move(handler)](const Request& request) {
    Reply reply = decide(policy, handler, request);
    // Caches must not give one origin's answer to another; there is nothing to tell apart without origins.
    const bool says =
        std::ranges::any_of(reply.headers, [](const wire::Header& h) { return h.name == "Vary"; });
    if (!policy.origins.empty() && !says) reply.headers.push_back({"Vary", "Origin"});
    return reply;
  };
}

}  // namespace mimas::http
