#include <doctest/doctest.h>

#include <map>

#include "api/commands.h"
#include "api/projection.h"
#include "api/render.h"
#include "api/render_job.h"
#include "empty_view.h"
#include "json/value.h"

namespace mimas::api {
namespace {

constexpr Instant kNoon{1'795'262'400'123};  // 2026-11-21T12:00:00.123Z

class PlainView : public EmptyView {
 public:
  JobPtr job(const JobId& id) const override {
    for (const JobPtr& one : jobs_) {
      if (one->id == id) return one;
    }
    return nullptr;
  }
  std::vector<JobPtr> jobs() const override { return jobs_; }
  std::vector<TaskPtr> tasks_of(const JobId& id) const override {
    const auto found = tasks_.find(id);
    return found == tasks_.end() ? std::vector<TaskPtr>{} : found->second;
  }
  std::vector<AgentPtr> agents() const override { return agents_; }
  std::string shortfall(const JobId& id) const override {
    return id == waiting_ ? "no agent has 64 CPUs" : "";
  }
  std::vector<OrphanPtr> orphans() const override { return orphans_; }
  std::vector<CapacityGroupPtr> groups() const override { return groups_; }
  std::map<std::string, std::string> alerts() const override { return alerts_; }
  OperationPtr operation(const OperationId& id) const override {
    for (const OperationPtr& one : operations_) {
      if (one->id == id) return one;
    }
    return nullptr;
  }
  std::vector<OperationPtr> operations() const override { return operations_; }

