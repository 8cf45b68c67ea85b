#include "server/event_routes.h"

#include <memory>
#include <utility>
#include <vector>

#include "api/event.h"
#include "server/answers.h"
#include "server/event_stream.h"

namespace mimas::server {
namespace {

http::Reply events(const PublishedView& view, EventRing& ring, const http::Request& request) {
  std::vector<api::Parameter> parameters;
  for (const auto& parameter : request.query) parameters.push_back({parameter.name, parameter.value});
  auto query = api::parse_event_query(parameters);
  if (!query.ok()) return faults(query.faults);
  // A browser that connects again sends the header; the address, with the older id in it, stays the same.
  if (const std::string_view id = request.header("Last-Event-ID"); !id.empty())
    query.value.last_event_id = std::string(id);
  const bool lines = request.header("Accept").find("application/x-ndjson") != std::string_view::npos;
  http::Reply reply;
  reply.content_type = lines ? "application/x-ndjson" : "text/event-stream";
  reply.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  reply.stream = [&view, &ring, wanted = std::move(query.value), lines](http::StreamWriter& out) {
    EventStream(view, ring, wanted, lines ? EventFormat::json_lines : EventFormat::server_sent).run(out);
  };
  return reply;
}

}  // namespace

void add_event_routes(Routes& routes, const PublishedView& view, EventRing& ring) {
  routes.add(Role::viewer, "GET", "/events",
             [&view, &ring](const Call& call) { return events(view, ring, call.request); });
}

}  // namespace mimas::server
