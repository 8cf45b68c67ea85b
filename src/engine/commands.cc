// What people ask for.
#include <algorithm>

#include "engine/checks.h"
#include "engine/history.h"
#include "engine/parts.h"
#include "engine/plan.h"
#include "engine/reconcile.h"

namespace mimas::engine {

Error no_such_job(const JobId& id) { return make_error(Code::not_found, "there is no job " + id.value); }

std::string by(std::string what, const std::string& user) {
  return user.empty() ? what : std::move(what) + " by " + user;
}

Status check_counts(const Counts& counts) {
  if (counts.min < 0) return make_error(Code::invalid_argument, "instancesMin must not be negative");
  if (counts.desired < counts.min)
    return make_error(Code::invalid_argument, "instancesDesired must not be less than instancesMin");
  if (counts.max < counts.desired)
    return make_error(Code::invalid_argument, "instancesMax must not be less than instancesDesired");
  return Done{};
}

Status check_room(const State::Data& data, std::int64_t more_instances) {
  if (more_instances > 0 && more_instances > data.policy.tasks_live_max - data.instances_wanted) {
    return make_error(Code::resource_exhausted,
                      "the cluster already has " + std::to_string(data.instances_wanted) + " of at most " +
                          std::to_string(data.policy.tasks_live_max) + " wanted instances",
                      {}, "kill or shrink jobs that are not needed");
  }
  return Done{};
}

Status check_processes(const Job& job, std::int64_t desired) {
  const bool raised = desired > job.instances_desired && job.increase_disabled;
  const bool lowered = desired < job.instances_desired && job.decrease_disabled;
  if (!raised && !lowered) return Done{};
  return make_error(
      Code::invalid_argument,
      "instancesDesired of job " + job.id.value + " may not be " +
          (raised ? "raised: disableIncreaseDesired is set" : "lowered: disableDecreaseDesired is set"),
      {}, "POST /v2/jobs/setjobprocesses takes that back");
}

Error group_taken(const JobSpec& spec, const Job& by) {
  const std::string group = spec.app_name + "-" + spec.job_group_stack + "-" + spec.job_group_detail + "-" +
                            spec.job_group_sequence;
  return make_error(Code::invalid_argument, "Constraint violation - job with group sequence " + group +
                                                " exists (" + by.id.value + ")");
}

Result<JobEntry*> find_service(Turn& turn, const JobId& id, std::optional<std::int64_t> if_version,
                               const std::string& what) {
  JobEntry* entry = find_job(turn.data, id);
  if (entry == nullptr) return no_such_job(id);
  const Job& job = *entry->record;
  if (job.spec->type != JobType::service) {
    return make_error(Code::invalid_argument,
                      what + " of a batch job cannot be changed: job " + id.value + " is not a service");
  }
  if (Status version = check_version(job, if_version); !version.ok()) return version.error();
  if (job.state != JobState::active) {
    return make_error(Code::conflict, "job " + id.value + " is not active any more");
  }
  return entry;
}

namespace {

constexpr std::int64_t kResubmitWindowMs = 600'000;  // a lost reply must not fail a deployment (titus-api §1)

bool is_same_submission(const SubmitJob& command, const Job& job) {
  return job.state == JobState::active && *job.spec == *command.spec &&
         job.instances_desired == command.instances_desired && job.instances_min == command.instances_min &&
         job.instances_max == command.instances_max && job.in_service == command.in_service;
}

JobId add_job(Turn& turn, const SubmitJob& command) {
  State::Data& data = turn.data;
  Job job;
  job.number = data.next_job_number++;
  job.id = make_job_id(job.number);
  job.spec = command.spec;
  job.instances_desired = command.instances_desired;
  job.instances_min = command.instances_min;
  job.instances_max = command.instances_max;
  job.in_service = command.in_service;
  job.submitted_at = turn.now;
  const JobId id = job.id;
  const std::string what = std::string(job_type_name(job.spec->type)) + " " + job.spec->name + " × " +
                           std::to_string(job.instances_desired);
  const std::string& user = command.user.empty() ? job.spec->user : command.user;
  turn.change(PutNextJobNumber{data.next_job_number});
  turn.reason("job " + id.value + " submitted: " + what);
  turn.add_job(std::move(job));
  JobEntry& entry = data.jobs.at(data.next_job_number - 1);
  keep_version(turn, entry, *entry.record, user, "job.submit");
  put_audit(turn, user, command.address, {"job.submit", what, id, {}, {}});
  turn.touch(entry);
  return id;
}

Result<Answer> submit(Turn& turn, const SubmitJob& command) {
  State::Data& data = turn.data;
  if (!command.spec) return make_error(Code::invalid_argument, "a job needs a description");
  if (!command.dry_run) {
    auto earlier = earlier_answer(turn, command.receipt_key, command.fingerprint);
    if (!earlier.ok()) return earlier.error();
    if (*earlier) {
      if (parse_job_number(**earlier) < 0) return used_otherwise(command.receipt_key);
      return Answer{JobAccepted{JobId(**earlier), true}};
    }
  }
  Status counts = check_counts({command.instances_desired, command.instances_min, command.instances_max});
  if (!counts.ok()) return counts.error();
  auto group = data.groups.find(group_key(*command.spec));
  if (group != data.groups.end()) {
    const Job& other = *data.jobs.at(group->second).record;
    if (is_same_submission(command, other) && turn.now - other.submitted_at <= kResubmitWindowMs) {
      if (command.dry_run) return Answer{Done{}};
      turn.reason("job " + other.id.value + " submitted again, unchanged");
      keep_receipt(turn, command.receipt_key, command.fingerprint, other.id.value);
      return Answer{JobAccepted{other.id, true}};
    }
    return group_taken(*command.spec, other);
  }
  if (static_cast<std::int64_t>(data.jobs.size() - data.ended_jobs.size()) >= data.policy.jobs_live_max) {
    return make_error(Code::resource_exhausted,
                      "there are already " + std::to_string(data.policy.jobs_live_max) + " live jobs");
  }
  Status room = check_room(data, command.instances_desired);
  if (!room.ok()) return room.error();
  if (command.dry_run) return Answer{PlanShown{plan_of(turn, command)}};
  const JobId id = add_job(turn, command);
  keep_receipt(turn, command.receipt_key, command.fingerprint, id.value);
  return Answer{JobAccepted{id}};
}

// Whether there was such a job once: ids are numbers in the order of submission, and none is given twice.
bool was_given(const State::Data& data, const JobId& id) {
  const std::int64_t number = parse_job_number(id.value);
  return number > 0 && number < data.next_job_number;
}

Result<Answer> kill_job(Turn& turn, const KillJob& command) {
  JobEntry* entry = find_job(turn.data, command.job);
  if (entry == nullptr && was_given(turn.data, command.job)) return Answer{Done{}};
  if (entry == nullptr) return no_such_job(command.job);
  if (Status version = check_version(*entry->record, command.if_version); !version.ok()) {
    return version.error();
  }
  if (entry->record->state != JobState::active) return Answer{Done{}};
  const std::string message = by("killed", command.user);
  change_wanted(turn, *entry, command, "job.kill", message, [&](Job& job) {
    job.state = JobState::killing;
    job.message = message;
  });
  turn.reason("job " + command.job.value + " " + message);
  std::vector<TaskKey> open;
  for (const auto& [place, task] : entry->tasks) {
    if (!is_terminal(task.record->state)) open.push_back({entry->record->number, place.first, place.second});
  }
  for (const TaskKey& key : open) request_kill(turn, *entry, key, "JOB_KILLED", message);
  turn.touch(*entry);
  return Answer{Done{}};
}

Result<Answer> set_counts(Turn& turn, const SetInstanceCounts& command) {
  Result<JobEntry*> found = find_service(turn, command.job, command.if_version, "the instances");
  if (!found.ok()) return found.error();
  JobEntry& entry = **found;
  const Job& before = *entry.record;
  Status checked = check_counts({command.desired, command.min, command.max});
  if (checked.ok()) checked = check_processes(before, command.desired);
  if (checked.ok()) checked = check_room(turn.data, command.desired - before.instances_desired);
  if (!checked.ok()) return checked.error();
  if (before.instances_desired == command.desired && before.instances_min == command.min &&
      before.instances_max == command.max) {
    return Answer{Done{}};
  }
  turn.reason("job " + command.job.value + ": " + std::to_string(command.desired) +
              " instances wanted, were " + std::to_string(before.instances_desired));
  const std::string message = by("instances set to " + std::to_string(command.desired), command.user);
  change_wanted(turn, entry, command, "job.scale", message, [&](Job& job) {
    job.instances_desired = command.desired;
    job.instances_min = command.min;
    job.instances_max = command.max;
    job.message = message;
  });
  turn.touch(entry);
  return Answer{Done{}};
}

// The tasks to kill, each once; or why the command is refused. Ids of what has ended or is not on record are
// passed over unless that is `strict`, as Titus has it: what was wanted of them has come true, and its
// clients repeat a refused command for half an hour.
Result<std::vector<FoundTask>> find_all(Turn& turn, const KillTasks& command) {
  std::vector<FoundTask> found;
  std::set<TaskKey> seen;
  for (const TaskId& id : command.tasks) {
    FoundTask one = find_task(turn.data, id);
    if (one.task == nullptr) {
      if (command.strict) return make_error(Code::not_found, "there is no task " + id.value);
      continue;
    }
    if (is_terminal(one.task->record->state)) {
      if (command.strict) return make_error(Code::conflict, "task " + id.value + " has already ended");
      continue;
    }
    if (seen.insert(one.key).second) found.push_back(one);
  }
  return found;
}

bool gives_up_slot(const FoundTask& found) {
  const Job& job = *found.job->record;
  const Task& task = *found.task->record;
  return job.state == JobState::active && !task.replaced && !is_leaving(task);
}

// What a command does to one job: some of its tasks are to end, and maybe the job is to want as many fewer.
struct Cull {
  std::vector<FoundTask> tasks;
  std::int64_t fewer = 0;
};

std::map<std::int64_t, Cull> by_job(const std::vector<FoundTask>& found, bool shrink) {
  std::map<std::int64_t, Cull> culls;
  for (const FoundTask& one : found) {
    Cull& cull = culls[one.key.job];
    cull.tasks.push_back(one);
    if (shrink && gives_up_slot(one) && cull.fewer < one.job->record->instances_desired) ++cull.fewer;
  }
  return culls;
}

void audit(Turn& turn, const KillTasks& command, const std::string& message, const std::vector<TaskId>& ids,
           const Job& before, const Job& after) {
  put_audit(turn, command.user, command.address,
            {"task.kill", message + ": " + listed(ids), before.id, ids.size() == 1 ? ids.front() : TaskId(),
             changed_fields(before, after)});
}

void cull_job(Turn& turn, const Cull& cull, const KillTasks& command, const std::string& message) {
  JobEntry& entry = *cull.tasks.front().job;
  const Job before = *entry.record;
  std::int64_t fewer = cull.fewer;
  if (fewer > 0) {
    turn.change_job(entry, [&](Job& job) {
      job.instances_desired -= fewer;
      job.instances_min = std::min(job.instances_min, job.instances_desired);
      ++job.version;
    });
    keep_version(turn, entry, before, command.user, "task.kill");
  }
  const Job after = *entry.record;
  std::vector<TaskId> ids;
  for (const FoundTask& one : cull.tasks) {
    const bool gives_up = fewer > 0 && gives_up_slot(one);
    if (gives_up) --fewer;
    if (gives_up || !one.task->record->kill_requested) ids.push_back(one.task->record->id);
    request_kill(turn, entry, one.key, gives_up ? kScaledDown : "KILL_REQUESTED", message);
  }
  if (!ids.empty()) audit(turn, command, message, ids, before, after);
  turn.touch(entry);
}

Result<Answer> kill_tasks(Turn& turn, const KillTasks& command) {
  Result<std::vector<FoundTask>> found = find_all(turn, command);
  if (!found.ok()) return found.error();
  const std::map<std::int64_t, Cull> culls = by_job(*found, command.shrink);
  for (const auto& [number, cull] : culls) {
    const Job& job = *turn.data.jobs.at(number).record;
    Status allowed = check_processes(job, job.instances_desired - cull.fewer);
    if (!allowed.ok()) return allowed.error();
  }
  const std::string message = by("killed", command.user);
  for (const auto& [number, cull] : culls) cull_job(turn, cull, command, message);
  return Answer{Done{}};
}

}  // namespace

void on_input(Turn& turn, const SubmitJob& command) { turn.reply(command.request, submit(turn, command)); }
void on_input(Turn& turn, const KillJob& command) { turn.reply(command.request, kill_job(turn, command)); }
void on_input(Turn& turn, const SetInstanceCounts& command) {
  turn.reply(command.request, set_counts(turn, command));
}
void on_input(Turn& turn, const KillTasks& command) {
  turn.reply(command.request, kill_tasks(turn, command));
}

}  // namespace mimas::engine