  std::vector<OperationPtr> operations_;
  std::vector<JobPtr> jobs_;
  std::map<JobId, std::vector<TaskPtr>> tasks_;
  std::vector<AgentPtr> agents_;
  std::vector<OrphanPtr> orphans_;
  std::vector<CapacityGroupPtr> groups_;
  std::map<std::string, std::string> alerts_;
  JobId waiting_;
};

Job make_job(std::int64_t number, const std::string& fields) {
  auto parsed = parse_submission("{\"entryPoint\":\"true\"" + fields + "}", false);
  REQUIRE(parsed.ok());
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.spec = parsed.value.command.spec;
  job.instances_desired = parsed.value.command.instances_desired;
  job.instances_min = parsed.value.command.instances_min;
  job.instances_max = parsed.value.command.instances_max;
  job.submitted_at = kNoon;
  return job;
}

Task make_task(const Job& job, std::int64_t index, std::int64_t number, TaskState state) {
  Task task;
  task.id = make_task_id(job.id, index, number);
  task.job = job.id;
  task.index = index;
  task.number = number;
  task.state = state;
  task.queued_at = kNoon;
  if (state != TaskState::queued) {
    task.agent = AgentId("agent-1");
    task.hostname = "pi-1";
    task.agent_endpoint = "10.0.0.1:5051";
    task.dispatched_at = kNoon + 1'000;
  }
  return task;
}

void put(PlainView& view, Job job, std::vector<TaskState> states) {
  std::int64_t number = 0;
  for (TaskState state : states) {
    view.tasks_[job.id].push_back(std::make_shared<Task>(make_task(job, number, number, state)));
    ++number;
  }
  view.jobs_.push_back(std::make_shared<Job>(std::move(job)));
}

List render_jobs(const PlainView& view, JobQuery query) {
  std::string cursor = query.limit > 0 ? close_page(view, query) : std::string();
  json::Writer out;
  write_jobs(out, view, query);
  return {out.take(), std::move(cursor)};
}

std::string render_agents(const PlainView& view) {
  json::Writer out;
  write_agents(out, view);
  return out.take();
}

// "mimas-1[0,1] mimas-2[]": which jobs a listing shows, and the indices of their tasks.
std::string shown(const PlainView& view, const std::vector<Parameter>& parameters) {
  const auto query = parse_job_query(parameters);
  REQUIRE(query.ok());
  const auto document = json::parse(render_jobs(view, query.value).body);
  REQUIRE(document.ok());
  std::string text;
  for (std::size_t i = 0; i < document->root().size(); ++i) {
    const json::Value job = document->root().at(i);
    text += (i > 0 ? " " : "") + std::string(job.string_or("id", "?")) + "[";
    const json::Value tasks = *job.find("tasks");
    for (std::size_t j = 0; j < tasks.size(); ++j) {
      text += (j > 0 ? "," : "") + std::to_string(tasks.at(j).int64_or("index", -1));
    }
    text += "]";
  }
  return text;
}

std::string member(const std::string& text, const std::string& name) {
  const auto document = json::parse(text);
  REQUIRE(document.ok());
  const auto value = document->root().find(name);
  return value ? value->dump() : "absent";
}

PlainView example_view() {
  PlainView view;
  put(view, make_job(1, R"(,"instances":3,"appName":"a","labels":{"k":"v","source":"x"})"),
      {TaskState::running, TaskState::finished, TaskState::queued});
  Job ended = make_job(2, R"(,"appName":"a","user":"u")");
  ended.state = JobState::ended;
  ended.outcome = JobOutcome::finished;
  put(view, ended, {TaskState::finished});
  put(view, make_job(4, R"(,"type":"service","name":"s","labels":{"k":""},"jobGroupStack":"main")"),
      {TaskState::unreachable});
  put(view,
      make_job(9, R"(,"type":"service","instancesDesired":0,"runtime":"process","applicationName":"img")"),
      {});
  return view;
}

}  // namespace

TEST_CASE("a job is rendered whole") {
  Job job = make_job(
      7,
      R"(,"name":"n","type":"service","instancesDesired":2,"instancesMax":5,"instancesMin":0,"cpu":0.25,"memory":64,)"
      R"("disk":10,"resources":{"fpga":1.5},"ports":[7001],"env":{"A":"1"},"labels":{"l":""},"hardConstraints":["arch=arm"],)"
      R"("softConstraints":["ZoneBalance"],"securityGroups":["sg"],"user":"me","runtime":"process",)"
      R"("applicationName":"img","version":"1","jobGroupStack":"main","appName":"app")");
  job.in_service = false;
  CHECK(
      render_job(job, {}, "", Sight::all()) ==
      R"({"id":"mimas-7","name":"n","type":"service","runtime":"process","state":"QUEUED","message":null,)"
      R"("applicationName":"img","version":"1","appName":"app","user":"me","jobGroupStack":"main",)"
      R"("jobGroupDetail":null,"jobGroupSequence":null,"capacityGroup":"app","priority":0,"production":false,"entryPoint":"true","command":null,)"
      R"("workingDirectory":null,"artifacts":[],"instances":2,"instancesMin":0,"instancesMax":5,)"
      R"("instancesDesired":2,"instancesReady":0,"restarts":0,"inService":false,)"
      R"("jobProcesses":{"disableIncreaseDesired":false,"disableDecreaseDesired":false},)"
      R"("cpu":0.25,"memory":64,"disk":10,"gpu":0,"networkMbps":0,"resources":{"fpga":1.5},)"
      R"("ports":[7001],"runAs":null,"cpuQuota":false,"pids":0,"rlimits":{},)"
      R"("logs":{"rotateMb":16,"keep":3,"compress":true},"digest":null,"shmSize":0,"volumes":[],)"
      R"("container":null,"retries":2147483647,)"
      R"("retryPolicy":{"exponentialBackOff":{"initialDelayMs":1000,"maxDelayIntervalMs":60000}},)"
      R"("restartOnSuccess":false,"runtimeLimitSecs":0,"killGraceSecs":5,"killSignal":null,"unreachableTimeoutSecs":30,)"
      R"("environment":{"A":"1"},"secretEnv":{},"labels":{"l":""},"hardConstraints":["arch=arm"],)"
      R"("softConstraints":["ZoneBalance"],"healthChecks":[],"readiness":null,"securityGroups":["sg"],)"
      R"("notes":["`securityGroups` is kept, but has no effect here",)"
      R"("`ports`: nothing is mapped for a process; the program must listen on the host port in $PORT_7001 ($PORT0), )"
      R"(not on 7001, and that is where checks ask"],)"
      R"("jobVersion":1,"submittedAt":"2026-11-21T12:00:00.123Z","finishedAt":null,"tasks":[]})");
}

