#include "api/commands.h"

#include <set>
#include <utility>

#include "api/job_container.h"
#include "api/job_fields.h"
#include "api/job_health.h"
#include "api/job_notes.h"
#include "json/value.h"

namespace mimas::api {
namespace {

bool comes_from_spinnaker(const json::Value& body) {
  const auto labels = body.find("labels");
  return labels && labels->string_or("source", "") == "spinnaker";
}

JobId read_job_id(FieldReader& in) { return JobId(in.required_text("jobId")); }

std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  return content_type;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void check_range(const engine::SetInstanceCounts& counts, Faults& faults) {
  if (counts.min > counts.desired) {
    faults.add("/instancesMin", "must not be above instancesDesired", std::to_string(counts.min),
               std::to_string(counts.desired));
  }
  if (counts.max < counts.desired) {
    faults.add("/instancesMax", "must not be below instancesDesired", std::to_string(counts.max),
               std::to_string(counts.desired));
  }
}

// Of ours: what cannot be one of our tasks is a mistake, and silence would hide it.
std::string task_id_fault(std::string_view id) {
  if (parse_task_id(id).ok()) return {};
  if (parse_job_number(id) >= 0)
    return "is a job's id, and a task's is wanted: POST /v2/jobs/kill ends a whole job";
  return "is no task's id, which is like mimas-7-worker-0-3";
}

enum class TaskIds { ours, anybodys };

std::vector<TaskId> read_task_ids(FieldReader& in, TaskIds whose) {
  Faults& faults = in.faults();
  const std::size_t before = faults.count();
  std::vector<TaskId> ids;
  std::set<std::string> seen;
  const auto add = [&](std::string id, const json::Value& where) {
    std::string wrong = id.empty() ? "must not be empty" : "";
    if (wrong.empty() && whose == TaskIds::ours) wrong = task_id_fault(id);
    if (!wrong.empty()) faults.at(where, std::move(wrong));
    if (seen.insert(id).second) ids.emplace_back(std::move(id));
  };
  std::string one = in.text("taskId");
  const auto many = in.take("taskIds");
  const auto list = many ? bounded_list(*many, kKillTasksMax, faults) : std::nullopt;
  if (!one.empty() && list && list->size() > 0) {
    faults.add("/taskIds", "give either `taskId` or `taskIds`, not both");
    return ids;
  }
  if (!one.empty()) add(std::move(one), *in.find("taskId"));
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    auto id = plain_text(list->at(i), kTextBytesMax, false, faults);
    if (id) add(std::move(*id), list->at(i));
  }
  if (ids.empty() && faults.count() == before) faults.add("/taskIds", "`taskId` or `taskIds` is required");
  return ids;
}

template <class Command>
Checked<Command> parse_orphan_command(std::string_view body) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  Command out;
  out.all = in.flag("all", false);
  const bool named = in.has("taskIds") || in.has("taskId");
  if (out.all && named) {
    faults.add("/all", "give either `all` or `taskIds`, not both");
  } else if (!out.all && !named) {
    faults.add("/taskIds", "`taskIds` or `all` is required");
  }
  if (named) out.tasks = read_task_ids(in, TaskIds::anybodys);
  out.user = in.text("user");
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

}  // namespace

Checked<engine::AdoptOrphans> parse_adopt_orphans(std::string_view body) {
  return parse_orphan_command<engine::AdoptOrphans>(body);
}

Checked<engine::KillOrphans> parse_kill_orphans(std::string_view body) {
  return parse_orphan_command<engine::KillOrphans>(body);
}

