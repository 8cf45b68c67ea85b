// What belongs to no single job: agents, operations on their resources, tasks without records, the queue.
#include <optional>
#include <utility>

#include "api/agent_orders.h"
#include "api/commands.h"
#include "api/operations.h"
#include "api/render.h"
#include "api/render_cluster.h"
#include "api/render_orphans.h"
#include "api/render_scaling.h"
#include "api/render_summary.h"
#include "server/commands.h"
#include "server/route_files.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

using http::Reply;

template <class Command>
Reply decide_orphans(const RouteContext& context, const Call& call, api::Checked<Command> checked,
                     const char* done_name) {
  if (!checked.ok()) return faults(checked.faults);
  if (Status allowed = may_change_cluster(call); !allowed.ok()) return problem(allowed.error());
  const auto answer = carry_out(context, call, std::move(checked.value));
  if (!answer.ok()) return answer.refusal();
  const auto* decided = std::get_if<engine::OrphansDecided>(&*answer);
  if (!decided) return problem(make_error(Code::internal, "nothing was said about the orphans"));
  return json_reply(api::render_decided(*decided, done_name));
}

// Taken on, not done: the record says how it goes on.
Reply request_operation(const RouteContext& context, const Call& call) {
  auto checked = api::parse_operation(call.request.body);
  if (!checked.ok()) return faults(checked.faults);
  if (Status allowed = may_change_cluster(call); !allowed.ok()) return problem(allowed.error());
  auto receipt = receipt_key(call);
  if (!receipt.ok()) return problem(receipt.error());
  checked.value.receipt_key = std::move(receipt->key);
  checked.value.fingerprint = std::move(receipt->fingerprint);
  const auto answer = carry_out(context, call, std::move(checked.value));
  if (!answer.ok()) return answer.refusal();
  const auto* accepted = std::get_if<engine::OperationAccepted>(&*answer);
  if (!accepted) return problem(make_error(Code::internal, "the operation was accepted without an id"));
  Reply reply = json_reply(api::render_operation_accepted(accepted->operation), 202);
  reply.headers.push_back({"Location", api::operation_uri(accepted->operation)});
  return reply;
}

Reply get_operation(const RouteContext& context, const Call& call) {
  const OperationId id(call.capture("id"));
  const OperationPtr operation = context.view.operation(id);
  if (!operation || operation->id != id) return unknown_id("operation", id.value);
  return json_reply(api::render_operation(*operation));
}

Reply get_agent(const RouteContext& context, const Call& call) {
  const auto agent = api::find_agent(context.view, call.capture("id"));
  return agent.ok() ? json_reply(api::render_agent(context.view, (*agent)->id)) : problem(agent.error());
}

Reply order_agent(const RouteContext& context, const Call& call, std::optional<AgentOrder::Kind> order) {
  auto checked = api::parse_agent_order(call.request.body, order);
  if (!checked.ok()) return faults(checked.faults);
  if (Status allowed = may_change_cluster(call); !allowed.ok()) return problem(allowed.error());
  const auto agent = api::find_agent(context.view, call.capture("id"));
  // One that is away is known by its order alone, and by its id.
  const bool unknown = !agent.ok() && agent.error().code != Code::not_found;
  if (unknown) return problem(agent.error());
  checked.value.agent = agent.ok() ? (*agent)->id : AgentId(call.capture("id"));
  const auto answer = carry_out(context, call, std::move(checked.value));
  return answer.ok() ? no_content() : answer.refusal();
}

}  // namespace

void add_cluster_routes(Routes& routes, const RouteContext& context) {
  const auto look = [&](const char* pattern, CallHandler handler) {
    routes.add(Role::viewer, "GET", pattern, taking({.fields = true}, std::move(handler)));
  };
  const auto change = [&](const char* pattern, CallHandler handler) {
    routes.add(Role::operator_, "POST", pattern, taking({}, std::move(handler)));
  };
  look("/agents", [context](const Call&) {
    return written_reply([&view = context.view](json::Writer& out) { api::write_agents(out, view); });
  });
  look("/agents/{id}", [context](const Call& call) { return get_agent(context, call); });
  change("/agents/{id}/drain",
         [context](const Call& call) { return order_agent(context, call, AgentOrder::Kind::drain); });
  change("/agents/{id}/disable",
         [context](const Call& call) { return order_agent(context, call, AgentOrder::Kind::disable); });
  change("/agents/{id}/enable",
         [context](const Call& call) { return order_agent(context, call, std::nullopt); });
  look("/cluster", [context](const Call&) { return json_reply(api::render_summary(context.view)); });
  look("/queue", [context](const Call&) { return json_reply(api::render_queue(context.view)); });
  look("/scaling", [context](const Call&) { return json_reply(api::render_scaling(context.view)); });
  look("/operations", [context](const Call&) { return json_reply(api::render_operations(context.view)); });
  look("/operations/{id}", [context](const Call& call) { return get_operation(context, call); });
  look("/orphans", [context](const Call&) { return json_reply(api::render_orphans(context.view)); });
  change("/operations", [context](const Call& call) { return request_operation(context, call); });
  change("/orphans/adopt", [context](const Call& call) {
    return decide_orphans(context, call, api::parse_adopt_orphans(call.request.body), "adopted");
  });
  change("/orphans/kill", [context](const Call& call) {
    return decide_orphans(context, call, api::parse_kill_orphans(call.request.body), "killed");
  });
}

}  // namespace mimas::server
