#include "api/render_history.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/description.h"
#include "api/faults.h"
#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

constexpr std::size_t kAuditsAtOnce = 1'000;

// Something that happened, and its place: by time, people's wishes before what came of them.
struct Event {
  std::vector<std::int64_t> place;  // ms, 0 audit or 1 task, number, step; kEventNumbers
  AuditPtr audit;                   // or
  TaskPtr task;
  StatusChange change;
};

std::vector<Event> events_of(const engine::View& view, const JobId& job) {
  std::vector<Event> events;
  for (std::int64_t before = 0;;) {
    const std::vector<AuditPtr> audits = view.audits(job, before, kAuditsAtOnce);
    for (const AuditPtr& audit : audits) {
      events.push_back({{audit->at.ms, 0, audit->number, 0}, audit, nullptr, {}});
      before = audit->number;
    }
    if (audits.size() < kAuditsAtOnce) break;
  }
  for (const TaskPtr& task : view.tasks_of(job)) {
    std::int64_t step = 0;
    for (StatusChange& change : status_history(*task)) {
      const std::int64_t at = change.at.ms;
      events.push_back({{at, 1, task->number, step++}, nullptr, task, std::move(change)});
    }
  }
  std::ranges::sort(events, {}, &Event::place);
  return events;
}

void write_event(json::Writer& out, const Event& event) {
  out.begin_object();
  if (event.audit) {
    const Audit& audit = *event.audit;
    out.member("at", format_rfc3339(audit.at)).member("kind", "change");
    out.member("action", audit.action);
    write_text_or_null(out, "taskId", audit.task.value);
    write_text_or_null(out, "user", audit.user);
    write_text_or_null(out, "message", audit.detail);
  } else {
    out.member("at", format_rfc3339(event.change.at)).member("kind", "task");
    out.member("state", task_state_name(event.change.state));
    out.member("taskId", event.task->id.value).member("index", event.task->index);
    write_text_or_null(out, "host", event.task->hostname);
    write_text_or_null(out, "reason", event.change.reason);
    write_text_or_null(out, "message", event.change.message);
  }
  out.end_object();
}

std::string numbers_of(const std::vector<JobVersionPtr>& versions) {
  if (versions.empty()) return "none is kept";
  return "kept are " + std::to_string(versions.front()->version) + " to " +
         std::to_string(versions.back()->version);
}

}  // namespace

std::string render_versions(const engine::View& view, const JobId& job, const Sight& sight) {
  json::Writer out;
  out.begin_array();
  std::vector<JobVersionPtr> versions = view.versions_of(job);
  std::ranges::reverse(versions);
  for (const JobVersionPtr& version : versions) {
    out.begin_object().member("jobVersion", version->version).member("at", format_rfc3339(version->at));
    write_text_or_null(out, "user", version->user);
    out.member("action", version->what);
    out.member_raw("description", render_description(wanted_of(*version), sight)).end_object();
  }
  out.end_array();
  return out.take();
}

Checked<DiffQuery> parse_diff_query(const std::vector<Parameter>& parameters) {
  Faults faults;
  DiffQuery query;
  for (const Parameter& parameter : parameters) {
    const std::string_view value = trim_blanks(parameter.value);
    if (value.empty() || (parameter.name != "from" && parameter.name != "to")) continue;
    const auto number = parse_count(value);
    if (!number || *number == 0) {
      faults.add(parameter.name, "must be the number of a version, 1 or more", parameter.value);
    } else {
      (parameter.name == "from" ? query.from : query.to) = *number;
    }
  }
  return {query, faults.take()};
}

Result<std::string> render_diff(const engine::View& view, const JobId& job, const DiffQuery& query,
                                const Sight& sight) {
  const std::vector<JobVersionPtr> versions = view.versions_of(job);
  const auto find = [&](std::int64_t number) {
    const auto found = std::ranges::find(versions, number, &JobVersion::version);
    return found == versions.end() ? nullptr : *found;
  };
  const auto missing = [&](std::int64_t number) {
    return make_error(Code::not_found, "version " + std::to_string(number) + " of the job is not on record",
                      job.value, numbers_of(versions));
  };
  const std::int64_t to = query.to > 0 ? query.to : versions.empty() ? 1 : versions.back()->version;
  const JobVersionPtr after = find(to);
  if (!after) return missing(to);
  JobVersionPtr before;
  if (query.from > 0) {
    before = find(query.from);
    if (!before) return missing(query.from);
  } else {
    // The first that is kept has nothing before it: then nothing differs.
    const auto place = std::ranges::find(versions, to, &JobVersion::version);
    before = place == versions.begin() ? after : *std::prev(place);
  }
  json::Writer out;
  out.begin_object().member("from", before->version).member("to", after->version);
  out.member_raw("changes", render_difference(wanted_of(*before), wanted_of(*after), sight));
  out.end_object();
  return out.take();
}

List render_job_events(const engine::View& view, const JobId& job, const Page& page) {
  json::Writer out;
  out.begin_array();
  std::int64_t count = 0;
  const Event* last = nullptr;
  std::string cursor;
  const std::vector<Event> events = events_of(view, job);
  for (const Event& event : events) {
    if (!page.after.empty() && event.place <= page.after) continue;
    if (page.limit > 0 && count == page.limit) {
      cursor = write_cursor(kEventList, last->place);
      break;
    }
    write_event(out, event);
    ++count;
    last = &event;
  }
  out.end_array();
  return {out.take(), std::move(cursor)};
}

}  // namespace mimas::api
