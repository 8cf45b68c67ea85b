#include "store/store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>

#include "sample_records.h"
#include "scratch.h"
#include "store/connection.h"
#include "store/migrations.h"

namespace mimas::store {
namespace {

using engine::Change;

std::unique_ptr<Store> opened(const std::string& directory) {
  Result<std::unique_ptr<Store>> store = Store::open(directory);
  if (!store) FAIL(store.error().text());
  return std::move(store).value();
}

Error refused(const std::string& directory) {
  const Result<std::unique_ptr<Store>> store = Store::open(directory);
  REQUIRE_FALSE(store.ok());
  return store.error();
}

Loaded loaded(Store& store) {
  Result<Loaded> result = store.load();
  if (!result) FAIL(result.error().text());
  return std::move(result).value();
}

Change put(const Job& job) { return engine::PutJob{std::make_shared<const Job>(job)}; }
Change put(const Task& task) { return engine::PutTask{std::make_shared<const Task>(task)}; }

Job plain_job(std::int64_t number) {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.spec = std::make_shared<const JobSpec>();
  return job;
}

Task plain_task(std::int64_t job, std::int64_t index, std::int64_t number) {
  Task task;
  task.id = make_task_id(make_job_id(job), index, number);
  task.job = make_job_id(job);
  task.index = index;
  task.number = number;
  return task;
}

void run_sql(const std::string& directory, const char* sql) {
  Result<Connection> connection = Connection::open(directory + "/mimas.db");
  REQUIRE(connection.ok());
  const Status done = connection->execute(sql);
  if (!done) FAIL(done.error().text());
}

TEST_CASE("a new directory is made, private, and holds nothing") {
  const Scratch scratch;
  const std::string directory = scratch.path("a/b");
  const auto store = opened(directory);
  const Loaded found = loaded(*store);
  CHECK(found.framework.empty());
  CHECK(found.next_job_number == 1);
  CHECK(found.jobs.empty());
  CHECK(found.tasks.empty());
  CHECK(store->commits() == 0);
  struct stat at {};
  REQUIRE(::stat(directory.c_str(), &at) == 0);
  CHECK((at.st_mode & 0777) == 0700);
  REQUIRE(::stat((directory + "/mimas.db").c_str(), &at) == 0);
  CHECK((at.st_mode & 0777) == 0600);
}

TEST_CASE("every field of every record comes back after the store was opened anew") {
  const Scratch scratch;
  Prng prng(7);
  std::vector<Job> jobs;
  std::vector<Task> tasks;
  std::vector<Change> batch;
  for (std::int64_t number = 1; number <= 100; ++number) {
    jobs.push_back(sample_job(prng, number));
    batch.push_back(put(jobs.back()));
    for (std::int64_t task = 0; task < 3; ++task) {
      tasks.push_back(sample_task(prng, jobs.back().id, task, task * 2));
      batch.push_back(put(tasks.back()));
    }
  }
  batch.push_back(engine::PutFramework{FrameworkId("f-1")});
  batch.push_back(engine::PutNextJobNumber{101});
  {
    const auto store = opened(scratch.path());
    const Status committed = store->commit(batch);
    REQUIRE(committed.ok());
    CHECK(store->commits() == 1);
  }
  const auto store = opened(scratch.path());
  const Loaded found = loaded(*store);
  CHECK(found.framework == FrameworkId("f-1"));
  CHECK(found.next_job_number == 101);
  REQUIRE(found.jobs.size() == jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) REQUIRE(same(found.jobs[i], jobs[i]));
  REQUIRE(found.tasks.size() == tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) REQUIRE(same(found.tasks[i], tasks[i]));
}

TEST_CASE("jobs come back by number and tasks by job number, slot and number") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  REQUIRE(store
              ->commit({put(plain_job(10)), put(plain_job(9)), put(plain_task(10, 0, 2)),
                        put(plain_task(9, 11, 0)), put(plain_task(9, 2, 10)), put(plain_task(9, 2, 9))})
              .ok());
  const Loaded found = loaded(*store);
  REQUIRE(found.jobs.size() == 2);
  CHECK(found.jobs[0].number == 9);
  std::string order;
  for (const Task& task : found.tasks) order += task.id.value + " ";
  CHECK(order == "mimas-9-worker-2-9 mimas-9-worker-2-10 mimas-9-worker-11-0 mimas-10-worker-0-2 ");
}

TEST_CASE("what was decided about orphans comes back, what was not decided does not") {
  const Scratch scratch;
  Orphan waits{TaskId("t1"), AgentId("a"), "h", "TASK_RUNNING", Instant{5}, OrphanDecision::waiting, "many"};
  Orphan left{TaskId("t2"), AgentId(""), "", "TASK_STAGING", Instant{6}, OrphanDecision::leave, "no job"};
  Orphan killed{TaskId("t3"), AgentId("b"), "", "TASK_KILLING", Instant{7}, OrphanDecision::kill, "by ann"};
  Orphan fresh{TaskId("t4"), AgentId("b"), "", "TASK_RUNNING", Instant{8}, OrphanDecision::undecided, ""};
  const auto put_orphan = [](const Orphan& one) {
    return engine::PutOrphan{std::make_shared<const Orphan>(one)};
  };
  {
    const auto store = opened(scratch.path());
    REQUIRE(store->commit({put_orphan(fresh)}).ok());
    CHECK(store->commits() == 0);
    REQUIRE(store->commit({put_orphan(waits), put_orphan(left), put_orphan(fresh), put_orphan(killed)}).ok());
    waits.decision = OrphanDecision::kill;
    REQUIRE(store->commit({put_orphan(waits), engine::RemoveOrphan{left.task}}).ok());
  }
  const auto store = opened(scratch.path());
  CHECK(loaded(*store).orphans == std::vector<Orphan>{waits, killed});
}

TEST_CASE("a database of the version before orphans were kept opens, and then keeps them") {
  const Scratch scratch;
  {
    Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
    REQUIRE(connection.ok());
    REQUIRE(migrate(*connection, migrations().first(1)).ok());
  }
  const auto store = opened(scratch.path());
  const Orphan left{TaskId("t"), AgentId("a"), "", "TASK_RUNNING", Instant{6}, OrphanDecision::leave, "x"};
  REQUIRE(store->commit({engine::PutOrphan{std::make_shared<const Orphan>(left)}}).ok());
  CHECK(loaded(*store).orphans == std::vector<Orphan>{left});
}

TEST_CASE("tasks of a database from before executors were shared ran in executors of their own") {
  const Scratch scratch;
  {
    Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
    REQUIRE(connection.ok());
    REQUIRE(migrate(*connection, migrations().first(3)).ok());
    const Status filled = connection->execute(
        "INSERT INTO jobs VALUES(1,'mimas-1','active','none',1,1,0,1,1,1,5,0,'','{}');"
        "INSERT INTO tasks VALUES('mimas-1-worker-0-0','mimas-1',0,0,0,0,'RUNNING','a','h','h:1','','','{}',"
        "1,2,3,4,0,0,0,0,0,0,0,'','',3,NULL)");
    if (!filled) FAIL(filled.error().text());
  }
  const auto store = opened(scratch.path());
  Loaded found = loaded(*store);
  REQUIRE(found.tasks.size() == 1);
  Task task = found.tasks[0];
  CHECK(task.running_at == Instant{4});
  CHECK(task.exit.code == 3);
  CHECK(task.executor.empty());
  CHECK(run_facts(task) == RunFacts{});
  CHECK_FALSE(task.healthy.has_value());
  CHECK_FALSE(task.ready.has_value());
  CHECK_FALSE(task.exit.memory_limit);
  CHECK_FALSE(task.exit.memory_peak_bytes.has_value());

  task.facts = std::make_shared<const RunFacts>(RunFacts{4711, std::string(64, 'c'), "172.17.0.2", "0.2"});
  task.healthy = false;
  REQUIRE(store->commit({put(task)}).ok());
  CHECK(same(loaded(*store).tasks.at(0), task));
}

TEST_CASE("the changes of a batch apply in order, and twice is the same as once") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  Job job = plain_job(1);
  Job later = job;
  later.version = 2;
  later.message = "changed";
  const std::vector<Change> batch = {put(job), put(plain_task(1, 0, 0)), put(later),
                                     engine::RemoveTask{make_task_id(job.id, 0, 0)},
                                     put(plain_task(1, 0, 1))};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(store->commit(batch).ok());
    const Loaded found = loaded(*store);
    REQUIRE(found.jobs.size() == 1);
    CHECK(same(found.jobs[0], later));
    REQUIRE(found.tasks.size() == 1);
    CHECK(found.tasks[0].number == 1);
  }
}

