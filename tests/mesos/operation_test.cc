// RESERVE, UNRESERVE, CREATE and DESTROY as they go out, cut from offers in every format of a reservation.
#include "mesos/operation.h"

#include <doctest/doctest.h>

#include "mesos/calls.h"
#include "mesos/launch.h"
#include "mesos/translate.h"
#include "v1/codec.h"

using namespace mimas;
using namespace mimas::mesos;
using Proto = pb::Offer::Operation;

namespace {

const char* const kMixed =
    R"({"name":"cpus","type":"SCALAR","scalar":{"value":4},"allocation_info":{"role":"prod"}},
  {"name":"cpus","type":"SCALAR","scalar":{"value":2},"allocation_info":{"role":"prod"},
    "reservations":[{"type":"DYNAMIC","role":"prod","principal":"me"}]},
  {"name":"cpus","type":"SCALAR","scalar":{"value":8},"allocation_info":{"role":"prod"},
    "reservations":[{"type":"STATIC","role":"prod"}]},
  {"name":"disk","type":"SCALAR","scalar":{"value":100},"allocation_info":{"role":"prod"},
    "reservations":[{"type":"DYNAMIC","role":"prod","principal":"me"}]},
  {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31009}]},"allocation_info":{"role":"prod"}},
  {"name":"disk","type":"SCALAR","scalar":{"value":64},"allocation_info":{"role":"prod"},
    "reservations":[{"type":"DYNAMIC","role":"prod","principal":"me"}],
    "disk":{"persistence":{"id":"v0","principal":"me"},"volume":{"mode":"RW","container_path":"old"}}})";

pb::Offer offer(const std::string& resources = kMixed) {
  pb::Offer out;
  const auto status = v1::decode_tolerant(R"({"id":{"value":"O1"},"agent_id":{"value":"S0"},"hostname":"h",)"
                                          R"("allocation_info":{"role":"prod"},"resources":[)" +
                                              resources + "]}",
                                          v1::MediaType::json, &out);
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
  return out;
}

ResourcePool pool_of(const pb::Offer& from) {
  ResourcePool pool;
  pool.add(from.resources());
  return pool;
}

Operation operation(OperationType type, std::int64_t cpu_milli = 0, std::int64_t disk_mib = 0) {
  Operation one;
  one.number = 7;
  one.id = make_operation_id(7);
  one.type = type;
  one.agent = AgentId("S0");
  one.role = "prod";
  one.attempt = 2;
  one.amounts.cpu_milli = cpu_milli;
  one.amounts.disk_mib = disk_mib;
  return one;
}

}  // namespace