Checked<Submission> parse_submission(std::string_view body, bool lenient) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  UnknownFields unknown{lenient || comes_from_spinnaker(document->root()), {}, {}};

  auto spec = std::make_shared<JobSpec>();
  const auto type = read_type(in);
  const auto runtime = read_runtime(in);
  spec->type = type.value_or(JobType::batch);
  spec->runtime = runtime.value_or(Runtime::process);
  read_identity(in, *spec);
  read_program(in, *spec, runtime.has_value(), unknown);
  read_amounts(in, *spec);
  read_confinement(in, *spec, unknown);
  read_container(in, *spec, runtime.has_value(), unknown);
  read_health(in, *spec, unknown);
  read_constraints(in, *spec);
  read_failure_rules(in, *spec, unknown);
  const InstanceCounts counts = read_instance_counts(in, type, unknown);
  read_echoed(in, *spec);
  refuse_unserved(in);

  Submission out;
  out.command.in_service = in.flag("inService", true);
  in.refuse_unknown(unknown.lenient, unknown.ignored);
  out.notes = std::move(unknown.notes);
  for (std::string& note : notes_of(*spec)) out.notes.push_back(std::move(note));
  out.command.spec = std::move(spec);
  out.command.instances_desired = counts.desired;
  out.command.instances_min = counts.min;
  out.command.instances_max = counts.max;
  out.ignored = std::move(unknown.ignored);
  return {std::move(out), faults.take()};
}

Checked<engine::KillJob> parse_kill_job(std::string_view body, std::string_view content_type) {
  Faults faults;
  engine::KillJob out;
  // Spinnaker sent the bare id until December 2016 (spinnaker §1.2).
  if (media_type(content_type) == "text/plain" && !trim(body).starts_with('{')) {
    const std::string_view id = trim(body);
    const std::string wrong =
        id.empty() ? "the body is empty, expected a job id" : text_fault(id, kTextBytesMax);
    if (!wrong.empty()) faults.add("", wrong);
    out.job = JobId(std::string(id));
    return {std::move(out), faults.take()};
  }
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  out.job = read_job_id(in);
  out.user = in.text("user");
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

Checked<engine::SetInstanceCounts> parse_set_instance_counts(std::string_view body) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  engine::SetInstanceCounts out;
  out.job = read_job_id(in);
  out.user = in.text("user");
  const std::size_t before = faults.count();
  const auto required = [&](std::string_view name) {
    const auto count = in.count(name, kServiceInstancesMax);
    if (!in.has(name)) faults.add("/" + std::string(name), "is required");
    return count.value_or(0);
  };
  out.desired = required("instancesDesired");
  out.min = required("instancesMin");
  out.max = required("instancesMax");
  if (faults.count() == before) check_range(out, faults);
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

namespace {

// A flag that must be there: its absence would otherwise read as false, which is a command too.
bool required_flag(FieldReader& in, std::string_view name) {
  if (!in.has(name)) in.faults().add("/" + std::string(name), "is required: true or false");
  return in.flag(name, false);
}

}  // namespace

Checked<engine::SetInService> parse_set_in_service(std::string_view body) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  engine::SetInService out;
  out.job = read_job_id(in);
  out.in_service = required_flag(in, "inService");
  out.user = in.text("user");
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

Checked<engine::SetJobProcesses> parse_set_job_processes(std::string_view body) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  engine::SetJobProcesses out;
  out.job = read_job_id(in);
  out.increase_disabled = in.flag("disableIncreaseDesired", false);
  out.decrease_disabled = in.flag("disableDecreaseDesired", false);
  out.user = in.text("user");
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

Checked<engine::CollectGarbage> parse_collect_garbage(std::string_view body) {
  constexpr std::int64_t kMost = 1'000'000'000;
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  engine::CollectGarbage out;
  // Required: what is removed does not come back, so nobody shall remove by leaving something out.
  const auto kept = in.count("jobsKept", kMost);
  if (!in.has("jobsKept")) faults.add("/jobsKept", "is required: how many ended jobs stay, 0 for none");
  out.jobs_kept = kept.value_or(0);
  out.user = in.text("user");
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

Checked<std::string> parse_backup(std::string_view body) {
  if (body.empty()) return {};
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  std::string name = in.text("name");
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(name), faults.take()};
}

Checked<engine::KillTasks> parse_kill_tasks(std::string_view body) {
  Faults faults;
  const auto document = parse_body(body, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  engine::KillTasks out;
  out.tasks = read_task_ids(in, TaskIds::ours);
  out.user = in.text("user");
  out.shrink = in.flag("shrink", false);
  out.strict = in.flag("strict", false);
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(out), faults.take()};
}

}  // namespace mimas::api
