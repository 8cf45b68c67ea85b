#include "mesos/master_node.h"

#include <doctest/doctest.h>

#include "mesos/protos.h"

using namespace mimas;
using namespace mimas::mesos;

TEST_CASE("the leader is the node with the lowest number, whatever its label") {
  CHECK(leader_node({"json.info_0000000012", "log_replicas", "json.info_0000000009"}) ==
        "json.info_0000000009");
  CHECK(leader_node({"json.info_0000000002", "info_0000000001"}) == "info_0000000001");
  CHECK(leader_node({"json.info_0000000002", "0000000001"}) == "0000000001");
  CHECK(leader_node({"json.info_9", "json.info_10"}) == "json.info_9");
}

TEST_CASE("past the end of ZooKeeper's counter the negative numbers are the lower ones") {
  CHECK(leader_node({"json.info_2147483647", "json.info_-2147483648"}) == "json.info_-2147483648");
}

TEST_CASE("without a master's node there is no leader") {
  CHECK_FALSE(leader_node({}));
  CHECK_FALSE(leader_node({"log_replicas", "json.info_", "json.info_12x", "x_99999999999"}));
}

TEST_CASE("a JSON node names the leader by address.hostname first, then address.ip, hostname, pid") {
  const auto at = [](const char* json) { return parse_master_node(json); };
  const char* whole = R"({"address":{"hostname":"lead.er","ip":"10.0.0.1","port":5060},"hostname":"old",)"
                      R"("id":"x","ip":16777343,"pid":"master@10.0.0.2:5070","port":5050,"new":[{}]})";
  CHECK(at(whole).value() == wire::Endpoint{"lead.er", 5060});
  CHECK(at(R"({"address":{"ip":"10.0.0.1","port":5060}})").value() == wire::Endpoint{"10.0.0.1", 5060});
  CHECK(at(R"({"address":{"ip":"::1","port":5060}})").value() == wire::Endpoint{"::1", 5060});
  CHECK(at(R"({"hostname":"old","port":5051})").value() == wire::Endpoint{"old", 5051});
  CHECK(at(R"({"pid":"master@10.0.0.2:5070"})").value() == wire::Endpoint{"10.0.0.2", 5070});
}

TEST_CASE("nodes of older masters are protobuf or the text of a pid") {
  pb::MasterInfo info;
  info.set_id("x");
  info.set_ip(16777343);
  info.set_port(5052);
  info.set_hostname("veteran");
  CHECK(parse_master_node(info.SerializeAsString()).value() == wire::Endpoint{"veteran", 5052});
  CHECK(parse_master_node("master@10.0.0.3:5053").value() == wire::Endpoint{"10.0.0.3", 5053});
}

TEST_CASE("a node that names no usable place is an error, never a crash") {
  for (const char* bytes :
       {"", "{", "{}", R"({"hostname":"a\r\nb","port":5050})", R"({"hostname":"a","port":0})",
        R"({"hostname":"a","port":70000})", R"({"pid":"master@"})", "\x0a", "\x0a\x01", "nonsense",
        R"({"address":{"hostname":"a b","port":1}})"}) {
    CAPTURE(bytes);
    const auto parsed = parse_master_node(bytes);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::protocol);
  }
}
