// Capacity groups on disk, and a database from before there were any.
#include "store/groups.h"

#include <doctest/doctest.h>

#include "sample_records.h"
#include "scratch.h"
#include "store/migrations.h"
#include "store/store.h"

namespace mimas::store {
namespace {

CapacityGroup sample_group(Prng& prng, const std::string& name) {
  CapacityGroup group;
  group.name = name;
  group.tier = static_cast<Tier>(prng.below(2));
  group.weight = sample_number(prng);
  group.guarantee.cpu_milli = sample_number(prng);
  group.guarantee.mem_mib = sample_number(prng);
  group.guarantee.scalars = sample_scalars(prng);
  if (prng.below(2) == 1) {
    group.quota.emplace();
    group.quota->disk_mib = sample_number(prng);
    group.quota->gpus = sample_number(prng);
    group.quota->scalars = sample_scalars(prng);
  }
  group.version = sample_number(prng);
  group.updated_at.ms = sample_number(prng);
  group.updated_by = sample_text(prng);
  return group;
}

engine::Change put(const CapacityGroup& group) {
  return engine::PutGroup{std::make_shared<const CapacityGroup>(group)};
}

std::vector<CapacityGroup> reopened(const Scratch& scratch) {
  Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
  if (!store) FAIL(store.error().text());
  Result<Loaded> loaded = (*store)->load();
  if (!loaded) FAIL(loaded.error().text());
  return std::move(loaded->groups);
}

}  // namespace

TEST_CASE("every field of every group comes back, by name, as it was put last; removed ones do not") {
  const Scratch scratch;
  Prng prng(17);
  std::vector<CapacityGroup> groups;
  {
    Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
    REQUIRE(store.ok());
    for (const char* name : {"DEFAULT", "batch", "gone", "web/ü"}) {
      REQUIRE((*store)->commit({put(sample_group(prng, name))}).ok());
      groups.push_back(sample_group(prng, name));
      REQUIRE((*store)->commit({put(groups.back())}).ok());
    }
    REQUIRE((*store)->commit({engine::RemoveGroup{"gone"}, engine::RemoveGroup{"never"}}).ok());
    groups.erase(groups.begin() + 2);
  }
  CHECK(reopened(scratch) == groups);
}

TEST_CASE("a database of schema 6 gets the table of groups, empty") {
  const Scratch scratch;
  {
    Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
    REQUIRE(connection.ok());
    REQUIRE(migrate(*connection, migrations().first(6)).ok());
  }
  CHECK(reopened(scratch).empty());
}

TEST_CASE("a tier that is none is an error that says where") {
  const Scratch scratch;
  {
    Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
    REQUIRE(store.ok());
    CapacityGroup group;
    group.name = "web";
    REQUIRE((*store)->commit({put(group)}).ok());
  }
  {
    Result<Connection> connection = Connection::open(scratch.path("mimas.db"));
    REQUIRE(connection.ok());
    REQUIRE(connection->execute("UPDATE capacity_groups SET tier='gold'").ok());
  }
  Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
  REQUIRE(store.ok());
  const Result<Loaded> loaded = (*store)->load();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().where == "capacity_groups/web/tier");
}

}  // namespace mimas::store
