// Audits, versions, receipts and the steps of tasks on disk, and a database from before there were any.
#include "store/history.h"

#include <doctest/doctest.h>

#include "sample_records.h"
#include "scratch.h"
#include "store/migrations.h"
#include "store/store.h"

namespace mimas::store {
namespace {

using engine::Change;

Loaded reopened(const Scratch& scratch) {
  Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
  if (!store) FAIL(store.error().text());
  Result<Loaded> loaded = (*store)->load();
  if (!loaded) FAIL(loaded.error().text());
  return std::move(loaded).value();
}

Change put(const Job& job) { return engine::PutJob{std::make_shared<const Job>(job)}; }
Change put(const Audit& audit) { return engine::PutAudit{std::make_shared<const Audit>(audit)}; }
Change put(const JobVersion& version) {
  return engine::PutJobVersion{std::make_shared<const JobVersion>(version)};
}

Audit sample_audit(Prng& prng, std::int64_t number) {
  Audit audit;
  audit.number = number;
  audit.at.ms = sample_number(prng);
  for (std::string* text :
       {&audit.user, &audit.address, &audit.action, &audit.job.value, &audit.task.value, &audit.detail}) {
    *text = sample_text(prng);
  }
  for (std::uint64_t left = prng.below(4); left > 0; --left) {
    audit.fields.push_back({sample_text(prng), sample_text(prng), sample_text(prng)});
  }
  return audit;
}

bool same(const Audit& a, const Audit& b) {
  return a.number == b.number && a.at == b.at && a.user == b.user && a.address == b.address &&
         a.action == b.action && a.job == b.job && a.task == b.task && a.detail == b.detail &&
         a.fields == b.fields;
}

bool same(const JobVersion& a, const JobVersion& b) {
  return a.job == b.job && a.version == b.version && a.at == b.at && a.user == b.user && a.what == b.what &&
         *a.spec == *b.spec && a.instances_desired == b.instances_desired &&
         a.instances_min == b.instances_min && a.instances_max == b.instances_max &&
         a.in_service == b.in_service;
}

JobVersion version_of(const Job& job, Prng& prng) {
  JobVersion version;
  version.job = job.id;
  version.version = job.version;
  version.at.ms = sample_number(prng);
  version.user = sample_text(prng);
  version.what = sample_text(prng);
  version.spec = job.spec;
  version.instances_desired = sample_number(prng);
  version.instances_min = sample_number(prng);
  version.instances_max = sample_number(prng);
  version.in_service = prng.below(2) == 1;
  return version;
}

}  // namespace

TEST_CASE("every field of every audit comes back, by number, and the next one's number is larger") {
  const Scratch scratch;
  Prng prng(21);
  std::vector<Audit> audits;
  {
    const auto store = Store::open(scratch.path()).value();
    REQUIRE(store->load().ok());
    for (std::int64_t number = 1; number <= 40; ++number) {
      audits.push_back(sample_audit(prng, number));
      REQUIRE(store->commit({put(sample_audit(prng, number)), put(audits.back())}).ok());
    }
    REQUIRE(store->commit({engine::RemoveAudit{1}, engine::RemoveAudit{2}, engine::RemoveAudit{99}}).ok());
    audits.erase(audits.begin(), audits.begin() + 2);
  }
  const Loaded loaded = reopened(scratch);
  REQUIRE(loaded.audits.size() == audits.size());
  for (std::size_t i = 0; i < audits.size(); ++i) CHECK(same(loaded.audits[i], audits[i]));
  CHECK(loaded.next_audit_number == 41);
}

TEST_CASE("receipts come back oldest first, as they were given last") {
  const Scratch scratch;
  {
    const auto store = Store::open(scratch.path()).value();
    REQUIRE(store->load().ok());
    REQUIRE(store
                ->commit({engine::PutReceipt{{"me b", "f1", "mimas-1", Instant{7}}},
                          engine::PutReceipt{{"me a", "f2", "mimas-2", Instant{9}}},
                          engine::PutReceipt{{"me c", "f3", "mimas-3", Instant{3}}},
                          engine::PutReceipt{{"me b", "f4", "mimas-op-4", Instant{8}}},
                          engine::RemoveReceipt{"me c"}})
                .ok());
  }
  const Loaded loaded = reopened(scratch);
  REQUIRE(loaded.receipts.size() == 2);
  CHECK(loaded.receipts[0].key == "me b");
  CHECK(loaded.receipts[0].fingerprint == "f4");
  CHECK(loaded.receipts[0].answer == "mimas-op-4");
  CHECK(loaded.receipts[0].at == Instant{8});
  CHECK(loaded.receipts[1].key == "me a");
}

// Lives of two jobs: every version keeps its own description, whichever were removed, and however often the
// description stayed as it was.
TEST_CASE("every version of a job has the description that it had, also when older ones were removed") {
  Prng prng(5);
  for (int life = 0; life < 20; ++life) {
    const Scratch scratch;
    std::map<std::pair<std::int64_t, std::int64_t>, JobVersion> expected;
    {
      auto store = Store::open(scratch.path()).value();
      REQUIRE(store->load().ok());
      std::map<std::int64_t, Job> jobs;
      for (std::int64_t number : {3, 12}) {
        jobs[number] = sample_job(prng, number);
        jobs[number].version = 0;
      }
      for (int step = 0; step < 15; ++step) {
        Job& job = jobs[prng.below(2) == 0 ? 3 : 12];
        ++job.version;
        if (prng.below(2) == 0) job.spec = std::make_shared<const JobSpec>(sample_spec(prng));
        const JobVersion version = version_of(job, prng);
        std::vector<Change> changes{put(version)};
        expected[{job.number, job.version}] = version;
        if (prng.below(3) == 0) {
          const auto oldest = expected.lower_bound({job.number, 0});
          changes.push_back(engine::RemoveJobVersion{job.id, oldest->first.second});
          expected.erase(oldest);
        }
        changes.push_back(put(job));
        REQUIRE(store->commit(changes).ok());
        if (prng.below(4) == 0) {
          store.reset();
          store = Store::open(scratch.path()).value();
          REQUIRE(store->load().ok());
        }
      }
    }
    const Loaded loaded = reopened(scratch);
    REQUIRE(loaded.versions.size() == expected.size());
    auto next = expected.begin();
    for (const JobVersion& version : loaded.versions) {
      CAPTURE(version.job.value);
      CAPTURE(version.version);
      CHECK(same(version, (next++)->second));
    }
  }
}

TEST_CASE("the newest version shares its description with its job, in memory and on disk") {
  const Scratch scratch;
  Prng prng(6);
  Job job = sample_job(prng, 1);
  job.version = 1;
  {
    const auto store = Store::open(scratch.path()).value();
    REQUIRE(store->load().ok());
    REQUIRE(store->commit({put(version_of(job, prng)), put(job)}).ok());
  }
  const Loaded loaded = reopened(scratch);
  REQUIRE(loaded.versions.size() == 1);
  CHECK(loaded.versions[0].spec == loaded.jobs[0].spec);
}

TEST_CASE("the versions of a job go with it, its audits stay") {
  const Scratch scratch;
  Prng prng(7);
  {
    const auto store = Store::open(scratch.path()).value();
    REQUIRE(store->load().ok());
    const Job job = sample_job(prng, 1);
    Audit audit = sample_audit(prng, 1);
    audit.job = job.id;
    REQUIRE(store->commit({put(version_of(job, prng)), put(audit), put(job)}).ok());
    REQUIRE(store->commit({engine::RemoveJob{job.id}}).ok());
  }
  const Loaded loaded = reopened(scratch);
  CHECK(loaded.versions.empty());
  REQUIRE(loaded.audits.size() == 1);
  CHECK(loaded.audits[0].job == make_job_id(1));
}

TEST_CASE("the steps of a task are read as they were written, and what is no list of steps is refused") {
  Prng prng(8);
  for (int i = 0; i < 200; ++i) {
    std::vector<StatusChange> steps;
    for (std::uint64_t left = prng.below(5); left > 0; --left) {
      steps.push_back({static_cast<TaskState>(prng.below(kTaskStates)), Instant{sample_number(prng)},
                       sample_text(prng), sample_text(prng)});
    }
    const auto back = parse_steps(render_steps(steps));
    REQUIRE(back.ok());
    CHECK(*back == steps);
  }
  CHECK(render_steps({}).empty());
  for (const char* wrong :
       {"{}", "[1]", "[[]]", "[[\"RUNNING\"]]", "[[\"RUNNING\",\"x\"]]", "[[\"JUMPING\",1]]",
        "[[\"RUNNING\",1,2]]", "[[\"RUNNING\",1,\"a\",\"b\",\"c\"]]", "[["}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_steps(wrong).ok());
  }
}

