// What people decide about orphans (orphans.h). Adopting takes a task into the records as its slot's task,
// when that slot wants one; what cannot be adopted is left alone from then on, durably.
#include <algorithm>

#include "engine/checks.h"
#include "engine/history.h"
#include "engine/index.h"
#include "engine/orphans.h"
#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

// The orphans a command means. A name that is not on the list refuses the command.
Result<std::vector<TaskId>> chosen(const State::Data& data, const std::vector<TaskId>& named, bool all,
                                   bool left_ones_too) {
  std::vector<TaskId> ids;
  if (all) {
    for (const auto& [id, stray] : data.strays) {
      if (stray.orphan == nullptr) continue;
      if (left_ones_too || stray.orphan->decision != OrphanDecision::leave) ids.push_back(id);
    }
    return ids;
  }
  for (const TaskId& id : named) {
    auto at = data.strays.find(id);
    if (at == data.strays.end() || at->second.orphan == nullptr) {
      return make_error(Code::not_found, "there is no orphan " + id.value, id.value,
                        "GET /v2/orphans lists them");
    }
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

// Why a slot of a live job has no room for a task that is found running; empty: it has.
std::string no_room(JobEntry& job, const TaskName& name) {
  const Job& record = *job.record;
  bool service = record.spec->type == JobType::service;
  auto slot = job.slots.find(name.index);
  if (slot != job.slots.end() && slot->second.current >= 0) {
    const Task& task = *task_at(job, {record.number, name.index, slot->second.current}).record;
    if (task.state == TaskState::queued) return {};
    return "its slot has the task " + task.id.value + " (" + std::string(task_state_name(task.state)) + ")";
  }
  if (service && job.current - job.leaving >= record.instances_desired) {
    return "job " + record.id.value + " has the " + std::to_string(record.instances_desired) +
           " instances it wants";
  }
  if (service) return {};
  if (name.index >= record.instances_desired) return "job " + record.id.value + " has no such slot";
  return slot == job.slots.end() ? std::string() : "its slot is done";
}

std::string why_not(State::Data& data, const Orphan& orphan) {
  Result<TaskName> name = parse_task_id(orphan.task.value);
  if (!name.ok()) return "its id is not one that mimas gives";
  if (orphan.agent.empty()) return "the master did not say which agent it is on";
  JobEntry* job = find_job(data, name->job);
  if (job == nullptr) return "there is no job " + name->job.value;
  if (job->record->state != JobState::active) return "job " + name->job.value + " is not active any more";
  return no_room(*job, *name);
}

TaskState state_of(const Orphan& orphan) {
  if (orphan.state == mesos_state_name(MesosState::staging)) return TaskState::dispatched;
  if (orphan.state == mesos_state_name(MesosState::starting)) return TaskState::starting;
  if (orphan.state == mesos_state_name(MesosState::unreachable)) return TaskState::unreachable;
  return TaskState::running;
}

Task adopted_task(const Turn& turn, const JobEntry& job, const TaskName& name, const Orphan& orphan,
                  const std::string& message) {
  Task task;
  task.id = orphan.task;
  task.job = name.job;
  task.index = name.index;
  task.number = name.number;
  task.state = state_of(orphan);
  task.agent = orphan.agent;
  task.hostname = orphan.hostname;
  auto agent = turn.data.agents.find(orphan.agent);
  if (agent != turn.data.agents.end()) {
    const Agent& record = agent->second.record;
    task.hostname = record.hostname;
    task.agent_endpoint = record.endpoint;
    task.region = domain_of(record, "region");
    task.zone = domain_of(record, "zone");
  }
  task.allocated = share_of(*job.record->spec);
  task.queued_at = task.dispatched_at = orphan.first_seen;
  if (task.state != TaskState::dispatched) task.starting_at = orphan.first_seen;
  if (task.state == TaskState::running) task.running_at = orphan.first_seen;
  if (task.state == TaskState::unreachable) task.unreachable_since = turn.now;
  task.reason = "ADOPTED";
  task.message = message;
  return task;
}

void adopt(Turn& turn, const TaskId& id, const std::string& message) {
  State::Data& data = turn.data;
  const OrphanPtr orphan = data.strays.at(id).orphan;
  const TaskName name = *parse_task_id(id.value);
  JobEntry& job = *find_job(data, name.job);
  auto slot = job.slots.find(name.index);
  if (slot != job.slots.end() && slot->second.current >= 0) {
    end_task(
        turn, job, {job.record->number, name.index, slot->second.current},
        {TaskState::stopped, Ending::removed, "ADOPTED", id.value + " was found running in its slot", {}});
  }
  if (job.record->next_task_number <= name.number) {
    turn.change_job(job, [&](Job& changed) { changed.next_task_number = name.number + 1; });
  }
  forget_stray(turn, id);
  turn.add_task(job, adopted_task(turn, job, name, *orphan, message));
  turn.touch(job);
  turn.ask({job.record->number, name.index, name.number});
  turn.reason("task " + id.value + " adopted on " + orphan->agent.value);
}

void audit(Turn& turn, const auto& command, std::string_view action, const char* what,
           const std::vector<TaskId>& ids, std::size_t left) {
  if (ids.empty() && left == 0) return;
  Deed deed{action, std::to_string(ids.size()) + " " + what, {}, {}, {}};
  if (!ids.empty()) deed.detail += ": " + listed(ids);
  if (left > 0) deed.detail += "; " + std::to_string(left) + " left alone";
  if (ids.size() == 1) {
    deed.task = ids.front();
    if (const Result<TaskName> name = parse_task_id(deed.task.value); name.ok()) deed.job = name->job;
  }
  put_audit(turn, command.user, command.address, std::move(deed));
}

Result<Answer> adopt_orphans(Turn& turn, const AdoptOrphans& command) {
  Result<std::vector<TaskId>> ids = chosen(turn.data, command.tasks, command.all, true);
  if (!ids.ok()) return ids.error();
  OrphansDecided answer;
  // Of two that ran in one slot the later start is the one that was wanted last.
  auto number_of = [](const TaskId& id) {
    Result<TaskName> name = parse_task_id(id.value);
    return name.ok() ? name->number : 0;
  };
  std::ranges::stable_sort(*ids, std::greater{}, number_of);
  for (const TaskId& id : *ids) {
    std::string why = why_not(turn.data, *turn.data.strays.at(id).orphan);
    if (why.empty()) {
      adopt(turn, id, by("adopted", command.user));
      answer.done.push_back(id);
    } else {
      decide_orphan(turn, id, OrphanDecision::leave, why);
      answer.left.push_back({id, why});
    }
  }
  audit(turn, command, "orphan.adopt", "adopted", answer.done, answer.left.size());
  return Answer{std::move(answer)};
}

Result<Answer> kill_orphans(Turn& turn, const KillOrphans& command) {
  Result<std::vector<TaskId>> ids = chosen(turn.data, command.tasks, command.all, false);
  if (!ids.ok()) return ids.error();
  OrphansDecided answer;
  for (const TaskId& id : *ids) {
    decide_orphan(turn, id, OrphanDecision::kill, by("killed", command.user));
    answer.done.push_back(id);
  }
  audit(turn, command, "orphan.kill", "killed", answer.done, 0);
  return Answer{std::move(answer)};
}

}  // namespace

void on_input(Turn& turn, const AdoptOrphans& command) {
  turn.reply(command.request, adopt_orphans(turn, command));
}
void on_input(Turn& turn, const KillOrphans& command) {
  turn.reply(command.request, kill_orphans(turn, command));
}

}  // namespace mimas::engine
