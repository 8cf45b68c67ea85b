// Whom a request means, by values: ids, names, and what is neither.
#include "server/lookup.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::server;

namespace {

const Identity kAll{"root", Role::admin, {}};
const Identity kShop{"ci", Role::operator_, {"shop"}};

engine::Change put(std::int64_t number, const std::string& name, const std::string& app = "shop",
                   JobState state = JobState::active) {
  Job job;
  job.number = number;
  job.id = make_job_id(number);
  job.state = state;
  JobSpec spec;
  spec.name = name;
  spec.app_name = app;
  job.spec = std::make_shared<const JobSpec>(spec);
  return engine::PutJob{std::make_shared<const Job>(job)};
}

// The id that was found, or what was said instead.
std::string found(const PublishedView& view, const std::string& text, const Identity& who = kAll) {
  const auto job = find_job(view, who, text);
  if (job.ok()) return (*job)->id.value;
  return std::string(code_name(job.error().code)) + ": " + job.error().text();
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a job is found by its id, and by its name while no other live one has it") {
  PublishedView view;
  view.apply({put(1, "web"), put(2, "db"), put(3, "web", "shop", JobState::ended)});
  CHECK(found(view, "mimas-1") == "mimas-1");
  CHECK(found(view, "mimas-3") == "mimas-3");  // an id finds what has ended, too
  CHECK(found(view, "web") == "mimas-1");
  CHECK(found(view, "db") == "mimas-2");
  view.apply({put(4, "web")});
  CHECK(says(found(view, "web"), "conflict: web: 2 live jobs are named web: mimas-1, mimas-4"));
  view.apply({put(1, "web", "shop", JobState::ended)});
  CHECK(found(view, "web") == "mimas-4");
  view.apply({put(4, "site")});  // it was given another name
  CHECK(says(found(view, "web"), "not_found: "));
  CHECK(found(view, "site") == "mimas-4");
  view.apply({engine::RemoveJob{JobId("mimas-4")}});
  CHECK(says(found(view, "site"), "not_found: "));
}

TEST_CASE("an id means itself, whatever a job is called") {
  PublishedView view;
  view.apply({put(1, "mimas-7"), put(2, "mimas-1"), put(3, "mimas-9-worker-0-0")});
  CHECK(found(view, "mimas-1") == "mimas-1");
  CHECK(says(found(view, "mimas-7"), "not_found: "));
  CHECK(says(found(view, "mimas-9-worker-0-0"), "that is a task's"));
  CHECK(says(found(view, "mimas-07"), "not_found: "));
}

TEST_CASE("a name means a job of the caller's applications, whoever else has one of that name") {
  PublishedView view;
  view.apply({put(1, "web", "bank"), put(2, "web", "shop"), put(3, "vault", "bank")});
  CHECK(found(view, "web", kShop) == "mimas-2");
  CHECK(says(found(view, "vault", kShop), "not_found: "));
  CHECK(found(view, "mimas-3", kShop) == "mimas-3");  // whether that may be changed is asked elsewhere
  CHECK(says(found(view, "web"), "conflict: "));
}

TEST_CASE("what is no id of a job says so, as far as it can be seen") {
  PublishedView view;
  view.apply({put(1, "web")});
  CHECK(says(found(view, "mimas-1-worker-0-0"), "that is a task's (its job is mimas-1)"));
  CHECK(says(found(view, "2d274de5-3f84-4f4e-a5e3-7c34476f7ec8"), "UUIDs are those of Titus's v3 API"));
  CHECK(says(found(view, "2d274de5-3f84-4f4e-a5e3-7c34476f7ec"), "no job has the id or the name 2d274de5"));
  CHECK(says(found(view, "nope"), "no job has the id or the name nope"));
  const auto task = [&](const std::string& id) { return find_task(view, id).error().text(); };
  CHECK(says(task("mimas-1"), "that is a job's (GET /v2/jobs/mimas-1/tasks lists its tasks)"));
  CHECK(says(task("mimas-1-worker-0-0"), "not on record any more"));
  CHECK(says(task("2D274DE5-3f84-4f4e-a5e3-7c34476f7ec8"), "UUIDs"));
  CHECK(says(task("web"), "no task has the id web"));
}

TEST_CASE("for filters the id of what is gone is an id all the same") {
  PublishedView view;
  view.apply({put(1, "web")});
  CHECK(find_job_id(view, kAll, "mimas-99")->value == "mimas-99");
  CHECK(find_job_id(view, kAll, "web")->value == "mimas-1");
  CHECK(find_job_id(view, kAll, "nope").error().code == Code::not_found);
}
