#include "cli/history_text.h"

#include <algorithm>
#include <vector>

#include "cli/facts.h"
#include "cli/job_text.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kRowsMax = 100'000;

// The list itself, or the list that is a member of the answer.
std::optional<json::Value> list_of(json::Value answer, std::string_view name) {
  if (answer.is_array()) return answer;
  const std::optional<json::Value> list = answer.find(name);
  return list && list->is_array() ? list : std::nullopt;
}

std::string as_text(const std::optional<json::Value>& value) {
  if (!value || value->is_null()) return "-";
  return value->is_object() || value->is_array() ? value->dump() : scalar(value);
}

// "instancesDesired 3 → 5, retries - → 2".
std::string changes_text(json::Value record) {
  std::string text;
  const std::optional<json::Value> fields = record.find("changes");
  for (std::size_t i = 0; fields && fields->is_array() && i < fields->size(); ++i) {
    const json::Value one = fields->at(i);
    text += (text.empty() ? "" : ", ") + field(one, "field");
    if (one.find("before") || one.find("after"))
      text += " " + as_text(one.find("before")) + " → " + as_text(one.find("after"));
  }
  return text;
}

std::string first_of(json::Value object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::string text = field(object, name);
    if (!text.empty()) return text;
  }
  return "";
}

std::string detail_of(json::Value record) {
  std::string detail = first_of(record, {"detail", "message"});
  const std::string reason = field(record, "reason");
  if (!reason.empty() && detail.find(reason) == std::string::npos)
    detail = reason + (detail.empty() ? "" : ": " + detail);
  const std::string changes = changes_text(record);
  return changes.empty() ? detail : detail + (detail.empty() ? "" : ": ") + changes;
}

}  // namespace

std::string history_table(json::Value answer, bool colour) {
  const std::optional<json::Value> events = list_of(answer, "events");
  if (!events || events->size() == 0) return "no history\n";
  Table table({"AT", "WHAT", "TASK", "BY", "DETAIL"});
  for (std::size_t i = 0; i < events->size() && i < kRowsMax; ++i) {
    const json::Value one = events->at(i);
    const std::string state = field(one, "state");
    const std::string what = state.empty() ? first_of(one, {"action", "type"}) : state;
    table.add({{moment(one, "at")},
               {what, state_tone(state)},
               {field(one, "taskId")},
               {field(one, "user")},
               {detail_of(one)}});
  }
  return table.text(colour);
}

std::string versions_table(json::Value answer, bool colour) {
  const std::optional<json::Value> versions = list_of(answer, "versions");
  if (!versions || versions->size() == 0) return "no versions\n";
  Table table({"VERSION", "AT", "BY", "WHAT", "INSTANCES"});
  for (std::size_t i = 0; i < versions->size() && i < kRowsMax; ++i) {
    const json::Value one = versions->at(i);
    const std::optional<json::Value> job = one.find("description");
    const json::Value counts = job && job->is_object() ? *job : one;
    table.add({{first_of(one, {"jobVersion", "version"})},
               {moment(one, "at")},
               {field(one, "user")},
               {first_of(one, {"what", "action"})},
               {first_of(counts, {"instancesDesired", "instances"})}});
  }
  return table.text(colour);
}

std::string diff_text(json::Value answer, bool colour) {
  const std::optional<json::Value> changes = list_of(answer, "changes");
  if (!changes) return facts_text(answer, colour);
  if (changes->size() == 0) return "no difference\n";
  std::string text;
  for (std::size_t i = 0; i < changes->size() && i < kRowsMax; ++i) {
    const json::Value one = changes->at(i);
    const auto line = [&](char sign, const char* name, const char* tone) {
      const std::optional<json::Value> value = one.find(name);
      if (!value || value->is_null()) return;
      const std::string body =
          sign + (" " + printable(field(one, "pointer"))) + ": " + printable(as_text(value));
      text += colour ? tone + body + "\x1b[0m\n" : body + "\n";
    };
    line('-', "before", "\x1b[31m");
    line('+', "after", "\x1b[32m");
  }
  return text;
}

std::string audit_table(json::Value answer, bool colour) {
  const std::optional<json::Value> records = list_of(answer, "records");
  if (!records || records->size() == 0) return "no records\n";
  Table table({"NUMBER", "AT", "BY", "FROM", "ACTION", "JOB", "TASK", "DETAIL"});
  for (std::size_t i = 0; i < records->size() && i < kRowsMax; ++i) {
    const json::Value one = records->at(i);
    table.add({{field(one, "number")},
               {moment(one, "at")},
               {field(one, "user")},
               {field(one, "address")},
               {field(one, "action")},
               {field(one, "jobId")},
               {field(one, "taskId")},
               {detail_of(one)}});
  }
  return table.text(colour);
}

std::string event_line(const std::string& kind, json::Value data, bool colour) {
  const std::string id = first_of(data, {"id", "name", "number"});
  const std::string state = field(data, "state");
  std::string text = printable(kind);
  text.append(text.size() < 10 ? 10 - text.size() : 0, ' ');
  if (!id.empty()) text += "  " + printable(id);
  if (!state.empty()) text += "  " + toned(printable(state), colour ? state_tone(state) : Tone::plain);
  std::string detail;
  if (kind == "task") {
    const std::string host = field(data, "host");
    detail = host.empty() ? task_detail(data) : "on " + host;
    if (!host.empty() && !task_detail(data).empty()) detail += ": " + task_detail(data);
  } else if (kind == "audit") {
    const std::string by = field(data, "user");
    detail = field(data, "action") + (by.empty() ? "" : " by " + by);
    if (const std::string more = detail_of(data); !more.empty()) detail += ": " + more;
  } else if (kind == "connection") {
    detail = data.bool_or("subscribed", false) ? "subscribed to " + field(data, "master") : "not subscribed";
  } else {
    detail = first_of(data, {"hostname", "message", "text", "reason", "why"});
    if (kind == "job" && detail.empty()) detail = field(data, "name");
    if (detail == id) detail.clear();
  }
  return text + (detail.empty() ? "" : "  " + printable(detail));
}

}  // namespace mimas::cli
