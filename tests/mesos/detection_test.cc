#include "mesos/detection.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::mesos;

namespace {

using Names = Result<std::vector<std::string>>;
using Bytes = Result<std::string>;
using Masters = std::vector<wire::Endpoint>;

const std::string kFirst = R"({"address":{"hostname":"a","ip":"10.0.0.1","port":5050}})";
const std::string kSecond = R"({"address":{"hostname":"b","ip":"10.0.0.2","port":5050}})";

// A machine that has been told that "a" leads, by node 3, at time 0.
Detection following_a() {
  Detection machine;
  CHECK(machine.start(0).reopen);
  CHECK(machine.connected(0).list);
  CHECK(machine.children(Names({"json.info_0000000004", "json.info_0000000003"}), 0).read ==
        "json.info_0000000003");
  const auto step = machine.content("json.info_0000000003", Bytes(kFirst), 0);
  CHECK(step.masters == Masters{{"a", 5050}});
  CHECK(step.text.find("a:5050") != std::string::npos);
  CHECK(machine.wake_at_ms() == mimas::mesos::kNever);
  return machine;
}

}  // namespace

TEST_CASE("a change of children that leaves the leader tells nobody anything") {
  Detection machine = following_a();
  CHECK(machine.children_changed(10).list);
  const auto step = machine.children(Names({"json.info_0000000003", "json.info_0000000009"}), 10);
  CHECK(step.read.empty());
  CHECK_FALSE(step.masters);
  CHECK(step.text.empty());
}

TEST_CASE("when the leader's node goes, the next one leads") {
  Detection machine = following_a();
  CHECK(machine.children(Names({"json.info_0000000004"}), 10).read == "json.info_0000000004");
  CHECK(machine.content("json.info_0000000004", Bytes(kSecond), 10).masters == Masters{{"b", 5050}});
}

TEST_CASE("when all nodes go there is no leader, said once") {
  Detection machine = following_a();
  const auto gone = machine.children(Names(std::vector<std::string>{"log_replicas"}), 10);
  CHECK(gone.masters == Masters{});
  CHECK_FALSE(gone.text.empty());
  machine.children(Names(std::vector<std::string>{}), 20);
  const auto again = machine.children(Names(std::vector<std::string>{}), 30);
  CHECK_FALSE(again.masters);
  CHECK(again.text.empty());
}

TEST_CASE("a node that vanishes between list and question means no leader, and another list") {
  Detection machine = following_a();
  machine.children(Names({"json.info_0000000004"}), 10);
  const auto step =
      machine.content("json.info_0000000004", Bytes(make_error(Code::not_found, "no node")), 10);
  CHECK(step.masters == Masters{});
  CHECK(step.list);
}

TEST_CASE("a leader's node that cannot be read is tried again, and the second node is not taken instead") {
  Detection machine = following_a();
  machine.children(Names({"json.info_0000000004", "json.info_0000000005"}), 10);
  const auto bad = machine.content("json.info_0000000004", Bytes(std::string("{")), 10);
  CHECK(bad.masters == Masters{});
  CHECK(bad.text.find("json.info_0000000004") != std::string::npos);
  CHECK(machine.wake_at_ms() == 10 + kDetectAgainMs);
  CHECK(machine.time_passed(10 + kDetectAgainMs).list);
  CHECK(machine.children(Names({"json.info_0000000004", "json.info_0000000005"}), 2'020).read ==
        "json.info_0000000004");
  CHECK(machine.content("json.info_0000000004", Bytes(std::string("{")), 2'020)
            .text.empty());  // the same trouble
}

TEST_CASE("an answer about a node that leads no more is dropped") {
  Detection machine = following_a();
  machine.children(Names({"json.info_0000000004"}), 10);
  machine.children(Names({"json.info_0000000005"}), 11);
  CHECK_FALSE(machine.content("json.info_0000000004", Bytes(kFirst), 12).masters);
  CHECK(machine.content("json.info_0000000005", Bytes(kSecond), 13).masters == Masters{{"b", 5050}});
}

TEST_CASE("a short time without a connection changes nothing; a session's length without one does") {
  Detection machine = following_a();
  machine.disconnected(100);
  CHECK(machine.wake_at_ms() == 100 + kZooKeeperSessionMs);
  CHECK(machine.connected(5'000).list);
  CHECK(machine.wake_at_ms() == mimas::mesos::kNever);
  CHECK_FALSE(machine.children(Names({"json.info_0000000003"}), 5'000).masters);

  machine.disconnected(6'000);
  CHECK(machine.disconnected(7'000).text.empty());  // the first one counts
  CHECK_FALSE(machine.time_passed(15'999).masters);
  CHECK(machine.time_passed(16'000).masters == Masters{});
  machine.connected(17'000);
  CHECK(machine.children(Names({"json.info_0000000003"}), 17'000).read == "json.info_0000000003");
  CHECK(machine.content("json.info_0000000003", Bytes(kFirst), 17'000).masters == Masters{{"a", 5050}});
}

TEST_CASE("a list that got lost with the connection says nothing about the leader") {
  Detection machine = following_a();
  machine.children_changed(10);
  const auto lost = machine.children(Names(make_error(Code::unavailable, "connection loss")), 10);
  CHECK_FALSE(lost.masters);
  CHECK(machine.time_passed(10 + kDetectAgainMs).list);
}

TEST_CASE("an expired session means no leader and a new session") {
  Detection machine = following_a();
  const auto step = machine.expired(10);
  CHECK(step.masters == Masters{});
  CHECK(step.reopen);
  CHECK(machine.connected(20).list);
  CHECK(machine.children(Names({"json.info_0000000003"}), 20).read == "json.info_0000000003");
}

TEST_CASE("an ensemble out of reach from the start is said, and asked again when it cannot even be named") {
  Detection silent;
  silent.start(0);
  CHECK(silent.time_passed(kZooKeeperSessionMs).text.find("cannot be reached") != std::string::npos);

  Detection unnamed;
  unnamed.start(0);
  CHECK_FALSE(unnamed.open_failed(make_error(Code::unavailable, "no such host"), 0).text.empty());
  CHECK(unnamed.time_passed(kDetectAgainMs).reopen);
}

TEST_CASE("a path that is not there yet, or may not be read, is looked at again") {
  for (const Code code : {Code::not_found, Code::permission_denied}) {
    Detection machine;
    machine.start(0);
    machine.connected(0);
    CHECK_FALSE(machine.children(Names(make_error(code, "why", "/mesos")), 0).text.empty());
    CHECK(machine.time_passed(kDetectAgainMs).list);
  }
}

TEST_CASE("a refused user ends the session and tries another later") {
  Detection machine = following_a();
  const auto step = machine.refused(0);
  CHECK(step.masters == Masters{});
  CHECK(step.text.find("refuses") != std::string::npos);
  CHECK(machine.time_passed(kDetectAgainMs).reopen);
}