TEST_CASE("who may not know values of the environment sees its names") {
  const Job job =
      make_job(7, R"(,"appName":"shop","env":{"A":"s3cret","B":""},"secretEnv":{"T":"shop/token"})");
  const Task task = make_task(job, 0, 0, TaskState::running);
  for (const Sight& blind : {Sight{}, Sight{true, {"bank"}}, Sight{false, {"shop"}}}) {
    CHECK(member(render_job(job, {}, "", blind), "environment") == R"({"A":"***","B":"***"})");
    CHECK(member(render_job(job, {}, "", blind), "secretEnv") == R"({"T":"shop/token"})");
    CHECK(render_task(task, job, "", blind).find("s3cret") == std::string::npos);
  }
  for (const Sight& sees : {Sight::all(), Sight{true, {"bank", "shop"}}}) {
    CHECK(member(render_job(job, {}, "", sees), "environment") == R"({"A":"s3cret","B":""})");
    CHECK(render_task(task, job, "", sees).find("s3cret") != std::string::npos);
  }
}

TEST_CASE("a task is rendered whole, alone with what its job says") {
  const Job job = make_job(7, R"(,"ports":[7001,80],"cpu":2,"env":{"A":"1"})");
  Task task = make_task(job, 1, 4, TaskState::failed);
  task.attempt = 2;
  task.allocated.ports = *Ports::from_ranges({{31'005, 31'005}, {31'000, 31'000}});
  task.running_at = kNoon + 2'000;
  task.ended_at = kNoon + 3'000;
  task.exit.code = 3;
  task.message = "exit status 3";
  task.reason = "EXITED";
  const std::string shared =
      R"("index":1,"number":4,"attempt":2,"state":"FAILED","message":"exit status 3","reason":"EXITED",)"
      R"("exit":{"code":3},"lastEnding":null,"host":"pi-1","region":null,"zone":null,"ports":{"7001":31000,"80":31005},)"
      R"("submittedAt":"2026-11-21T12:00:00.123Z","launchedAt":"2026-11-21T12:00:01.123Z",)"
      R"("startedAt":"2026-11-21T12:00:02.123Z","finishedAt":"2026-11-21T12:00:03.123Z","notBefore":null,)"
      R"("unreachableSince":null,"killRequested":false,"healthy":null,"ready":null,"lastHealthMessage":null,)"
      R"("data":{"agentId":"agent-1","agentEndpoint":"10.0.0.1:5051","ports":[31000,31005],)"
      R"("executorId":"mimas-7-worker-1-4","executorVersion":null,)"
      R"("NetworkConfiguration":{"EniIPAddress":"10.0.0.1"}},)"
      R"("stdoutLive":"/api/v2/logs/mimas-7-worker-1-4/stdout?follow=true",)"
      R"("logs":"/api/v2/logs/mimas-7-worker-1-4","snapshots":null)";
  const std::string history =
      R"(,"statusHistory":[{"state":"QUEUED","at":"2026-11-21T12:00:00.123Z","reason":null,"message":null},)"
      R"({"state":"DISPATCHED","at":"2026-11-21T12:00:01.123Z","reason":null,"message":null},)"
      R"({"state":"RUNNING","at":"2026-11-21T12:00:02.123Z","reason":null,"message":null},)"
      R"({"state":"FAILED","at":"2026-11-21T12:00:03.123Z","reason":"EXITED","message":"exit status 3"}]})";
  CHECK(
      render_task(task, job, "none fits", Sight::all()) ==
      R"({"id":"mimas-7-worker-1-4","instanceId":"mimas-7-worker-1-4","jobId":"mimas-7","applicationName":null,)"
      R"("version":null,"entryPoint":"true","capacityGroup":null,"cpu":2,"memory":512,"disk":1000,"gpu":0,)"
      R"("networkMbps":0,"resources":{},"env":{"A":"1"},"secretEnv":{},)" +
          shared + history);
  CHECK(member(render_job(job, {std::make_shared<Task>(task)}, ""), "tasks") ==
        R"([{"id":"mimas-7-worker-1-4","instanceId":"mimas-7-worker-1-4",)" + shared + "}]");
  task.exit = Exit{{}, 9};
  CHECK(member(render_task(task, job, ""), "exit") == R"({"signal":9})");
  task.exit.memory_limit = true;
  task.exit.memory_peak_bytes = 67'108'864;
  CHECK(member(render_task(task, job, ""), "exit") ==
        R"({"signal":9,"memoryLimit":true,"memoryPeakBytes":67108864})");
  CHECK(member(render_task(task, job, ""), "reason") == R"("MEMORY_LIMIT")");
  task.exit = {};
  task.reason = "CONTAINER_LIMITATION_MEMORY";  // the agent's own isolator
  CHECK(member(render_task(task, job, ""), "reason") == R"("MEMORY_LIMIT")");
}

