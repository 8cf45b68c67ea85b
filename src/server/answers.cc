#include "server/answers.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <utility>

#include "net/clock.h"

namespace mimas::server {
namespace {

http::Reply problem_reply(int status, std::string body) {
  http::Reply reply;
  reply.status = status;
  reply.content_type = "application/problem+json";
  reply.body = std::move(body);
  return reply;
}

}  // namespace

std::string base_url(const http::Request& request) {
  constexpr std::size_t kHostBytesMax = 300;
  const std::string_view host = request.header("Host");
  const bool plain =
      !host.empty() && host.size() <= kHostBytesMax && std::ranges::all_of(host, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
      });
  if (!plain) return {};
  return (request.secure ? "https://" : "http://") + std::string(host);
}

std::string next_request_id() {
  static const std::uint64_t seed = net::random_seed();
  static std::atomic<std::uint64_t> count{0};
  char text[33];
  std::snprintf(text, sizeof text, "%08llx-%llx", static_cast<unsigned long long>(seed & 0xffffffff),
                static_cast<unsigned long long>(++count));
  return text;
}

http::Reply json_reply(std::string body, int status) {
  http::Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

void warn(http::Reply& reply, std::string_view text) {
  constexpr std::size_t kWarningBytesMax = 2'000;
  std::string quoted;
  for (const char c : text.substr(0, kWarningBytesMax)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c >= 0x20 && c < 0x7f ? c : '?';
  }
  if (text.size() > kWarningBytesMax) quoted += "...";
  reply.headers.push_back({"Warning", "299 mimas \"" + quoted + "\""});
}

void warn_of_ignored(http::Reply& reply, const std::vector<std::string>& fields) {
  if (fields.empty()) return;
  std::string names;
  for (const std::string& name : fields) names += (names.empty() ? "" : ", ") + name;
  warn(reply, "unknown fields were ignored: " + names);
}

http::Reply written_reply(std::function<void(json::Writer&)> write) {
  http::Reply reply;
  reply.lasting = false;
  reply.stream = [write = std::move(write)](http::StreamWriter& to) {
    json::Writer out([&to](std::string_view piece) { return to.write(piece); });
    write(out);
    out.finish();
  };
  return reply;
}

http::Reply no_content() {
  http::Reply reply;
  reply.status = 204;
  reply.content_type.clear();
  return reply;
}

http::Reply unknown_id(const char* what, const std::string& id) {
  return problem(make_error(Code::not_found, std::string("no ") + what + " has the id " + id, id));
}

http::Reply problem(const Error& error, int status) {
  if (status == 0) status = api::http_status(error.code);
  http::Reply reply = problem_reply(status, api::render_problem(error, next_request_id(), status));
  const bool later_may_work = error.code == Code::resource_exhausted || error.code == Code::unavailable;
  if (later_may_work) reply.headers.push_back({"Retry-After", "1"});
  return reply;
}

http::Reply faults(const std::vector<api::Fault>& faults) {
  return problem_reply(api::faults_status(faults), api::render_faults(faults, next_request_id()));
}

http::Reply unmatched(int status, const std::string& path, const std::string& allow) {
  if (status == 405) {
    http::Reply reply = problem(
        make_error(Code::unsupported, "this path does not take that method", path, "allowed: " + allow), 405);
    reply.headers.push_back({"Allow", allow});
    return reply;
  }
  return problem(
      make_error(Code::not_found, "no such path", path, "the API lives under /v2, for instance /v2/jobs"));
}

}  // namespace mimas::server
