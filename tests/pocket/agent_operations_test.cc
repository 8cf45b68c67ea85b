// Reservations and volumes on the agent's side (mesos-protocol §2.2).
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "agent_bench.h"
#include "pocket/agent_model.h"
#include "pocket/checkpoint.h"
#include "pocket/sandbox.h"

namespace mimas::pocket {
namespace {

mv1::Resource disk(double mib, const std::string& role) {
  mv1::Resource resource;
  resource.set_name("disk");
  resource.set_type(mv1::Value::SCALAR);
  resource.mutable_scalar()->set_value(mib);
  auto* reservation = resource.add_reservations();
  reservation->set_type(mv1::Resource::ReservationInfo::DYNAMIC);
  reservation->set_role(role);
  return resource;
}

ApplyOperation reserve(double mib, char letter, const std::string& id = "") {
  ApplyOperation apply{"F", {}, uuid(letter)};
  apply.operation.set_type(mv1::Offer::Operation::RESERVE);
  *apply.operation.mutable_reserve()->add_resources() = disk(mib, "r");
  if (!id.empty()) apply.operation.mutable_id()->set_value(id);
  return apply;
}

}  // namespace

TEST_CASE("an operation with an id is reported until it is acknowledged, at 10, 30, 70 s") {
  World world;
  world.command(reserve(100, 'o', "op1"));
  REQUIRE(world.operations.size() == 1);
  const mv1::OperationStatus status = world.operations[0].status;
  CHECK(status.state() == mv1::OPERATION_FINISHED);
  CHECK(status.operation_id().value() == "op1");
  CHECK(status.uuid().value().size() == 16);
  REQUIRE(status.converted_resources_size() == 1);
  CHECK(status.converted_resources(0).reservations(0).role() == "r");
  world.advance(30'000);
  CHECK(world.operations.size() == 3);
  world.command(AcknowledgeOperation{uuid('o'), uuid('z')});
  world.advance(40'000);
  CHECK(world.operations.size() == 4);
  world.command(AcknowledgeOperation{uuid('o'), status.uuid().value()});
  world.advance(3'600'000);
  CHECK(world.operations.size() == 4);
  CHECK(world.model.registration("s").operations.empty());
}

TEST_CASE("an operation without an id is reported once, without a uuid; the same one twice is applied once") {
  World world;
  world.command(reserve(100, 'o'));
  world.command(reserve(100, 'o'));
  world.advance(3'600'000);
  REQUIRE(world.operations.size() == 1);
  CHECK(!world.operations[0].status.has_uuid());
  REQUIRE(world.model.registration("s").resources.size() == 2);
}

TEST_CASE("what the agent does not have cannot be converted") {
  World world;
  world.command(reserve(1'001, 'o', "op1"));
  REQUIRE(world.operations.size() == 1);
  CHECK(world.operations[0].status.state() == mv1::OPERATION_DROPPED);
  CHECK(world.model.registration("s").resources.empty());
}

TEST_CASE("reports wait for the master and go out again when it is back, also after a restart") {
  World world;
  world.model.master_gone();
  world.command(reserve(100, 'o', "op1"));
  world.advance(60'000);
  CHECK(world.operations.empty());
  const Registration registration = world.model.registration("s");
  REQUIRE(registration.operations.size() == 1);
  RecoveredState state;
  state.resources = registration.resources;
  state.operations = registration.operations;
  World again(state);
  CHECK(again.operations.size() == 1);
  CHECK(again.model.registration("s").resources.size() == 2);
  again.command(reserve(100, 'o', "op1"));  // the master asks again: it had not heard
  CHECK(again.operations.size() == 2);
  CHECK(again.model.registration("s").resources.size() == 2);
}

TEST_CASE("a volume is made and removed, under the role's name without slashes, and nowhere else") {
  World world;
  world.command(reserve(100, 'o'));
  ApplyOperation create{"F", {}, uuid('c')};
  create.operation.set_type(mv1::Offer::Operation::CREATE);
  mv1::Resource* volume = create.operation.mutable_create()->add_volumes();
  *volume = disk(100, "r");
  volume->mutable_disk()->mutable_persistence()->set_id("v1");
  volume->mutable_disk()->mutable_volume()->set_mode(mv1::Volume::RW);
  volume->mutable_disk()->mutable_volume()->set_container_path("data");
  world.command(create);
  ApplyOperation destroy{"F", {}, uuid('d')};
  destroy.operation.set_type(mv1::Offer::Operation::DESTROY);
  *destroy.operation.mutable_destroy()->add_volumes() = *volume;
  world.command(destroy);
  REQUIRE(world.volumes.size() == 2);
  CHECK(world.volumes[0].made);
  CHECK(!world.volumes[1].made);
  mv1::Resource odd = *volume;
  odd.mutable_reservations(0)->set_role("a/b");
  CHECK(volume_path("/w", odd).value() == "/w/volumes/roles/a b/v1");
  odd.mutable_disk()->mutable_persistence()->set_id("..");
  CHECK(!volume_path("/w", odd).ok());
  odd.mutable_disk()->mutable_persistence()->set_id("../../etc");
  CHECK(!volume_path("/w", odd).ok());
}

TEST_CASE("a volume is a link in the sandbox of whoever was given it, and never leads out of it") {
  char name[] = "/tmp/pocket-volumes-XXXXXX";
  const std::string dir = ::mkdtemp(name);
  const std::string sandbox = dir + "/sandbox";
  std::filesystem::create_directories(sandbox);
  mv1::Resource volume = disk(100, "r");
  volume.mutable_disk()->mutable_persistence()->set_id("v1");
  volume.mutable_disk()->mutable_volume()->set_container_path("deep/data");
  REQUIRE(link_volumes(dir, sandbox, {volume}).ok());
  CHECK(std::filesystem::read_symlink(sandbox + "/deep/data") == dir + "/volumes/roles/r/v1");
  CHECK(link_volumes(dir, sandbox, {volume}).ok());
  for (const char* path : {"/etc", "../x", "a/../../x", "", "."}) {
    volume.mutable_disk()->mutable_volume()->set_container_path(path);
    CHECK(!link_volumes(dir, sandbox, {volume}).ok());
  }
  std::filesystem::remove_all(dir);
}

TEST_CASE("what operations made of an agent is on disk over a restart") {
  char name[] = "/tmp/pocket-operations-XXXXXX";
  const std::string dir = ::mkdtemp(name);
  World world;
  CheckpointStore store(dir);
  REQUIRE(store.write({RecordKind::agent, {}, "", world.model.info().SerializeAsString()}).ok());
  world.command(reserve(100, 'o', "op1"));
  for (const Checkpoint& record : world.records) CHECK(store.write(record).ok());
  CheckpointStore again(dir);
  const auto found = again.load();
  REQUIRE(found.ok());
  CHECK(found->state.resources.size() == 2);
  REQUIRE(found->state.operations.size() == 1);
  CHECK(found->state.operations[0].status.operation_id().value() == "op1");
  std::filesystem::remove_all(dir);
}

}  // namespace mimas::pocket
