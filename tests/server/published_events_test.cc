// What the published view tells the event ring of each change, and what it counts.
#include <doctest/doctest.h>

#include "server/published_view.h"

using namespace mimas;
using server::EventRing;
using server::PublishedView;

namespace {

struct World {
  EventRing ring{"e"};
  PublishedView view;
  World() { view.publish_to(ring); }

  // The names of what was told since last asked.
  std::vector<std::string> told() {
    std::vector<std::string> names;
    for (const auto& event : ring.take(at, 1000, 0).events) {
      names.emplace_back(api::event_name(event->event()));
      at = event->number();
    }
    return names;
  }
  std::uint64_t at = 0;
};

using Names = std::vector<std::string>;

Job make_job(std::int64_t number) {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.spec = std::make_shared<const JobSpec>();
  return job;
}

engine::PutJob put(const Job& job) { return {std::make_shared<const Job>(job)}; }

engine::PutTask put_task(std::int64_t job, std::int64_t index, TaskState state) {
  Task task;
  task.job = make_job_id(job);
  task.id = make_task_id(task.job, index, index);
  task.index = task.number = index;
  task.state = state;
  return {std::make_shared<const Task>(task)};
}

}  // namespace

TEST_CASE("a job and its tasks are told in order, and the job again when its tasks made it another") {
  World world;
  world.view.apply({put(make_job(1)), put_task(1, 0, TaskState::queued)});
  CHECK(world.told() == Names{"job", "task"});
  world.view.apply({put_task(1, 0, TaskState::dispatched)});
  CHECK(world.told() == Names{"task", "job"});  // QUEUED → DISPATCHED
  world.view.apply({put_task(1, 0, TaskState::starting)});
  CHECK(world.told() == Names{"task"});
  world.view.apply({put_task(1, 0, TaskState::running)});
  CHECK(world.told() == Names{"task", "job"});  // one is ready
  const auto last = world.ring.take(0, 1000, 0).events.back();
  const auto& job = std::get<api::JobChanged>(last->event());
  CHECK(job.dispatched);
  CHECK(job.ready == 1);
}

TEST_CASE("many tasks of one batch change their job once") {
  World world;
  world.view.apply({put(make_job(1)), put_task(1, 0, TaskState::queued), put_task(1, 1, TaskState::queued)});
  world.told();
  world.view.apply({put_task(1, 0, TaskState::running), put_task(1, 1, TaskState::running)});
  CHECK(world.told() == Names{"task", "task", "job"});
}

TEST_CASE("that a job has ended is told after the end of its last task, whatever the order of the changes") {
  World world;
  Job job = make_job(1);
  world.view.apply({put(job), put_task(1, 0, TaskState::queued)});
  world.told();
  job.state = JobState::ended;
  world.view.apply({put(job), put_task(1, 0, TaskState::stopped)});
  CHECK(world.told() == Names{"task", "job"});
}

TEST_CASE("what looks the same is not told") {
  World world;
  Job job = make_job(1);
  Agent agent;
  agent.id = AgentId("a");
  world.view.apply({put(job), engine::PutAgent{std::make_shared<const Agent>(agent)},
                    engine::PutConnection{true, "m:5050"}, engine::PutShortfall{job.id, "no agent"},
                    engine::PutAlert{"orphans", "two"}});
  CHECK(world.told() == Names{"job", "agent", "connection", "jobWaits", "alert"});
  job.next_task_number = 5;
  agent.seen_at = Instant{1};
  world.view.apply({put(job), engine::PutAgent{std::make_shared<const Agent>(agent)},
                    engine::PutConnection{true, "m:5050"}, engine::PutShortfall{job.id, "no agent"},
                    engine::PutAlert{"orphans", "two"}, engine::PutAlert{"revived", ""}});
  CHECK(world.told().empty());
  job.instances_desired = 3;
  world.view.apply({put(job), engine::PutConnection{false, ""}, engine::PutShortfall{job.id, ""},
                    engine::PutAlert{"orphans", ""}});
  CHECK(world.told() == Names{"connection", "jobWaits", "alert", "job"});
}

TEST_CASE("removals are told by what was there; of an audit its job is known") {
  World world;
  Audit audit;
  audit.number = 1;
  audit.job = make_job_id(1);
  world.view.apply({put(make_job(1)), put_task(1, 0, TaskState::stopped),
                    engine::PutAudit{std::make_shared<const Audit>(audit)}});
  CHECK(world.told() == Names{"job", "task", "audit", "job"});
  world.view.apply({engine::RemoveTask{make_task_id(make_job_id(1), 0, 0)},
                    engine::RemoveTask{make_task_id(make_job_id(1), 0, 0)}});
  CHECK(world.told() == Names{"taskRemoved", "job"});  // nothing of it was placed any more
  world.view.apply({engine::RemoveJob{make_job_id(1)}, engine::RemoveJob{make_job_id(1)}});
  CHECK(world.told() == Names{"jobRemoved"});
  for (const auto& event : world.ring.take(0, 1000, 0).events) {
    if (const auto* one = std::get_if<api::Audited>(&event->event())) CHECK(one->job != nullptr);
  }
}

TEST_CASE("a snapshot has the live records, and the number of the last event in it") {
  World world;
  Job ended = make_job(2);
  ended.state = JobState::ended;
  world.view.apply({put(make_job(1)), put_task(1, 0, TaskState::running), put_task(1, 1, TaskState::failed),
                    put(ended), engine::PutAlert{"orphans", "two"}});
  const server::ViewSnapshot all = world.view.snapshot();
  REQUIRE(all.jobs.size() == 1);
  CHECK(all.jobs[0].job.job->id.value == "mimas-1");
  CHECK(all.jobs[0].job.ready == 1);
  REQUIRE(all.jobs[0].tasks.size() == 1);
  CHECK(all.jobs[0].tasks[0]->state == TaskState::running);
  CHECK(all.alerts.size() == 1);
  CHECK(all.last_event == world.ring.last());
}

TEST_CASE("totals follow every change") {
  World world;
  Job job = make_job(1);
  world.view.apply({put(job), put_task(1, 0, TaskState::queued), put_task(1, 1, TaskState::queued)});
  world.view.apply({put_task(1, 0, TaskState::running)});
  auto totals = world.view.totals();
  CHECK(totals.jobs[{JobType::batch, JobState::active}] == 1);
  CHECK(totals.tasks[static_cast<std::size_t>(TaskState::queued)] == 1);
  CHECK(totals.tasks[static_cast<std::size_t>(TaskState::running)] == 1);
  CHECK(totals.ready == 1);
  CHECK(totals.health_unknown == 1);
  // With a check nobody has answered yet, nothing is ready.
  auto spec = std::make_shared<JobSpec>(*job.spec);
  spec->health_checks.emplace_back();
  job.spec = spec;
  world.view.apply({put(job)});
  CHECK(world.view.totals().ready == 0);
  Task healthy = *world.view.task(make_task_id(job.id, 0, 0));
  healthy.healthy = true;
  world.view.apply({engine::PutTask{std::make_shared<const Task>(healthy)}});
  CHECK(world.view.totals().ready == 1);
  CHECK(world.view.totals().healthy == 1);
  CHECK(world.view.totals().health_unknown == 0);
  world.view.apply({engine::RemoveJob{job.id}});
  totals = world.view.totals();
  CHECK(totals.jobs[{JobType::batch, JobState::active}] == 0);
  for (const std::int64_t count : totals.tasks) CHECK(count == 0);
  CHECK(totals.ready == 0);
  CHECK(totals.healthy == 0);
}
