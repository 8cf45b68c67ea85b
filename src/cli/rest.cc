#include "cli/rest.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cli/print.h"
#include "cli/request_parts.h"
#include "cli/secret_file.h"
#include "cli/table.h"
#include "net/tls.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kFaultsShown = 200;
constexpr std::size_t kProblemBytesMax = 1u << 20;
constexpr std::int64_t kProblemMs = 5'000;   // for the body of a refusal
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
    case 501: return Code::unimplemented;
    case 429: return Code::resource_exhausted;
    case 502:
    case 503: return Code::unavailable;
    default: return Code::internal;
  }
}

// The server's code is finer than its status: 400 is both invalid and unsupported.
Code code_by_name(std::string_view name, Code otherwise) {
  constexpr std::array kCodes = {Code::invalid_argument,  Code::not_found,    Code::conflict,
                                 Code::too_large,         Code::unsupported,  Code::resource_exhausted,
                                 Code::unavailable,       Code::timeout,      Code::unauthenticated,
                                 Code::permission_denied, Code::protocol,     Code::io,
                                 Code::internal,          Code::unimplemented};
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

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// The value of the header Authorization; empty: nobody says who asks.
Result<std::string> authorization_of(const Client& client) {
  if (!client.token.empty()) return "Bearer " + client.token;
  if (!client.token_file.empty()) {
    const Result<std::string> token = read_secret(client.token_file);
    return token.ok() ? Result<std::string>("Bearer " + *token) : token;
  }
  if (client.login_file.empty()) return std::string();
  const Result<std::string> pair = read_secret(client.login_file);
  if (!pair.ok()) return pair;
  Result<std::string> login = basic_login(*pair);
  if (login.ok()) return login;
  Error error = std::move(login).error();
  error.where = client.login_file;
  return error;
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

Rest::Rest(const Client& client, net::HttpClient http, std::string authorization)
    : server_(client.server), client_(std::move(http)), authorization_(std::move(authorization)) {}

Result<Rest> Rest::open(const Client& client, net::Timeouts timeouts) {
  std::shared_ptr<const net::Security> security;
  if (client.tls) {
    auto made = net::tls_client({client.ca_file, {}, client.certificate_file, client.key_file});
    if (!made.ok()) return std::move(made).error();
    security = *std::move(made);
  }
  Result<std::string> authorization = authorization_of(client);
  if (!authorization.ok()) return std::move(authorization).error();
  if (!authorization->empty() && !client.tls && !is_loopback(client.server.host))
    complain("the credentials travel readable by anybody on the way; an https:// server would hide them");
  return Rest(
      client,
      net::HttpClient(client.server, timeouts, net::resolve_by_name, std::move(security), client.server),
      *std::move(authorization));
}

wire::Request Rest::request(std::string method, const std::string& target) const {
  wire::Request wanted;
  wanted.method = std::move(method);
  wanted.target = target;
  wanted.host = server_.text();
  wanted.headers = {{"Accept", "application/json"}, {"User-Agent", "mimas-cli"}};
  if (!authorization_.empty()) wanted.headers.push_back({"Authorization", authorization_});
  // For the record of changes, where nobody is asked who they are.
  if (const std::string user = own_user(); !user.empty()) wanted.headers.push_back({"X-Mimas-User", user});
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

Result<std::string> Rest::ask(const std::string& method, const std::string& target, std::string body,
                              const std::vector<wire::Header>& headers) {
  wire::Request wanted = request(method, target);
  if (!body.empty()) {
    const bool patch = method == "PATCH";
    wanted.headers.push_back({"Content-Type", patch ? "application/merge-patch+json" : "application/json"});
  }
  wanted.headers.insert(wanted.headers.end(), headers.begin(), headers.end());
  wanted.body = std::move(body);
  return exchange(std::move(wanted), method == "GET");
}

Status Rest::open_stream(const std::string& target, const std::vector<wire::Header>& headers) {
  wire::Request wanted = request("GET", target);
  for (const auto& header : headers) {
    const auto same = [&](const auto& other) { return other.name == header.name; };
    std::erase_if(wanted.headers, same);
    wanted.headers.push_back(header);
  }
  Result<wire::ResponseHead> head = client_.open_stream(std::move(wanted));
  if (!head.ok()) return transport_error(head.error());
  if (head->status >= 200 && head->status <= 299) return Done{};
  std::string body;
  while (body.size() <= kProblemBytesMax) {
    const Result<bool> more = client_.read_stream(body, kProblemMs);
    if (!more.ok() || !*more) break;
  }
  client_.close();
  return problem_error(head->status, body);
}

Result<bool> Rest::read_stream(std::string& into, std::int64_t timeout_ms) {
  Result<bool> more = client_.read_stream(into, timeout_ms);
  if (more.ok() || more.error().code == Code::timeout) return more;
  return transport_error(more.error());
}

Status Rest::stream(const std::string& target, const std::function<bool(std::string_view)>& take) {
  if (Status opened = open_stream(target, {}); !opened.ok()) return opened;
  std::string piece;
  for (;;) {
    const Result<bool> more = read_stream(piece, kSilenceMs);
    if (!more.ok() && more.error().code != Code::timeout) return more.error();
    if (!piece.empty() && !take(piece)) break;
    piece.clear();
    if (more.ok() && !*more) break;
  }
  client_.close();
  return Done{};
}

Result<json::Document> parse_answer(const std::string& body) {
  Result<json::Document> parsed = json::parse(body, peer_limits());
  if (parsed.ok()) return parsed;
  return make_error(Code::protocol, "the server's answer is not JSON: " + parsed.error().message);
}

}  // namespace mimas::cli
