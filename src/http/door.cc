#include "http/door.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "http/refusal.h"
#include "wire/host.h"

namespace mimas::http {
namespace {

constexpr const char* kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";
constexpr const char* kRequestHeaders =
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, Range";
constexpr const char* kAnswerHeaders =
    "Accept-Ranges, Content-Range, ETag, Location, Retry-After, Warning, X-Next-Cursor, X-Request-Id";

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

bool answers_to(const Door& door, std::string_view authority) {
  const std::string_view host = wire::host_of(authority);
  if (authority.empty() || wire::equals_ignoring_case(host, "localhost") || wire::is_address(host))
    return true;  // empty: HTTP/1.0; no browser sends none
  return std::ranges::any_of(
      door.host_names, [host](const std::string& name) { return wire::equals_ignoring_case(name, host); });
}

// Whose page sent a request, as far as a browser says.
struct Sender {
  bool browser = false;
  bool foreign = false;  // the page is not one of ours
};

Sender sender_of(const Request& request) {
  const std::string_view host = request.header("Host");
  if (const auto origin = request.header("Origin"); !origin.empty())
    return {true, !same_origin(origin, host)};
  if (const auto site = request.header("Sec-Fetch-Site"); !site.empty())
    return {true, site != "same-origin" && site != "none"};
  const auto page = request.header("Referer");
  if (page.empty()) return {};
  const std::size_t scheme = page.find("://");
  const std::size_t path = scheme == std::string_view::npos ? scheme : page.find('/', scheme + 3);
  return {true, !same_origin(page.substr(0, path), host)};
}

// Types that a browser sends without asking the server before, and no type at all.
bool is_simple_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  for (const char* simple : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}) {
    if (wire::equals_ignoring_case(type, simple)) return true;
  }
  return false;
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

// What keeps a request out, if anything does.
std::optional<Reply> refused(const Door& door, const Request& request, bool named) {
  if (!answers_to(door, request.header("Host")))
    return refusal_reply(421, "this listener answers to addresses and its own names; --http-host adds one");
  bool jsonp = false;
  request.parameter("jsonp", &jsonp);
  if (jsonp) return refusal_reply(400, "answers are JSON and never wrapped for a script (jsonp)");
  if (changes_nothing(request.method)) return std::nullopt;
  const Sender sender = sender_of(request);
  if (sender.foreign && !named) {
    return refusal_reply(403,
                         "a page of another origin may not change anything here; --cors-origin admits it");
  }
  if (sender.browser && is_simple_type(request.header("Content-Type"))) {
    return refusal_reply(415,
                         "a request of a browser that changes something must say that it is "
                         "application/json, or another type that pages cannot send unasked");
  }
  return std::nullopt;
}

Reply decide(const Door& door, const Handler& handler, const Request& request) {
  const std::string origin(request.header("Origin"));
  const bool named = std::ranges::find(door.origins, origin) != door.origins.end();
  if (auto refusal = refused(door, request, named)) return *std::move(refusal);
  if (!named) return handler(request);
  if (request.method == "OPTIONS" && !request.header("Access-Control-Request-Method").empty())
    return preflight(origin);
  Reply reply = handler(request);
  reply.headers.push_back({"Access-Control-Allow-Origin", origin});
  reply.headers.push_back({"Access-Control-Expose-Headers", kAnswerHeaders});
  return reply;
}

}  // namespace

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
  if (wire::host_of(authority).empty() || !plain || authority.size() > 255)
    return bad("an origin is a scheme, a host in lower case and perhaps a port, nothing after it");
  return Done{};
}

std::vector<std::string> own_names() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return {};
  return {name, std::string(name) + ".local"};
}

Handler behind(Door door, Handler handler) {
  return [door = std::move(door), handler = std::move(handler)](const Request& request) {
    Reply reply = decide(door, handler, request);
    // Caches must not give one origin's answer to another; there is nothing to tell apart without origins.
    const bool says =
        std::ranges::any_of(reply.headers, [](const wire::Header& h) { return h.name == "Vary"; });
    if (!door.origins.empty() && !says) reply.headers.push_back({"Vary", "Origin"});
    return reply;
  };
}

}  // namespace mimas::http
