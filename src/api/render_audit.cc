#include "api/render_audit.h"

#include "api/faults.h"
#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

constexpr std::size_t kIdBytesMax = 255;

void take(const Parameter& parameter, AuditQuery& query, Faults& faults) {
  if (parameter.name == "job") {
    if (std::string fault = text_fault(parameter.value, kIdBytesMax); !fault.empty()) {
      faults.add("job", std::move(fault), parameter.value);
    } else {
      query.job = JobId(parameter.value);
    }
  } else if (parameter.name == "limit") {
    const auto number = parse_count(parameter.value);
    if (!number || *number < 1 || *number > kAuditPageMax) {
      faults.add("limit", "must be a whole number", parameter.value, "1 to " + std::to_string(kAuditPageMax));
    } else {
      query.limit = *number;
    }
  } else if (parameter.name == "before") {
    const auto number = parse_count(parameter.value);
    if (!number || *number < 1) {
      faults.add("before", "must be the number of a record, 1 or more", parameter.value);
    } else {
      query.before = *number;
    }
  } else if (parameter.name == "cursor") {
    const auto numbers = read_cursor(parameter.value, kAuditList, 1);
    if (!numbers) {
      faults.add("cursor", std::string(kCursorFault), parameter.value);
    } else {
      query.before = numbers->front();
    }
  }
}

}  // namespace

void write_audit(json::Writer& out, const Audit& audit) {
  out.begin_object().member("number", audit.number).member("at", format_rfc3339(audit.at));
  write_text_or_null(out, "user", audit.user);
  write_text_or_null(out, "address", audit.address);
  out.member("action", audit.action);
  write_text_or_null(out, "jobId", audit.job.value);
  write_text_or_null(out, "taskId", audit.task.value);
  write_text_or_null(out, "detail", audit.detail);
  out.key("changes").begin_array();
  for (const Audit::Field& field : audit.fields) {
    out.begin_object().member("field", field.name);
    // Of a changed description the name alone is on record: the versions have the rest.
    if (!field.before.empty()) out.member_raw("before", field.before);
    if (!field.after.empty()) out.member_raw("after", field.after);
    out.end_object();
  }
  out.end_array().end_object();
}

Checked<AuditQuery> parse_audit_query(const std::vector<Parameter>& parameters) {
  Faults faults;
  AuditQuery query;
  bool before = false, cursor = false;
  for (const Parameter& parameter : parameters) {
    take(parameter, query, faults);
    before = before || parameter.name == "before";
    cursor = cursor || parameter.name == "cursor";
  }
  if (before && cursor) faults.add("cursor", "does not go with before: both say where the page begins");
  return {query, faults.take()};
}

List render_audits(const std::vector<AuditPtr>& found, std::int64_t limit) {
  json::Writer out;
  out.begin_array();
  std::int64_t shown = 0;
  for (const AuditPtr& audit : found) {
    if (shown == limit) break;
    write_audit(out, *audit);
    ++shown;
  }
  out.end_array();
  List list{out.take(), {}};
  const auto count = static_cast<std::size_t>(shown);
  if (count > 0 && count < found.size()) list.cursor = write_cursor(kAuditList, {found[count - 1]->number});
  return list;
}

}  // namespace mimas::api
