#include "engine/reconcile.h"

#include <algorithm>

#include "base/text.h"
#include "engine/backoff.h"
#include "engine/parts.h"
#include "model/readiness.h"

namespace mimas::engine {
namespace {

constexpr std::size_t kLastWordsMax = 512;  // bytes of an ending's message that the next start repeats

// What follows a lost task: nothing, or a start of its slot.
struct Next {
  bool start = false;
  std::int64_t delay_ms = 0;
  std::int64_t attempt = 0;
  std::int64_t launch_failures = 0;
};

// It ran for so long that its failure is not one of a row. One that ended for its health counts from its
// first good answer to the last bad one: a check that never passes must not look like a long life.
bool was_stable(const Policy& policy, const Task& last) {
  const bool ill = is_ended_for_health(last);
  const Instant from = ill ? last.healthy_at : last.running_at;
  const Instant to = ill ? last.unhealthy_since : last.ended_at;
  return from.ms != 0 && to - from >= policy.service_stable_ms;
}

Next after_failure(const Policy& policy, const Job& job, const Task& last) {
  const JobSpec& spec = *job.spec;
  std::int64_t attempt = last.attempt;
  if (spec.type == JobType::batch) {
    if (spec.retries != kRetriesUnlimited && attempt >= spec.retries) return {};
  } else if (was_stable(policy, last)) {
    attempt = 0;  // the back-off starts anew
  }
  return {true, backoff_ms(spec.retry_policy.initial_delay_ms, spec.retry_policy.max_delay_ms, attempt),
          attempt + 1, 0};
}

Next after_launch_failure(const Policy& policy, const Job& job, const Turn::Vacancy& vacancy) {
  const Task& last = vacancy.last;
  // The count is of failures in a row, this one not among them.
  const bool gives_up = vacancy.ending == Ending::never_ran_artifact
                            ? last.launch_failures + 1 >= policy.missing_artifact_starts
                            : last.launch_failures >= policy.launch_failures_max;
  if (gives_up) return after_failure(policy, job, last);
  std::int64_t delay =
      vacancy.ending == Ending::never_ran_go_again
          ? 0
          : backoff_ms(policy.launch_retry_first_ms, policy.launch_retry_max_ms, last.launch_failures);
  return {true, delay, last.attempt, last.launch_failures + 1};
}

Next after(const Policy& policy, const JobEntry& entry, const Turn::Vacancy& vacancy) {
  const Job& job = *entry.record;
  const Task& last = vacancy.last;
  bool service = job.spec->type == JobType::service;
  switch (vacancy.ending) {
    case Ending::removed: return {};
    case Ending::by_request: return service ? Next{true} : Next{};
    case Ending::blameless: return {true, 0, last.attempt, 0};
    case Ending::never_ran:
    case Ending::never_ran_artifact:
    case Ending::never_ran_go_again: return after_launch_failure(policy, job, vacancy);
    case Ending::failure: return after_failure(policy, job, last);
    case Ending::hopeless: return service ? after_failure(policy, job, last) : Next{};
    case Ending::success:
      if (service) return after_failure(policy, job, last);
      if (!job.spec->restart_on_success || entry.slots_failed > 0) return {};
      return {true, job.spec->retry_policy.initial_delay_ms, last.attempt, 0};
  }
  return {};
}

// "1st", "2nd", "3rd", "11th"
std::string ordinal(std::int64_t n) {
  const std::int64_t tens = n % 100 / 10;
  const std::int64_t ones = tens == 1 ? 0 : n % 10;
  return std::to_string(n) + (ones == 1 ? "st" : ones == 2 ? "nd" : ones == 3 ? "rd" : "th");
}

// Why there is another start: how the last one ended, and how often in a row.
std::string why_again(const Task& last, const Next& next) {
  std::string text = cut_text(last.message, kLastWordsMax);
  if (text.empty()) text = last.reason.empty() ? std::string(task_state_name(last.state)) : last.reason;
  const std::int64_t times = next.launch_failures > 0 ? next.launch_failures : next.attempt;
  return times > 0 ? text + ", " + ordinal(times) + " time" : text;
}

// `last`: the task before it in its slot; null: there is none that matters.
void start_slot(Turn& turn, JobEntry& entry, std::int64_t index, const Next& next, const Task* last) {
  const Job& job = *entry.record;
  Task task;
  task.number = job.next_task_number;
  task.id = make_task_id(job.id, index, task.number);
  task.job = job.id;
  task.index = index;
  task.attempt = next.attempt;
  task.launch_failures = next.launch_failures;
  task.queued_at = turn.now;
  if (last != nullptr && is_terminal(last->state)) task.message = why_again(*last, next);
  if (next.delay_ms > 0) {
    task.not_before = turn.now + next.delay_ms;
    task.reason = kBackoff;
    if (!task.message.empty()) task.message += "; ";
    task.message += "next start " + format_rfc3339(task.not_before);
    if (!turn.data.ready.contains(job.number)) publish_shortfall(turn, entry, task.message);
  }
  turn.change_job(entry, [](Job& changed) { ++changed.next_task_number; });
  turn.add_task(entry, std::move(task));
}

void fill(Turn& turn, JobEntry& entry, const Turn::Vacancy& vacancy) {
  const Job& job = *entry.record;
  if (job.state != JobState::active) return;
  bool service = job.spec->type == JobType::service;
  if (service && entry.current - entry.leaving >= job.instances_desired) return;
  if (entry.slots[vacancy.last.index].current >= 0) return;
  Next next = after(turn.data.policy, entry, vacancy);
  if (next.start) {
    start_slot(turn, entry, vacancy.last.index, next, &vacancy.last);
  } else if (!service && end_of_slot(vacancy.last) == SlotEnd::failed) {
    ++entry.slots_failed;
    turn.reason("job " + job.id.value + ": slot " + std::to_string(vacancy.last.index) + " failed for good");
  }
}

// A service takes the lowest free slots, a batch job those it has never started.
void grow(Turn& turn, JobEntry& entry) {
  bool service = entry.record->spec->type == JobType::service;
  auto have = [&] {
    return service ? entry.current - entry.leaving : static_cast<std::int64_t>(entry.slots.size());
  };
  for (std::int64_t index = 0; have() < entry.record->instances_desired; ++index) {
    auto slot = entry.slots.find(index);
    bool taken = slot != entry.slots.end() && (!service || slot->second.current >= 0);
    if (!taken) start_slot(turn, entry, index, {}, nullptr);
  }
}

// How much would be lost with an instance, least first: the order in which slots are given up.
enum class Worth { ending, waiting, starting, unreachable, unhealthy, not_ready, on_leaving_agent, well };

Worth worth_of(const Turn& turn, const JobEntry& entry, const TaskKey& key, const Task& task) {
  if (task.kill_requested) return Worth::ending;
  if (task.state == TaskState::unreachable) return Worth::unreachable;
  if (task.state != TaskState::running) {
    const State::Data& data = turn.data;
    const auto before = data.moving.lower_bound({key.job, key.index, 0});
    const bool moves = before != data.moving.end() && before->job == key.job && before->index == key.index;
    if (moves) return Worth::on_leaving_agent;  // its predecessor still does the work
    return task.state == TaskState::queued ? Worth::waiting : Worth::starting;
  }
  if (task.healthy == false) return Worth::unhealthy;
  if (!is_ready(task, *entry.record->spec)) return Worth::not_ready;
  return is_to_be_empty(turn, task.agent) ? Worth::on_leaving_agent : Worth::well;
}

// Titus's rule (titus §2.2) in our states: what does no work goes first, and among equals the youngest.
void shrink(Turn& turn, JobEntry& entry) {
  std::int64_t surplus = entry.current - entry.leaving - entry.record->instances_desired;
  if (surplus <= 0) return;
  std::vector<std::pair<Worth, TaskKey>> slots;
  for (const auto& [index, slot] : entry.slots) {
    if (slot.current < 0) continue;
    const TaskKey key{entry.record->number, index, slot.current};
    const Task& task = *task_at(entry, key).record;
    if (!is_leaving(task)) slots.emplace_back(worth_of(turn, entry, key, task), key);
  }
  std::ranges::sort(slots, [](const auto& left, const auto& right) {
    return std::pair(left.first, -left.second.number) < std::pair(right.first, -right.second.number);
  });
  for (const auto& [worth, key] : slots) {
    if (surplus-- <= 0) return;
    request_kill(turn, entry, key, kScaledDown, "the job wants fewer instances");
  }
}

// Nothing is wanted any more; tasks that were replaced may still be about. True when none is left.
bool clear_leftovers(Turn& turn, JobEntry& entry) {
  if (entry.open == 0) return true;
  std::vector<TaskKey> open;
  for (const auto& [place, task] : entry.tasks) {
    if (!is_terminal(task.record->state)) open.push_back({entry.record->number, place.first, place.second});
  }
  for (const TaskKey& key : open) {
    if (task_at(entry, key).record->state == TaskState::unreachable) {
      end_task(turn, entry, key,
               {TaskState::crashed, Ending::blameless, "UNREACHABLE", "its agent never came back", {}});
    } else {
      request_kill(turn, entry, key, "REPLACED", "its slot is done");
    }
  }
  return entry.open == 0;
}

// "1 of 3 instances was killed", "2 of 3 instances failed, 1 was killed"
std::string count_ends(std::int64_t all, std::int64_t failed, std::int64_t killed) {
  std::string text =
      std::to_string(failed > 0 ? failed : killed) + " of " + std::to_string(all) + " instances";
  const std::string were = killed == 1 ? " was killed" : " were killed";
  if (failed == 0) return text + were;
  return text + " failed" + (killed == 0 ? std::string() : ", " + std::to_string(killed) + were);
}

void end_job(Turn& turn, JobEntry& entry) {
  const std::int64_t killed = std::ranges::count_if(entry.slots, [&](const auto& one) {
    const auto& [index, slot] = one;
    return !slot.ended.empty() &&
           end_of_slot(*entry.tasks.at({index, slot.ended.last()}).record) == SlotEnd::killed;
  });
  const bool asked_for = entry.record->state == JobState::killing;
  JobOutcome outcome = JobOutcome::finished;
  if (asked_for || killed > 0) outcome = JobOutcome::killed;
  if (!asked_for && entry.slots_failed > 0) outcome = JobOutcome::failed;
  turn.change_job(entry, [&](Job& job) {
    job.state = JobState::ended;
    job.outcome = outcome;
    job.ended_at = turn.now;
    if (outcome == JobOutcome::finished) job.message = "all instances are done";
    if (outcome != JobOutcome::finished && !asked_for) {
      job.message = count_ends(static_cast<std::int64_t>(entry.slots.size()), entry.slots_failed, killed);
    }
  });
  publish_shortfall(turn, entry, {});
  turn.data.shortfalls_stale.erase(entry.record->number);
  static constexpr std::string_view kOutcomes[] = {"", "finished", "failed", "killed"};
  turn.reason("job " + entry.record->id.value +
              " ended: " + std::string(kOutcomes[static_cast<int>(outcome)]));
}

void reconcile(Turn& turn, JobEntry& entry, const std::vector<Turn::Vacancy>& vacancies) {
  for (const Turn::Vacancy& vacancy : vacancies) fill(turn, entry, vacancy);
  // Not kept by reference: each of these may put another record in its place.
  const JobState state = entry.record->state;
  const bool service = entry.record->spec->type == JobType::service;
  if (state == JobState::active) {
    grow(turn, entry);
    if (service) {
      shrink(turn, entry);
    } else if (entry.current == 0 && clear_leftovers(turn, entry)) {
      end_job(turn, entry);
    }
  } else if (state == JobState::killing && entry.open == 0) {
    end_job(turn, entry);
  }
}

}  // namespace

void reconcile_touched(Turn& turn) {
  while (turn.anything_touched()) {
    for (const auto& [number, vacancies] : turn.take_touched()) {
      auto job = turn.data.jobs.find(number);
      if (job != turn.data.jobs.end()) reconcile(turn, job->second, vacancies);
    }
  }
}

void end_task(Turn& turn, JobEntry& job, const TaskKey& key, TaskEnd end) {
  bool was_current = job.slots[key.index].current == key.number;
  turn.change_task(job, key, [&](Task& task) {
    task.state = end.state;
    task.ended_at = turn.now;
    if (!end.reason.empty()) task.reason = std::move(end.reason);
    if (!end.message.empty()) task.message = std::move(end.message);
    task.exit = end.exit;
  });
  turn.data.placement_stale = turn.data.place_all = true;  // UniqueHost may be free again
  if (was_current) {
    turn.vacate(*task_at(job, key).record, *job.record, end.ending);
  } else {
    turn.touch(job);
  }
}

void request_kill(Turn& turn, JobEntry& job, const TaskKey& key, std::string_view reason,
                  const std::string& message) {
  const TaskPtr before = task_at(job, key).record;
  if (is_terminal(before->state)) return;
  if (before->state == TaskState::queued) {
    Ending ending = reason == kScaledDown ? Ending::removed : Ending::by_request;
    end_task(turn, job, key, {TaskState::stopped, ending, std::string(reason), message, {}});
    return;
  }
  if (before->kill_requested) {
    if (reason != kScaledDown || is_leaving(*before)) return;
    turn.change_task(job, key, [&](Task& task) { task.reason = std::string(reason); });
    return;
  }
  turn.change_task(job, key, [&](Task& task) {
    task.kill_requested = true;
    task.reason = std::string(reason);
    task.message = message;
  });
  send_kill(turn, *before, *job.record);
  turn.reason("task " + before->id.value + ": kill (" + std::string(reason) + ")");
}

Ending ending_of_killed(const Task& task) {
  if (is_leaving(task)) return Ending::removed;
  if (is_ended_for_drain(task) || is_ended_for_room(task)) return Ending::blameless;
  return is_ended_as_failure(task) ? Ending::failure : Ending::by_request;
}

void take_back(Turn& turn, JobEntry& job, const TaskKey& key) {
  const std::int64_t successor = job.slots.at(key.index).current;
  if (successor >= 0) {
    const TaskKey next{key.job, key.index, successor};
    const Task& task = *task_at(job, next).record;
    if (is_leaving(task)) return;  // the slot is given up: nothing of it is to stay
    const std::string message = "its predecessor stays: nothing is moved from there any more";
    if (task.state == TaskState::queued) {
      end_task(turn, job, next, {TaskState::stopped, Ending::removed, kWithdrawn, message, {}});
    } else {
      turn.change_task(job, next, [](Task& changed) { changed.replaced = true; });
      request_kill(turn, job, next, kWithdrawn, message);
    }
  }
  turn.change_task(job, key, [](Task& changed) { changed.replaced = false; });
  turn.touch(job);
  turn.reason("task " + task_at(job, key).record->id.value + " stays on " +
              task_at(job, key).record->hostname);
}

void send_kill(Turn& turn, const Task& task, const Job& job) {
  JobEntry& entry = turn.data.jobs.at(job.number);
  const Policy& policy = turn.data.policy;
  const TaskKey key = key_of(task, job);
  std::int64_t pause = backoff_ms(policy.kill_retry_first_ms, policy.kill_retry_max_ms, task.kill_sends);
  turn.change_task(entry, key, [&](Task& changed) {
    ++changed.kill_sends;
    changed.kill_retry_at =
        turn.now + std::max<std::int64_t>(pause, 1);  // never due again within the same step
  });
  turn.effect(KillOnAgent{task.id, task.agent, job.spec->kill_grace_ms});
  if (turn.data.overdue.contains(key)) shut_down_executor(turn, *task_at(entry, key).record);
}

void tell_slots_are_held(Turn& turn, JobEntry& job) {
  publish_shortfall(turn, job, "an unknown task runs in the slot: see GET /v2/orphans");
}

void publish_shortfall(Turn& turn, JobEntry& job, std::string text, ExplanationPtr why) {
  const bool same_why = job.why == why || (job.why && why && *job.why == *why);
  if (job.shortfall == text && same_why) return;
  job.shortfall = text;
  job.why = why;
  turn.change(PutShortfall{job.record->id, std::move(text), std::move(why)});
}

}  // namespace mimas::engine
