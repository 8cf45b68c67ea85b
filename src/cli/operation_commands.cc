// `mimas operations`: reservations and volumes on agents.
#include <charconv>
#include <optional>
#include <string>

#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/job_text.h"
#include "cli/print.h"
#include "cli/request_parts.h"
#include "cli/rest.h"
#include "cli/show.h"
#include "json/writer.h"

namespace mimas::cli {
namespace {

std::optional<int> port_of(std::string_view text) {
  int port = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port >= 0 && port <= 65'535 ? std::optional(port) : std::nullopt;
}

Status write_ports(json::Writer& body, const std::vector<std::string>& ports) {
  body.key("ports").begin_array();
  for (const std::string& text : ports) {
    const auto dash = text.find('-');
    const auto first = port_of(std::string_view(text).substr(0, dash));
    const auto last = dash == std::string::npos ? first : port_of(std::string_view(text).substr(dash + 1));
    if (!first || !last) {
      return make_error(Code::invalid_argument, "not a port or a range of ports: " + text, "--ports",
                        "write 31000 or 31000-31009");
    }
    body.begin_object().member("first", *first).member("last", *last).end_object();
  }
  body.end_array();
  return Done{};
}

}  // namespace

Result<std::string> operation_body(const Operations& command) {
  json::Writer body;
  body.begin_object().member("type", command.what).member("agentId", command.agent);
  if (!command.role.empty()) body.member("role", command.role);
  body.member("user", own_user());
  if (command.what == "create" || command.what == "destroy") {
    body.key("volume").begin_object().member("id", command.volume);
    if (!command.path.empty()) body.member("containerPath", command.path);
    if (command.disk_mib > 0) body.member("disk", command.disk_mib);
    body.end_object();
  } else {
    body.key("resources").begin_object().member("cpu", command.cpu).member("memory", command.memory_mib);
    body.member("disk", command.disk_mib).member("gpu", command.gpus);
    if (const Status ports = write_ports(body, command.ports); !ports.ok()) return ports.error();
    body.end_object();
  }
  body.end_object();
  return body.take();
}

Result<int> operations(const Operations& command) {
  if (command.what == "list") {
    return show(command.client, "/v2/operations",
                [](json::Value list, Look look) { return operations_table(list, look.colour); });
  }
  const Result<std::string> body = operation_body(command);
  if (!body.ok()) return body.error();
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> answer = rest->post("/v2/operations", *body);
  if (!answer.ok()) return answer.error();
  const Status printed = print_answer(command.client, *answer, [](json::Value accepted, Look) {
    return std::string(accepted.string_or("operationId", "")) + "\n";
  });
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace mimas::cli
