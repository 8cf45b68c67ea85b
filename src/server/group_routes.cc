// Capacity groups, by our name and by Titus's.
#include <utility>

#include "api/groups.h"
#include "server/commands.h"
#include "server/route_files.h"
#include "server/takes.h"

namespace mimas::server {
namespace {

using engine::SetGroup;
using http::Reply;

CapacityGroupPtr described(const RouteContext& context, const std::string& name) {
  for (const CapacityGroupPtr& group : context.view.groups()) {
    if (group->name == name) return group;
  }
  return nullptr;
}

// 412 when it was the client's own condition that did not hold.
template <class Command>
Reply change_group(const RouteContext& context, const Call& call, const std::string& name, Command command,
                   int status) {
  const auto version = if_match(call.request);
  if (!version.ok()) return problem(version.error());
  command.if_version = *version;
  const auto answer = carry_out(context, call, std::move(command));
  const CapacityGroupPtr now = described(context, name);
  if (!answer.ok()) {
    const bool passed =
        *version && answer.error().code == Code::conflict && (!now || now->version != **version);
    return answer.refusal(passed ? 412 : 0);
  }
  Reply reply = no_content();
  reply.status = status;
  if (now) reply.headers.push_back({"ETag", '"' + std::to_string(now->version) + '"'});
  return reply;
}

Reply put_group(const RouteContext& context, const Call& call) {
  const std::string& name = call.capture("name");
  auto checked = api::parse_group(name, call.request.body);
  if (!checked.ok()) return faults(checked.faults);
  return change_group(context, call, name, std::move(checked.value), 204);
}

Reply put_application(const RouteContext& context, const Call& call, const std::string& name,
                      SetGroup::Expects expects, int status) {
  auto checked = api::parse_application(name, call.request.body, context.view);
  if (!checked.ok()) return faults(checked.faults);
  const std::string set = checked.value.group.name;
  checked.value.expects =
      set == kDefaultGroup && expects == SetGroup::Expects::present ? SetGroup::Expects::anything : expects;
  Reply reply = change_group(context, call, set, std::move(checked.value), status);
  if (reply.status == 201) reply.headers.push_back({"Location", "/api/v2/management/applications/" + set});
  return reply;
}

Reply delete_group(const RouteContext& context, const Call& call) {
  engine::DeleteGroup command;
  command.name = call.capture("name");
  const std::string name = command.name;
  return change_group(context, call, name, std::move(command), 204);
}

Reply delete_application(const RouteContext& context, const Call& call) {
  if (call.capture("name") == kDefaultGroup) {
    return problem(make_error(Code::invalid_argument, "the application DEFAULT cannot be deleted",
                              std::string(kDefaultGroup),
                              "PUT it, or DELETE /v2/groups/DEFAULT to give it the defaults again"));
  }
  return delete_group(context, call);
}

Reply one(const char* what, const Call& call, std::string body) {
  return body.empty() ? unknown_id(what, call.capture("name")) : json_reply(std::move(body));
}

Reply get_group(const RouteContext& context, const Call& call) {
  const std::string& name = call.capture("name");
  Reply reply = one("capacity group", call, api::render_group(context.view, name));
  const CapacityGroupPtr group = described(context, name);
  if (group) reply.headers.push_back({"ETag", '"' + std::to_string(group->version) + '"'});
  return reply;
}

}  // namespace

void add_group_routes(Routes& routes, const RouteContext& context) {
  const auto look = [&](const char* pattern, CallHandler handler) {
    routes.add(Role::viewer, "GET", pattern, taking({.fields = true}, std::move(handler)));
  };
  const auto change = [&](const char* method, const char* pattern, CallHandler handler) {
    routes.add(Role::operator_, method, pattern, taking({}, std::move(handler)));
  };
  look("/groups", [context](const Call&) { return json_reply(api::render_groups(context.view)); });
  look("/groups/{name}", [context](const Call& call) { return get_group(context, call); });
  change("PUT", "/groups/{name}", [context](const Call& call) { return put_group(context, call); });
  change("DELETE", "/groups/{name}", [context](const Call& call) { return delete_group(context, call); });

  constexpr const char* kAll = "/management/applications";
  constexpr const char* kOne = "/management/applications/{name}";
  look(kAll, [context](const Call&) { return json_reply(api::render_applications(context.view)); });
  look(kOne, [context](const Call& call) {
    return one("application", call, api::render_application(context.view, call.capture("name")));
  });
  change("POST", kAll, [context](const Call& call) {
    return put_application(context, call, {}, SetGroup::Expects::absent, 201);
  });
  change("PUT", kOne, [context](const Call& call) {
    return put_application(context, call, call.capture("name"), SetGroup::Expects::present, 204);
  });
  change("DELETE", kOne, [context](const Call& call) { return delete_application(context, call); });
}

}  // namespace mimas::server
