#include "server/published_view.h"

#include <doctest/doctest.h>

using namespace mimas;

namespace {

JobPtr make_job(std::int64_t number) {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.spec = std::make_shared<const JobSpec>();
  return std::make_shared<const Job>(job);
}

TaskPtr make_task(std::int64_t job, std::int64_t index, std::int64_t number,
                  TaskState state = TaskState::queued) {
  Task task;
  task.job = make_job_id(job);
  task.id = make_task_id(task.job, index, number);
  task.index = index;
  task.number = number;
  task.state = state;
  return std::make_shared<const Task>(task);
}

}  // namespace

TEST_CASE("jobs come by number, tasks by slot and attempt, whatever order they arrived in") {
  server::PublishedView view;
  view.apply({engine::PutJob{make_job(10)}, engine::PutJob{make_job(9)}, engine::PutTask{make_task(10, 1, 2)},
              engine::PutTask{make_task(10, 0, 3)}, engine::PutTask{make_task(10, 0, 0)}});
  REQUIRE(view.jobs().size() == 2);
  CHECK(view.jobs()[0]->number == 9);
  const auto tasks = view.tasks_of(make_job_id(10));
  REQUIRE(tasks.size() == 3);
  CHECK(tasks[0]->id.value == "mimas-10-worker-0-0");
  CHECK(tasks[1]->id.value == "mimas-10-worker-0-3");
  CHECK(tasks[2]->id.value == "mimas-10-worker-1-2");
}

TEST_CASE("a record is replaced, and the pointer somebody already took stays as it was") {
  server::PublishedView view;
  view.apply({engine::PutJob{make_job(1)}, engine::PutTask{make_task(1, 0, 0)}});
  const TaskPtr before = view.task(TaskId("mimas-1-worker-0-0"));
  view.apply({engine::PutTask{make_task(1, 0, 0, TaskState::running)}});
  CHECK(before->state == TaskState::queued);
  CHECK(view.task(TaskId("mimas-1-worker-0-0"))->state == TaskState::running);
}

TEST_CASE("removing a job takes its tasks and its shortfall along") {
  server::PublishedView view;
  view.apply({engine::PutJob{make_job(1)}, engine::PutTask{make_task(1, 0, 0)},
              engine::PutShortfall{make_job_id(1), "no agent fits"}});
  CHECK(view.shortfall(make_job_id(1)) == "no agent fits");
  view.apply({engine::RemoveTask{TaskId("mimas-1-worker-0-0")}});
  CHECK(view.tasks_of(make_job_id(1)).empty());
  view.apply({engine::RemoveJob{make_job_id(1)}});
  CHECK(view.job(make_job_id(1)) == nullptr);
  CHECK(view.shortfall(make_job_id(1)).empty());
}

TEST_CASE("orphans come by task id until they are removed, alerts until their text is empty") {
  server::PublishedView view;
  const auto orphan = [](const char* id, OrphanDecision decision) {
    Orphan one;
    one.task = TaskId(id);
    one.decision = decision;
    return engine::PutOrphan{std::make_shared<const Orphan>(one)};
  };
  view.apply({orphan("t2", {}), orphan("t1", {}), orphan("t2", OrphanDecision::leave),
              engine::PutAlert{"orphans", "two"}, engine::PutAlert{"revived", "one"}});
  REQUIRE(view.orphans().size() == 2);
  CHECK(view.orphans()[0]->task.value == "t1");
  CHECK(view.orphans()[1]->decision == OrphanDecision::leave);
  CHECK(view.alerts() == std::map<std::string, std::string>{{"orphans", "two"}, {"revived", "one"}});
  view.apply({engine::RemoveOrphan{TaskId("t1")}, engine::PutAlert{"orphans", ""}});
  CHECK(view.orphans().size() == 1);
  CHECK(view.alerts().size() == 1);
}

TEST_CASE("audits come newest first, in parts, of one job or of all") {
  server::PublishedView view;
  const auto audit = [](std::int64_t number, std::int64_t job) {
    Audit one;
    one.number = number;
    one.job = make_job_id(job);
    return engine::PutAudit{std::make_shared<const Audit>(one)};
  };
  for (std::int64_t number = 1; number <= 9; ++number) view.apply({audit(number, number % 2)});
  view.apply({engine::RemoveAudit{1}, engine::RemoveAudit{77}});
  const auto numbers = [&](const JobId& job, std::int64_t before, std::size_t most) {
    std::vector<std::int64_t> found;
    for (const AuditPtr& one : view.audits(job, before, most)) found.push_back(one->number);
    return found;
  };
  using Numbers = std::vector<std::int64_t>;
  CHECK(numbers({}, 0, 3) == Numbers{9, 8, 7});
  CHECK(numbers({}, 7, 3) == Numbers{6, 5, 4});
  CHECK(numbers({}, 3, 9) == Numbers{2});
  CHECK(numbers({}, 2, 9).empty());
  CHECK(numbers(make_job_id(1), 8, 9) == Numbers{7, 5, 3});
  CHECK(numbers(make_job_id(4), 0, 9).empty());
}

TEST_CASE("versions come oldest first, and go one by one or with their job") {
  server::PublishedView view;
  const auto version = [](std::int64_t number) {
    JobVersion one;
    one.job = make_job_id(1);
    one.version = number;
    return engine::PutJobVersion{std::make_shared<const JobVersion>(one)};
  };
  view.apply({version(2), version(1), engine::PutJob{make_job(1)}, version(3)});
  REQUIRE(view.versions_of(make_job_id(1)).size() == 3);
  CHECK(view.versions_of(make_job_id(1)).front()->version == 1);
  view.apply({engine::RemoveJobVersion{make_job_id(1), 1}, engine::RemoveJobVersion{make_job_id(2), 1}});
  CHECK(view.versions_of(make_job_id(1)).front()->version == 2);
  view.apply({engine::RemoveJob{make_job_id(1)}});
  CHECK(view.versions_of(make_job_id(1)).empty());
}

TEST_CASE("ids that never were ours find nothing") {
  server::PublishedView view;
  view.apply({engine::PutJob{make_job(1)}});
  CHECK(view.job(JobId("nonsense")) == nullptr);
  CHECK(view.job(JobId("mimas-01")) == nullptr);
  CHECK(view.task(TaskId("mimas-1-worker-0")) == nullptr);
  CHECK(view.task(TaskId("")) == nullptr);
  CHECK(view.tasks_of(JobId("mimas--1")).empty());
}

TEST_CASE("the connection shows the last word of each kind") {
  server::PublishedView view;
  view.set_framework(FrameworkId("F"));
  view.apply({engine::PutConnection{true, "m:5050"}});
  CHECK(view.connection().subscribed);
  CHECK(view.connection().framework.value == "F");
  view.apply({engine::PutFramework{FrameworkId("G")}, engine::PutConnection{false, ""}});
  CHECK_FALSE(view.connection().subscribed);
  CHECK(view.connection().framework.value == "G");
}
