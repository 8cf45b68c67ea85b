// RESERVE, CREATE and what undoes them, by the master's model.
#include <doctest/doctest.h>

#include "master_bench.h"

namespace mimas::pocket {
namespace {

using Operation = mv1::Offer::Operation;

mv1::Resource disk(double mb, const std::string& reserved_for, const std::string& volume = "") {
  mv1::Resource resource;
  resource.set_name("disk");
  resource.set_type(mv1::Value::SCALAR);
  resource.mutable_scalar()->set_value(mb);
  if (!reserved_for.empty()) {
    auto* reservation = resource.add_reservations();
    reservation->set_type(mv1::Resource::ReservationInfo::DYNAMIC);
    reservation->set_role(reserved_for);
    reservation->set_principal("p");
  }
  if (volume.empty()) return resource;
  resource.mutable_disk()->mutable_persistence()->set_id(volume);
  resource.mutable_disk()->mutable_volume()->set_container_path("data");
  resource.mutable_disk()->mutable_volume()->set_mode(mv1::Volume::RW);
  return resource;
}

Operation operation(Operation::Type type, const mv1::Resource& resource, const std::string& id = "") {
  Operation out;
  out.set_type(type);
  if (!id.empty()) out.mutable_id()->set_value(id);
  if (type == Operation::RESERVE) *out.mutable_reserve()->add_resources() = resource;
  if (type == Operation::UNRESERVE) *out.mutable_unreserve()->add_resources() = resource;
  if (type == Operation::CREATE) *out.mutable_create()->add_volumes() = resource;
  if (type == Operation::DESTROY) *out.mutable_destroy()->add_volumes() = resource;
  return out;
}

struct Bench {
  Bench() {
    Call call;
    call.set_type(Call::SUBSCRIBE);
    auto* info = call.mutable_subscribe()->mutable_framework_info();
    call.mutable_framework_id()->set_value("F");
    info->mutable_id()->set_value("F");
    info->set_user("u");
    info->set_name("n");
    info->set_principal("p");
    info->set_failover_timeout(60);
    info->add_roles("r");
    info->add_capabilities()->set_type(Capability::MULTI_ROLE);
    info->add_capabilities()->set_type(Capability::PARTITION_AWARE);
    info->add_capabilities()->set_type(Capability::RESERVATION_REFINEMENT);
    world.subscribe(call);
    Registration registration = world.agent_info();
    *registration.info.add_resources() = disk(100, "");
    world.join(registration);
    world.advance(200);
  }
  void accept(const std::vector<Operation>& operations, double refuse = 0) {
    Call call = world.make(Call::ACCEPT);
    call.mutable_accept()->add_offer_ids()->set_value(world.offer());
    for (const Operation& one : operations) *call.mutable_accept()->add_operations() = one;
    call.mutable_accept()->mutable_filters()->set_refuse_seconds(refuse);
    CHECK(world.call(call).status == 202);
  }
  Operation launch(mv1::TaskInfo task) {
    Operation out;
    out.set_type(Operation::LAUNCH);
    *out.mutable_launch()->add_task_infos() = std::move(task);
    return out;
  }
  const Holdings& total() const { return world.model.agents().begin()->second.total; }
  const mv1::OperationStatus* last() const {
    for (auto at = world.events.rbegin(); at != world.events.rend(); ++at)
      if (at->event.type() == Event::UPDATE_OPERATION_STATUS)
        return &at->event.update_operation_status().status();
    return nullptr;
  }
  const ApplyOperation* applied() const {
    for (auto at = world.commands.rbegin(); at != world.commands.rend(); ++at)
      if (const auto* apply = std::get_if<ApplyOperation>(&*at)) return apply;
    return nullptr;
  }
  MasterWorld world;
};

TEST_CASE("reserve, create and launch on the volume go in one ACCEPT, left to right") {
  Bench bench;
  mv1::TaskInfo task = command_task("t", 1);
  *task.add_resources() = disk(40, "r", "v1");
  bench.accept({operation(Operation::RESERVE, disk(40, "r")),
                operation(Operation::CREATE, disk(40, "r", "v1")), bench.launch(task)});
  CHECK(bench.world.count(Event::UPDATE) == 0);
  CHECK(bench.world.model.frameworks().at("F").tasks.contains("t"));
  CHECK(bench.total().has_volume("r", "v1"));
  CHECK(bench.total().sum_for("*").scalar("disk") == 60'000);
  CHECK(bench.total().scalar("disk") == 100'000);
  CHECK(bench.world.model.agents().begin()->second.used.has_volume("r", "v1"));
}

TEST_CASE("what was converted comes back at once, what was not touched is declined") {
  Bench bench;
  bench.accept({operation(Operation::RESERVE, disk(40, "r"))}, 3'600);
  bench.world.advance(200);
  REQUIRE(!bench.world.offer().empty());
  CHECK(bench.world.model.offers().begin()->second.amounts.sum_for("r").scalar("disk") == 40'000);
}

TEST_CASE("what is reserved is offered to its role and the roles below it, never to others") {
  Bench bench;
  bench.accept({operation(Operation::RESERVE, disk(40, "r"))});
  bench.world.advance(200);
  Call decline = bench.world.make(Call::SUPPRESS);
  bench.world.call(decline);
  decline = bench.world.make(Call::DECLINE);
  decline.mutable_decline()->add_offer_ids()->set_value(bench.world.offer());
  bench.world.call(decline);
  bench.world.subscribe("G", {"other"});
  bench.world.advance(200);
  REQUIRE(!bench.world.offer().empty());
  const Holdings& offered = bench.world.model.offers().begin()->second.amounts;
  CHECK(offered.scalar("disk") == 60'000);
  CHECK(offered.roles().empty());
}

TEST_CASE("an operation with an id is told about until acknowledged, one without is silent") {
  Bench bench;
  bench.accept({operation(Operation::RESERVE, disk(40, "r"), "op")});
  REQUIRE(bench.applied() != nullptr);
  CHECK(bench.last() == nullptr);
  OperationReport report{"F", bench.applied()->uuid, {}};
  report.status.mutable_operation_id()->set_value("op");
  report.status.set_state(mv1::OPERATION_FINISHED);
  report.status.mutable_uuid()->set_value("0123456789abcdef");
  bench.world.model.report(bench.world.session, {report}, bench.world.now);
  bench.world.turn();
  REQUIRE(bench.last() != nullptr);
  CHECK(bench.last()->state() == mv1::OPERATION_FINISHED);
  Call ask = bench.world.make(Call::RECONCILE_OPERATIONS);
  ask.mutable_reconcile_operations()->add_operations()->mutable_operation_id()->set_value("op");
  bench.world.call(ask);
  CHECK(bench.last()->state() == mv1::OPERATION_FINISHED);
  CHECK(!bench.last()->has_uuid());
  Call acknowledge = bench.world.make(Call::ACKNOWLEDGE_OPERATION_STATUS);
  auto* body = acknowledge.mutable_acknowledge_operation_status();
  body->mutable_operation_id()->set_value("op");
  body->mutable_agent_id()->set_value("M-S0");
  body->set_uuid("0123456789abcdef");
  bench.world.call(acknowledge);
  CHECK(std::holds_alternative<AcknowledgeOperation>(bench.world.commands.back()));
  bench.world.call(ask);
  CHECK(bench.last()->state() == mv1::OPERATION_UNKNOWN);
}

TEST_CASE("an operation that cannot be is an OPERATION_ERROR with the reason, and later ones go on") {
  Bench bench;
  const auto why = [&](const Operation& one) {
    bench.world.advance(200);
    bench.accept({one});
    REQUIRE(bench.last() != nullptr);
    CHECK(bench.last()->state() == mv1::OPERATION_ERROR);
    CHECK(!bench.last()->has_uuid());
    CHECK(!bench.last()->has_agent_id());
    return bench.last()->message();
  };
  CHECK(why(operation(Operation::RESERVE, disk(400, "r"), "a")).find("Invalid RESERVE Operation: ") == 0);
  CHECK(why(operation(Operation::RESERVE, disk(4, "other"), "b")).find("with role 'other'") !=
        std::string::npos);
  CHECK(why(operation(Operation::CREATE, disk(4, "", "v"), "c")).find("unreserved") != std::string::npos);
  CHECK(why(operation(Operation::GROW_VOLUME, disk(4, "r"), "d")) ==
        "GROW_VOLUME is not supported by this cluster");
  CHECK(why(operation(Operation::UNRESERVE, disk(4, "r"), "e")).find("does not contain") !=
        std::string::npos);
}

TEST_CASE("a volume in use is not destroyed, one that is free is, and its reservation can go then") {
  Bench bench;
  mv1::TaskInfo task = command_task("t", 1);
  *task.add_resources() = disk(40, "r", "v1");
  bench.accept({operation(Operation::RESERVE, disk(40, "r")),
                operation(Operation::CREATE, disk(40, "r", "v1")), bench.launch(task)});
  bench.world.advance(200);
  bench.accept({operation(Operation::DESTROY, disk(40, "r", "v1"), "x")});
  REQUIRE(bench.last() != nullptr);
  CHECK(bench.last()->message() == "Persistent volumes in use");
  bench.world.update("t", mv1::TASK_FINISHED);
  bench.world.advance(200);
  bench.accept({operation(Operation::UNRESERVE, disk(40, "r", "v1"), "y")});
  CHECK(bench.last()->message().find("cannot be unreserved directly") != std::string::npos);
  bench.world.advance(200);
  bench.accept(
      {operation(Operation::DESTROY, disk(40, "r", "v1")), operation(Operation::UNRESERVE, disk(40, "r"))});
  CHECK(bench.total().roles().empty());
  CHECK(bench.total().scalar("disk") == 100'000);
}

}  // namespace
}  // namespace mimas::pocket
