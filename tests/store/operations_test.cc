// Operations on disk, and a database from before there were any.
#include "store/operations.h"

#include <doctest/doctest.h>

#include "sample_records.h"
#include "scratch.h"
#include "store/migrations.h"
#include "store/store.h"

namespace mimas::store {
namespace {

Operation sample_operation(Prng& prng, std::int64_t number) {
  Operation operation;
  operation.number = number;
  operation.id = make_operation_id(number);
  operation.type = static_cast<OperationType>(prng.below(4));
  operation.agent = AgentId(sample_text(prng));
  for (std::string* text :
       {&operation.role, &operation.volume, &operation.path, &operation.user, &operation.message}) {
    *text = sample_text(prng);
  }
  operation.amounts = sample_resources(prng);
  operation.reserved_before = sample_resources(prng);
  operation.state = static_cast<OperationState>(prng.below(kOperationStates));
  operation.attempt = sample_number(prng);
  operation.feedback = prng.below(2) == 1;
  for (Instant* instant : {&operation.created_at, &operation.sent_at, &operation.updated_at}) {
    instant->ms = sample_number(prng);
  }
  return operation;
}

bool same(const Operation& a, const Operation& b) {
  return a.id == b.id && a.number == b.number && a.type == b.type && a.agent == b.agent && a.role == b.role &&
         a.amounts == b.amounts && a.volume == b.volume && a.path == b.path && a.user == b.user &&
         a.state == b.state && a.attempt == b.attempt && a.feedback == b.feedback &&
         a.reserved_before == b.reserved_before && a.created_at == b.created_at && a.sent_at == b.sent_at &&
         a.updated_at == b.updated_at && a.message == b.message;
}

engine::Change put(const Operation& operation) {
  return engine::PutOperation{std::make_shared<const Operation>(operation)};
}

Loaded reopened(const Scratch& scratch) {
  Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
  if (!store) FAIL(store.error().text());
  Result<Loaded> loaded = (*store)->load();
  if (!loaded) FAIL(loaded.error().text());
  return std::move(loaded).value();
}

}  // namespace

TEST_CASE("every field of every operation comes back, by number, as it was put last") {
  const Scratch scratch;
  Prng prng(11);
  std::vector<Operation> operations;
  {
    const auto store = Store::open(scratch.path()).value();
    for (std::int64_t number = 1; number <= 50; ++number) {
      Operation first = sample_operation(prng, number);
      Operation last = first;
      last.state = static_cast<OperationState>(prng.below(kOperationStates));
      last.attempt = first.attempt / 2;
      last.feedback = !first.feedback;
      last.reserved_before = sample_resources(prng);
      last.sent_at.ms = sample_number(prng);
      last.updated_at.ms = sample_number(prng);
      last.message = sample_text(prng);
      REQUIRE(store->commit({put(first), put(last)}).ok());
      operations.push_back(last);
    }
    REQUIRE(store->commit({engine::RemoveOperation{make_operation_id(7)}}).ok());
    operations.erase(operations.begin() + 6);
  }
  const Loaded loaded = reopened(scratch);
  REQUIRE(loaded.operations.size() == operations.size());
  for (std::size_t i = 0; i < operations.size(); ++i) REQUIRE(same(loaded.operations[i], operations[i]));
}

TEST_CASE("a database of the first schema is taken over with its jobs and tasks, and then keeps operations") {
  const Scratch scratch;
  {
    Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
    REQUIRE(connection.ok());
    REQUIRE(migrate(*connection, migrations().first(1)).ok());
    REQUIRE(connection->integer("PRAGMA user_version").value() == 1);
    const Status filled = connection->execute(
        "INSERT INTO meta VALUES('framework','F-1'),('next_job_number','8');"
        "INSERT INTO jobs VALUES(7,'mimas-7','active','none',1,1,1,1,1,1,5,0,'','{}');"
        "INSERT INTO tasks "
        "VALUES('mimas-7-worker-0-0','mimas-7',0,0,0,0,'RUNNING','S1','h','h:5051','','','{}',"
        "1,2,3,4,0,0,0,0,0,0,0,'','',NULL,NULL);");
    REQUIRE_MESSAGE(filled.ok(), (filled.ok() ? "" : filled.error().text()));
  }
  {
    const Loaded loaded = reopened(scratch);
    CHECK(loaded.framework == FrameworkId("F-1"));
    CHECK(loaded.next_job_number == 8);
    REQUIRE(loaded.jobs.size() == 1);
    REQUIRE(loaded.tasks.size() == 1);
    CHECK(loaded.tasks[0].state == TaskState::running);
    CHECK(loaded.operations.empty());
  }
  Prng prng(3);
  const Operation operation = sample_operation(prng, 1);
  REQUIRE(Store::open(scratch.path()).value()->commit({put(operation)}).ok());
  const Loaded loaded = reopened(scratch);
  REQUIRE(loaded.operations.size() == 1);
  CHECK(same(loaded.operations[0], operation));
  CHECK(loaded.jobs.size() == 1);
}

TEST_CASE("an operation in a state of another version is named") {
  const Scratch scratch;
  Prng prng(5);
  REQUIRE(Store::open(scratch.path()).value()->commit({put(sample_operation(prng, 3))}).ok());
  {
    Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
    REQUIRE(connection->execute("UPDATE operations SET state='HALF'").ok());
  }
  const auto store = Store::open(scratch.path()).value();
  const Result<Loaded> loaded = store->load();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().where == "operations/mimas-op-3/state");
}

}  // namespace mimas::store
