#include "server/master_access.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::server;

TEST_CASE("credentials become the principal and the header of one and the same pair") {
  MasterAccess access;
  access.credentials = {"fw", "secret"};
  access.credentials_hosts = {{"b", 5050}};
  mesos::DriverOptions options;
  REQUIRE(apply(access, options));
  CHECK(options.principal == "fw");
  CHECK(options.authorization == "Basic Znc6c2VjcmV0");
  CHECK(options.credential_hosts == access.credentials_hosts);
  CHECK(warning(access).find("fw") != std::string::npos);
  CHECK(warning(access).find("secret") == std::string::npos);
  access.credentials.secret = "a:b";
  CHECK_FALSE(apply(access, options));
}

TEST_CASE("TLS is made ready before anything is sent, or the start fails") {
  MasterAccess access;
  access.tls = true;
  mesos::DriverOptions options;
  REQUIRE(apply(access, options));
  CHECK(options.tls);
  CHECK(options.security != nullptr);
  CHECK(warning(access).empty());
  access.ciphers = "AES128-SHA";
  REQUIRE(apply(access, options));
  CHECK(warning(access).find("AES128-SHA") != std::string::npos);
  access.ca_file = "/nowhere";
  CHECK(apply(access, options).error().where == "/nowhere");
}

TEST_CASE("a detected leader replaces the list, and the host map moves names") {
  MasterAccess access;
  access.zookeeper = wire::parse_zookeeper_url("zk://z/mesos").value();
  access.host_map = wire::HostMap::parse("leader=10.0.0.5").value();
  mesos::DriverOptions options;
  options.masters = {{"a", 1}};
  REQUIRE(apply(access, options));
  CHECK(options.masters.empty());
  REQUIRE(options.rewrite);
  CHECK(options.rewrite({"leader", 5050}) == wire::Endpoint{"10.0.0.5", 5050});
}
