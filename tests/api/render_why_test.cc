// Explanations and the summary of the cluster as JSON.
#include "api/render_why.h"

#include <doctest/doctest.h>

#include "api/render_summary.h"
#include "empty_view.h"

namespace mimas::api {
namespace {

// One job with one waiting task, explained, and two agents.
class OneWaits : public EmptyView {
 public:
  OneWaits() {
    JobSpec spec;
    spec.name = "night";
    spec.capacity_group = "g";
    job_.id = make_job_id(1);
    job_.number = 1;
    job_.spec = std::make_shared<const JobSpec>(spec);
    task_.job = job_.id;
    task_.id = make_task_id(job_.id, 0, 0);
    task_.queued_at = Instant{1'000};
    why_.tasks = 1;
    why_.agents = 2;
    why_.reasons = {{"constraint arch=arm", 1}, {"cpu", 1}};
    why_.nearest = NearestMiss{AgentId("a2"), "pi2", "cpu", {{"cpu", 2'500, 500, 4'000}}};
    why_.help = {"an agent with 2 more CPUs free"};
  }
  JobPtr job(const JobId&) const override { return std::make_shared<const Job>(job_); }
  std::vector<JobPtr> jobs() const override { return {job({})}; }
  TaskPtr task(const TaskId&) const override { return std::make_shared<const Task>(task_); }
  std::vector<TaskPtr> tasks_of(const JobId&) const override { return {task({})}; }
  std::vector<AgentPtr> agents() const override {
    Agent free, closed;
    free.id = AgentId("a1");
    free.total.cpu_milli = 4'000;
    free.used.cpu_milli = 1'000;
    free.tasks = 1;
    closed.id = AgentId("a2");
    closed.total.cpu_milli = 8'000;
    closed.standing = Standing::drained;
    return {std::make_shared<const Agent>(free), std::make_shared<const Agent>(closed)};
  }
  std::string shortfall(const JobId&) const override { return shortfall_; }
  ExplanationPtr explanation(const JobId&) const override {
    return std::make_shared<const Explanation>(why_);
  }

  Job job_;
  Task task_;
  Explanation why_;
  std::string shortfall_ = "no agent fits";
};

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an explanation has its reasons, the nearest miss with amounts in the API's units, and help") {
  const OneWaits view;
  json::Writer out;
  write_explanation(out, view.why_);
  CHECK(
      out.take() ==
      R"({"tasks":1,"agents":2,"reasons":[{"reason":"constraint arch=arm","agents":1},)"
      R"({"reason":"cpu","agents":1}],"quotaOfGroup":null,"quotaLacks":[],"tooLarge":false,"nearest":{"agentId":"a2",)"
      R"("hostname":"pi2","reason":"cpu","lacks":[{"what":"cpu","asked":2.5,"free":0.5,"total":4}]},)"
      R"("help":["an agent with 2 more CPUs free"]})");
}

TEST_CASE("a waiting task says so in a sentence, one that backs off has no explanation of places") {
  OneWaits view;
  std::string why = render_task_why(view, view.task_, view.job_);
  CHECK(holds(why, R"("kind":"place","text":"waits for a place: no agent fits")"));
  CHECK(holds(why, R"("queue":{"capacityGroup":"g","before":0,"tasks":1})"));
  CHECK(holds(why, R"("explanation":{)"));
  view.task_.not_before = Instant{5'000};
  view.task_.reason = "BACKOFF";
  view.task_.message = "exited with status 4, 7th time; next start 1970-01-01T00:00:05.000Z";
  view.shortfall_ = "no agent fits";  // what others of the job wait for
  why = render_task_why(view, view.task_, view.job_);
  CHECK(holds(why,
              R"("kind":"backoff","text":"waits to be started again: exited with status 4, 7th time; next)"));
  CHECK(holds(why, R"("notBefore":"1970-01-01T00:00:05.000Z")"));
  CHECK(holds(why, R"("explanation":null)"));
  CHECK(holds(why, R"("queue":null)"));
  CHECK(holds(render_job_why(view, view.job_), R"("kind":"backoff","tasks":1)"));
  CHECK(holds(render_job_why(view, view.job_), "1 task waits: exited with status 4, 7th time"));
  CHECK(holds(render_summary(view), R"("queue":{"tasks":0,)"));
  view.task_.state = TaskState::failed;
  view.task_.reason = "COMMAND_EXECUTOR_FAILED";
  CHECK(holds(render_task_why(view, view.task_, view.job_), R"("kind":"ended")"));
}

TEST_CASE("a job's waiting tasks are told by what they wait for") {
  const OneWaits view;
  const std::string why = render_job_why(view, view.job_);
  CHECK(
      holds(why, R"("text":"1 task waits: no agent fits","waiting":1,"classes":[{"kind":"place","tasks":1)"));
  CHECK(holds(why, R"("taskIds":["mimas-1-worker-0-0"])"));
}

TEST_CASE("failures are apart by constraints and amounts, and there are none of a task that does not wait") {
  OneWaits view;
  CHECK(render_failures(view, view.task_) ==
        R"({"taskId":"mimas-1-worker-0-0","agents":2,"ConstraintFailures":{"constraint arch=arm":1},)"
        R"("ResourceFailures":{"cpu":1}})");
  view.task_.state = TaskState::running;
  CHECK(render_failures(view, view.task_).empty());
}

TEST_CASE("a plan counts what is placed") {
  PlacementPlan plan;
  plan.tasks = 3;
  plan.shares = {{AgentId("a1"), "pi1", "", 2, {700, 600, -1}}};
  json::Writer out;
  write_plan(out, plan);
  CHECK(out.take() == R"({"tasks":3,"placed":2,"agents":[{"agentId":"a1","hostname":"pi1","zone":null,)"
                      R"("tasks":2,"score":700,"fitness":600,"preference":null}],"explanation":null})");
}

TEST_CASE("the summary counts agents by standing, and the largest free piece among open ones") {
  const std::string summary = render_summary(OneWaits());
  CHECK(holds(summary, R"("known":2,"active":2,"idle":1,"standings":{"open":1,"maintenance":0,"drained":1)"));
  CHECK(holds(summary, R"("free":{"cpu":11)"));
  CHECK(holds(summary, R"("largestFree":{"cpu":3)"));
  CHECK(holds(summary, R"("queue":{"tasks":1,"groups":[{"capacityGroup":"g","jobs":1,"tasks":1)"));
}

}  // namespace mimas::api
