#include "store/records.h"

#include <array>
#include <utility>

#include "store/history.h"
#include "store/spec_json.h"

namespace mimas::store {
namespace {

constexpr std::array kJobColumns{"number",
                                 "id",
                                 "state",
                                 "outcome",
                                 "version",
                                 "instances_desired",
                                 "instances_min",
                                 "instances_max",
                                 "in_service",
                                 "next_task_number",
                                 "submitted_at_ms",
                                 "ended_at_ms",
                                 "message",
                                 "increase_disabled",
                                 "decrease_disabled",
                                 "spec"};

constexpr std::array kTaskColumns{"id",
                                  "job",
                                  "slot",
                                  "number",
                                  "attempt",
                                  "launch_failures",
                                  "state",
                                  "agent",
                                  "hostname",
                                  "agent_endpoint",
                                  "region",
                                  "zone",
                                  "allocated",
                                  "queued_at_ms",
                                  "dispatched_at_ms",
                                  "starting_at_ms",
                                  "running_at_ms",
                                  "ended_at_ms",
                                  "not_before_ms",
                                  "unreachable_since_ms",
                                  "kill_requested",
                                  "kill_retry_at_ms",
                                  "kill_sends",
                                  "replaced",
                                  "reason",
                                  "message",
                                  "exit_code",
                                  "exit_signal",
                                  "executor",
                                  "pid",
                                  "container_id",
                                  "ip",
                                  "executor_version",
                                  "healthy",
                                  "ready",
                                  "healthy_at_ms",
                                  "unhealthy_since_ms",
                                  "health_message",
                                  "memory_limit",
                                  "memory_peak_bytes",
                                  "history"};

constexpr std::array kOrphanColumns{"task",          "agent",    "hostname", "state",
                                    "first_seen_ms", "decision", "reason"};

constexpr std::array<std::pair<JobState, std::string_view>, 3> kJobStates{{
    {JobState::active, "active"},
    {JobState::killing, "killing"},
    {JobState::ended, "ended"},
}};
constexpr std::array<std::pair<JobOutcome, std::string_view>, 4> kJobOutcomes{{
    {JobOutcome::none, "none"},
    {JobOutcome::finished, "finished"},
    {JobOutcome::failed, "failed"},
    {JobOutcome::killed, "killed"},
}};

template <class Names, class Value>
std::string_view name_in(const Names& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  ASSERT(false);
}

template <class Names, class Value>
bool find_name(const Names& names, std::string_view text, Value& into) {
  for (const auto& [known, name] : names) {
    if (name == text) {
      into = known;
      return true;
    }
  }
  return false;
}

template <class Columns>
std::string joined(const Columns& columns, const std::string& prefix) {
  std::string text;
  for (const char* column : columns) text.append(text.empty() ? "" : ",").append(prefix).append(column);
  return text;
}

template <class Columns>
std::string upsert_sql(const std::string& table, const Columns& columns) {
  std::string marks;
  std::string updates;
  for (const char* column : columns) {
    marks += marks.empty() ? "?" : ",?";
    if (column == columns.front()) continue;  // the key
    updates.append(updates.empty() ? "" : ",").append(column).append("=excluded.").append(column);
  }
  return "INSERT INTO " + table + "(" + joined(columns, "") + ") VALUES(" + marks + ") ON CONFLICT(" +
         columns.front() + ") DO UPDATE SET " + updates;
}

Error unknown_value(const std::string& where, const std::string& value) {
  return make_error(Code::invalid_argument, "unknown value \"" + value + "\" in the database", where);
}

Error at(const std::string& where, Error error) {
  error.where = where + error.where;
  return error;
}

Instant take_instant(Statement& statement) { return Instant{statement.take_integer()}; }

template <class Value>
std::optional<Value> take_optional(Statement& statement) {
  const bool null = statement.at_null();
  const std::int64_t value = statement.take_integer();
  return null ? std::nullopt : std::optional<Value>(static_cast<Value>(value));
}

template <class Value>
void put_optional(Statement& statement, const std::optional<Value>& value) {
  if (value) {
    statement.put(std::int64_t{*value});
  } else {
    statement.put_null();
  }
}

}  // namespace

std::string write_job_sql() { return upsert_sql("jobs", kJobColumns); }
std::string write_orphan_sql() { return upsert_sql("orphans", kOrphanColumns); }
std::string read_orphans_sql() {
  return "SELECT " + joined(kOrphanColumns, "") + " FROM orphans ORDER BY task";
}
std::string write_task_sql() { return upsert_sql("tasks", kTaskColumns); }

// Numbered parameters: the order is that of put_job(), where the key comes first.
std::string update_job_sql() {
  std::string updates;
  for (std::size_t i = 1; i + 1 < kJobColumns.size(); ++i) {
    updates.append(updates.empty() ? "" : ",")
        .append(kJobColumns[i])
        .append("=?")
        .append(std::to_string(i + 1));
  }
  return "UPDATE jobs SET " + updates + " WHERE number=?1";
}

std::string read_jobs_sql() { return "SELECT " + joined(kJobColumns, "") + " FROM jobs ORDER BY number"; }

std::string read_tasks_sql() {
  return "SELECT " + joined(kTaskColumns, "tasks.") +
         " FROM tasks JOIN jobs ON jobs.id=tasks.job ORDER BY jobs.number,tasks.slot,tasks.number";
}

void put_job(Statement& statement, const Job& job, std::string_view spec) {
  statement.put(job.number)
      .put(job.id.value)
      .put(name_in(kJobStates, job.state))
      .put(name_in(kJobOutcomes, job.outcome))
      .put(job.version)
      .put(job.instances_desired)
      .put(job.instances_min)
      .put(job.instances_max)
      .put(job.in_service)
      .put(job.next_task_number)
      .put(job.submitted_at.ms)
      .put(job.ended_at.ms)
      .put(job.message)
      .put(job.increase_disabled)
      .put(job.decrease_disabled);
  if (spec.data() != nullptr) statement.put(spec);
}

void put_task(Statement& statement, const Task& task, std::string_view allocated, std::string_view history) {
  statement.put(task.id.value).put(task.job.value).put(task.index).put(task.number).put(task.attempt);
  statement.put(task.launch_failures)
      .put(task_state_name(task.state))
      .put(task.agent.value)
      .put(task.hostname);
  statement.put(task.agent_endpoint).put(task.region).put(task.zone).put(allocated).put(task.queued_at.ms);
  statement.put(task.dispatched_at.ms).put(task.starting_at.ms).put(task.running_at.ms).put(task.ended_at.ms);
  statement.put(task.not_before.ms).put(task.unreachable_since.ms).put(task.kill_requested);
  statement.put(task.kill_retry_at.ms)
      .put(task.kill_sends)
      .put(task.replaced)
      .put(task.reason)
      .put(task.message);
  put_optional(statement, task.exit.code);
  put_optional(statement, task.exit.signal);
  statement.put(task.executor)
      .put(run_facts(task).pid)
      .put(run_facts(task).container_id)
      .put(run_facts(task).ip);
  statement.put(run_facts(task).executor_version);
  put_optional(statement, task.healthy);
  put_optional(statement, task.ready);
  statement.put(task.healthy_at.ms).put(task.unhealthy_since.ms).put(task.health_message);
  statement.put(task.exit.memory_limit);
  put_optional(statement, task.exit.memory_peak_bytes);
  statement.put(history);
}

void put_orphan(Statement& statement, const Orphan& orphan) {
  statement.put(orphan.task.value).put(orphan.agent.value).put(orphan.hostname).put(orphan.state);
  statement.put(orphan.first_seen.ms).put(orphan_decision_name(orphan.decision)).put(orphan.reason);
}

Result<Orphan> take_orphan(Statement& statement) {
  Orphan orphan;
  orphan.task = TaskId(statement.take_text());
  orphan.agent = AgentId(statement.take_text());
  orphan.hostname = statement.take_text();
  orphan.state = statement.take_text();
  orphan.first_seen = take_instant(statement);
  const std::string decision = statement.take_text();
  const std::optional<OrphanDecision> known = parse_orphan_decision(decision);
  if (!known) return unknown_value("orphans/" + orphan.task.value + "/decision", decision);
  orphan.decision = *known;
  orphan.reason = statement.take_text();
  return orphan;
}

Result<Job> take_job(Statement& statement) {
  Job job;
  job.number = statement.take_integer();
  job.id = JobId(statement.take_text());
  const std::string where = "jobs/" + job.id.value;
  const std::string state = statement.take_text();
  if (!find_name(kJobStates, state, job.state)) return unknown_value(where + "/state", state);
  const std::string outcome = statement.take_text();
  if (!find_name(kJobOutcomes, outcome, job.outcome)) return unknown_value(where + "/outcome", outcome);
  job.version = statement.take_integer();
  job.instances_desired = statement.take_integer();
  job.instances_min = statement.take_integer();
  job.instances_max = statement.take_integer();
  job.in_service = statement.take_bool();
  job.next_task_number = statement.take_integer();
  job.submitted_at = take_instant(statement);
  job.ended_at = take_instant(statement);
  job.message = statement.take_text();
  job.increase_disabled = statement.take_bool();
  job.decrease_disabled = statement.take_bool();
  Result<JobSpec> spec = parse_spec(statement.take_text());
  if (!spec) return at(where + "/spec", std::move(spec).error());
  job.spec = std::make_shared<const JobSpec>(std::move(*spec));
  return job;
}

Result<Task> take_task(Statement& statement) {
  Task task;
  task.id = TaskId(statement.take_text());
  const std::string where = "tasks/" + task.id.value;
  task.job = JobId(statement.take_text());
  task.index = statement.take_integer();
  task.number = statement.take_integer();
  task.attempt = statement.take_integer();
  task.launch_failures = statement.take_integer();
  const std::string state = statement.take_text();
  const std::optional<TaskState> known = parse_task_state(state);
  if (!known) return unknown_value(where + "/state", state);
  task.state = *known;
  task.agent = AgentId(statement.take_text());
  task.hostname = statement.take_text();
  task.agent_endpoint = statement.take_text();
  task.region = statement.take_text();
  task.zone = statement.take_text();
  Result<Resources> allocated = parse_resources(statement.take_text());
  if (!allocated) return at(where + "/allocated", std::move(allocated).error());
  task.allocated = std::move(*allocated);
  for (Instant* instant : {&task.queued_at, &task.dispatched_at, &task.starting_at, &task.running_at,
                           &task.ended_at, &task.not_before, &task.unreachable_since}) {
    *instant = take_instant(statement);
  }
  task.kill_requested = statement.take_bool();
  task.kill_retry_at = take_instant(statement);
  task.kill_sends = statement.take_integer();
  task.replaced = statement.take_bool();
  task.reason = statement.take_text();
  task.message = statement.take_text();
  task.exit.code = take_optional<int>(statement);
  task.exit.signal = take_optional<int>(statement);
  task.executor = statement.take_text();
  RunFacts facts;
  facts.pid = statement.take_integer();
  facts.container_id = statement.take_text();
  facts.ip = statement.take_text();
  facts.executor_version = statement.take_text();
  if (facts != RunFacts{}) task.facts = std::make_shared<const RunFacts>(std::move(facts));
  task.healthy = take_optional<bool>(statement);
  task.ready = take_optional<bool>(statement);
  task.healthy_at = take_instant(statement);
  task.unhealthy_since = take_instant(statement);
  task.health_message = statement.take_text();
  task.exit.memory_limit = statement.take_bool();
  task.exit.memory_peak_bytes = take_optional<std::int64_t>(statement);
  Result<std::vector<StatusChange>> history = parse_steps(statement.take_text());
  if (!history) return at(where + "/history", std::move(history).error());
  for (const StatusChange& step : *history) task.history.add(step);
  return task;
}

}  // namespace mimas::store
