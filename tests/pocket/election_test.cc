#include "pocket/election.h"

#include <doctest/doctest.h>

namespace mimas::pocket {
namespace {

mv1::MasterInfo master(const std::string& id, int port) {
  mv1::MasterInfo info;
  info.set_id(id);
  info.set_hostname("h");
  info.set_port(static_cast<std::uint32_t>(port));
  return info;
}

TEST_CASE("whoever has stood longest leads, and after a leader is gone nobody does for a moment") {
  LocalElection election(300);
  const Instant start{1'000};
  CHECK_FALSE(election.leader(start).has_value());
  election.stand(master("a", 1), start);
  election.stand(master("b", 2), start);
  election.stand(master("c", 3), start);
  CHECK(election.leader(start)->port == 1);
  CHECK(election.wake_at(start) == kNever);

  election.withdraw(master("a", 1), start + 10);
  CHECK_FALSE(election.leader(start + 309).has_value());
  CHECK(election.wake_at(start + 10) == start + 310);
  CHECK(election.leader(start + 310)->port == 2);
  CHECK(election.wake_at(start + 310) == kNever);

  election.stand(master("a2", 1), start + 400);
  CHECK(election.leader(start + 400)->port == 2);
}

TEST_CASE("a follower that goes changes nothing") {
  LocalElection election(300);
  const Instant start{1'000};
  election.stand(master("a", 1), start);
  election.stand(master("b", 2), start);
  election.withdraw(master("b", 2), start);
  CHECK(election.leader(start)->port == 1);
}

}  // namespace
}  // namespace mimas::pocket