TEST_CASE(
    "a changed spec is written, also when another one was on disk and when the job was removed in between") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  Job job = plain_job(1);
  JobSpec spec;
  for (const char* name : {"one", "two", "three"}) {
    spec.name = name;
    job.spec = std::make_shared<const JobSpec>(spec);
    REQUIRE(store->commit({put(job)}).ok());
    CHECK(loaded(*store).jobs.at(0).spec->name == name);
  }
  REQUIRE(store->commit({put(job)}).ok());  // twice the very same spec, with the job removed in between
  REQUIRE(store->commit({engine::RemoveJob{job.id}, put(job)}).ok());
  REQUIRE(loaded(*store).jobs.size() == 1);
  CHECK(loaded(*store).jobs.at(0).spec->name == "three");
}

TEST_CASE("removing a job removes its tasks and no others; removing what is not there is fine") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  REQUIRE(store
              ->commit({put(plain_job(1)), put(plain_job(2)), put(plain_task(1, 0, 0)),
                        put(plain_task(1, 1, 1)), put(plain_task(2, 0, 0))})
              .ok());
  REQUIRE(store
              ->commit({engine::RemoveJob{make_job_id(1)}, engine::RemoveJob{make_job_id(77)},
                        engine::RemoveTask{make_task_id(make_job_id(1), 0, 0)}})
              .ok());
  const Loaded found = loaded(*store);
  REQUIRE(found.jobs.size() == 1);
  CHECK(found.jobs[0].number == 2);
  REQUIRE(found.tasks.size() == 1);
  CHECK(found.tasks[0].job == make_job_id(2));
}

