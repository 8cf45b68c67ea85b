#include "cli/rest.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cli/table.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kFaultsShown = 200;
constexpr std::size_t kProblemBytesMax = 1u << 20;
constexpr std::int64_t kSilenceMs = 60'000;  // then the stream is simply asked again
constexpr const char* kStartHint = "is the server running? `mimas dev` starts one on this machine";

Code code_of_status(int status) {
  switch (status) {
    case 400:
    case 411:
    case 415:
    case 422: return Code::invalid_argument;
    case 401: return Code::unauthenticated;
    case 403: return Code::permission_denied;
    case 404:
    case 405:
    case 410: return Code::not_found;
    case 409:
    case 412: return Code::conflict;
    case 413: return Code::too_large;
    case 408:
    case 504: return Code::timeout;
    case 429: return Code::resource_exhausted;
    case 502:
    case 503: return Code::unavailable;
    default: return Code::internal;
  }
}

// The server's code is finer than its status: 400 is both invalid and unsupported.
Code code_by_name(std::string_view name, Code otherwise) {
  constexpr std::array kCodes = {Code::invalid_argument,  Code::not_found,   Code::conflict,
                                 Code::too_large,         Code::unsupported, Code::resource_exhausted,
                                 Code::unavailable,       Code::timeout,     Code::unauthenticated,
                                 Code::permission_denied, Code::protocol,    Code::io,
                                 Code::internal};
  const auto found =
      std::find_if(kCodes.begin(), kCodes.end(), [&](Code code) { return code_name(code) == name; });
  return found == kCodes.end() ? otherwise : *found;
}

json::ParseLimits peer_limits() {
  json::ParseLimits limits;
  limits.bytes_max = 64u << 20;
  limits.replace_bad_utf8 = true;
  return limits;
}

std::string fault_lines(json::Value errors) {
  std::string lines;
  const std::size_t shown = std::min(errors.size(), kFaultsShown);
  for (std::size_t i = 0; i < shown; ++i) {
    const json::Value fault = errors.at(i);
    const std::string pointer = printable(fault.string_or("pointer", ""));
    const std::string detail = printable(fault.string_or("detail", "is wrong"));
    lines += "\n  " + (pointer.empty() ? "" : pointer + ": ") + detail;
  }
  if (shown < errors.size()) lines += "\n  … and " + std::to_string(errors.size() - shown) + " more";
  return lines;
}

}  // namespace

Error problem_error(int status, std::string_view body) {
  Error error = make_error(code_of_status(status), "the server answered " + std::to_string(status));
  const Result<json::Document> parsed = json::parse(body.substr(0, kProblemBytesMax), peer_limits());
  if (!parsed.ok() || !parsed->root().is_object()) return error;
  const json::Value root = parsed->root();
  error.code = code_by_name(root.string_or("code", ""), error.code);
  error.hint = printable(root.string_or("hint", ""));
  const std::string message = printable(root.string_or("message", root.string_or("detail", "")));
  if (!message.empty()) error.message = message;
  const std::optional<json::Value> errors = root.find("errors");
  if (errors && errors->is_array() && errors->size() > 0) {
    // The faults say it all; the server's summary would repeat the first of them.
    const std::size_t count = errors->size();
    error.message = "the server refuses this: " + std::to_string(count) +
                    (count == 1 ? " fault" : " faults") + fault_lines(*errors);
  }
  return error;
}

Rest::Rest(const wire::Endpoint& server, net::Timeouts timeouts)
    : server_(server), client_(server, timeouts, net::resolve_by_name) {}

wire::Request Rest::request(std::string method, const std::string& target) const {
  wire::Request wanted;
  wanted.method = std::move(method);
  wanted.target = target;
  wanted.host = server_.text();
  wanted.headers = {{"Accept", "application/json"}, {"User-Agent", "mimas-cli"}};
  return wanted;
}

Error Rest::transport_error(const Error& from) const {
  if (from.code == Code::invalid_argument || from.code == Code::too_large) return from;
  const bool late = from.code == Code::timeout;
  Error error = make_error(late ? Code::timeout : Code::unavailable, from.message, server_.text());
  error.message = (late ? "no answer in time: " : "cannot reach the server: ") + from.message;
  error.hint = late ? "look before you send it again" : kStartHint;
  return error;
}

Result<std::string> Rest::exchange(wire::Request request, bool repeatable) {
  Result<net::Response> response = client_.exchange(std::move(request), repeatable);
  if (!response.ok()) return transport_error(response.error());
  if (response->head.status < 200 || response->head.status > 299) {
    return problem_error(response->head.status, response->body);
  }
  return std::move(response->body);
}

Result<std::string> Rest::get(const std::string& target) { return exchange(request("GET", target), true); }

Result<std::string> Rest::post(const std::string& target, std::string body) {
  wire::Request wanted = request("POST", target);
  wanted.headers.push_back({"Content-Type", "application/json"});
  wanted.body = std::move(body);
  return exchange(std::move(wanted), false);
}

Result<std::string> Rest::remove(const std::string& target) {
  return exchange(request("DELETE", target), false);
}

Status Rest::stream(const std::string& target, const std::function<bool(std::string_view)>& take) {
  Result<wire::ResponseHead> head = client_.open_stream(request("GET", target));
  if (!head.ok()) return transport_error(head.error());
  const bool fine = head->status >= 200 && head->status <= 299;
  std::string piece;
  for (;;) {
    Result<bool> more = client_.read_stream(piece, kSilenceMs);
    if (!more.ok() && more.error().code != Code::timeout) return transport_error(more.error());
    if (fine && !piece.empty()) {
      if (!take(piece)) break;
      piece.clear();
    }
    if (!fine && piece.size() > kProblemBytesMax) break;
    if (more.ok() && !*more) break;
  }
  client_.close();
  if (!fine) return problem_error(head->status, piece);
  return Done{};
}

Result<json::Document> parse_answer(const std::string& body) {
  Result<json::Document> parsed = json::parse(body, peer_limits());
  if (parsed.ok()) return parsed;
  return make_error(Code::protocol, "the server's answer is not JSON: " + parsed.error().message);
}

}  // namespace mimas::cli
