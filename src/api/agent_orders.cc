#include "api/agent_orders.h"

#include <utility>
#include <vector>

#include "api/field_reader.h"

namespace mimas::api {

Checked<engine::OrderAgent> parse_agent_order(std::string_view body, std::optional<AgentOrder::Kind> order) {
  engine::OrderAgent command;
  command.order = order;
  Faults faults;
  if (!body.empty()) {
    const auto document = parse_body(body, faults);
    if (!document) return {{}, faults.take()};
    FieldReader in(document->root(), faults);
    command.reason = in.text("reason");
    command.user = in.text("user");
    if (order == AgentOrder::Kind::drain) {
      const auto secs = in.count("deadlineSecs", kDrainDeadlineSecsMax);
      if (secs) command.deadline_ms = *secs * 1'000;
    }
    std::vector<std::string> ignored;
    in.refuse_unknown(false, ignored);
  }
  return {std::move(command), faults.take()};
}

Result<AgentPtr> find_agent(const engine::View& view, const std::string& id_or_hostname) {
  AgentPtr named;
  for (const AgentPtr& agent : view.agents()) {
    if (agent->id.value == id_or_hostname) return agent;
    if (agent->hostname != id_or_hostname) continue;
    if (named != nullptr) {
      return make_error(Code::conflict, "several agents are called " + id_or_hostname, {},
                        "name one by its id, as GET /v2/agents shows it");
    }
    named = agent;
  }
  if (named == nullptr)
    return make_error(Code::not_found, "no agent has the id or hostname " + id_or_hostname);
  return named;
}

}  // namespace mimas::api
