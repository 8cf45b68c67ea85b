#include "timeline.h"

#include <doctest/doctest.h>

#include <string>

namespace mimas::sim {
namespace {

TEST_CASE("deeds happen in order of their instants, and at one instant in the order they were asked for") {
  Timeline time;
  const Instant start = time.now();
  std::string order;
  time.after(20, [&] { order += "c"; });
  time.after(10, [&] {
    order += "a";
    time.at(start, [&] { order += "b"; });  // too late to be earlier
  });
  time.after(20, [&] { order += "d"; });
  time.at(kNever, [&] { order += "never"; });
  while (time.run_one()) continue;
  CHECK(order == "abcd");
  CHECK(time.now() - start == 20);
}

}  // namespace
}  // namespace mimas::sim
