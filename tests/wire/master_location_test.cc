#include "wire/master_location.h"

#include <doctest/doctest.h>

using namespace mimas::wire;

TEST_CASE("masters are one address or a list, with or without a scheme") {
  const auto one = parse_master_location("m", 5050);
  REQUIRE(one);
  CHECK(one->masters == std::vector<Endpoint>{{"m", 5050}});
  CHECK(one->scheme == Scheme::unsaid);
  const auto list = parse_master_location("https://a:1/, https://b,c:3,https://a:1", 5050);
  REQUIRE(list);
  CHECK(list->masters == std::vector<Endpoint>{{"a", 1}, {"b", 5050}, {"c", 3}});
  CHECK(list->scheme == Scheme::https);
  CHECK(parse_master_location("http://[::1]:7", 5050)->scheme == Scheme::http);
  CHECK(parse_master_location("master@10.0.0.1:5051", 5050)->masters.front() == Endpoint{"10.0.0.1", 5051});
}

TEST_CASE("a list with two schemes, an empty part or a zk:// inside is refused") {
  for (const char* text : {"http://a,https://b", "a,,b", "", "a:0", "a,zk://b/m", "a b", "ftp://a"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_master_location(text, 5050));
  }
}

TEST_CASE("a ZooKeeper ensemble has hosts, a path, and perhaps a user with a password that no log shows") {
  const auto plain = parse_master_location("zk://a,b:2182/mesos/", 5050);
  REQUIRE(plain);
  REQUIRE(plain->zookeeper);
  CHECK(plain->masters.empty());
  CHECK(plain->zookeeper->servers == std::vector<Endpoint>{{"a", 2181}, {"b", 2182}});
  CHECK(plain->zookeeper->path == "/mesos");
  const auto secret = parse_zookeeper_url("ZK://user:p@ss:word@a/x/y");
  REQUIRE(secret);
  CHECK(secret->digest == "user:p@ss:word");
  CHECK(secret->text() == "zk://a:2181/x/y");
}

TEST_CASE("a ZooKeeper address without a usable path, host or user is refused") {
  for (const char* text : {"zk://a", "zk://a/", "zk:///m", "zk://a/m//n", "zk://a/../m", "zk://u@a/m",
                           "zk://:p@a/m", "zk://a/m n", "zk://a:0/m", "http://a/m", "zk://u:p\n@a/m"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_zookeeper_url(text));
  }
}

TEST_CASE("the host map replaces hosts, and ports where it says so") {
  const auto map = HostMap::parse("Leader.internal=10.0.0.5, b:5050=gate:15050 ,b=[::1]");
  REQUIRE(map);
  CHECK(map->apply({"leader.INTERNAL", 5050}) == Endpoint{"10.0.0.5", 5050});
  CHECK(map->apply({"b", 5050}) == Endpoint{"gate", 15050});
  CHECK(map->apply({"b", 5051}) == Endpoint{"::1", 5051});
  CHECK(map->apply({"c", 5050}) == Endpoint{"c", 5050});
  CHECK(HostMap::parse("")->empty());
}

TEST_CASE("a host map that cannot be meant is refused") {
  for (const char* text : {"a", "a=", "=b", "a=b=c", "a=1,a=2", "a=b,", "a\r\n=b", "a=b:99999"}) {
    CAPTURE(text);
    CHECK_FALSE(HostMap::parse(text));
  }
}
