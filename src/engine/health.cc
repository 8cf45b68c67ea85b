// What health checks say of tasks, and what follows: a task whose liveness is bad ends as a failure of its
// own (UNHEALTHY, with the check's words) and its slot is started again as after any failure, back-off
// included.
//
// A batch task ends at once. Of a service, instances fall ill together more often than alone: the check is
// wrong, or what they all depend on is away, and then ending them all turns a bad answer into no answer. So
// at most a fifth of the wanted instances, and at least one, is on its way at a time, the longest ill first;
// an instance is on its way from the kill until its successor's checks have spoken (or five minutes have
// passed, for a successor that finds no place must not keep the others ill). While more than half are ill it
// is one at a time: then it is not likely the instances' fault. What recovers before its turn stays. No floor
// of running instances is kept beyond that: an ill instance is no capacity to protect, and where half the
// instances wait for a place, a floor would keep the ill ones for ever. Nobody is judged by old words: only
// RUNNING tasks, only while subscribed, and after a reconnection only once the master has answered for the
// task (marathon#3942). Tested in tests/engine/health_test.cc.
#include <algorithm>

#include "base/text.h"
#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kHealthBytesMax = 1'024;  // of what a task keeps of a check's words
constexpr std::string_view kNeverHealthy = "no instance has ever passed its health checks; are they right? ";
constexpr std::string_view kHealthReason = "TASK_HEALTH_CHECK_STATUS_UPDATED";

void set_health(Task& task, const StatusUpdate& update, Instant now) {
  if (update.ready) task.ready = update.ready;
  if (update.reason == kHealthReason) task.health_message = cut_text(update.message, kHealthBytesMax);
  if (!update.healthy) return;
  task.healthy = update.healthy;
  if (*update.healthy) {
    task.unhealthy_since = Instant{};
    if (task.healthy_at.ms == 0) task.healthy_at = now;
  } else if (task.unhealthy_since.ms == 0) {
    task.unhealthy_since = now;
  }
}

bool says_something_new(const Task& task, const StatusUpdate& update) {
  return (update.healthy && update.healthy != task.healthy) || (update.ready && update.ready != task.ready) ||
         (update.reason == kHealthReason && cut_text(update.message, kHealthBytesMax) != task.health_message);
}

// On its way from bad health to a successor that is known to be well, or not.
bool is_recovering(const Turn& turn, const JobEntry& job, std::int64_t index, const Slot& slot) {
  if (slot.current < 0) return false;
  const Task& task = *job.tasks.at({index, slot.current}).record;
  if (is_ended_for_health(task)) return true;
  if (slot.ended.empty() || !is_ended_for_health(*job.tasks.at({index, slot.ended.last()}).record)) {
    return false;
  }
  const bool spoken = task.state == TaskState::running && task.healthy.has_value();
  const Instant from = std::max(task.queued_at, task.not_before);
  return !spoken && turn.now < from + turn.data.policy.health_recovery_ms;
}

std::int64_t recovering(const Turn& turn, const JobEntry& job) {
  return std::count_if(job.slots.begin(), job.slots.end(),
                       [&](const auto& slot) { return is_recovering(turn, job, slot.first, slot.second); });
}

// Those on their way count among the ill: else the first kill of many would make room for more.
std::int64_t most_at_a_time(const Policy& policy, const JobEntry& job, std::int64_t under_way) {
  const std::int64_t ill = static_cast<std::int64_t>(job.unhealthy.size()) + under_way;
  if (job.record->spec->type == JobType::batch) return INT64_MAX;
  const std::int64_t wanted = job.record->instances_desired;
  if (ill * 2 > wanted) return 1;
  return std::max<std::int64_t>(1, wanted * policy.health_share_percent / 100);
}

void say_if_never_healthy(Turn& turn, JobEntry& job, const std::string& why) {
  const bool any = std::any_of(job.tasks.begin(), job.tasks.end(),
                               [](const auto& one) { return one.second.record->healthy_at.ms != 0; });
  const std::string message = std::string(kNeverHealthy) + "(" + why + ")";
  if (any || job.record->message == message) return;
  turn.change_job(job, [&](Job& changed) { changed.message = message; });
  turn.reason("job " + job.record->id.value + ": " + message);
}

void look_at_job(Turn& turn, JobEntry& job) {
  if (job.record->state != JobState::active) return;
  std::int64_t under_way = recovering(turn, job);
  const std::int64_t most = most_at_a_time(turn.data.policy, job, under_way);
  const auto ill = job.unhealthy;
  for (const auto& [since, place] : ill) {
    if (under_way >= most) return;
    const TaskKey key{job.record->number, place.first, place.second};
    if (turn.data.unanswered.contains(key)) continue;
    const std::string why = task_at(job, key).record->health_message;
    request_kill(turn, job, key, kUnhealthy, why.empty() ? "its health checks fail" : why);
    say_if_never_healthy(turn, job, why);
    ++under_way;
  }
}

}  // namespace

void note_health(Turn& turn, JobEntry& job, const TaskKey& key, const StatusUpdate& update) {
  const TaskPtr task = task_at(job, key).record;
  // What is said of one that is on its way out does not matter, and why it goes must stay to be read.
  if (update.state != MesosState::running || task->state != TaskState::running || task->kill_requested)
    return;
  if (!says_something_new(*task, update)) return;
  turn.change_task(job, key, [&](Task& changed) { set_health(changed, update, turn.now); });
  if (update.healthy && update.healthy != task->healthy) {
    turn.reason("task " + task->id.value + (*update.healthy ? " is healthy" : " is unhealthy: ") +
                (*update.healthy ? std::string() : update.message));
  }
  if (update.healthy == true && job.record->message.starts_with(kNeverHealthy)) {
    turn.change_job(job, [](Job& changed) { changed.message.clear(); });
  }
}

void look_at_health(Turn& turn) {
  State::Data& data = turn.data;
  if (!data.subscribed) return;
  const bool all = turn.now >= health_at(turn);
  if (all) data.health_looked_at = turn.now;
  const std::set<std::int64_t> numbers = all ? data.sick_jobs : data.health_stale;
  data.health_stale.clear();
  for (std::int64_t number : numbers) {
    auto job = data.jobs.find(number);
    if (job != data.jobs.end()) look_at_job(turn, job->second);
  }
  reconcile_touched(turn);
}

Instant health_at(const Turn& turn) {
  const State::Data& data = turn.data;
  if (!data.subscribed || data.sick_jobs.empty()) return kNever;
  return data.health_looked_at + data.policy.health_look_ms;
}

}  // namespace mimas::engine
