// Maintenance windows by the master's model: what schedulers hear of them, and what operators may ask.
#include <doctest/doctest.h>

#include "master_bench.h"

namespace mimas::pocket {
namespace {

mmaintenance::Schedule window(const std::string& hostname, Instant start) {
  mmaintenance::Schedule schedule;
  auto* one = schedule.add_windows();
  one->add_machine_ids()->set_hostname(hostname);
  one->mutable_unavailability()->mutable_start()->set_nanoseconds(start.ms * 1'000'000);
  return schedule;
}

struct Announced {
  Announced() {
    world.subscribe("F");
    world.join(world.agent_info());
    world.advance(200);
    world.call(world.accept({world.offer()}, {command_task("t")}));
    world.advance(200);
    world.events.clear();
    REQUIRE(world.model.maintain("h", world.now + 60'000, 5'000, world.now));
    world.advance(200);
  }
  const mv1::InverseOffer* inverse() const {
    for (const auto& one : world.events)
      if (one.event.type() == Event::INVERSE_OFFERS) return &one.event.inverse_offers().inverse_offers(0);
    return nullptr;
  }
  void answer(Call::Type type, double refuse) {
    Call call = world.make(type);
    mv1::Filters filters;
    filters.set_refuse_seconds(refuse);
    const mv1::OfferID id = inverse()->id();
    if (type == Call::ACCEPT_INVERSE_OFFERS) {
      *call.mutable_accept_inverse_offers()->add_inverse_offer_ids() = id;
      *call.mutable_accept_inverse_offers()->mutable_filters() = filters;
    } else {
      *call.mutable_decline_inverse_offers()->add_inverse_offer_ids() = id;
      *call.mutable_decline_inverse_offers()->mutable_filters() = filters;
    }
    world.events.clear();
    CHECK(world.call(call).status == 202);
  }
  MasterWorld world;
};

TEST_CASE(
    "a framework with tasks on a scheduled machine gets an inverse offer, and offers say when it goes") {
  Announced at;
  REQUIRE(at.inverse() != nullptr);
  CHECK(at.inverse()->agent_id().value() == "M-S0");
  CHECK(at.inverse()->framework_id().value() == "F");
  CHECK(at.inverse()->unavailability().duration().nanoseconds() == 5'000'000'000);
  CHECK(at.world.count(Event::RESCIND) == 1);
  bool said = false;
  for (const auto& one : at.world.events)
    if (one.event.type() == Event::OFFERS) said = one.event.offers().offers(0).has_unavailability();
  CHECK(said);
}

TEST_CASE("an answered inverse offer comes again when its filter has run out, or with REVIVE") {
  Announced at;
  at.answer(Call::DECLINE_INVERSE_OFFERS, 10);
  at.world.advance(9'000);
  CHECK(at.inverse() == nullptr);
  at.world.advance(2'000);
  REQUIRE(at.inverse() != nullptr);
  at.answer(Call::ACCEPT_INVERSE_OFFERS, 3'600);
  const auto status = at.world.model.maintenance_status();
  REQUIRE(status.draining_machines_size() == 1);
  CHECK(status.draining_machines(0).statuses(0).status() == mmaintenance::InverseOfferStatus::ACCEPT);
  at.world.advance(60'000);
  CHECK(at.inverse() == nullptr);
  at.world.call(at.world.make(Call::REVIVE));
  at.world.advance(200);
  CHECK(at.inverse() != nullptr);
}

TEST_CASE("a window withdrawn rescinds its inverse offers") {
  Announced at;
  at.world.model.update_schedule({}, at.world.now);
  at.world.turn();
  CHECK(at.world.count(Event::RESCIND_INVERSE_OFFER) == 1);
  CHECK(at.world.model.inverse_offers().empty());
}

TEST_CASE("a schedule is checked: machines named, once each, with a duration that is not negative") {
  MasterWorld world;
  mmaintenance::Schedule twice = window("a", world.now);
  *twice.mutable_windows(0)->add_machine_ids() = twice.windows(0).machine_ids(0);
  CHECK(world.model.update_schedule(twice, world.now).status == 400);
  mmaintenance::Schedule nameless = window("", world.now);
  CHECK(world.model.update_schedule(nameless, world.now).status == 400);
  mmaintenance::Schedule backwards = window("a", world.now);
  backwards.mutable_windows(0)->mutable_unavailability()->mutable_duration()->set_nanoseconds(-1);
  CHECK(world.model.update_schedule(backwards, world.now).status == 400);
  CHECK(world.model.update_schedule(window("a", world.now), world.now).status == 200);
  CHECK(world.model.schedule().windows_size() == 1);
}

TEST_CASE(
    "a machine taken down loses its agents, lets none in, and leaves the schedule when it is up again") {
  MasterWorld world;
  world.subscribe("F");
  world.join(world.agent_info());
  world.advance(200);
  world.call(world.accept({world.offer()}, {command_task("t")}));
  ::google::protobuf::RepeatedPtrField<mv1::MachineID> machines;
  machines.Add()->set_hostname("h");
  CHECK(world.model.start_maintenance(machines, world.now).status == 400);  // not scheduled
  REQUIRE(world.model.update_schedule(window("h", world.now), world.now).status == 200);
  CHECK(world.model.start_maintenance(machines, world.now).status == 200);
  world.turn();
  CHECK(world.last_status()->state() == mv1::TASK_LOST);
  CHECK(world.model.agents().empty());
  CHECK(world.model.update_schedule({}, world.now).status == 400);
  world.join(world.agent_info());
  CHECK(world.model.agents().empty());
  CHECK(world.model.stop_maintenance(machines, world.now).status == 200);
  CHECK(world.model.schedule().windows().empty());
  world.join(world.agent_info());
  CHECK(world.model.agents().size() == 1);
}

}  // namespace
}  // namespace mimas::pocket
