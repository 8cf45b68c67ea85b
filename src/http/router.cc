#include "http/router.h"

#include <set>

#include "http/refusal.h"

namespace mimas::http {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_capture(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_capture(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
  }
  return true;
}

// Whether `a` is the more literal of two patterns that match the same path: literal where the other captures,
// decided at the leftmost difference.
bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (is_capture(a[i]) != is_capture(b[i])) return is_capture(b[i]);
  }
  return false;
}

Captures captures_of(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  Captures captures;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_capture(pattern[i])) continue;
    // What the target left as it was: a slash or a percent sign within the segment.
    Result<std::string> value = wire::percent_decode(path[i], false);
    captures.emplace(pattern[i].substr(1, pattern[i].size() - 2), value.ok() ? std::move(*value) : path[i]);
  }
  return captures;
}

std::string joined(const std::set<std::string>& methods) {
  std::string text;
  for (const std::string& method : methods) text.append(text.empty() ? "" : ", ").append(method);
  return text;
}

}  // namespace

void Router::add(std::string method, std::string pattern, RouteHandler handler) {
  ASSERT(!pattern.empty() && pattern.front() == '/');
  std::vector<std::string> segments = split_path(pattern);
  routes_.push_back(Route{std::move(method), std::move(pattern), std::move(segments), std::move(handler)});
}

void Router::set_fallback(std::function<Reply(const Request&, int, const std::string&)> fallback) {
  fallback_ = std::move(fallback);
}

Reply Router::route(const Request& request) const {
  const std::vector<std::string> path = split_path(request.path);
  const Route* best = nullptr;
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    if (!matches(route.segments, path)) continue;
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
    // A GET route answers HEAD too (the listener keeps the body back), unless HEAD has a route of its own.
    const bool exact = route.method == request.method;
    if (!exact && !(request.method == "HEAD" && route.method == "GET")) continue;
    const bool better =
        best == nullptr || more_literal(route.segments, best->segments) ||
        (exact && best->method != request.method && !more_literal(best->segments, route.segments));
    if (better) best = &route;
  }
  if (best != nullptr) return best->handler(request, captures_of(best->segments, path));

  const int status = allowed.empty() ? 404 : 405;
  const std::string allow = joined(allowed);
  Reply reply;
  if (fallback_) {
    reply = fallback_(request, status, allow);
  } else {
    reply.status = status;
    reply.content_type = kProblemType;
    reply.body =
        problem_body(status, status == 404 ? "there is nothing at this path" : "not with this method");
  }
  const bool has_allow = !wire::find_header(reply.headers, "Allow").empty();
  if (status == 405 && !has_allow) reply.headers.push_back({"Allow", allow});
  return reply;
}

std::vector<std::pair<std::string, std::string>> Router::table() const {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Route& route : routes_) rows.emplace_back(route.method, route.pattern);
  return rows;
}

}  // namespace mimas::http