TEST_CASE("RESERVE takes what nobody has reserved and adds a reservation to it") {
  ResourcePool pool = pool_of(offer());
  Operation wanted = operation(OperationType::reserve, 1'500);
  wanted.amounts.ports = *Ports::from_ranges({{31'001, 31'002}});
  const auto made = make_operation(wanted, "me", pool);
  REQUIRE(made.ok());
  CHECK(made->type() == Proto::RESERVE);
  CHECK(made->id().value() == "mimas-op-7.2");
  REQUIRE(made->reserve().resources_size() == 2);
  CHECK(made->reserve().source_size() == 0);
  const pb::Resource& cpus = made->reserve().resources(0);
  CHECK(cpus.scalar().value() == 1.5);
  CHECK(cpus.allocation_info().role() == "prod");
  REQUIRE(cpus.reservations_size() == 1);
  CHECK(cpus.reservations(0).type() == pb::Resource::ReservationInfo::DYNAMIC);
  CHECK(cpus.reservations(0).role() == "prod");
  CHECK(cpus.reservations(0).principal() == "me");
  CHECK(to_resources(made->reserve().resources()).ports.text() == "[31001-31002]");
  CHECK_FALSE(make_operation(operation(OperationType::reserve, 2'501), "me", pool).ok());
  CHECK(make_operation(operation(OperationType::reserve, 2'500), "me", pool).ok());
}

TEST_CASE("UNRESERVE takes what was reserved dynamically, as it stands") {
  ResourcePool pool = pool_of(offer());
  CHECK_FALSE(make_operation(operation(OperationType::unreserve, 2'001), "me", pool).ok());
  const auto made = make_operation(operation(OperationType::unreserve, 2'000, 40), "other", pool);
  REQUIRE(made.ok());
  REQUIRE(made->unreserve().resources_size() == 2);
  CHECK(made->unreserve().resources(0).reservations(0).principal() == "me");
  CHECK(made->unreserve().resources(1).scalar().value() == 40);
}

TEST_CASE("CREATE makes a volume of one piece of reserved disk") {
  ResourcePool pool = pool_of(offer());
  Operation wanted = operation(OperationType::create, 0, 60);
  wanted.volume = "v1";
  wanted.path = "data";
  wanted.feedback = false;
  const auto made = make_operation(wanted, "me", pool);
  REQUIRE(made.ok());
  CHECK_FALSE(made->has_id());
  REQUIRE(made->create().volumes_size() == 1);
  const pb::Resource& volume = made->create().volumes(0);
  CHECK(volume.scalar().value() == 60);
  CHECK(volume.disk().persistence().id() == "v1");
  CHECK(volume.disk().persistence().principal() == "me");
  CHECK(volume.disk().volume().container_path() == "data");
  CHECK(volume.disk().volume().mode() == pb::Volume::RW);
  CHECK(volume.reservations_size() == 1);
  CHECK_FALSE(make_operation(wanted, "me", pool).ok());  // 40 MiB are left
}

TEST_CASE("DESTROY names the volume just as it was offered, even on a disk of an unknown kind") {
  const std::string strange = std::string(kMixed) + R"(,
    {"name":"disk","type":"SCALAR","scalar":{"value":10},"reservations":[{"type":"DYNAMIC","role":"prod"}],
     "disk":{"persistence":{"id":"v9"},"source":{"type":"MOUNT","id":"x","mount":{"root":"/m"}}}})";
  const pb::Offer from = offer(strange);
  ResourcePool pool = pool_of(from);
  for (const auto& [id, index] : {std::pair{"v0", 5}, std::pair{"v9", 6}}) {
    Operation wanted = operation(OperationType::destroy);
    wanted.volume = id;
    const auto made = make_operation(wanted, "other", pool);
    REQUIRE(made.ok());
    CHECK(made->destroy().volumes(0).SerializeAsString() == from.resources(index).SerializeAsString());
    CHECK_FALSE(make_operation(wanted, "other", pool).ok());  // there was but one
  }
}

TEST_CASE("an offer tells what may be reserved, given back, and which volumes it holds") {
  const auto translated = to_offer(offer());
  REQUIRE(translated.ok());
  CHECK(translated->resources.cpu_milli == 14'000);
  CHECK(translated->unreserved.cpu_milli == 4'000);
  CHECK(translated->reserved.cpu_milli == 2'000);
  CHECK(translated->reserved.disk_mib == 100);
  CHECK(translated->volumes == std::map<std::string, std::int64_t>{{"v0", 64}});
  const auto old = to_offer(offer(R"({"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"a"},
    {"name":"cpus","type":"SCALAR","scalar":{"value":2},"role":"a","reservation":{"principal":"p"}},
    {"name":"cpus","type":"SCALAR","scalar":{"value":4},"role":"*"})"));
  CHECK(old->unreserved.cpu_milli == 4'000);
  CHECK(old->reserved.cpu_milli == 2'000);
}

TEST_CASE("one ACCEPT carries operations first, then the tasks, out of the same offers") {
  OfferBook book{{OfferId("O1"), offer()}};
  engine::AcceptOffers accept{{OfferId("O1")}, AgentId("S0"), {}, 0, {}};
  accept.operations.push_back(std::make_shared<const Operation>(operation(OperationType::reserve, 1'000)));
  accept.operations.push_back(std::make_shared<const Operation>(operation(OperationType::unreserve, 9'000)));
  const AcceptCall made = make_accept(accept, {FrameworkId("F"), "http://s", "1", "x86_64", "me"}, book);
  CHECK(book.empty());
  REQUIRE(made.call.accept().operations_size() == 1);
  CHECK(made.call.accept().operations(0).type() == Proto::RESERVE);
  REQUIRE(made.refused_operations.size() == 1);
  CHECK(made.refused_operations[0].state == engine::MesosOperationState::error);
  CHECK(made.refused_operations[0].operation.value == "mimas-op-7.2");
  const AcceptCall late = make_accept(accept, {FrameworkId("F"), "http://s", "1", "x86_64", "me"}, book);
  CHECK(late.call.accept().offer_ids_size() == 0);
  REQUIRE(late.refused_operations.size() == 2);
  CHECK(late.refused_operations[0].message.find("invalid offers") != std::string::npos);
}

TEST_CASE("inverse offers are answered by their ids, and operations asked about with their agents") {
  const FrameworkId framework("F");
  const auto accept = make_calls(engine::AcceptInverseOffers{{OfferId("I1"), OfferId("I2")}}, framework);
  REQUIRE(accept.size() == 1);
  CHECK(accept[0].type() == scheduler::Call::ACCEPT_INVERSE_OFFERS);
  CHECK(accept[0].accept_inverse_offers().inverse_offer_ids(1).value() == "I2");
  const auto decline = make_calls(engine::DeclineInverseOffers{{OfferId("I1")}, 60'000}, framework);
  REQUIRE(decline.size() == 1);
  CHECK(decline[0].decline_inverse_offers().filters().refuse_seconds() == 60.0);
  CHECK(make_calls(engine::DeclineInverseOffers{}, framework).empty());
  const auto ask =
      make_calls(engine::ReconcileOperations{{{OperationId("mimas-op-1.1"), AgentId("S0")}}}, framework);
  REQUIRE(ask.size() == 1);
  CHECK(ask[0].reconcile_operations().operations(0).operation_id().value() == "mimas-op-1.1");
  CHECK(ask[0].reconcile_operations().operations(0).agent_id().value() == "S0");
}
