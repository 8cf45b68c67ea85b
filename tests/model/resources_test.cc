#include "model/resources.h"

#include <doctest/doctest.h>

#include <bitset>

#include "base/prng.h"

namespace mimas {
namespace {

Ports ports(std::vector<PortRange> ranges) { return *Ports::from_ranges(std::move(ranges)); }

TEST_CASE("ranges come in any order and leave sorted, disjoint and not touching") {
  CHECK(ports({{5, 9}, {1, 2}, {3, 4}, {8, 12}}).text() == "[1-12]");
  CHECK(ports({{31'005, 31'005}, {31'000, 31'002}}).text() == "[31000-31002, 31005-31005]");
  CHECK(ports({}).text() == "[]");
  CHECK(ports({{0, 65'535}}).count() == 65'536);
}

TEST_CASE("port ranges out of bounds or backwards are refused") {
  CHECK_FALSE(Ports::from_ranges({{-1, 3}}).ok());
  CHECK_FALSE(Ports::from_ranges({{1, 65'536}}).ok());
  CHECK_FALSE(Ports::from_ranges({{4, 3}}).ok());
}

TEST_CASE("[1-3] less [2-2] is [1-1] and [3-3], and the top port is no special case") {
  Ports all = ports({{1, 3}});
  all.subtract(ports({{2, 2}}));
  CHECK(all.text() == "[1-1, 3-3]");
  Ports top = ports({{65'534, 65'535}});
  top.subtract(ports({{65'535, 65'535}}));
  CHECK(top.text() == "[65534-65534]");
}

TEST_CASE("ten times a tenth fits one, exactly") {
  Resources sum;
  Resources tenth;
  tenth.cpu_milli = 100;
  for (int i = 0; i < 10; ++i) sum += tenth;
  Resources one;
  one.cpu_milli = 1'000;
  CHECK(sum.fits(one));
  sum -= tenth;
  one -= sum;
  CHECK(one == tenth);
}

TEST_CASE("resources fit only when every amount and every port is there") {
  Resources within{1'000, 100, 10, 1, ports({{1, 4}})};
  CHECK(within.fits(within));
  for (auto change : {+[](Resources& r) { ++r.cpu_milli; }, +[](Resources& r) { ++r.mem_mib; },
                      +[](Resources& r) { ++r.disk_mib; }, +[](Resources& r) { ++r.gpus; },
                      +[](Resources& r) {
                        r.ports = *Ports::from_ranges({{4, 5}});
                      }}) {
    Resources wanted = within;
    change(wanted);
    CHECK_FALSE(wanted.fits(within));
  }
}

TEST_CASE("the lowest ports are taken across ranges") {
  Ports free = ports({{10, 11}, {20, 30}});
  CHECK(free.take_lowest(0).empty());
  CHECK(free.take_lowest(4).text() == "[10-11, 20-21]");
  CHECK(free.take_lowest(4).list() == std::vector<std::int32_t>{10, 11, 20, 21});
}

TEST_CASE("a set of ports behaves like a set of numbers") {
  Prng random(7);
  using Bits = std::bitset<40>;
  auto draw = [&](Bits& bits) {
    std::vector<PortRange> ranges;
    for (std::uint64_t i = random.below(5); i > 0; --i) {
      auto first = static_cast<std::int32_t>(random.below(36));
      auto last = first + static_cast<std::int32_t>(random.below(4));
      ranges.push_back({first, last});
      for (std::int32_t port = first; port <= last; ++port) bits.set(static_cast<std::size_t>(port));
    }
    return ports(ranges);
  };
  auto same = [](const Ports& set, const Bits& bits) {
    for (std::size_t i = 0; i < bits.size(); ++i) {
      if (set.contains(static_cast<std::int32_t>(i)) != bits.test(i)) return false;
    }
    for (std::size_t i = 1; i < set.ranges().size(); ++i) {
      if (set.ranges()[i].first <= set.ranges()[i - 1].last + 1) return false;
    }
    return set.count() == static_cast<std::int64_t>(bits.count());
  };
  for (int round = 0; round < 5'000; ++round) {
    Bits a_bits, b_bits;
    Ports a = draw(a_bits), b = draw(b_bits);
    REQUIRE(same(a, a_bits));
    CHECK(a.contains(b) == ((a_bits & b_bits) == b_bits));
    Ports sum = a, rest = a;
    sum.add(b);
    rest.subtract(b);
    CHECK(same(sum, a_bits | b_bits));
    CHECK(same(rest, a_bits & ~b_bits));
  }
}

}  // namespace
}  // namespace mimas
