#include "api/problem.h"

#include <algorithm>

#include "json/value.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

std::string_view status_title(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Internal Server Error";
  }
}

// The part that every problem has. `detail` and `message` say the same: one for RFC 9457, one for Titus's
// clients.
void begin_problem(json::Writer& out, int status, std::string_view code, std::string_view text) {
  out.begin_object();
  out.member("type", "about:blank");
  out.member("title", status_title(status));
  out.member("status", status);
  out.member("detail", text);
  out.member("statusCode", status);
  out.member("message", text);
  out.member("code", code);
}

std::string end_problem(json::Writer& out, std::string_view request_id) {
  if (!request_id.empty()) out.member("requestId", request_id);
  out.end_object();
  return out.take();
}

std::string fault_line(const Fault& fault) {
  return fault.pointer.empty() ? fault.detail : fault.pointer + ": " + fault.detail;
}

std::string summary(const std::vector<Fault>& faults) {
  constexpr std::size_t kQuoted = 3;
  if (faults.empty()) return "the request is not valid";
  if (faults.size() == 1) return fault_line(faults[0]);
  std::string text = std::to_string(faults.size()) + " faults: ";
  for (std::size_t i = 0; i < faults.size() && i < kQuoted; ++i) {
    if (i > 0) text += "; ";
    text += fault_line(faults[i]);
  }
  if (faults.size() > kQuoted) text += "; …";
  return text;
}

}  // namespace

int http_status(Code code) {
  switch (code) {
    case Code::invalid_argument: return 400;
    case Code::unsupported: return 400;
    case Code::unimplemented: return 501;
    case Code::not_found: return 404;
    case Code::conflict: return 409;
    case Code::too_large: return 413;
    case Code::resource_exhausted: return 429;
    case Code::unavailable: return 503;
    case Code::timeout: return 504;
    case Code::unauthenticated: return 401;
    case Code::permission_denied: return 403;
    case Code::protocol: return 502;
    case Code::io: return 500;
    case Code::internal: return 500;
  }
  return 500;
}

std::string render_problem(const Error& error, std::string_view request_id, int status) {
  json::Writer out;
  const std::string text = error.where.empty() ? error.message : error.where + ": " + error.message;
  begin_problem(out, status > 0 ? status : http_status(error.code), code_name(error.code), text);
  if (!error.hint.empty()) out.member("hint", error.hint);
  return end_problem(out, request_id);
}

int faults_status(const std::vector<Fault>& faults) {
  if (faults.empty()) return 400;
  if (std::ranges::all_of(faults, &Fault::later)) return 501;
  return std::ranges::all_of(faults, &Fault::forbidden) ? 403 : 400;
}

std::string render_faults(const std::vector<Fault>& faults, std::string_view request_id) {
  json::Writer out;
  const int status = faults_status(faults);
  const Code code = status == 501   ? Code::unimplemented
                    : status == 403 ? Code::permission_denied
                                    : Code::invalid_argument;
  begin_problem(out, status, code_name(code), summary(faults));
  if (status == 501) out.member("hint", "leave it out, or set it to its default");
  out.key("errors").begin_array();
  for (const Fault& fault : faults) {
    out.begin_object();
    out.member("pointer", fault.pointer);
    out.member("detail", fault.detail);
    if (!fault.value.empty()) {
      // A value that was cut is no JSON any more and is shown as text.
      if (json::parse(fault.value).ok()) {
        out.member_raw("value", fault.value);
      } else {
        out.member("value", fault.value);
      }
    }
    if (!fault.limit.empty()) out.member("limit", fault.limit);
    out.end_object();
  }
  out.end_array();
  return end_problem(out, request_id);
}

}  // namespace mimas::api
