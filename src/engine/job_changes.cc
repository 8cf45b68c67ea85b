// Changes of a job that is there, beside its counts (commands.cc), and of what is kept.
#include <algorithm>
#include <array>
#include <string_view>

#include "engine/checks.h"
#include "engine/history.h"
#include "engine/parts.h"
#include "engine/reconcile.h"
#include "model/job_difference.h"

namespace mimas::engine {
namespace {

Result<Answer> set_in_service(Turn& turn, const SetInService& command) {
  Result<JobEntry*> found = find_service(turn, command.job, command.if_version, "inService");
  if (!found.ok()) return found.error();
  JobEntry& entry = **found;
  if (entry.record->in_service == command.in_service) return Answer{Done{}};
  const std::string message =
      by(command.in_service ? "put into service" : "taken out of service", command.user);
  turn.reason("job " + command.job.value + " " + message);
  change_wanted(turn, entry, command, "job.inservice", message, [&](Job& job) {
    job.in_service = command.in_service;
    job.message = message;
  });
  return Answer{Done{}};
}

Result<Answer> set_processes(Turn& turn, const SetJobProcesses& command) {
  Result<JobEntry*> found = find_service(turn, command.job, command.if_version, "the processes");
  if (!found.ok()) return found.error();
  JobEntry& entry = **found;
  const Job& before = *entry.record;
  if (before.increase_disabled == command.increase_disabled &&
      before.decrease_disabled == command.decrease_disabled) {
    return Answer{Done{}};
  }
  const auto word = [](bool disabled) { return std::string(disabled ? "disabled" : "enabled"); };
  const std::string message = by("raising instances is " + word(command.increase_disabled) + ", lowering " +
                                     word(command.decrease_disabled),
                                 command.user);
  turn.reason("job " + command.job.value + ": " + message);
  change_wanted(turn, entry, command, "job.processes", message, [&](Job& job) {
    job.increase_disabled = command.increase_disabled;
    job.decrease_disabled = command.decrease_disabled;
    job.message = message;
  });
  return Answer{Done{}};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// What a job is known by stays as it is: whoever holds its id, or looks it up by its group, means this.
Status check_identity(const State::Data& data, const JobSpec& from, const JobSpec& to) {
  static constexpr std::array<std::string_view, 7> kFixed = {
      "name", "type", "runtime", "appName", "jobGroupStack", "jobGroupDetail", "jobGroupSequence"};
  std::vector<std::string> fixed = differing_fields(from, to);
  std::erase_if(fixed,
                [](const std::string& name) { return std::ranges::find(kFixed, name) == kFixed.end(); });
  if (role_of(data.policy, from) != role_of(data.policy, to)) {
    fixed.push_back("labels (" + std::string(kRoleLabel) + ")");
  }
  if (fixed.empty()) return Done{};
  return make_error(Code::invalid_argument, "a job keeps its " + joined(fixed), {},
                    "submit another job, then kill this one");
}

Status check_batch(const Job& job, const ChangeJob& command) {
  const bool same = job.instances_desired == command.instances_desired &&
                    job.instances_min == command.instances_min &&
                    job.instances_max == command.instances_max && job.in_service == command.in_service;
  if (job.spec->type != JobType::batch || same) return Done{};
  return make_error(Code::invalid_argument,
                    "the instances and inService of a batch job cannot be changed: job " + job.id.value +
                        " is not a service");
}

// Waiting tasks are started with what is said now; those that are out were started with what was said then.
Status check_running(const JobEntry& entry, const JobSpec& to) {
  const std::vector<std::string> fields = needs_new_tasks(*entry.record->spec, to);
  if (fields.empty() || entry.open == entry.queued) return Done{};
  return make_error(Code::unimplemented,
                    "the tasks of job " + entry.record->id.value +
                        " would have to be replaced for a change of " + joined(fields) +
                        "; rolling updates come later",
                    {}, "submit another job with the change, then kill this one");
}

Status check_change(Turn& turn, const JobEntry& entry, const ChangeJob& command) {
  const Job& job = *entry.record;
  if (Status version = check_version(job, command.if_version); !version.ok()) return version;
  if (job.state != JobState::active) {
    return make_error(Code::conflict, "job " + job.id.value + " is not active any more");
  }
  if (command.spec == nullptr) return make_error(Code::invalid_argument, "a job needs a description");
  Status checked = check_identity(turn.data, *job.spec, *command.spec);
  if (checked.ok()) checked = check_batch(job, command);
  if (checked.ok()) {
    checked = check_counts({command.instances_desired, command.instances_min, command.instances_max});
  }
  if (checked.ok()) checked = check_processes(job, command.instances_desired);
  if (checked.ok()) checked = check_room(turn.data, command.instances_desired - job.instances_desired);
  if (checked.ok()) checked = check_running(entry, *command.spec);
  return checked;
}

// What was worked out from the old description: deadlines of tasks, and why those that wait do so.
void use_new_description(Turn& turn, JobEntry& entry) {
  State::Data& data = turn.data;
  const std::int64_t number = entry.record->number;
  for (auto& [place, task] : entry.tasks) {
    if (is_terminal(task.record->state)) continue;
    schedule(data, entry, {number, place.first, place.second}, task);
  }
  if (entry.queued == 0) return;
  data.to_place.insert(number);
  data.placement_stale = data.constraints_stale = true;
  RoleEntry& role = role_entry(data, entry.role);
  role.revive_wanted = true;  // what was sent back may fit now
  role.worked_at = turn.now;
}

Result<Answer> change_job(Turn& turn, const ChangeJob& command) {
  JobEntry* entry = find_job(turn.data, command.job);
  if (entry == nullptr) return no_such_job(command.job);
  Status checked = check_change(turn, *entry, command);
  if (!checked.ok()) return checked.error();
  const Job before = *entry->record;
  Job after = before;
  const bool other_spec = *before.spec != *command.spec;
  if (other_spec) after.spec = command.spec;
  after.instances_desired = command.instances_desired;
  after.instances_min = command.instances_min;
  after.instances_max = command.instances_max;
  after.in_service = command.in_service;
  std::vector<std::string> names;
  for (const Audit::Field& field : changed_fields(before, after)) names.push_back(field.name);
  if (names.empty() || command.dry_run) return Answer{Done{}};
  after.message = by("changed: " + joined(names), command.user);
  turn.reason("job " + command.job.value + " " + after.message);
  change_wanted(turn, *entry, command, "job.change", after.message, [&](Job& job) { job = after; });
  if (other_spec) use_new_description(turn, *entry);
  turn.touch(*entry);
  return Answer{Done{}};
}

Result<Answer> collect_garbage(Turn& turn, const CollectGarbage& command) {
  State::Data& data = turn.data;
  if (command.jobs_kept < 0) return make_error(Code::invalid_argument, "jobs_kept must not be negative");
  const auto ended = static_cast<std::int64_t>(data.ended_jobs.size());
  const std::int64_t surplus = std::max<std::int64_t>(ended - command.jobs_kept, 0);
  if (surplus == 0) return Answer{Done{}};
  data.jobs_kept_now = std::min(command.jobs_kept, data.jobs_kept_now.value_or(command.jobs_kept));
  const std::string message =
      std::to_string(surplus) + " of " + std::to_string(ended) + " ended jobs are removed";
  turn.reason(by(message, command.user));
  put_audit(turn, command.user, command.address, {"gc", message, {}, {}, {}});
  return Answer{Done{}};
}

}  // namespace

void on_input(Turn& turn, const SetInService& command) {
  turn.reply(command.request, set_in_service(turn, command));
}
void on_input(Turn& turn, const SetJobProcesses& command) {
  turn.reply(command.request, set_processes(turn, command));
}
void on_input(Turn& turn, const ChangeJob& command) {
  turn.reply(command.request, change_job(turn, command));
}
void on_input(Turn& turn, const CollectGarbage& command) {
  turn.reply(command.request, collect_garbage(turn, command));
}

}  // namespace mimas::engine
