// parse_job_query and parse_task_query of api/render.h.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>

#include "api/faults.h"
#include "api/job_limits.h"
#include "api/query.h"
#include "api/render.h"

namespace mimas::api {
namespace {

struct TextFilter {
  std::string_view name;
  std::string JobQuery::*member;
};
constexpr std::array<TextFilter, 8> kTextFilters{{
    {"appName", &JobQuery::app_name},
    {"applicationName", &JobQuery::application_name},
    {"user", &JobQuery::user},
    {"name", &JobQuery::name},
    {"capacityGroup", &JobQuery::capacity_group},
    {"jobGroupStack", &JobQuery::group_stack},
    {"jobGroupDetail", &JobQuery::group_detail},
    {"jobGroupSequence", &JobQuery::group_sequence},
}};

// Other words for the same, in the query of tasks.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kTaskWords{{
    {"state", "taskState"},
    {"app", "appName"},
}};
struct TaskFilter {
  std::string_view name;
  std::string TaskQuery::*member;
};
constexpr std::array<TaskFilter, 3> kTaskFilters{{
    {"job", &TaskQuery::job},
    {"host", &TaskQuery::host},
    {"agent", &TaskQuery::agent},
}};

std::vector<std::string_view> known_parameters(bool of_tasks) {
  std::vector<std::string_view> out{"type",     "labels", "labels.op", "taskState",
                                    "archived", "fields", "limit",     "cursor"};
  for (const TextFilter& filter : kTextFilters) out.push_back(filter.name);
  if (!of_tasks) return out;
  for (const auto& [word, meant] : kTaskWords) out.push_back(word);
  for (const TaskFilter& filter : kTaskFilters) out.push_back(filter.name);
  return out;
}

class QueryReader {
 public:
  explicit QueryReader(bool of_tasks) : of_tasks_(of_tasks) {}

  void read(Parameter parameter) {
    for (const auto& [word, meant] : kTaskWords) {
      if (of_tasks_ && parameter.name == word) parameter.name = meant;
    }
    const std::string_view name = parameter.name, value = trim_blanks(parameter.value);
    if (value.empty()) return;  // as if it were not there
    if (name == "labels") return read_labels(parameter);
    if (name == "taskState") return read_states(parameter);
    if (name == "fields") return;
    if (!once_.insert(std::string(name)).second) return fault(parameter, "is given twice");
    read_single(parameter, value);
  }

  Checked<TaskQuery> take(const std::vector<Parameter>& parameters) {
    auto fields = parse_fields(parameters);
    query_.jobs.fields = std::move(fields.value);
    for (Fault& fault : fields.faults) {
      faults_.add(std::move(fault.pointer), std::move(fault.detail), std::move(fault.value),
                  std::move(fault.limit));
    }
    return {std::move(query_), faults_.take()};
  }

 private:
  void fault(const Parameter& parameter, std::string detail, std::string limit = {}) {
    // A query may hold any bytes; those that are no text are replaced when the answer is written.
    faults_.add(cut_text(parameter.name, kTextBytesMax), std::move(detail), parameter.value,
                std::move(limit));
  }

  bool too_many(const Parameter& parameter, std::size_t terms) {
    if (terms <= kQueryTermsMax) return false;
    fault(parameter, "must not have more than " + std::to_string(kQueryTermsMax) + " terms",
          std::to_string(kQueryTermsMax));
    return true;
  }

  void read_labels(const Parameter& parameter) {
    for (const std::string& one : label_terms(parameter.value)) {
      const std::string_view term = one;
      const std::size_t equals = term.find('=');
      const std::string_view key = trim_blanks(term.substr(0, equals));
      if (key.empty()) return fault(parameter, "a label must have a name: `name`, `name=` or `name=value`");
      const bool has_value = equals != std::string_view::npos;
      query_.jobs.labels.emplace_back(key,
                                      has_value ? trim_blanks(term.substr(equals + 1)) : std::string_view());
      query_.jobs.label_has_value.push_back(has_value);
      if (too_many(parameter, query_.jobs.labels.size())) return;
    }
  }

  void read_states(const Parameter& parameter) {
    for (std::string_view term : terms_of(parameter.value)) {
      if (term == "ANY" || term == "ALL") {
        query_.jobs.any_state = true;
      } else if (const auto state = parse_task_state(term)) {
        query_.jobs.task_states.push_back(*state);
      } else {
        return fault(
            parameter,
            "must be one of QUEUED, DISPATCHED, STARTING, RUNNING, FINISHED, FAILED, STOPPED, CRASHED "
            "and ANY");
      }
      if (too_many(parameter, query_.jobs.task_states.size())) return;
    }
  }

  void read_single(const Parameter& parameter, std::string_view value) {
    const std::string_view name = parameter.name;
    for (const TextFilter& filter : kTextFilters) {
      if (name == filter.name) query_.jobs.*filter.member = std::string(value);
    }
    for (const TaskFilter& filter : kTaskFilters) {
      if (name == filter.name) query_.*filter.member = std::string(value);
    }
    if (name == "type") {
      if (value != "service" && value != "batch") return fault(parameter, "must be service or batch");
      query_.jobs.type = std::string(value);
    } else if (name == "labels.op") {
      if (value != "and" && value != "or") return fault(parameter, "must be and or or");
      query_.jobs.labels_all = value == "and";
    } else if (name == "archived") {
      if (value != "true" && value != "false") return fault(parameter, "must be true or false");
      query_.jobs.any_state = query_.jobs.any_state || value == "true";
    } else if (name == "limit") {
      const auto limit = parse_count(value);
      if (!limit || *limit > kPageMax) {
        return fault(parameter,
                     "must be a whole number from 1 to " + std::to_string(kPageMax) + ", or 0 for all",
                     "1.." + std::to_string(kPageMax));
      }
      query_.jobs.limit = *limit;
    } else if (name == "cursor") {
      read_cursor(parameter, value);
    }
  }

  void read_cursor(const Parameter& parameter, std::string_view value) {
    auto after = read_list_cursor(value);
    if (!after) return fault(parameter, std::string(kCursorFault));
    query_.jobs.after_number = after->front();
    query_.after = *std::move(after);
  }
  std::optional<std::vector<std::int64_t>> read_list_cursor(std::string_view value) const {
    return of_tasks_ ? api::read_cursor(value, kTaskList, 3) : api::read_cursor(value, kJobList, 1);
  }

  bool of_tasks_;
  TaskQuery query_;
  Faults faults_;
  std::set<std::string> once_;
};

Checked<TaskQuery> read_query(const std::vector<Parameter>& parameters, bool of_tasks) {
  QueryReader reader(of_tasks);
  for (const Parameter& parameter : parameters) reader.read(parameter);
  auto read = reader.take(parameters);
  auto unknown = unknown_parameters(parameters, known_parameters(of_tasks));
  read.faults.insert(read.faults.end(), std::make_move_iterator(unknown.begin()),
                     std::make_move_iterator(unknown.end()));
  return read;
}

}  // namespace

Checked<JobQuery> parse_job_query(const std::vector<Parameter>& parameters) {
  auto read = read_query(parameters, false);
  return {std::move(read.value.jobs), std::move(read.faults)};
}

Checked<TaskQuery> parse_task_query(const std::vector<Parameter>& parameters) {
  return read_query(parameters, true);
}

}  // namespace mimas::api
