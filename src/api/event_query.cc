// parse_event_query and EventFilter of api/event.h.
#include <algorithm>
#include <array>
#include <charconv>

#include "api/event.h"
#include "api/faults.h"
#include "api/job_limits.h"

namespace mimas::api {
namespace {

constexpr std::array<std::string_view, kEventKinds> kKindNames{"job",        "task",  "agent",  "audit",
                                                               "connection", "alert", "scaling"};

class EventQueryReader {
 public:
  void read(const Parameter& parameter) {
    static const std::vector<std::string_view> kKnown{
        "kind", "job", "task", "app", "type", "label", "snapshot", "heartbeatSecs", "lastEventId"};
    if (std::ranges::find(kKnown, parameter.name) == kKnown.end()) {
      fault(parameter, "unknown query parameter" + faults_.guess(parameter.name, kKnown));
    } else if (parameter.name == "snapshot") {
      read_snapshot(parameter);
    } else if (parameter.name == "heartbeatSecs") {
      read_heartbeat(parameter);
    } else if (parameter.name == "lastEventId") {
      query_.last_event_id = cut_text(parameter.value, kTextBytesMax);
    } else {
      read_terms(parameter);
    }
  }

  Checked<EventQuery> take() { return {std::move(query_), faults_.take()}; }

 private:
  void fault(const Parameter& parameter, std::string detail, std::string limit = {}) {
    faults_.add(cut_text(parameter.name, kTextBytesMax), std::move(detail), parameter.value,
                std::move(limit));
  }

  void read_snapshot(const Parameter& parameter) {
    if (parameter.value != "true" && parameter.value != "false")
      return fault(parameter, "must be true or false");
    query_.snapshot = parameter.value == "true";
  }

  void read_heartbeat(const Parameter& parameter) {
    const std::string& text = parameter.value;
    std::int64_t secs = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), secs);
    const bool whole = failure == std::errc{} && end == text.data() + text.size();
    const std::string most = std::to_string(kHeartbeatSecsMax);
    if (!whole || secs < 1 || secs > kHeartbeatSecsMax)
      return fault(parameter, "must be a whole number of seconds from 1 to " + most, "1.." + most);
    query_.heartbeat_secs = secs;
  }

  void read_terms(const Parameter& parameter) {
    for (const std::string& term : label_terms(parameter.value)) {
      if (++terms_ > kEventTermsMax) {
        const std::string most = std::to_string(kEventTermsMax);
        return fault(parameter, "all filters together must not have more than " + most + " terms", most);
      }
      if (!read_term(parameter, term)) return;
    }
  }

  bool read_term(const Parameter& parameter, std::string_view term) {
    EventFilter& filter = query_.filter;
    if (parameter.name == "kind") return read_kind(parameter, term);
    if (parameter.name == "job") filter.jobs.emplace_back(std::string(term));
    if (parameter.name == "task") filter.tasks.emplace_back(std::string(term));
    if (parameter.name == "app") filter.apps.emplace_back(term);
    if (parameter.name == "type") {
      if (term != "service" && term != "batch") return fault(parameter, "must be service or batch"), false;
      filter.types.emplace_back(term);
    }
    if (parameter.name == "label") {
      const std::size_t equals = term.find('=');
      const std::string_view name = trim_blanks(term.substr(0, equals));
      if (name.empty())
        return fault(parameter, "a label must have a name: `name`, `name=` or `name=value`"), false;
      const bool any = equals == std::string_view::npos;
      filter.labels.push_back({std::string(name),
                               std::string(any ? std::string_view() : trim_blanks(term.substr(equals + 1))),
                               any});
    }
    return true;
  }

  bool read_kind(const Parameter& parameter, std::string_view term) {
    const auto* found = std::ranges::find(kKindNames, term);
    if (found == kKindNames.end())
      return fault(parameter, "must be one of job, task, agent, audit, connection, alert and scaling"), false;
    if (!kinds_given_) query_.filter.kinds.clear();
    kinds_given_ = true;
    query_.filter.kinds.push_back(static_cast<EventKind>(found - kKindNames.begin()));
    return true;
  }

  EventQuery query_;
  Faults faults_;
  std::size_t terms_ = 0;
  bool kinds_given_ = false;
};

template <class T, class U>
bool empty_or_has(const std::vector<T>& terms, const U& value) {
  return terms.empty() || std::ranges::find(terms, value) != terms.end();
}

bool fits_labels(const EventFilter& filter, const std::map<std::string, std::string>& labels) {
  if (filter.labels.empty()) return true;
  return std::ranges::any_of(filter.labels, [&](const EventFilter::Label& wanted) {
    const auto found = labels.find(wanted.name);
    return found != labels.end() && (wanted.any_value || found->second == wanted.value);
  });
}

bool fits_job(const EventFilter& filter, const Job& job) {
  const JobSpec& spec = *job.spec;
  return empty_or_has(filter.jobs, job.id) && empty_or_has(filter.apps, spec.app_name) &&
         empty_or_has(filter.types, job_type_name(spec.type)) && fits_labels(filter, spec.labels);
}

// The jobs that the asked tasks belong to.
bool has_task_of(const EventFilter& filter, const Job& job) {
  return filter.tasks.empty() || std::ranges::any_of(filter.tasks, [&](const TaskId& id) {
           const auto name = parse_task_id(id.value);
           return name.ok() && name->job == job.id;
         });
}

struct Passes {
  const EventFilter& filter;

  bool of_job(const Job& job) const { return fits_job(filter, job) && has_task_of(filter, job); }
  bool of_task(const Job& job, const Task& task) const {
    return fits_job(filter, job) && empty_or_has(filter.tasks, task.id);
  }
  bool operator()(const JobChanged& event) const {
    return of_job(*event.job) || (event.before != nullptr && of_job(*event.before));
  }
  bool operator()(const JobRemoved& event) const { return of_job(*event.job); }
  bool operator()(const JobWaits& event) const { return of_job(*event.job); }
  bool operator()(const TaskChanged& event) const { return of_task(*event.job, *event.task); }
  bool operator()(const TaskRemoved& event) const { return of_task(*event.job, *event.task); }
  bool operator()(const AgentChanged&) const { return true; }
  bool operator()(const AgentRemoved&) const { return true; }
  bool operator()(const Audited& event) const {
    return !filter.asks_about_jobs() || (event.job != nullptr && of_job(*event.job));
  }
  bool operator()(const ConnectionChanged&) const { return true; }
  bool operator()(const AlertChanged&) const { return true; }
  bool operator()(const ScalingChanged&) const { return true; }
};

}  // namespace

std::string_view event_kind_name(EventKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

bool EventFilter::wants(EventKind kind) const { return std::ranges::find(kinds, kind) != kinds.end(); }

bool EventFilter::asks_about_jobs() const {
  return !jobs.empty() || !tasks.empty() || !apps.empty() || !types.empty() || !labels.empty();
}

bool EventFilter::passes(const Event& event) const {
  return wants(kind_of(event)) && std::visit(Passes{*this}, event);
}

Checked<EventQuery> parse_event_query(const std::vector<Parameter>& parameters) {
  EventQueryReader reader;
  for (const Parameter& parameter : parameters) reader.read(parameter);
  return reader.take();
}

}  // namespace mimas::api
