#include "api/render_orphans.h"

#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {

std::string render_orphans(const engine::View& view) {
  const auto alerts = view.alerts();
  const auto alert = alerts.find("orphans");
  json::Writer out;
  out.begin_object();
  write_text_or_null(out, "alert", alert == alerts.end() ? std::string() : alert->second);
  out.key("orphans").begin_array();
  for (const OrphanPtr& orphan : view.orphans()) {
    out.begin_object();
    out.member("taskId", orphan->task.value);
    write_text_or_null(out, "agentId", orphan->agent.value);
    write_text_or_null(out, "hostname", orphan->hostname);
    out.member("state", orphan->state);
    write_date_or_null(out, "firstSeenAt", orphan->first_seen);
    out.member("adopted", false);  // whoever is adopted is an orphan no more
    out.member("decision", orphan_decision_name(orphan->decision));
    write_text_or_null(out, "reason", orphan->reason);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

std::string render_decided(const engine::OrphansDecided& decided, std::string_view done_name) {
  json::Writer out;
  out.begin_object();
  out.key(done_name).begin_array();
  for (const TaskId& task : decided.done) out.string(task.value);
  out.end_array();
  out.key("leftAlone").begin_array();
  for (const auto& left : decided.left) {
    out.begin_object().member("taskId", left.task.value).member("reason", left.why).end_object();
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace mimas::api
