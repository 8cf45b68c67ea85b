#include "server/event_routes.h"

#include <memory>
#include <utility>
#include <vector>

#include "api/event.h"
#include "server/answers.h"
#include "server/event_stream.h"
#include "server/lookup.h"
#include "server/policy_gate.h"

namespace mimas::server {
namespace {

// The filters' jobs by their ids, whatever they were called by.
Status resolve_filter(const PublishedView& view, const Identity& who, api::EventFilter& filter) {
  for (JobId& job : filter.jobs) {
    auto id = find_job_id(view, who, job.value);
    if (!id.ok()) return id.error();
    job = *std::move(id);
  }
  for (const TaskId& task : filter.tasks) {
    if (!parse_task_id(task.value).ok()) return no_such_task(task.value);
  }
  return Done{};
}

http::Reply events(const RouteContext& context, const Call& call) {
  const http::Request& request = call.request;
  std::vector<api::Parameter> parameters;
  for (const auto& parameter : request.query) parameters.push_back({parameter.name, parameter.value});
  auto query = api::parse_event_query(parameters);
  if (!query.ok()) return faults(query.faults);
  if (Status known = resolve_filter(context.view, call.who, query.value.filter); !known.ok())
    return problem(known.error());
  // Who did what is for those who may read GET /v2/audit.
  if (query.value.filter.wants(api::EventKind::audit) && call.who.role < Role::operator_) {
    return problem(make_error(Code::permission_denied, "events of the kind audit need the role operator",
                              "kind", "leave `audit` out"));
  }
  // A browser that connects again sends the header; the address, with the older id in it, stays the same.
  if (const std::string_view id = request.header("Last-Event-ID"); !id.empty())
    query.value.last_event_id = std::string(id);
  const bool lines = request.header("Accept").find("application/x-ndjson") != std::string_view::npos;
  http::Reply reply;
  reply.content_type = lines ? "application/x-ndjson" : "text/event-stream";
  reply.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  reply.stream = [&view = context.view, &ring = context.events, wanted = std::move(query.value),
                  sight = sight_of(context, call), lines](http::StreamWriter& out) {
    EventStream(view, ring, wanted, lines ? EventFormat::json_lines : EventFormat::server_sent, sight)
        .run(out);
  };
  return reply;
}

}  // namespace

void add_event_routes(Routes& routes, const RouteContext& context) {
  routes.add(Role::viewer, "GET", "/events", [context](const Call& call) { return events(context, call); });
}

}  // namespace mimas::server
