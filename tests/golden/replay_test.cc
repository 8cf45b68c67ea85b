// Every recorded request to a master, sent again byte for byte to ours over loopback, and the answers
// compared. What differs must stand in the table of README.md, and what stands there must differ.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pocket/masters.h"
#include "replay.h"

using namespace mimas;
using namespace recorded;

namespace {

// In which nobody ever wins.
struct Deadlock : pocket::Election {
  void stand(const pocket::mv1::MasterInfo&, Instant) override {}
  void withdraw(const pocket::mv1::MasterInfo&, Instant) override {}
  std::optional<wire::Endpoint> leader(Instant) const override { return std::nullopt; }
};

}  // namespace

TEST_CASE("requests without a history are answered as a real master answered them") {
  const Cluster cluster;
  Replay replay(cluster.master());
  // Where the recorded master and agent were.
  replay.names.learn("127.0.0.1:5050", cluster.master().text());
  for (const char* prefix : {"e", "n1-", "n2-", "n3-", "n4-", "g_", "o-"}) replay.steps_of(prefix);
  CHECK(replay.steps >= 65);
  replay.expect_all_used({"e", "n1", "n2", "n3", "n4", "g_", "o-"});
}

TEST_CASE("the life of a framework, call by call, is answered as a real master answered it") {
  const Cluster cluster;
  Replay replay(cluster.master());
  const std::vector<std::string> all = requests("s");
  for (const std::string& name : all) {
    if (name < "s35") replay.step(name);
  }
  // Two streams of one framework, the older of which ends; then none; then one again, and the end of it all.
  replay.step("s35-second-subscription");
  replay.step("s36-old-stream-id", "s26-revive");
  replay.open.clear();
  replay.wait_until_answered("s37-call-while-disconnected");
  replay.step("s37-call-while-disconnected");
  replay.step("s38-failover-subscribe", "s35-second-subscription");
  replay.step("s39-teardown");
  replay.step("s40-call-after-teardown");
  replay.step("s41-subscribe-after-teardown", "s35-second-subscription");
  CHECK(replay.steps > 45);
  replay.expect_all_used({"s"});
}

TEST_CASE("frameworks in protobuf, with groups, containers and without capabilities") {
  const std::vector<std::vector<std::string>> stories = {{"p0"}, {"k"},  {"y"}, {"x0", "x1", "x9"},
                                                         {"n0"}, {"h-"}, {"r0"}};
  for (const auto& prefixes : stories) {
    CAPTURE(prefixes.front());
    const Cluster cluster;
    Replay replay(cluster.master());
    for (const auto& prefix : prefixes)
      for (const std::string& name : requests(prefix)) replay.step(name);
    CHECK(replay.steps > 0);
    replay.expect_all_used(prefixes);
  }
}

TEST_CASE("who has no credentials, or another's, is answered as a real master answered it") {
  pocket::PocketOptions guarded;
  guarded.master_access.credentials = {{"fw", "secret"}, {"fw2", "secret2"}};
  guarded.agent_access.credentials = {"fw", "secret"};
  const Cluster cluster(guarded);
  Replay replay(cluster.master());
  replay.names.learn("127.0.0.1:5050", cluster.master().text());
  for (const char* prefix : {"a0", "a1"})
    for (const std::string& name : requests(prefix)) replay.step(name);
  CHECK(replay.steps == 11);
  replay.steps_of("a3_");
  replay.expect_all_used({"a0", "a1", "a3_"});
}

TEST_CASE("a framework whose master was away is answered as one that is not subscribed, then as before") {
  const Cluster cluster;
  Replay replay(cluster.master());
  replay.step("m00-first-stream");
  replay.open.clear();
  replay.wait_until_answered("m01-call-before-resubscribe");
  replay.step("m01-call-before-resubscribe");
  replay.step("m04-second-stream");
  replay.step("m02-reconcile-implicit");
  replay.step("m03-kill");
  replay.expect_all_used({"m0"});
}

TEST_CASE("a standby answers as a real one: where the leader is, or what every master knows") {
  pocket::PocketOptions two;
  two.listen_more = {{"127.0.0.1", 0}};
  const Cluster cluster(two);
  // The one that redirects to the other.
  RawClient asking(cluster.masters().at(0));
  asking.send(bytes("z1-standby_state.req"));
  const bool first_leads = asking.answer(0).head.status == 200;
  Replay replay(cluster.masters().at(first_leads ? 1 : 0));
  const std::string leader = cluster.masters().at(first_leads ? 0 : 1).text();
  replay.names.learn("127.0.0.1:5070", leader);
  replay.names.learn("127.0.0.1:5050", leader);
  replay.names.learn("127.0.0.1:5060", leader);
  for (const char* prefix : {"z1-standby", "z3-failover"}) replay.steps_of(prefix);
  CHECK(replay.steps >= 10);
  replay.expect_all_used({"z1", "z3"});
}

TEST_CASE("a master during an election answers as a real one") {
  const Folder folder;
  pocket::MastersOptions options;
  options.listen = {{"127.0.0.1", 0}};
  options.registry = folder.path + "/agents";
  options.election = std::make_unique<Deadlock>();
  auto masters = pocket::Masters::start(std::move(options));
  REQUIRE(masters.ok());
  Replay replay((*masters)->endpoints().at(0));
  const std::vector<std::pair<const char*, const char*>> steps = {
      {"z5-no-leader-subscribe", "z0-elected-not-recovered-subscribe"},
      {"z5-no-leader-revive-sid", "z0-elected-not-recovered-revive-sid"},
      {"z5-no-leader-revive", "z0-elected-not-recovered-revive"},
      {"z5-no-leader_redirect", "g_redirect"},
      {"z5-no-leader_state", "g_state"},
      {"z5-no-leader_slaves", "g_slaves"},
      {"z5-no-leader_version", "g_version"}};
  for (const auto& [name, request] : steps) replay.step(name, request);
  replay.expect_all_used({"z5"});
}
