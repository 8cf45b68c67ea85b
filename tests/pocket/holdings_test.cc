#include "pocket/holdings.h"

#include <doctest/doctest.h>

namespace mimas::pocket {
namespace {

using Operation = mv1::Offer::Operation;

mv1::Resource scalar(const std::string& name, double value, const std::string& reserved_for = "") {
  mv1::Resource resource;
  resource.set_name(name);
  resource.set_type(mv1::Value::SCALAR);
  resource.mutable_scalar()->set_value(value);
  if (reserved_for.empty()) return resource;
  auto* reservation = resource.add_reservations();
  reservation->set_type(mv1::Resource::ReservationInfo::DYNAMIC);
  reservation->set_role(reserved_for);
  return resource;
}

Holdings read(const std::vector<mv1::Resource>& list) {
  ResourceList resources;
  for (const mv1::Resource& one : list) *resources.Add() = one;
  Result<Holdings> holdings = Holdings::read(resources);
  REQUIRE(holdings.ok());
  return *holdings;
}

}  // namespace

TEST_CASE("reserved and free resources of one name are different piles, and both spellings are one") {
  Holdings all = read({scalar("cpus", 4), scalar("cpus", 2, "r"), scalar("cpus", 1, "r")});
  CHECK(all.contains(read({scalar("cpus", 3, "r")})));
  CHECK(!all.contains(read({scalar("cpus", 3.001, "r")})));
  CHECK(!all.contains(read({scalar("cpus", 1, "other")})));
  mv1::Resource old = scalar("cpus", 3);
  old.set_role("r");
  old.mutable_reservation();
  CHECK(read({old}) == read({scalar("cpus", 3, "r")}));
  all.subtract(read({scalar("cpus", 4)}));
  CHECK(all == read({scalar("cpus", 3, "r")}));
}

TEST_CASE("what is rendered is read back as the same") {
  const Holdings all = read({scalar("cpus", 4), scalar("disk", 100, "a/b")});
  ResourceList list;
  all.render(&list);
  REQUIRE(list.size() == 2);
  const Result<Holdings> again = Holdings::read(list);
  REQUIRE(again.ok());
  CHECK(*again == all);
}

TEST_CASE("RESERVE and CREATE change the kind and leave the amount, UNRESERVE and DESTROY undo it") {
  Operation reserve;
  reserve.set_type(Operation::RESERVE);
  *reserve.mutable_reserve()->add_resources() = scalar("disk", 100, "r");
  const Result<Conversion> reserved = conversion_of(reserve);
  REQUIRE(reserved.ok());
  CHECK(reserved->consumed == read({scalar("disk", 100)}));
  CHECK(reserved->converted == read({scalar("disk", 100, "r")}));

  mv1::Resource volume = scalar("disk", 100, "r");
  volume.mutable_disk()->mutable_persistence()->set_id("v1");
  volume.mutable_disk()->mutable_volume()->set_container_path("data");
  volume.mutable_disk()->mutable_volume()->set_mode(mv1::Volume::RW);
  Operation destroy;
  destroy.set_type(Operation::DESTROY);
  *destroy.mutable_destroy()->add_volumes() = volume;
  const Result<Conversion> destroyed = conversion_of(destroy);
  REQUIRE(destroyed.ok());
  CHECK(destroyed->consumed == read({volume}));
  CHECK(destroyed->converted == read({scalar("disk", 100, "r")}));
}

TEST_CASE("what is no such operation, or takes back what was never given, is refused") {
  Operation operation;
  operation.set_type(Operation::GROW_VOLUME);
  CHECK(!conversion_of(operation).ok());
  operation.set_type(Operation::UNRESERVE);
  CHECK(!conversion_of(operation).ok());
  *operation.mutable_unreserve()->add_resources() = scalar("cpus", 1);
  CHECK(!conversion_of(operation).ok());
}

}  // namespace mimas::pocket