TEST_CASE("where a task runs is shown as its executor told it, in a shared executor under that one's id") {
  const Job job = make_job(7, "");
  Task task = make_task(job, 0, 0, TaskState::running);
  task.executor = "mimas-agent.1";
  task.facts = std::make_shared<const RunFacts>(RunFacts{4711, "c0ffee", "172.17.0.2", "0.2+1"});
  const std::string text = render_task(task, job, "");
  CHECK(
      text.find(R"("executorId":"mimas-agent.1","executorVersion":"0.2+1","pid":4711,"containerId":"c0ffee",)"
                R"("ipAddresses":{"nfvpc":"172.17.0.2"})") != std::string::npos);
}

TEST_CASE("a queued task says why it waits, and has no place yet") {
  const Job job = make_job(7, R"(,"ports":2)");
  Task task = make_task(job, 0, 0, TaskState::queued);
  task.message = "started again after exit status 1";
  task.not_before = kNoon + 5'000;
  const std::string waits = render_task(task, job, "no agent has 64 CPUs");
  CHECK(member(waits, "message") == "\"no agent has 64 CPUs\"");
  CHECK(member(waits, "reason") == "\"NO_PLACE\"");
  CHECK(member(waits, "notBefore") == "\"2026-11-21T12:00:05.123Z\"");
  const std::string placed = render_task(task, job, "");
  CHECK(member(placed, "message") == "\"started again after exit status 1\"");
  for (const char* name : {"reason", "host", "launchedAt", "data", "exit", "stdoutLive", "logs"}) {
    CHECK(member(placed, name) == "null");
  }
  CHECK(member(placed, "ports") == "{}");
}