TEST_CASE("a damaged list in the database is named") {
  const Scratch scratch;
  Prng prng(9);
  REQUIRE(Store::open(scratch.path()).value()->commit({put(sample_audit(prng, 7))}).ok());
  {
    Connection connection = Connection::open(scratch.path() + "/mimas.db").value();
    REQUIRE(connection.execute("UPDATE audits SET fields='[1]'").ok());
  }
  const auto store = Store::open(scratch.path()).value();
  const Result<Loaded> loaded = store->load();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().where.starts_with("audits/7/fields"));
}

TEST_CASE("a database from before there was history opens with its jobs and tasks, and then keeps history") {
  const Scratch scratch;
  Prng prng(10);
  {
    Connection connection = Connection::open(scratch.path() + "/mimas.db").value();
    REQUIRE(migrate(connection, migrations().first(4)).ok());
    REQUIRE(connection
                .execute("INSERT INTO jobs(number,id,state,outcome,version,instances_desired,instances_min,"
                         "instances_max,in_service,next_task_number,submitted_at_ms,ended_at_ms,message,spec)"
                         " VALUES(1,'mimas-1','active','none',3,1,1,1,1,1,5,0,'','{}')")
                .ok());
  }
  {
    const auto store = Store::open(scratch.path()).value();
    const Loaded loaded = store->load().value();
    REQUIRE(loaded.jobs.size() == 1);
    CHECK_FALSE(loaded.jobs[0].increase_disabled);
    CHECK_FALSE(loaded.jobs[0].decrease_disabled);
    CHECK(loaded.versions.empty());
    CHECK(loaded.audits.empty());
    CHECK(loaded.next_audit_number == 1);
    Job job = loaded.jobs[0];
    const JobVersion before = version_of(job, prng);
    ++job.version;
    job.spec = std::make_shared<const JobSpec>(sample_spec(prng));
    REQUIRE(store->commit({put(before), put(version_of(job, prng)), put(job)}).ok());
  }
  const Loaded loaded = reopened(scratch);
  REQUIRE(loaded.versions.size() == 2);
  CHECK(*loaded.versions[0].spec == JobSpec{});
  CHECK(*loaded.versions[1].spec == *loaded.jobs[0].spec);
}

}  // namespace mimas::store
