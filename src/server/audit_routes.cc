#include "server/audit_routes.h"

#include "api/render_audit.h"
#include "server/answers.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

http::Reply list_audits(const engine::View& view, const Call& call) {
  const auto query = api::parse_audit_query(parameters_of(call.request));
  if (!query.ok()) return faults(query.faults);
  const auto most = static_cast<std::size_t>(query.value.limit) + 1;
  const auto found = view.audits(query.value.job, query.value.before, most);
  api::List list = api::render_audits(found, query.value.limit);
  http::Reply reply = json_reply(std::move(list.body));
  if (!list.cursor.empty()) reply.headers.push_back({"X-Next-Cursor", std::move(list.cursor)});
  return reply;
}

}  // namespace

void add_audit_routes(Routes& routes, const engine::View& view) {
  routes.add(Role::operator_, "GET", "/audit",
             taking({.query = {"job", "before", "cursor", "limit"}, .fields = true},
                    [&view](const Call& call) { return list_audits(view, call); }));
}

}  // namespace mimas::server