TEST_CASE("within a batch a task may come before its job, but a task without a job does not commit") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  REQUIRE(store->commit({put(plain_task(1, 0, 0)), put(plain_job(1))}).ok());
  const Status committed = store->commit({put(plain_task(5, 0, 0))});
  REQUIRE_FALSE(committed.ok());
  CHECK(committed.error().code == Code::internal);
}

TEST_CASE("changes that are only published need no transaction") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  CHECK(store->commit({}).ok());
  const std::vector<Change> published = {
      engine::PutAgent{std::make_shared<const Agent>()}, engine::RemoveAgent{AgentId("a")},
      engine::PutShortfall{make_job_id(1), "x"}, engine::PutConnection{true, "m"}};
  CHECK(store->commit(published).ok());
  CHECK(store->commits() == 0);
  std::vector<Change> mixed = published;
  mixed.push_back(put(plain_job(1)));
  CHECK(store->commit(mixed).ok());
  CHECK(store->commits() == 1);
}

TEST_CASE("text with NUL and bytes that are no UTF-8 come back as they were") {
  const Scratch scratch;
  const auto store = opened(scratch.path());
  Task task = plain_task(1, 0, 0);
  task.message = std::string("a\0b", 3) + "\xff\xfe";
  task.reason = "'); DROP TABLE tasks; --";
  REQUIRE(store->commit({put(plain_job(1)), put(task)}).ok());
  CHECK(same(loaded(*store).tasks.at(0), task));
}

