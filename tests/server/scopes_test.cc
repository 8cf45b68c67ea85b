// Callers with scopes change what is theirs: every command, by values.
#include "server/scopes.h"

#include <doctest/doctest.h>

#include "server/published_view.h"

using namespace mimas;
using namespace mimas::server;

namespace {

const http::Request kRequest;
const http::Captures kNone;
const Identity kAll{"root", Role::admin, {}};
const Identity kShop{"ci", Role::operator_, {"shop"}};

std::shared_ptr<const JobSpec> spec(const std::string& app) {
  auto made = std::make_shared<JobSpec>();
  made->app_name = app;
  return made;
}

// mimas-1 is the shop's, mimas-2 the bank's; each has a task.
void fill(PublishedView& view) {
  std::vector<engine::Change> changes;
  for (const auto& [number, app] : {std::pair<int, const char*>{1, "shop"}, {2, "bank"}}) {
    Job job;
    job.id = JobId("mimas-" + std::to_string(number));
    job.number = number;
    job.spec = spec(app);
    Task task;
    task.id = TaskId(job.id.value + "-worker-0-0");
    task.job = job.id;
    changes.push_back(engine::PutJob{std::make_shared<const Job>(job)});
    changes.push_back(engine::PutTask{std::make_shared<const Task>(task)});
  }
  view.apply(changes);
}

template <class Command>
std::string verdict(const PublishedView& view, const Identity& who, const Command& command) {
  const Status status = in_scope(view, Call{kRequest, kNone, who}, command);
  return status.ok() ? "ok" : std::string(code_name(status.error().code));
}

template <class Command>
void check_of_job(const PublishedView& view, Command command) {
  for (const auto& [id, mine] : {std::pair<const char*, const char*>{"mimas-1", "ok"},
                                 {"mimas-2", "permission_denied"},
                                 {"mimas-3", "not_found"}}) {
    CAPTURE(id);
    command.job = JobId(id);
    CHECK(verdict(view, kShop, command) == mine);
    CHECK(verdict(view, kAll, command) == "ok");  // whether it is there is the engine's to say
  }
}

}  // namespace

TEST_CASE("what is about one job asks whose it is") {
  PublishedView view;
  fill(view);
  check_of_job(view, engine::KillJob{});
  check_of_job(view, engine::SetInstanceCounts{});
  check_of_job(view, engine::SetInService{});
  check_of_job(view, engine::SetJobProcesses{});
  engine::ChangeJob change;
  change.spec = spec("shop");
  check_of_job(view, change);
}

TEST_CASE("a job is made within the scope, and neither leaves nor enters it by a change") {
  PublishedView view;
  fill(view);
  engine::SubmitJob submit;
  submit.spec = spec("shop");
  CHECK(verdict(view, kShop, submit) == "ok");
  for (const char* other : {"bank", ""}) {
    submit.spec = spec(other);
    CHECK(verdict(view, kShop, submit) == "permission_denied");
    CHECK(verdict(view, kAll, submit) == "ok");
  }
  engine::ChangeJob change;
  change.job = JobId("mimas-1");
  change.spec = spec("bank");
  CHECK(verdict(view, kShop, change) == "permission_denied");
  change.job = JobId("mimas-2");
  change.spec = spec("shop");
  CHECK(verdict(view, kShop, change) == "permission_denied");
}

TEST_CASE("one task of somebody else refuses the whole list") {
  PublishedView view;
  fill(view);
  engine::KillTasks kill;
  kill.tasks = {TaskId("mimas-1-worker-0-0")};
  CHECK(verdict(view, kShop, kill) == "ok");
  kill.tasks.push_back(TaskId("mimas-2-worker-0-0"));
  CHECK(verdict(view, kShop, kill) == "permission_denied");
  CHECK(verdict(view, kAll, kill) == "ok");
  kill.tasks = {TaskId("mimas-9-worker-0-0")};
  CHECK(verdict(view, kShop, kill) == "not_found");
}

TEST_CASE("what belongs to the cluster is for those without scopes") {
  PublishedView view;
  const auto check = [&](const auto& command) {
    CHECK(verdict(view, kShop, command) == "permission_denied");
    CHECK(verdict(view, kAll, command) == "ok");
  };
  check(engine::AdoptOrphans{});
  check(engine::KillOrphans{});
  check(engine::OrderAgent{});
  check(engine::RequestOperation{});
  check(engine::CollectGarbage{});
}
