// Who gives way to whom, by values.
#include "http/eviction.h"

#include <doctest/doctest.h>

namespace mimas::http {
namespace {

using Waits = Place::Waits;
constexpr std::int64_t kNow = 100'000;

TEST_CASE("a crowd displaces itself alone: others always find a place, whatever they sent so far") {
  // 96 places of two addresses, filled 300 times a second: none is older than a third of a second.
  std::vector<Place> places;
  for (int i = 0; i < 96; ++i)
    places.push_back({i % 2 == 0 ? "10.0.0.1" : "10.0.0.2", Waits::request, kNow - i});
  for (int i = 0; i < 32; ++i) {
    const auto gone = who_goes(places, "10.0.0.3", kNow);
    REQUIRE(gone);
    CHECK(places[*gone].address != "10.0.0.3");
    places[*gone] = {"10.0.0.3", Waits::request, kNow};
  }
  CHECK_FALSE(who_goes(places, "10.0.0.3", kNow));  // now it has as many as they
  // Those of the crowd that come next find their own address's places too young, and no other's.
  CHECK_FALSE(who_goes(places, "10.0.0.1", kNow));
}

TEST_CASE("in a crowd the idle go first, then who has been sending for longest") {
  std::vector<Place> places = {{"a", Waits::request, kNow - 5},
                               {"a", Waits::request, kNow - 9},
                               {"a", Waits::for_us, 0},
                               {"a", Waits::reader, kNow - 9'000},
                               {"b", Waits::request, kNow - 900}};
  CHECK(who_goes(places, "c", kNow) == 1);
  places[0] = {"a", Waits::idle, kNow};
  CHECK(who_goes(places, "c", kNow) == 0);
  places = {{"a", Waits::reader, kNow - 99}, {"a", Waits::reader, kNow - 100}, {"a", Waits::for_us, 0}};
  CHECK(who_goes(places, "c", kNow) == 1);
}

TEST_CASE("what is being answered never goes") {
  const std::vector<Place> places(8, Place{"a", Waits::for_us, 0});
  CHECK_FALSE(who_goes(places, "b", kNow));
  CHECK_FALSE(who_goes(places, "a", kNow, true));
}

TEST_CASE("among equals it takes time to become one who goes") {
  const auto goes = [](Waits waits, std::int64_t age) {
    return who_goes({{"a", waits, kNow - age}, {"b", Waits::for_us, 0}}, "c", kNow).has_value();
  };
  CHECK_FALSE(goes(Waits::idle, kEvictAfterIdleMs - 1));
  CHECK(goes(Waits::idle, kEvictAfterIdleMs));
  CHECK_FALSE(goes(Waits::request, kEvictAfterReadingMs - 1));
  CHECK(goes(Waits::request, kEvictAfterReadingMs));
  CHECK_FALSE(goes(Waits::reader, kEvictAfterStalledMs - 1));
  CHECK(goes(Waits::reader, kEvictAfterStalledMs));
}

TEST_CASE("who has most takes of its own, or what lies idle, and cuts nobody else off") {
  std::vector<Place> places = {{"a", Waits::request, kNow - 1'500},
                               {"a", Waits::request, kNow - 10},
                               {"b", Waits::request, kNow - 9'000},
                               {"c", Waits::idle, kNow - 50}};
  CHECK(who_goes(places, "a", kNow) == 0);
  places[0].since_ms = kNow - 20;
  CHECK_FALSE(who_goes(places, "a", kNow));
  places[3].since_ms = kNow - 200;
  CHECK(who_goes(places, "a", kNow) == 3);
}

TEST_CASE("an address that has all it may have gives one of its own") {
  const std::vector<Place> places = {{"a", Waits::idle, kNow - 5'000}, {"b", Waits::idle, kNow - 150}};
  CHECK(who_goes(places, "b", kNow, true) == 1);
  CHECK_FALSE(who_goes(places, "c", kNow, true));
}

TEST_CASE("an IPv6 customer is one address, however many she has") {
  CHECK(address_group("2001:db8:1:2::1") == address_group("2001:db8:1:2:ffff::9"));
  CHECK(address_group("2001:db8:1:2::1") != address_group("2001:db8:1:3::1"));
  CHECK(address_group("10.0.0.1") == "10.0.0.1");
  CHECK(address_group("") == "");
}

}  // namespace
}  // namespace mimas::http