TEST_CASE("a second store on the same directory is a conflict that names the process") {
  const Scratch scratch;
  auto first = opened(scratch.path());
  const Error error = refused(scratch.path());
  CHECK(error.code == Code::conflict);
  CHECK(error.message == "another mimas is using this directory (pid " + std::to_string(::getpid()) + ")");
  CHECK(error.where == scratch.path());
  first.reset();
  CHECK(Store::open(scratch.path()).ok());
}

TEST_CASE("a lock file with rubbish in it harms nobody") {
  const Scratch scratch;
  scratch.write("lock", "\xff rubbish");
  CHECK(Store::open(scratch.path()).ok());
}

TEST_CASE("a file that is no database is refused") {
  const Scratch scratch;
  scratch.write("mimas.db", std::string(8192, 'x'));
  const Error error = refused(scratch.path());
  CHECK(error.code == Code::io);
  CHECK(error.message == "this is not a database");
  CHECK(error.where == scratch.path("mimas.db"));
}

TEST_CASE("a damaged database is refused") {
  const Scratch scratch;
  {
    const auto store = opened(scratch.path());
    std::vector<Change> batch;
    for (std::int64_t number = 1; number <= 500; ++number) batch.push_back(put(plain_job(number)));
    REQUIRE(store->commit(batch).ok());
  }
  const auto size = std::filesystem::file_size(scratch.path("mimas.db"));
  REQUIRE(size > 40'000);
  std::fstream file(scratch.path("mimas.db"), std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t at = 8192; at + 4096 <= size; at += 8192) {
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(4096, '\x5a');
  }
  file.close();
  const Error error = refused(scratch.path());
  CHECK(error.code == Code::io);
  CHECK(error.message.find("the database is damaged") != std::string::npos);
}

TEST_CASE("a record that this version cannot read is an error that says which") {
  const Scratch scratch;
  {
    const auto store = opened(scratch.path());
    REQUIRE(store->commit({put(plain_job(1)), put(plain_task(1, 0, 0))}).ok());
  }
  const auto error_after = [&](const char* sql) {
    run_sql(scratch.path(), sql);
    const auto store = opened(scratch.path());
    const Result<Loaded> result = store->load();
    REQUIRE_FALSE(result.ok());
    return result.error().where;
  };
  CHECK(error_after("UPDATE tasks SET state='DREAMING'") == "tasks/mimas-1-worker-0-0/state");
  CHECK(error_after("UPDATE tasks SET state='RUNNING',allocated='{\"cpu_milli\":\"x\"}'") ==
        "tasks/mimas-1-worker-0-0/allocated/cpu_milli");
  CHECK(error_after("UPDATE jobs SET spec='{\"name\":7}'") == "jobs/mimas-1/spec/name");
  CHECK(error_after("UPDATE jobs SET outcome='x'") == "jobs/mimas-1/outcome");
  CHECK(error_after("UPDATE jobs SET state='x'") == "jobs/mimas-1/state");
  CHECK(error_after("INSERT INTO meta VALUES('next_job_number','-1')") == "meta/next_job_number");
}

TEST_CASE("the database of a newer version and that of another program are refused") {
  const Scratch scratch;
  { const auto store = opened(scratch.path()); }
  run_sql(scratch.path(), "PRAGMA user_version=1000");
  Error error = refused(scratch.path());
  CHECK(error.code == Code::unsupported);
  CHECK(error.message.find("newer mimas (schema 1000") != std::string::npos);

  const Scratch other;
  run_sql(other.path(), "CREATE TABLE theirs(x)");
  error = refused(other.path());
  CHECK(error.code == Code::invalid_argument);
  CHECK(error.message == "this database belongs to another program");
}

TEST_CASE("a directory that cannot be made or written is an error") {
  const Scratch scratch;
  scratch.write("file", "");
  CHECK(refused(scratch.path("file")).code == Code::io);
  CHECK(refused(scratch.path("file/below")).code == Code::io);
  CHECK(refused("").code == Code::invalid_argument);
  std::filesystem::create_directory(scratch.path("dir"));
  std::filesystem::create_directory(scratch.path("dir/mimas.db"));
  CHECK(refused(scratch.path("dir")).code == Code::io);

  // Root may write anywhere, so a child without that right looks at a read-only directory.
  std::filesystem::create_directory(scratch.path("read-only"));
  std::filesystem::permissions(scratch.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(scratch.path("read-only"), std::filesystem::perms(0555));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    const Result<std::unique_ptr<Store>> store = Store::open(scratch.path("read-only"));
    ::_exit(!store.ok() && store.error().code == Code::io ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("after a commit failed for want of room nothing is stored any more, and what was there stays") {
  const Scratch scratch;
  {
    Result<std::unique_ptr<Store>> small = Store::open(scratch.path(), 30);
    REQUIRE(small.ok());
    Store& store = **small;
    REQUIRE(store.commit({put(plain_job(1))}).ok());
    JobSpec large;
    large.entry_point = std::string(1'000'000, 'x');
    Job job = plain_job(2);
    job.spec = std::make_shared<const JobSpec>(large);
    const Status full = store.commit({put(plain_job(3)), put(job)});
    REQUIRE_FALSE(full.ok());
    CHECK(full.error().code == Code::resource_exhausted);
    CHECK(full.error().message.find("no room for the database") != std::string::npos);
    const Status after = store.commit({put(plain_job(4))});
    REQUIRE_FALSE(after.ok());
    CHECK(after.error().code == Code::unavailable);
    CHECK(store.commits() == 1);
  }
  const auto store = opened(scratch.path());
  const Loaded found = loaded(*store);
  REQUIRE(found.jobs.size() == 1);
  CHECK(found.jobs[0].number == 1);
}

TEST_CASE("migrations run once each, in order, and one that fails leaves the file as it was") {
  const Scratch scratch;
  const std::string path = scratch.path("m.db");
  const Migration steps[] = {{1, "CREATE TABLE a(x) STRICT"}, {2, "CREATE TABLE b(x INTEGER) STRICT"}};
  const Migration good[] = {{1, "CREATE TABLE a(x INTEGER) STRICT"},
                            {2, "ALTER TABLE a ADD COLUMN y INTEGER"}};
  const Migration bad[] = {good[0], good[1], {3, "CREATE TABLE c(x INTEGER) STRICT; NONSENSE"}};
  Result<Connection> connection = Connection::open(path);
  REQUIRE(connection.ok());
  CHECK_FALSE(migrate(*connection, steps).ok());  // STRICT wants a type
  CHECK(connection->integer("PRAGMA user_version").value() == 0);
  CHECK(migrate(*connection, std::span(good).first(1)).ok());
  CHECK(migrate(*connection, good).ok());
  CHECK(migrate(*connection, good).ok());
  CHECK(connection->integer("PRAGMA user_version").value() == 2);
  CHECK_FALSE(migrate(*connection, bad).ok());
  CHECK(connection->integer("PRAGMA user_version").value() == 2);
  CHECK(connection->integer("SELECT count(*) FROM sqlite_schema").value() == 1);
  CHECK_FALSE(migrate(*connection, std::span(good).first(1)).ok());  // now an older program
}

TEST_CASE("the settings that durability stands on are on") {
  const Scratch scratch;
  { const auto store = opened(scratch.path()); }
  Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
  REQUIRE(connection.ok());
  CHECK(connection->text("PRAGMA journal_mode").value() == "wal");
  CHECK(connection->integer("PRAGMA application_id").value() == kApplicationId);
  CHECK(
      connection
          ->integer("SELECT count(*) FROM pragma_table_list WHERE name IN ('meta','jobs','tasks') AND strict")
          .value() == 3);
}

}  // namespace
}  // namespace mimas::store
