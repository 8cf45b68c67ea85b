#include "cli/fault_command.h"

#include <charconv>

#include "cli/exit.h"
#include "json/writer.h"
#include "net/http_client.h"
#include "pocket/fault.h"

namespace mimas::cli {
namespace {

bool always_text(const std::string& member) {
  for (const char* one : {"agent", "framework_id", "type", "text", "location", "how"})
    if (member == one) return true;
  return false;
}

}  // namespace

Result<std::string> fault_body(const std::string& name, const std::vector<std::string>& members) {
  json::Writer out;
  out.begin_object().member("fault", name);
  for (const std::string& one : members) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0)
      return make_error(Code::invalid_argument, "is not MEMBER=VALUE", one, "as in away_ms=500");
    const std::string member = one.substr(0, equals);
    const std::string value = one.substr(equals + 1);
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool whole = fault == std::errc{} && end == value.data() + value.size();
    if (whole && !always_text(member)) {
      out.member(member, number);
    } else {
      out.member(member, value);
    }
  }
  out.end_object();
  std::string body = out.take();
  if (const auto understood = pocket::parse_fault(body); !understood.ok()) return understood.error();
  return body;
}

Result<int> order_fault(const OrderFault& command) {
  Result<std::string> body = fault_body(command.name, command.members);
  if (!body.ok()) return body.error();
  Error last = make_error(Code::unavailable, "no master is named", "--master");
  for (const wire::Endpoint& master : command.masters) {  // any of them takes the order
    net::HttpClient client(master, net::Timeouts{2'000, 10'000}, net::resolve_by_name);
    wire::Request request;
    request.method = "POST";
    request.target = "/pocket/fault";
    request.host = master.text();
    request.headers = {{"Content-Type", "application/json"}};
    request.body = *body;
    const Result<net::Response> response = client.exchange(std::move(request), false);
    if (response.ok() && response->head.status == 202) return kExitOk;
    if (!response.ok()) {
      last = response.error();
      continue;
    }
    const int status = response->head.status;
    const Code code = status == 400   ? Code::invalid_argument
                      : status == 404 ? Code::not_found
                      : status == 409 ? Code::conflict
                                      : Code::unavailable;
    return make_error(code, response->body.empty() ? "answered " + std::to_string(status) : response->body,
                      master.text());
  }
  return last;
}

}  // namespace mimas::cli
