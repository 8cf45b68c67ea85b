#include "server/audit_routes.h"

#include "api/render_audit.h"
#include "server/answers.h"
#include "server/lookup.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

http::Reply list_audits(const PublishedView& view, const Call& call) {
  auto query = api::parse_audit_query(parameters_of(call.request));
  if (!query.ok()) return faults(query.faults);
  if (JobId& job = query.value.job; !job.empty()) {
    auto id = find_job_id(view, call.who, job.value);
    if (!id.ok()) return problem(id.error());
    job = *std::move(id);
  }
  const auto most = static_cast<std::size_t>(query.value.limit) + 1;
  const auto found = view.audits(query.value.job, query.value.before, most);
  api::List list = api::render_audits(found, query.value.limit);
  http::Reply reply = json_reply(std::move(list.body));
  if (!list.cursor.empty()) reply.headers.push_back({"X-Next-Cursor", std::move(list.cursor)});
  return reply;
}

}  // namespace

void add_audit_routes(Routes& routes, const PublishedView& view) {
  routes.add(Role::operator_, "GET", "/audit",
             taking({.query = {"job", "before", "cursor", "limit"}, .fields = true},
                    [&view](const Call& call) { return list_audits(view, call); }));
}

}  // namespace mimas::server
