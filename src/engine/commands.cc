// What people ask for.
#include <algorithm>

#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

constexpr std::int64_t kResubmitWindowMs = 600'000;  // a lost reply must not fail a deployment (titus-api §1)

Error no_such_job(const JobId& id) { return make_error(Code::not_found, "there is no job " + id.value); }

Status check_counts(std::int64_t desired, std::int64_t min, std::int64_t max) {
  if (min < 0) return make_error(Code::invalid_argument, "instancesMin must not be negative");
  if (desired < min)
    return make_error(Code::invalid_argument, "instancesDesired must not be less than instancesMin");
  if (max < desired)
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

bool is_same_submission(const SubmitJob& command, const Job& job) {
  return job.state == JobState::active && *job.spec == *command.spec &&
         job.instances_desired == command.instances_desired && job.instances_min == command.instances_min &&
         job.instances_max == command.instances_max && job.in_service == command.in_service;
}

Result<Answer> submit(Turn& turn, const SubmitJob& command) {
  State::Data& data = turn.data;
  if (!command.spec) return make_error(Code::invalid_argument, "a job needs a description");
  Status counts = check_counts(command.instances_desired, command.instances_min, command.instances_max);
  if (!counts.ok()) return counts.error();
  auto group = data.groups.find(group_key(*command.spec));
  if (group != data.groups.end()) {
    const Job& other = *data.jobs.at(group->second).record;
    if (is_same_submission(command, other) && turn.now - other.submitted_at <= kResubmitWindowMs) {
      turn.reason("job " + other.id.value + " submitted again, unchanged");
      return Answer{JobAccepted{other.id}};
    }
    return make_error(Code::invalid_argument, "Constraint violation - job with group sequence " +
                                                  command.spec->job_group_sequence + " exists (" +
                                                  other.id.value + ")");
  }
  if (static_cast<std::int64_t>(data.jobs.size() - data.ended_jobs.size()) >= data.policy.jobs_live_max) {
    return make_error(Code::resource_exhausted,
                      "there are already " + std::to_string(data.policy.jobs_live_max) + " live jobs");
  }
  Status room = check_room(data, command.instances_desired);
  if (!room.ok()) return room.error();

  Job job;
  job.number = data.next_job_number++;
  job.id = make_job_id(job.number);
  job.spec = command.spec;
  job.instances_desired = command.instances_desired;
  job.instances_min = command.instances_min;
  job.instances_max = command.instances_max;
  job.in_service = command.in_service;
  job.submitted_at = turn.now;
  JobId id = job.id;
  turn.change(PutNextJobNumber{data.next_job_number});
  turn.reason("job " + id.value + " submitted: " + std::string(job_type_name(job.spec->type)) + " " +
              job.spec->name + " × " + std::to_string(job.instances_desired));
  turn.add_job(std::move(job));
  turn.touch(data.jobs.at(data.next_job_number - 1));
  return Answer{JobAccepted{id}};
}

Result<Answer> kill_job(Turn& turn, const KillJob& command) {
  JobEntry* entry = find_job(turn.data, command.job);
  if (entry == nullptr) return no_such_job(command.job);
  if (entry->record->state != JobState::active) return Answer{Done{}};
  std::string message = command.user.empty() ? "killed" : "killed by " + command.user;
  turn.change_job(*entry, [&](Job& job) {
    job.state = JobState::killing;
    job.message = message;
    ++job.version;
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
  JobEntry* entry = find_job(turn.data, command.job);
  if (entry == nullptr) return no_such_job(command.job);
  const Job& before = *entry->record;
  if (before.spec->type != JobType::service) {
    return make_error(Code::invalid_argument, "the instances of a batch job are fixed when it is submitted");
  }
  if (before.state != JobState::active) {
    return make_error(Code::conflict, "job " + command.job.value + " is not active any more");
  }
  Status counts = check_counts(command.desired, command.min, command.max);
  if (!counts.ok()) return counts.error();
  Status room = check_room(turn.data, command.desired - before.instances_desired);
  if (!room.ok()) return room.error();
  if (before.instances_desired == command.desired && before.instances_min == command.min &&
      before.instances_max == command.max) {
    return Answer{Done{}};
  }
  turn.reason("job " + command.job.value + ": " + std::to_string(command.desired) +
              " instances wanted, were " + std::to_string(before.instances_desired));
  turn.change_job(*entry, [&](Job& job) {
    job.instances_desired = command.desired;
    job.instances_min = command.min;
    job.instances_max = command.max;
    ++job.version;
    job.message = "instances set to " + std::to_string(command.desired) +
                  (command.user.empty() ? std::string() : " by " + command.user);
  });
  turn.touch(*entry);
  return Answer{Done{}};
}

// The tasks to kill, each once; or why the command is refused.
Result<std::vector<FoundTask>> find_all(Turn& turn, const KillTasks& command) {
  std::vector<FoundTask> found;
  std::set<TaskKey> seen;
  Error missing;
  bool any_known = false;
  for (const TaskId& id : command.tasks) {
    FoundTask one = find_task(turn.data, id);
    if (one.task == nullptr) {
      missing = make_error(Code::not_found, "there is no task " + id.value);
      if (command.strict) return missing;
      continue;
    }
    any_known = true;
    if (is_terminal(one.task->record->state)) {
      if (command.strict) return make_error(Code::conflict, "task " + id.value + " has already ended");
      continue;
    }
    if (seen.insert(one.key).second) found.push_back(one);
  }
  if (!any_known && !command.tasks.empty()) return missing;
  return found;
}

void kill_one(Turn& turn, const FoundTask& found, const KillTasks& command, const std::string& message) {
  JobEntry& job = *found.job;
  const Task& task = *task_at(job, found.key).record;
  bool gives_up_slot = command.shrink && job.record->state == JobState::active && !task.replaced &&
                       !is_leaving(task) && job.record->instances_desired > 0;
  if (gives_up_slot) {
    turn.change_job(job, [](Job& changed) {
      --changed.instances_desired;
      changed.instances_min = std::min(changed.instances_min, changed.instances_desired);
      ++changed.version;
    });
  }
  request_kill(turn, job, found.key, gives_up_slot ? kScaledDown : "KILL_REQUESTED", message);
  turn.touch(job);
}

Result<Answer> kill_tasks(Turn& turn, const KillTasks& command) {
  Result<std::vector<FoundTask>> found = find_all(turn, command);
  if (!found.ok()) return found.error();
  std::string message = command.user.empty() ? "killed" : "killed by " + command.user;
  for (const FoundTask& one : *found) kill_one(turn, one, command, message);
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
