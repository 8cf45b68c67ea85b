#include "store/backup.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <filesystem>

#include "sample_records.h"
#include "scratch.h"
#include "store/store.h"

namespace mimas::store {
namespace {

engine::Change put(const Job& job) { return engine::PutJob{std::make_shared<const Job>(job)}; }
engine::Change put(const Task& task) { return engine::PutTask{std::make_shared<const Task>(task)}; }

void same_records(const Loaded& one, const Loaded& two) {
  REQUIRE(one.jobs.size() == two.jobs.size());
  for (std::size_t i = 0; i < one.jobs.size(); ++i) CHECK(same(one.jobs[i], two.jobs[i]));
  REQUIRE(one.tasks.size() == two.tasks.size());
  for (std::size_t i = 0; i < one.tasks.size(); ++i) CHECK(same(one.tasks[i], two.tasks[i]));
}

// The copy in the place of a database.
Loaded restored(const std::string& copy) {
  const Scratch scratch;
  std::filesystem::copy_file(copy, scratch.path("mimas.db"));
  const auto store = Store::open(scratch.path());
  if (!store.ok()) FAIL(store.error().text());
  return (*store)->load().value();
}

std::unique_ptr<Store> filled(const Scratch& scratch, Prng& prng) {
  auto store = Store::open(scratch.path("data")).value();
  REQUIRE(store->load().ok());
  for (std::int64_t number = 1; number <= 60; ++number) {
    const Job job = sample_job(prng, number);
    Task task = sample_task(prng, job.id, 0, 0);
    task.message = std::string(20'000, 'm');
    REQUIRE(store->commit({put(job), put(task)}).ok());
  }
  return store;
}

void finish(Backup& backup) {
  for (int i = 0; i < 100'000; ++i) {
    const Result<bool> done = backup.step(3);
    if (!done.ok()) FAIL(done.error().text());
    if (*done) return;
  }
  FAIL("the backup does not come to an end");
}

}  // namespace

TEST_CASE("a backup that is made while the database is written holds all that was committed before its end") {
  const Scratch scratch;
  Prng prng(31);
  const auto store = filled(scratch, prng);
  const std::string path = scratch.path("data/backups/one.db");
  auto backup = store->back_up(path);
  if (!backup.ok()) FAIL(backup.error().text());
  int commits = 0;
  for (std::int64_t number = 100;; ++number) {
    const Result<bool> done = (*backup)->step(3);
    if (!done.ok()) FAIL(done.error().text());
    if (*done) break;
    CHECK_FALSE(std::filesystem::exists(path));
    const Job job = sample_job(prng, number % 120);  // new ones, and old ones that change
    REQUIRE(store
                ->commit({put(job), put(sample_task(prng, job.id, 0, 0)),
                          engine::RemoveJob{make_job_id(number % 50)}})
                .ok());
    ++commits;
  }
  CHECK(commits > 20);
  same_records(restored(path), store->load().value());
  CHECK((*backup)->step().value());  // it stays done
  struct stat at {};
  REQUIRE(::stat(path.c_str(), &at) == 0);
  CHECK((at.st_mode & 0777) == 0600);
  REQUIRE(::stat(scratch.path("data/backups").c_str(), &at) == 0);
  CHECK((at.st_mode & 0777) == 0700);
  CHECK_FALSE(std::filesystem::exists(path + ".part"));
}

TEST_CASE("a backup never takes the place of a file, and one that was given up leaves nothing") {
  const Scratch scratch;
  Prng prng(32);
  const auto store = filled(scratch, prng);
  scratch.write("there.db", "mine");
  const auto refused = store->back_up(scratch.path("there.db"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::conflict);
  CHECK(std::filesystem::file_size(scratch.path("there.db")) == 4);
  {
    auto given_up = store->back_up(scratch.path("b.db"));
    REQUIRE(given_up.ok());
    CHECK_FALSE((*given_up)->step(3).value());
    CHECK(std::filesystem::exists(scratch.path("b.db.part")));
  }
  CHECK_FALSE(std::filesystem::exists(scratch.path("b.db.part")));
  scratch.write("b.db.part", "of a process that was killed");
  auto backup = store->back_up(scratch.path("b.db"));
  REQUIRE(backup.ok());
  finish(**backup);
  same_records(restored(scratch.path("b.db")), store->load().value());
  CHECK_FALSE(store->back_up(scratch.path("there.db/x.db")).ok());  // a file is no directory
}

}  // namespace mimas::store
