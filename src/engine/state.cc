#include "engine/state.h"

#include <algorithm>

#include "engine/backoff.h"
#include "engine/executors.h"
#include "engine/history.h"
#include "engine/orphans.h"
#include "engine/preemption.h"
#include "engine/standing.h"

namespace mimas::engine {

State::Data::Data(Policy the_policy, Recovered recovered)
    : policy(std::move(the_policy)),
      framework(std::move(recovered.framework)),
      next_job_number(std::max<std::int64_t>(recovered.next_job_number, 1)) {
  for (AgentOrder& order : recovered.agent_orders) {  // before the agents appear
    AgentId agent = order.agent;
    agent_orders[std::move(agent)] = std::make_shared<const AgentOrder>(std::move(order));
  }
  for (CapacityGroup& group : recovered.groups) {
    std::string name = group.name;
    groups_described[std::move(name)] = std::make_shared<const CapacityGroup>(std::move(group));
  }
  for (const std::string& role : policy.roles) roles.try_emplace(role);
  if (policy.roles.empty()) roles.try_emplace("");
  scaling.resize(policy.scaling.size());
  for (Job& job : recovered.jobs) {
    // A record that we could not have written is left alone on disk and takes no part.
    if (!job.spec || job.number < 0 || job.id != make_job_id(job.number)) continue;
    auto [at, fresh] = jobs.try_emplace(job.number);
    if (!fresh) continue;
    next_job_number = std::max(next_job_number, job.number + 1);
    if (job.state != JobState::ended) jobs_unchecked.insert(job.number);
    at->second.role = role_of(policy, *job.spec);
    at->second.record = std::make_shared<const Job>(std::move(job));
    track_job(*this, at->second);
  }
  for (Task& task : recovered.tasks) {
    JobEntry* job = find_job(*this, task.job);
    if (job == nullptr || task.id != make_task_id(task.job, task.index, task.number)) continue;
    TaskKey key = key_of(task, *job->record);
    auto [at, fresh] = job->tasks.try_emplace({key.index, key.number});
    if (!fresh) continue;
    at->second.record = std::make_shared<const Task>(std::move(task));
    track_task(*this, *job, key, at->second);
  }
  for (Operation& operation : recovered.operations) {
    if (operation.number < 0 || operation.id != make_operation_id(operation.number)) continue;
    auto [at, fresh] = operations.try_emplace(operation.number);
    if (!fresh) continue;
    std::int64_t number = operation.number;
    at->second.record = std::make_shared<const Operation>(std::move(operation));
    track_operation(*this, number, at->second);
  }
  for (auto& [number, job] : jobs) {
    if (job.record->spec->type != JobType::batch || job.record->state == JobState::ended) continue;
    for (const auto& [index, slot] : job.slots) {
      if (slot.current >= 0 || slot.ended.empty()) continue;
      const Task& last = *job.tasks.at({index, slot.ended.last()}).record;
      if (end_of_slot(last) == SlotEnd::failed) ++job.slots_failed;
    }
  }
  recover_history(*this, recovered);
  recover_orphans(*this, std::move(recovered.orphans));
  restarted = !framework.empty();
}

TaskKey key_of(const Task& task, const Job& job) { return {job.number, task.index, task.number}; }

JobEntry* find_job(State::Data& data, const JobId& id) {
  std::int64_t number = parse_job_number(id.value);
  if (number < 0) return nullptr;
  auto at = data.jobs.find(number);
  return at == data.jobs.end() ? nullptr : &at->second;
}

FoundTask find_task(State::Data& data, const TaskId& id) {
  Result<TaskName> name = parse_task_id(id.value);
  if (!name.ok()) return {};
  JobEntry* job = find_job(data, name->job);
  if (job == nullptr) return {};
  auto at = job->tasks.find({name->index, name->number});
  if (at == job->tasks.end()) return {};
  return {job, &at->second, {job->record->number, name->index, name->number}};
}

TaskEntry& task_at(JobEntry& job, const TaskKey& key) {
  auto at = job.tasks.find({key.index, key.number});
  ASSERT(at != job.tasks.end());
  return at->second;
}

SlotEnd end_of_slot(const Task& last) {
  if (last.state == TaskState::finished) return SlotEnd::finished;
  const bool failed = last.state == TaskState::failed || last.state == TaskState::crashed;
  return failed && (!last.kill_requested || is_ended_as_failure(last)) ? SlotEnd::failed : SlotEnd::killed;
}

bool is_overdue(const Policy& policy, const JobSpec& spec, const Task& task) {
  if (!task.kill_requested || !is_live_on_agent(task.state) || task.state == TaskState::unreachable) {
    return false;
  }
  const std::int64_t bound = spec.kill_grace_ms + policy.kill_overdue_ms;
  std::int64_t passed = 0;  // at least so much between the first KILL and the last
  for (std::int64_t n = 0; n + 1 < task.kill_sends && passed < bound; ++n) {
    passed += std::max<std::int64_t>(backoff_ms(policy.kill_retry_first_ms, policy.kill_retry_max_ms, n), 1);
  }
  return passed >= bound;
}

Instant unreachable_deadline(const State::Data& data, const Job& job, const Task& task) {
  // After a (re)subscription the master gets the chance to say first that the agent is back; while agents
  // come back to a new master it says nothing at all, and nothing is concluded from that (rule 66).
  bool silent = data.unanswered.contains(key_of(task, job));
  Instant told = data.subscribed_at + data.policy.reconcile_first_ms;
  if (silent) told = std::max(told, data.asked_at + data.policy.reconcile_silence_ms);
  return std::max(task.unreachable_since + job.spec->unreachable_timeout_ms, told);
}

Instant runtime_deadline(const Policy& policy, const JobSpec& spec, const Task& task) {
  if (spec.runtime_limit_ms <= 0 || task.state != TaskState::running || task.running_at.ms == 0)
    return kNever;
  return task.running_at + spec.runtime_limit_ms + spec.kill_grace_ms + policy.runtime_overdue_ms;
}

namespace {

// What a group's live tasks hold; no entry where that is nothing.
void hold(State::Data& data, const JobEntry& job, const ResourceRequest& amounts) {
  add_amounts(data.group_use[std::string(group_of(*job.record->spec))], amounts);
}
void release(State::Data& data, const JobEntry& job, const ResourceRequest& amounts) {
  const auto use = data.group_use.find(std::string(group_of(*job.record->spec)));
  if (use == data.group_use.end()) return;
  subtract_amounts(use->second, amounts);
  if (use->second == ResourceRequest()) data.group_use.erase(use);
}

// How much one task weighs in its job's and the cluster's counts; `sign` is +1 or -1.
void count_task(State::Data& data, JobEntry& job, const Task& task, std::int64_t sign) {
  if (is_terminal(task.state)) return;
  job.open += sign;
  if (task.state == TaskState::queued) {
    job.queued += sign;
    data.tasks_queued += sign;
    role_entry(data, job.role).queued += sign;
  }
  if (is_live_on_agent(task.state)) data.tasks_live += sign;
  if (task.replaced) return;
  job.current += sign;
  if (is_leaving(task)) job.leaving += sign;
}

// Is it to end as soon as its successor runs? One that is unreachable may never come back to be ended.
bool is_moving(const Task& task) {
  return task.replaced && !task.kill_requested &&
         (task.state == TaskState::starting || task.state == TaskState::running);
}

// May it have to end for its health? One that nobody can reach is not judged by what it said last.
bool is_unhealthy(const Task& task) {
  return task.state == TaskState::running && task.healthy == false && !task.kill_requested && !task.replaced;
}

void index_health(State::Data& data, JobEntry& job, const TaskKey& key, const Task& task, bool in) {
  if (is_unhealthy(task)) {
    if (in) {
      job.unhealthy.insert({task.unhealthy_since, {key.index, key.number}});
    } else {
      job.unhealthy.erase({task.unhealthy_since, {key.index, key.number}});
    }
  }
  if (job.unhealthy.empty()) {
    data.sick_jobs.erase(key.job);
  } else if (in) {
    data.sick_jobs.insert(key.job);
    data.health_stale.insert(key.job);
  }
}

}  // namespace

void schedule(State::Data& data, const JobEntry& job, const TaskKey& key, TaskEntry& entry) {
  if (entry.due != kNever) data.due.erase({entry.due, key});
  const Task& task = *entry.record;
  Instant due = kNever;
  if (task.state == TaskState::queued) {
    if (!entry.ready) due = task.not_before;
  } else if (is_live_on_agent(task.state) && data.subscribed) {
    if (task.kill_requested) {
      due = task.kill_retry_at;
    } else {
      due = runtime_deadline(data.policy, *job.record->spec, task);
    }
    if (task.state == TaskState::unreachable && (!task.replaced || task.kill_requested)) {
      due = std::min(due, unreachable_deadline(data, *job.record, task));
    }
    if (task.state == TaskState::dispatched && !entry.launch_asked) {
      due = std::min(due, task.dispatched_at + data.policy.launch_grace_ms);
    }
  }
  entry.due = due;
  if (due != kNever) data.due.insert({due, key});
}

// Its shared executor runs, and the master knows it: the executor has said so of this task.
static bool shows_executor(const Task& task) {
  return (task.state == TaskState::starting || task.state == TaskState::running) &&
         is_in_shared_executor(task);
}

static bool is_launching(const Task& task) {
  return task.state == TaskState::dispatched || task.state == TaskState::starting;
}

// An agent that was sent as much as it may be is open again once one of those runs.
static void count_launching(State::Data& data, AgentEntry& agent, const Job& job, std::int64_t by) {
  const bool with_image = job.spec->runtime == Runtime::docker;
  if (by < 0 && launches_left(data, agent, true) == 0) note_standing(data, agent);
  agent.record.launching += by;
  if (with_image) agent.pulling += by;
}

static WorkKey work_key(const TaskKey& key, const Task& task) {
  return {key.job, shows_executor(task) ? task.executor : std::string()};
}

static void index_room(State::Data& data, const TaskKey& key, const Task& task, bool add) {
  if (!is_ended_for_room(task)) return;
  const std::int64_t job = makes_room_for(task);
  const std::pair<Instant, TaskKey> place{is_terminal(task.state) ? task.ended_at : kNever, key};
  if (add) {
    data.making_room[job].insert(place);
    data.claimants.insert(job);
    data.lines_stale.insert(job);
    return;
  }
  auto at = data.making_room.find(job);
  ASSERT(at != data.making_room.end());
  at->second.erase(place);
  if (at->second.empty()) data.making_room.erase(at);
}

void untrack_task(State::Data& data, JobEntry& job, const TaskKey& key, TaskEntry& entry) {
  const Task& task = *entry.record;
  count_task(data, job, task, -1);
  if (entry.due != kNever) data.due.erase({entry.due, key});
  entry.due = kNever;
  if (entry.ready) {
    entry.ready = false;
    auto waiting = data.ready.find(key.job);
    ASSERT(waiting != data.ready.end());
    waiting->second.erase({key.index, key.number});
    --role_entry(data, job.role).ready;
    data.constraints_stale = true;
    data.lines_stale.insert(key.job);
    if (waiting->second.empty()) data.ready.erase(waiting);
  }
  if (task.state == TaskState::queued) data.shortfalls_stale.insert(key.job);
  index_health(data, job, key, task, false);
  Slot& slot = job.slots[key.index];
  if (slot.current == key.number) slot.current = -1;
  slot.ended.erase(key.number);
  data.moving.erase(key);
  data.overdue.erase(key);
  index_room(data, key, task, false);
  if (is_live_on_agent(task.state)) {
    AgentEntry& agent = agent_at(data, task.agent);
    if (is_launching(task)) count_launching(data, agent, *job.record, -1);
    agent.tasks.erase(key);
    agent.record.used -= task.allocated;
    --agent.work[work_key(key, task)].now;
    const ResourceRequest held = held_by(task);
    subtract_amounts(job.held, held);
    release(data, job, held);
    data.agents_unpublished.insert(task.agent);
  }
}

void track_task(State::Data& data, JobEntry& job, const TaskKey& key, TaskEntry& entry) {
  const Task& task = *entry.record;
  count_task(data, job, task, +1);
  Slot& slot = job.slots[key.index];
  if (is_terminal(task.state)) {
    slot.ended.insert(key.number);
    if (static_cast<std::int64_t>(slot.ended.size()) > data.policy.ended_tasks_kept_per_slot) {
      data.crowded_slots.insert({key.job, key.index});
    }
    data.unanswered.erase(key);
  } else if (!task.replaced) {
    slot.current = key.number;
  }
  if (is_live_on_agent(task.state)) {
    AgentEntry& agent = agent_at(data, task.agent);
    if (agent.record.hostname.empty()) {  // known from its task only, until it makes an offer
      agent.record.hostname = task.hostname;
      agent.record.endpoint = task.agent_endpoint;
      agent.record.region = task.region;
      agent.record.zone = task.zone;
    }
    if (is_launching(task)) count_launching(data, agent, *job.record, +1);
    agent.tasks.insert(key);
    agent.record.used += task.allocated;
    ++agent.work[work_key(key, task)].now;
    const ResourceRequest held = held_by(task);
    add_amounts(job.held, held);
    hold(data, job, held);
    data.agents_unpublished.insert(task.agent);
  }
  if (is_moving(task)) data.moving.insert(key);
  if (is_overdue(data.policy, *job.record->spec, task)) data.overdue.insert(key);
  index_room(data, key, task, true);
  index_health(data, job, key, task, true);
  schedule(data, job, key, entry);
}

RoleEntry& role_entry(State::Data& data, std::string_view role) {
  std::string_view key = data.policy.roles.empty() ? std::string_view() : role;
  auto at = data.roles.find(key);
  return at != data.roles.end() ? at->second : data.roles[std::string(key)];
}

void schedule_operation(State::Data& data, std::int64_t number, OperationEntry& entry) {
  if (entry.due != kNever) data.operations_due.erase({entry.due, number});
  const Operation& operation = *entry.record;
  Instant due = kNever;
  if (operation.state == OperationState::waiting) {
    due = operation.created_at + data.policy.operation_wait_ms;
  } else if (operation.state == OperationState::sent && !operation.feedback) {
    due = std::max(operation.sent_at, data.subscribed_at) + data.policy.operation_confirm_ms;
  } else if (operation.state == OperationState::sent && data.subscribed) {
    due = std::max(operation.sent_at + data.policy.launch_grace_ms,
                   entry.asked_at + data.policy.reconcile_max_ms);
  }
  entry.due = due;
  if (due != kNever) data.operations_due.insert({due, number});
}

namespace {

// Does it need an offer, to be applied to or to be seen in?
bool wants_offer(const Operation& operation) {
  return operation.state == OperationState::waiting ||
         (operation.state == OperationState::sent && !operation.feedback);
}

}  // namespace

void untrack_operation(State::Data& data, OperationEntry& entry) {
  const Operation& operation = *entry.record;
  if (entry.due != kNever) data.operations_due.erase({entry.due, operation.number});
  entry.due = kNever;
  data.operations_open.erase(operation.number);
  data.operations_waiting.erase(operation.number);
  if (wants_offer(operation)) --role_entry(data, operation.role).operations;
}

void track_operation(State::Data& data, std::int64_t number, OperationEntry& entry) {
  const Operation& operation = *entry.record;
  if (is_terminal(operation.state)) return;
  data.operations_open.insert(number);
  if (operation.state == OperationState::waiting) data.operations_waiting.insert(number);
  if (wants_offer(operation)) ++role_entry(data, operation.role).operations;
  data.operations_stale = data.constraints_stale = true;
  schedule_operation(data, number, entry);
}

std::string role_of(const Policy& policy, const JobSpec& spec) {
  if (policy.roles.empty()) return {};
  auto label = spec.labels.find(std::string(kRoleLabel));
  return label == spec.labels.end() || label->second.empty() ? policy.roles.front() : label->second;
}

bool is_ours(const Policy& policy, std::string_view role) {
  return policy.roles.empty() ||
         std::find(policy.roles.begin(), policy.roles.end(), role) != policy.roles.end();
}

namespace {

void index_name(State::Data& data, const std::string& name, std::int64_t number, bool in) {
  if (in) {
    data.jobs_called[name].insert(number);
    return;
  }
  auto at = data.jobs_called.find(name);
  if (at == data.jobs_called.end()) return;
  at->second.erase(number);
  if (at->second.empty()) data.jobs_called.erase(at);
}

// Who is meant by with(…) and apart(…); an id needs no index.
void index_names(State::Data& data, const Job& job, bool in) {
  const JobSpec& spec = *job.spec;
  if (!spec.name.empty()) index_name(data, "job:" + spec.name, job.number, in);
  if (!spec.app_name.empty()) index_name(data, "app:" + spec.app_name, job.number, in);
  const bool apart =
      std::any_of(spec.hard_constraints.begin(), spec.hard_constraints.end(),
                  [](const Constraint& c) { return c.kind == Constraint::Kind::apart_from_job; });
  if (apart && in) data.jobs_apart.insert(job.number);
  if (apart && !in) data.jobs_apart.erase(job.number);
}

}  // namespace

void untrack_job(State::Data& data, const JobEntry& entry) {
  const Job& job = *entry.record;
  release(data, entry, entry.held);  // a change may take the job to another group
  if (job.state == JobState::ended) {
    data.ended_jobs.erase({job.ended_at, job.number});
    return;
  }
  data.instances_wanted -= job.instances_desired;
  index_names(data, job, false);
  std::string group = group_key(*job.spec);
  auto at = data.groups.find(group);
  if (at != data.groups.end() && at->second == job.number) data.groups.erase(at);
}

void track_job(State::Data& data, const JobEntry& entry) {
  const Job& job = *entry.record;
  if (data.in_line.contains(job.number)) data.lines_stale.insert(job.number);
  if (entry.held != ResourceRequest()) hold(data, entry, entry.held);
  if (job.state == JobState::ended) {
    data.ended_jobs.insert({job.ended_at, job.number});
    return;
  }
  data.instances_wanted += job.instances_desired;
  index_names(data, job, true);
  std::string group = group_key(*job.spec);
  if (!group.empty()) data.groups.try_emplace(group, job.number);
}

std::string group_key(const JobSpec& spec) {
  if (spec.type != JobType::service || spec.job_group_sequence.empty()) return {};
  // The parts may contain '-' themselves: joined by a character that no validated name holds.
  return spec.app_name + '\n' + spec.job_group_stack + '\n' + spec.job_group_detail + '\n' +
         spec.job_group_sequence;
}

void set_order(State::Data& data, AgentEntry& agent, AgentOrderPtr order) {
  const AgentId& id = agent.record.id;
  if (agent.record.order != nullptr) data.standing_due.erase({agent.record.order->deadline, id});
  agent.record.order = std::move(order);
  if (agent.record.order != nullptr && agent.record.order->deadline != kNever) {
    data.standing_due.insert({agent.record.order->deadline, id});
  }
  note_standing(data, agent);
}

void note_standing(State::Data& data, const AgentEntry& agent) {
  data.agents_unpublished.insert(agent.record.id);
  data.placement_stale = data.place_all = true;
  data.maintenance_looked_at = Instant{};
}

AgentEntry& agent_at(State::Data& data, const AgentId& id) {
  auto [at, fresh] = data.agents.try_emplace(id);
  if (fresh) {
    at->second.record.id = id;
    const auto order = data.agent_orders.find(id);
    if (order != data.agent_orders.end()) set_order(data, at->second, order->second);
  }
  return at->second;
}

std::string address_of(const Agent& agent) {
  return agent.endpoint.empty() ? std::string() : agent.hostname + '\n' + agent.endpoint;
}

Resources offered_by(const AgentEntry& agent) {
  Resources sum;
  for (const auto& [id, held] : agent.offers) sum += held.offer.resources;
  return sum;
}

}  // namespace mimas::engine
