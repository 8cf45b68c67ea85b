#include "api/render_why.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <vector>

#include "api/render_job.h"
#include "model/group.h"
#include "model/readiness.h"

namespace mimas::api {
namespace {

constexpr std::array<std::string_view, 5> kAmounts{"cpu", "memory", "disk", "gpus", "ports"};

bool is_amount(std::string_view reason) {
  return std::ranges::find(kAmounts, reason) != kAmounts.end() || reason.starts_with("scalar ");
}

// CPUs and scalars are kept in thousandths.
bool is_in_thousandths(std::string_view what) {
  return what == "cpu" || std::ranges::find(kAmounts, what) == kAmounts.end();
}

void write_amount(json::Writer& out, std::string_view name, std::string_view what, std::int64_t amount) {
  out.key(name);
  if (!is_in_thousandths(what) || amount % 1'000 == 0) {
    out.int64(is_in_thousandths(what) ? amount / 1'000 : amount);
  } else {
    out.number(static_cast<double>(amount) / 1'000);
  }
}

void write_lacks(json::Writer& out, std::string_view name, const std::vector<Lack>& lacks) {
  out.key(name).begin_array();
  for (const Lack& lack : lacks) {
    out.begin_object().member("what", lack.what);
    write_amount(out, "asked", lack.what, lack.asked);
    write_amount(out, "free", lack.what, lack.free);
    write_amount(out, "total", lack.what, lack.total);
    out.end_object();
  }
  out.end_array();
}

void write_miss(json::Writer& out, const std::optional<NearestMiss>& nearest) {
  out.key("nearest");
  if (!nearest) {
    out.null();
    return;
  }
  out.begin_object().member("agentId", nearest->agent.value).member("hostname", nearest->hostname);
  out.member("reason", nearest->reason);
  write_lacks(out, "lacks", nearest->lacks);
  out.end_object();
}

void write_explanation_or_null(json::Writer& out, const ExplanationPtr& why) {
  out.key("explanation");
  if (why == nullptr) {
    out.null();
  } else {
    write_explanation(out, *why);
  }
}

// What a person is told first. `kind` is the same for programs.
struct Plight {
  std::string_view kind;
  std::string text;
  Instant since;
};

std::string with_detail(std::string text, const std::string& detail) {
  return detail.empty() ? text : std::move(text) + ": " + detail;
}

std::string reason_of(const Task& task) {
  if (task.reason.empty()) return task.message;
  return task.message.empty() ? task.reason : task.message + " (" + task.reason + ")";
}

Plight waiting(const Task& task, const std::string& shortfall) {
  if (is_backing_off(task)) {
    return {"backoff", with_detail("waits to be started again", task.message), task.queued_at};
  }
  return {"place", with_detail("waits for a place", shortfall), task.queued_at};
}

Plight plight_of(const Task& task, const std::string& shortfall) {
  const std::string there = " on " + task.hostname;
  switch (task.state) {
    case TaskState::queued: return waiting(task, shortfall);
    case TaskState::dispatched:
      return {"starting", "was sent to " + task.hostname + ", which has not answered yet",
              task.dispatched_at};
    case TaskState::starting: return {"starting", "starts" + there, task.starting_at};
    case TaskState::running:
      if (task.kill_requested)
        return {"ending", with_detail("runs" + there + " and is being ended", reason_of(task)),
                task.running_at};
      return {"running", "runs" + there, task.running_at};
    case TaskState::unreachable:
      return {"unreachable", "ran" + there + ", which the master cannot reach", task.unreachable_since};
    case TaskState::finished: return {"ended", "has finished" + there, task.ended_at};
    case TaskState::failed: return {"ended", with_detail("failed" + there, reason_of(task)), task.ended_at};
    case TaskState::stopped: return {"ended", with_detail("was ended", reason_of(task)), task.ended_at};
    case TaskState::crashed:
      return {"ended", with_detail("was lost" + there, reason_of(task)), task.ended_at};
  }
  return {};
}

// How many waiting tasks of its capacity group go first, and how many there are: higher priority, then who
// waits longest, then the older job.
struct Turn {
  std::int64_t before = 0, all = 0;
};

Turn turn_of(const engine::View& view, const Task& task, const Job& job) {
  const auto key = [](const Job& of, const engine::WaitingTask& one) {
    return std::tuple(-of.spec->priority, one.since, of.number, one.index, one.number);
  };
  const auto mine = key(job, {task.queued_at, task.index, task.number});
  Turn turn;
  for (const auto& [other, tasks] : view.waiting()) {
    if (group_of(*other->spec) != group_of(*job.spec)) continue;
    turn.all += static_cast<std::int64_t>(tasks.size());
    turn.before += std::ranges::count_if(
        tasks, [&, &other = *other](const engine::WaitingTask& one) { return key(other, one) < mine; });
  }
  return turn;
}

void write_turn(json::Writer& out, const engine::View& view, const Task& task, const Job& job) {
  out.key("queue");
  if (task.state != TaskState::queued || is_backing_off(task)) {
    out.null();
    return;
  }
  const Turn turn = turn_of(view, task, job);
  out.begin_object();
  out.member("capacityGroup", group_of(*job.spec));
  out.member("before", turn.before).member("tasks", turn.all).end_object();
}

void write_place(json::Writer& out, const Task& task) {
  out.key("agent");
  if (task.agent.empty()) {
    out.null();
    return;
  }
  out.begin_object().member("id", task.agent.value).member("hostname", task.hostname);
  write_text_or_null(out, "zone", task.zone);
  out.end_object();
}

// Waiting tasks of a job that wait for the same.
struct Class {
  std::string_view kind;
  Instant not_before;
  std::vector<TaskPtr> tasks;
};

std::vector<Class> classes_of(const std::vector<TaskPtr>& tasks) {
  std::vector<Class> classes;
  for (const TaskPtr& task : tasks) {
    if (task->state != TaskState::queued) continue;
    const bool backoff = is_backing_off(*task);
    const Instant not_before = backoff ? task->not_before : Instant{};
    const auto found = std::ranges::find(classes, not_before, &Class::not_before);
    Class& one = found != classes.end() ? *found : classes.emplace_back();
    one.kind = backoff ? "backoff" : "place";
    one.not_before = not_before;
    one.tasks.push_back(task);
  }
  return classes;
}

std::string count_of(std::int64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string job_text(const Job& job, std::int64_t waiting, const std::string& shortfall) {
  if (job.state == JobState::ended) return with_detail("has ended", job.message);
  if (job.state == JobState::killing) return with_detail("is being ended", job.message);
  if (waiting == 0) return "nothing of it waits";
  return with_detail(count_of(waiting, "task") + (waiting == 1 ? " waits" : " wait"), shortfall);
}

}  // namespace

void write_explanation(json::Writer& out, const Explanation& why) {
  out.begin_object().member("tasks", why.tasks).member("agents", why.agents);
  std::vector<std::pair<std::string, std::int64_t>> reasons(why.reasons.begin(), why.reasons.end());
  std::ranges::stable_sort(reasons, [](const auto& a, const auto& b) { return a.second > b.second; });
  out.key("reasons").begin_array();
  for (const auto& [reason, agents] : reasons)
    out.begin_object().member("reason", reason).member("agents", agents).end_object();
  out.end_array();
  write_text_or_null(out, "quotaOfGroup", why.group);
  write_lacks(out, "quotaLacks", why.quota);
  out.member("tooLarge", why.too_large);
  write_miss(out, why.nearest);
  out.key("help").begin_array();
  for (const std::string& help : why.help) out.string(help);
  out.end_array().end_object();
}

void write_plan(json::Writer& out, const PlacementPlan& plan) {
  std::int64_t placed = 0;
  for (const PlacementPlan::Share& share : plan.shares) placed += share.tasks;
  out.begin_object().member("tasks", plan.tasks).member("placed", placed);
  out.key("agents").begin_array();
  for (const PlacementPlan::Share& share : plan.shares) {
    out.begin_object().member("agentId", share.agent.value).member("hostname", share.hostname);
    write_text_or_null(out, "zone", share.zone);
    out.member("tasks", share.tasks).member("score", share.score.total);
    out.member("fitness", share.score.fitness).key("preference");
    if (share.score.soft < 0) {
      out.null();
    } else {
      out.int64(share.score.soft);
    }
    out.end_object();
  }
  out.end_array();
  write_explanation_or_null(out, plan.why);
  out.end_object();
}

std::string render_task_why(const engine::View& view, const Task& task, const Job& job) {
  const std::string shortfall = view.shortfall(job.id);
  const Plight plight = plight_of(task, shortfall);
  const bool waits = plight.kind == "place";
  json::Writer out;
  out.begin_object().member("taskId", task.id.value).member("jobId", job.id.value);
  out.member("state", task_state_name(task.state)).member("kind", plight.kind).member("text", plight.text);
  write_date_or_null(out, "since", plight.since);
  write_date_or_null(out, "notBefore", plight.kind == "backoff" ? task.not_before : Instant{});
  write_turn(out, view, task, job);
  write_explanation_or_null(out, waits ? view.explanation(job.id) : nullptr);
  write_place(out, task);
  write_last_ending(out, last_ending(view.tasks_of(job.id), task));
  write_text_or_null(out, "reason", task.reason);
  write_text_or_null(out, "message", task.message);
  out.end_object();
  return out.take();
}

std::string render_job_why(const engine::View& view, const Job& job) {
  const std::string shortfall = view.shortfall(job.id);
  const std::vector<TaskPtr> tasks = view.tasks_of(job.id);
  const std::vector<Class> classes = classes_of(tasks);
  std::int64_t waiting = 0;
  for (const Class& one : classes) waiting += static_cast<std::int64_t>(one.tasks.size());
  // Where nothing waits for a place, what was said of places last is no news.
  const bool all_back_off = !classes.empty() && std::ranges::all_of(classes, [](const Class& one) {
    return one.kind == "backoff";
  });
  const std::string& waits_for = all_back_off ? classes.front().tasks.front()->message : shortfall;
  json::Writer out;
  out.begin_object().member("jobId", job.id.value).member("name", job.spec->name);
  out.member("text", job_text(job, waiting, waits_for)).member("waiting", waiting);
  out.key("classes").begin_array();
  for (const Class& one : classes) {
    out.begin_object().member("kind", one.kind);
    out.member("tasks", static_cast<std::int64_t>(one.tasks.size()));
    write_date_or_null(out, "since", (*std::ranges::min_element(one.tasks, {}, &Task::queued_at))->queued_at);
    write_date_or_null(out, "notBefore", one.not_before);
    write_turn(out, view, *one.tasks.front(), job);
    write_explanation_or_null(out, one.kind == "place" ? view.explanation(job.id) : nullptr);
    write_last_ending(out, last_ending(tasks, *one.tasks.front()));
    out.key("taskIds").begin_array();
    for (std::size_t i = 0; i < std::min(one.tasks.size(), kWhyTasksShown); ++i)
      out.string(one.tasks[i]->id.value);
    out.end_array().end_object();
  }
  out.end_array().end_object();
  return out.take();
}

std::string render_failures(const engine::View& view, const Task& task) {
  const ExplanationPtr why = task.state == TaskState::queued ? view.explanation(task.job) : ExplanationPtr();
  if (why == nullptr) return {};
  json::Writer out;
  out.begin_object().member("taskId", task.id.value).member("agents", why->agents);
  for (const bool amounts : {false, true}) {
    out.key(amounts ? "ResourceFailures" : "ConstraintFailures").begin_object();
    for (const auto& [reason, agents] : why->reasons) {
      if (is_amount(reason) == amounts) out.member(reason, agents);
    }
    out.end_object();
  }
  out.end_object();
  return out.take();
}

}  // namespace mimas::api