TEST_CASE("links of a task begin with where the client reached us, and its host is the agent's address") {
  const Job job = make_job(7, "");
  Task task = make_task(job, 0, 0, TaskState::running);
  task.agent = AgentId("agent-1");
  task.agent_endpoint = "[fd00::1]:5051";
  const std::string alone = render_task(task, job, "", {}, "https://h:7101");
  CHECK(member(alone, "stdoutLive") ==
        R"("https://h:7101/api/v2/logs/mimas-7-worker-0-0/stdout?follow=true")");
  CHECK(member(alone, "logs") == R"("https://h:7101/api/v2/logs/mimas-7-worker-0-0")");
  CHECK(alone.find(R"("NetworkConfiguration":{"EniIPAddress":"fd00::1"})") != std::string::npos);
  const std::string listed = render_job(job, {std::make_shared<Task>(task)}, "", {}, "https://h:7101");
  CHECK(listed.find(R"("logs":"https://h:7101/api/v2/logs/mimas-7-worker-0-0")") != std::string::npos);
}

TEST_CASE("a task that waits to be started again says so, and how the start before it ended") {
  Job job = make_job(7, "");
  job.next_task_number = 8;
  auto ended = std::make_shared<Task>(make_task(job, 0, 6, TaskState::failed));
  ended->message = "exited with status 4";
  ended->exit.code = 4;
  ended->ended_at = kNoon;
  auto other = std::make_shared<Task>(make_task(job, 1, 1, TaskState::running));
  auto next = std::make_shared<Task>(make_task(job, 0, 7, TaskState::queued));
  next->reason = "BACKOFF";
  next->message = "exited with status 4, 7th time; next start 2026-11-21T12:00:05.123Z";
  next->not_before = kNoon + 5'000;
  const std::vector<TaskPtr> tasks = {std::make_shared<Task>(make_task(job, 0, 5, TaskState::failed)), ended,
                                      next, other};
  CHECK(last_ending(tasks, *next) == ended.get());
  CHECK(last_ending(tasks, *ended) == nullptr);
  CHECK(last_ending(tasks, *other) == nullptr);
  const std::string text = render_task(*next, job, "no agent has 64 CPUs", {}, {}, ended.get());
  CHECK(member(text, "reason") == "\"BACKOFF\"");
  CHECK(member(text, "message") == "\"exited with status 4, 7th time; next start 2026-11-21T12:00:05.123Z\"");
  CHECK(member(text, "lastEnding") ==
        R"({"taskId":"mimas-7-worker-0-6","state":"FAILED","message":"exited with status 4","reason":null,)"
        R"("exit":{"code":4},"at":"2026-11-21T12:00:00.123Z"})");
  const std::string whole = render_job(job, tasks, "");
  CHECK(member(whole, "restarts") == "7");
  CHECK(whole.find(R"("lastEnding":{"taskId":"mimas-7-worker-0-6")") != std::string::npos);
}

TEST_CASE("only Titus's states are shown, and ports that were only counted go by their order") {
  const Job job = make_job(7, R"(,"ports":2)");
  CHECK(member(render_job(job, {}, ""), "ports") == "[0,0]");
  Task task = make_task(job, 0, 0, TaskState::unreachable);
  task.unreachable_since = kNoon;
  task.allocated.ports = *Ports::from_ranges({{31'000, 31'001}});
  const std::string text = render_task(task, job, "");
  CHECK(member(text, "state") == "\"RUNNING\"");
  CHECK(member(text, "unreachableSince") == "\"2026-11-21T12:00:00.123Z\"");
  CHECK(member(text, "reason") == "\"UNREACHABLE\"");
  CHECK(member(text, "ports") == R"({"0":31000,"1":31001})");
}

TEST_CASE("a job's state tells whether anything was started and how it ended") {
  Job job = make_job(7, "");
  const auto with = [&](TaskState state) {
    return member(render_job(job, {std::make_shared<Task>(make_task(job, 0, 0, state))}, ""), "state");
  };
  CHECK(with(TaskState::queued) == "\"QUEUED\"");
  CHECK(with(TaskState::dispatched) == "\"DISPATCHED\"");
  CHECK(with(TaskState::finished) == "\"DISPATCHED\"");
  job.state = JobState::killing;
  CHECK(with(TaskState::running) == "\"DISPATCHED\"");
  job.state = JobState::ended;
  for (const auto& [outcome, text] :
       {std::pair{JobOutcome::finished, "\"FINISHED\""}, std::pair{JobOutcome::failed, "\"FAILED\""},
        std::pair{JobOutcome::killed, "\"STOPPED\""}, std::pair{JobOutcome::none, "\"STOPPED\""}}) {
    job.outcome = outcome;
    CHECK(with(TaskState::stopped) == text);
  }
}

TEST_CASE("cpu is a whole number where it can be") {
  for (const auto& [given, text] :
       {std::pair{"1", "1"}, std::pair{"0.1", "0.1"}, std::pair{"2.0", "2"}, std::pair{"1.125", "1.125"},
        std::pair{"0.01", "0.01"}, std::pair{"1023.999", "1023.999"}}) {
    CHECK(member(render_job(make_job(1, std::string(",\"cpu\":") + given), {}, ""), "cpu") == text);
  }
}

TEST_CASE("a listing shows live jobs with their live tasks, in order") {
  CHECK(shown(example_view(), {}) == "mimas-1[0,2] mimas-4[0] mimas-9[]");
  CHECK(shown(PlainView(), {}).empty());
  CHECK(render_jobs(PlainView(), {}).body == "[]");
}

TEST_CASE("filters narrow a listing") {
  const PlainView view = example_view();
  CHECK(shown(view, {{"type", "service"}}) == "mimas-4[0] mimas-9[]");
  CHECK(shown(view, {{"appName", "a"}}) == "mimas-1[0,2]");
  CHECK(shown(view, {{"appName", "A"}}).empty());
  CHECK(shown(view, {{"name", "s"}}) == "mimas-4[0]");
  CHECK(shown(view, {{"applicationName", "img"}}) == "mimas-9[]");
  CHECK(shown(view, {{"jobGroupStack", "main"}}) == "mimas-4[0]");
  CHECK(shown(view, {{"user", "u"}}).empty());
  CHECK(shown(view, {{"user", "u"}, {"archived", "true"}}) == "mimas-2[0]");
}

TEST_CASE("labels match by presence, by value, one of them or all") {
  const PlainView view = example_view();
  CHECK(shown(view, {{"labels", "k"}}) == "mimas-1[0,2] mimas-4[0]");
  CHECK(shown(view, {{"labels", "k="}}) == "mimas-4[0]");
  CHECK(shown(view, {{"labels", "k=v"}}) == "mimas-1[0,2]");
  CHECK(shown(view, {{"labels", "source=y,k"}}) == "mimas-1[0,2] mimas-4[0]");
  CHECK(shown(view, {{"labels", "source"}, {"labels", "k"}, {"labels.op", "and"}}) == "mimas-1[0,2]");
  CHECK(shown(view, {{"labels", "source=y,k"}, {"labels.op", "and"}}).empty());
}

TEST_CASE("task states choose jobs and tasks, ended ones where a final state is asked for") {
  const PlainView view = example_view();
  CHECK(shown(view, {{"taskState", "RUNNING"}}) == "mimas-1[0] mimas-4[0]");
  CHECK(shown(view, {{"taskState", "QUEUED"}}) == "mimas-1[2]");
  CHECK(shown(view, {{"taskState", "UNREACHABLE"}}) == "mimas-4[0]");
  CHECK(shown(view, {{"taskState", "FINISHED"}}) == "mimas-1[1] mimas-2[0]");
  CHECK(shown(view, {{"taskState", "ANY"}}) == "mimas-1[0,1,2] mimas-2[0] mimas-4[0] mimas-9[]");
  CHECK(shown(view, {{"taskState", "CRASHED"}}).empty());
}

TEST_CASE("pages join to the whole list") {
  const PlainView view = example_view();
  JobQuery query;
  query.limit = 2;
  const List first = render_jobs(view, query);
  CHECK(first.cursor == write_cursor(kJobList, {4}));
  CHECK(shown(view, {{"limit", "2"}}) == "mimas-1[0,2] mimas-4[0]");
  CHECK(shown(view, {{"limit", "2"}, {"cursor", first.cursor}}) == "mimas-9[]");
  query.after_number = 4;
  CHECK(render_jobs(view, query).cursor.empty());
  query.limit = 3;
  query.after_number = 0;
  CHECK(render_jobs(view, query).cursor.empty());
}

TEST_CASE("fields keep what they name, and the id") {
  JobQuery query;
  query.fields = {"name", "tasks.state", "nonsense", "labels"};
  query.name = "s";
  CHECK(render_jobs(example_view(), query).body ==
        R"([{"id":"mimas-4","name":"s","labels":{"k":""},"tasks":[{"state":"RUNNING"}]}])");
  CHECK(project_fields(R"({"id":1,"a":{"b":{"c":2,"d":3},"e":4}})", {"a.b.c"}) ==
        R"({"id":1,"a":{"b":{"c":2}}})");
  CHECK(project_fields(R"({"a":[{"b":1,"c":2},5,{"c":3}]})", {"a.b", "a"}) ==
        R"({"a":[{"b":1,"c":2},5,{"c":3}]})");
  CHECK(project_fields(R"({"a":[{"b":1,"c":2},5,{"c":3}]})", {"a.b"}) == R"({"a":[{"b":1},{}]})");
  CHECK(project_fields(R"({"a":{"b":{"c":{"d":{"e":1}}}}})", {"a.b.c.d.x"}) ==
        R"({"a":{"b":{"c":{"d":{"e":1}}}}})");
}

TEST_CASE("what was rendered can be submitted again and means the same") {
  for (
      const char* fields :
      {"", R"(,"type":"service","instancesDesired":2,"instancesMax":5,"instancesMin":0)",
       R"(,"ports":3,"cpu":0.015)",
       R"(,"retryPolicy":{"immediate":{"retries":2}},"artifacts":[{"uri":"/a","executable":true}])",
       R"x(,"retryPolicy":{"delayed":{"delayMs":7}},"hardConstraints":["UniqueHost","rack in (a, b)"])x",
       R"(,"restartOnFailure":true,"restartOnSuccess":true,"location":"dc1:2","labels":{"a":""},"workingDirectory":"x")"}) {
    INFO(fields);
    const Job job = make_job(3, fields);
    const auto again = parse_submission(render_job(job, {}, "", Sight::all()), true);
    REQUIRE(again.ok());
    CHECK(*again.value.command.spec == *job.spec);
    CHECK(again.value.command.instances_desired == job.instances_desired);
    CHECK(again.value.command.instances_min == job.instances_min);
    CHECK(again.value.command.instances_max == job.instances_max);
  }
}

TEST_CASE("an agent shows the version of the executor that last started a task there") {
  PlainView view;
  const Job job = make_job(7, "");
  const auto ran = [&](std::int64_t number, const std::string& agent, std::int64_t at_ms,
                       const std::string& version) {
    Task task = make_task(job, number, number, TaskState::finished);
    task.agent = AgentId(agent);
    task.running_at = Instant{at_ms};
    task.facts = std::make_shared<const RunFacts>(RunFacts{0, "", "", version});
    view.tasks_[job.id].push_back(std::make_shared<Task>(task));
  };
  ran(0, "a", 2'000, "0.2+new");
  ran(1, "a", 1'000, "0.1+old");
  ran(2, "a", 3'000, "");  // of before executors said it
  ran(3, "b", 9'000, "0.1+old");
  view.jobs_.push_back(std::make_shared<Job>(job));
  for (const char* id : {"a", "b", "c"}) {
    Agent agent;
    agent.id = AgentId(id);
    view.agents_.push_back(std::make_shared<Agent>(agent));
  }
  const auto listed = json::parse(render_agents(view));
  REQUIRE(listed.ok());
  CHECK(listed->root().at(0).string_or("executorVersion", "") == "0.2+new");
  CHECK(listed->root().at(1).string_or("executorVersion", "") == "0.1+old");
  CHECK(listed->root().at(2).string_or("executorVersion", "none") == "none");
}

TEST_CASE("agents, log addresses and job addresses") {
  PlainView view;
  Agent agent;
  agent.id = AgentId("a-1");
  agent.hostname = "pi-1";
  agent.endpoint = "10.0.0.1:5051";
  agent.attributes = {{"arch", "arm"}};
  agent.seen_at = kNoon;
  agent.offered = {3'500, 900, 1'000, 0, *Ports::from_ranges({{31'000, 31'009}})};
  agent.used.cpu_milli = 500;
  view.agents_.push_back(std::make_shared<Agent>(agent));
  CHECK(
      render_agents(view) ==
      R"([{"id":"a-1","hostname":"pi-1","state":)" +
          ("\"" + std::string(agent_state_name(agent.state)) + "\"") +
          R"(,"endpoint":"10.0.0.1:5051","region":null,"zone":null,"attributes":{"arch":"arm"},"executorVersion":null,)"
          R"("offered":{"cpu":3.5,"memory":900,"disk":1000,"gpu":0,"resources":{},"ports":[{"first":31000,"last":31009}]},)"
          R"("used":{"cpu":0.5,"memory":0,"disk":0,"gpu":0,"resources":{},"ports":[]},)"
          R"("total":{"cpu":0,"memory":0,"disk":0,"gpu":0,"resources":{},"ports":[]},"tasks":0,"launching":0,"seenAt":"2026-11-21T12:00:00.123Z",)"
          R"("maintenance":null,"standing":"open","order":null,"failures":{"score":0.0,"at":null,"last":null},"quarantinedUntil":null}])");
  CHECK(render_job_uri(JobId("mimas-7")) == R"({"jobUri":"/api/v2/jobs/mimas-7"})");
  Task task;
  task.id = TaskId("mimas-7-worker-0-0");
  CHECK(render_log_urls(task, {"http://h:7101/", {}, {}}) ==
        R"({"stdoutLive":"http://h:7101/v2/logs/mimas-7-worker-0-0/stdout?follow=true",)"
        R"("stderrLive":"http://h:7101/v2/logs/mimas-7-worker-0-0/stderr?follow=true",)"
        R"("logs":"http://h:7101/v2/logs/download/mimas-7-worker-0-0",)"
        R"("snapshots":"http://h:7101/v2/logs/download/mimas-7-worker-0-0",)"
        R"("files":{"stdout":"http://h:7101/v2/logs/mimas-7-worker-0-0/stdout",)"
        R"("stderr":"http://h:7101/v2/logs/mimas-7-worker-0-0/stderr"}})");
  const std::string all =
      render_log_urls(task, {"http://h", {"stdout.2", "stderr", "stdout"}, "http://a/j/t"});
  CHECK(all.find(R"("snapshots":"http://a/j/t")") != std::string::npos);
  CHECK(all.find(R"("stdout.2":"http://h/v2/logs/mimas-7-worker-0-0/stdout.2"})") != std::string::npos);
  CHECK(all.ends_with(R"("archive":{"stdout":"http://a/j/t/stdout","stderr":"http://a/j/t/stderr",)"
                      R"("stdout.2":"http://a/j/t/stdout.2"}})"));
}

}  // namespace mimas::api
