#include "api/event.h"

#include <doctest/doctest.h>

#include "api/commands.h"
#include "json/value.h"

namespace mimas::api {
namespace {

JobPtr make_job(std::int64_t number, const std::string& fields) {
  auto parsed = parse_submission("{\"entryPoint\":\"true\"" + fields + "}", false);
  REQUIRE(parsed.ok());
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.spec = parsed.value.command.spec;
  return std::make_shared<const Job>(job);
}

TaskPtr make_task(std::int64_t job, std::int64_t number) {
  Task task;
  task.job = make_job_id(job);
  task.id = make_task_id(task.job, 0, number);
  task.number = number;
  return std::make_shared<const Task>(task);
}

EventFilter filter_of(const std::vector<Parameter>& parameters) {
  const auto query = parse_event_query(parameters);
  REQUIRE(query.ok());
  return query.value.filter;
}

json::Document parsed(const Event& event) {
  auto document = json::parse(render_event(event));
  REQUIRE(document.ok());
  return *std::move(document);
}

JobPtr shop() {
  return make_job(1, R"(,"name":"shop","appName":"shop","type":"service","labels":{"team":"a"})");
}
JobPtr night() {
  return make_job(2, R"(,"name":"night","appName":"books","labels":{"team":"b","night":""})");
}

}  // namespace

TEST_CASE("without filters jobs and tasks pass, and nothing else") {
  const EventFilter filter = filter_of({});
  CHECK(filter.passes(JobChanged{shop(), nullptr}));
  CHECK(filter.passes(JobWaits{shop(), "no agent"}));
  CHECK(filter.passes(TaskRemoved{shop(), make_task(1, 0)}));
  CHECK_FALSE(filter.passes(AgentRemoved{AgentId("a")}));
  CHECK_FALSE(filter.passes(AlertChanged{"orphans", "3"}));
  CHECK_FALSE(filter.passes(ConnectionChanged{}));
}

TEST_CASE("terms of one filter are alternatives, several filters must all fit") {
  CHECK(filter_of({{"app", "books, shop"}}).passes(JobChanged{shop(), nullptr}));
  CHECK(filter_of({{"app", "books"}, {"app", "shop"}}).passes(JobChanged{shop(), nullptr}));
  CHECK_FALSE(filter_of({{"app", "shop"}, {"type", "batch"}}).passes(JobChanged{shop(), nullptr}));
  CHECK(filter_of({{"app", "books"}, {"type", "batch"}}).passes(JobChanged{night(), nullptr}));
  CHECK(filter_of({{"job", "mimas-2,mimas-7"}}).passes(TaskChanged{night(), make_task(2, 0), ""}));
  CHECK_FALSE(filter_of({{"job", "mimas-7"}}).passes(TaskChanged{night(), make_task(2, 0), ""}));
}

TEST_CASE("labels: by name, by name and value, by the empty value") {
  CHECK(filter_of({{"label", "team=a"}}).passes(JobChanged{shop(), nullptr}));
  CHECK_FALSE(filter_of({{"label", "team=b"}}).passes(JobChanged{shop(), nullptr}));
  CHECK(filter_of({{"label", "team"}}).passes(JobChanged{shop(), nullptr}));
  CHECK(filter_of({{"label", "night="}}).passes(JobChanged{night(), nullptr}));
  CHECK_FALSE(filter_of({{"label", "team="}}).passes(JobChanged{night(), nullptr}));
}

TEST_CASE("a task's filter shows it and its job, not its job's other tasks") {
  const EventFilter filter = filter_of({{"task", "mimas-1-worker-0-3"}});
  CHECK(filter.passes(TaskChanged{shop(), make_task(1, 3), ""}));
  CHECK_FALSE(filter.passes(TaskChanged{shop(), make_task(1, 4), ""}));
  CHECK(filter.passes(JobChanged{shop(), nullptr}));
  CHECK_FALSE(filter.passes(JobChanged{night(), nullptr}));
}

TEST_CASE("whom a changed description no longer fits learns of the change") {
  const EventFilter filter = filter_of({{"label", "team=a"}});
  CHECK_FALSE(filter.passes(JobChanged{night(), nullptr}));
  CHECK(filter.passes(JobChanged{night(), shop()}));
}

TEST_CASE(
    "what is about no job passes a filter of jobs when its kind is asked for; an audit must be about one") {
  const EventFilter filter = filter_of({{"kind", "audit,alert"}, {"app", "shop"}});
  Audit audit;
  audit.number = 1;
  audit.action = "job.kill";
  const auto record = std::make_shared<const Audit>(audit);
  CHECK(filter.passes(AlertChanged{"orphans", ""}));
  CHECK(filter.passes(Audited{record, shop()}));
  CHECK_FALSE(filter.passes(Audited{record, night()}));
  CHECK_FALSE(filter.passes(Audited{record, nullptr}));
  CHECK(filter_of({{"kind", "audit"}}).passes(Audited{record, nullptr}));
  CHECK_FALSE(filter.passes(JobChanged{shop(), nullptr}));
}

TEST_CASE("all faults of a query are named together") {
  const auto query = parse_event_query({{"kinds", "job"},
                                        {"kind", "jobs"},
                                        {"type", "daemon"},
                                        {"label", "=x"},
                                        {"heartbeatSecs", "0"},
                                        {"snapshot", "yes"}});
  REQUIRE(query.faults.size() == 6);
  CHECK(query.faults[0].detail == "unknown query parameter, did you mean `kind`?");
  CHECK(query.faults[4].limit == "1..60");
  for (const char* secs : {"61", "", "5s", "-1", "99999999999999999999"})
    CHECK_FALSE(parse_event_query({{"heartbeatSecs", secs}}).ok());
  CHECK(parse_event_query({{"heartbeatSecs", "60"}}).value.heartbeat_secs == 60);
}

TEST_CASE("a hundred terms may be asked for, not one more") {
  std::string jobs = "mimas-1";
  for (std::size_t i = 1; i < kEventTermsMax; ++i) jobs += ",mimas-1";
  CHECK(parse_event_query({{"job", jobs}}).ok());
  CHECK_FALSE(parse_event_query({{"job", jobs}, {"app", "one"}}).ok());
}

TEST_CASE("a job is told without its tasks, a task with its job's id, what is removed by its id") {
  const auto job = parsed(JobChanged{shop(), nullptr, true, 2});
  CHECK(job.root().string_or("id", "") == "mimas-1");
  CHECK(job.root().string_or("state", "") == "DISPATCHED");
  CHECK(job.root().find("instancesReady")->dump() == "2");
  CHECK_FALSE(job.root().find("tasks"));
  const auto task = parsed(TaskChanged{shop(), make_task(1, 3), "no agent fits"});
  CHECK(task.root().string_or("id", "") == "mimas-1-worker-0-3");
  CHECK(task.root().string_or("jobId", "") == "mimas-1");
  CHECK(task.root().string_or("message", "") == "no agent fits");
  CHECK(render_event(JobRemoved{shop()}) == R"({"id":"mimas-1"})");
  CHECK(render_event(TaskRemoved{shop(), make_task(1, 3)}) ==
        R"({"id":"mimas-1-worker-0-3","jobId":"mimas-1"})");
  CHECK(render_event(JobWaits{shop(), ""}) == R"({"id":"mimas-1","message":null})");
}

TEST_CASE("every event has its name and its kind") {
  const TaskPtr task = make_task(1, 0);
  const std::vector<std::pair<Event, std::string>> all{
      {JobChanged{shop(), nullptr}, "job"},
      {JobRemoved{shop()}, "jobRemoved"},
      {JobWaits{shop(), ""}, "jobWaits"},
      {TaskChanged{shop(), task, ""}, "task"},
      {TaskRemoved{shop(), task}, "taskRemoved"},
      {AgentChanged{std::make_shared<const Agent>()}, "agent"},
      {AgentRemoved{AgentId("a")}, "agentRemoved"},
      {Audited{std::make_shared<const Audit>(), nullptr}, "audit"},
      {ConnectionChanged{}, "connection"},
      {AlertChanged{"orphans", "two"}, "alert"},
      {ScalingChanged{std::make_shared<const ScalingGroup>()}, "scaling"},
  };
  CHECK(all.size() == std::variant_size_v<Event>);
  for (const auto& [event, name] : all) {
    CHECK(event_name(event) == name);
    CHECK(name.starts_with(event_kind_name(kind_of(event))));
    const std::string text = render_event(event);
    CHECK(text.find('\n') == std::string::npos);  // one line: it stands behind "data: "
    CHECK(json::parse(text).ok());
  }
}

TEST_CASE("what only the engine looks at makes no difference") {
  const JobPtr before = shop();
  Job job = *before;
  job.next_task_number += 1;
  CHECK(shows_the_same(*before, job));
  job.instances_desired += 1;
  CHECK_FALSE(shows_the_same(*before, job));
  Agent agent, seen;
  seen.seen_at = Instant{5};
  seen.offered.cpu_milli = 1000;
  CHECK(shows_the_same(agent, seen));
  seen.used.cpu_milli = 100;
  CHECK_FALSE(shows_the_same(agent, seen));
}

}  // namespace mimas::api
