#include <string>

#include "cli/change_feed.h"
#include "cli/client_commands.h"
#include "cli/history_text.h"
#include "cli/request_parts.h"
#include "cli/show.h"

namespace mimas::cli {
namespace {

std::string number(const std::optional<std::int64_t>& value) { return value ? std::to_string(*value) : ""; }
std::string limit(std::int64_t value) { return value > 0 ? std::to_string(value) : ""; }
std::string as_query(const std::string& parameters) { return parameters.empty() ? "" : "?" + parameters; }

std::string history_text(json::Value answer, Look look) { return history_table(answer, look.colour); }
std::string versions_text(json::Value answer, Look look) { return versions_table(answer, look.colour); }
std::string difference_text(json::Value answer, Look look) { return diff_text(answer, look.colour); }
std::string audit_text(json::Value answer, Look look) { return audit_table(answer, look.colour); }

}  // namespace

Result<int> show_history(const History& command) {
  std::string query;
  add_parameter(query, "limit", limit(command.limit));
  return show(command.client, job_target(command.id) + "/events" + as_query(query), history_text);
}

Result<int> list_versions(const Versions& command) {
  return show(command.client, job_target(command.id) + "/versions", versions_text);
}

Result<int> show_diff(const Diff& command) {
  std::string query;
  add_parameter(query, "from", number(command.from));
  add_parameter(query, "to", number(command.to));
  return show(command.client, job_target(command.id) + "/diff" + as_query(query), difference_text);
}

Result<int> list_audit(const ListAudit& command) {
  std::string query;
  add_parameter(query, "job", command.job);
  add_parameter(query, "limit", limit(command.limit));
  add_parameter(query, "before", command.before);
  return show(command.client, "/v2/audit" + as_query(query), audit_text);
}

}  // namespace mimas::cli
