#include "cli/pocket_flags.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "net/certificates.h"

using namespace mimas;
using namespace mimas::cli;

namespace {

std::string refused(const PocketAccessFlags& flags, const std::string& join = {}) {
  pocket::PocketOptions options;
  const Status taken = take_pocket_flags(flags, join, options);
  return taken ? "taken" : taken.error().where;
}

}  // namespace

TEST_CASE("masters with a certificate have agents and a server that trust it") {
  test::Authority authority;
  const test::Certificate certificate = authority.sign("IP:127.0.0.1");
  const PocketAccessFlags flags{
      .tls_cert = certificate.file, .tls_key = certificate.key_file, .tls_ciphers = "AES128-SHA"};
  pocket::PocketOptions options;
  REQUIRE(take_pocket_flags(flags, "", options));
  CHECK(options.master_access.security != nullptr);
  CHECK(options.agent_access.security != nullptr);
  const server::MasterAccess access = access_to(flags, options);
  CHECK(access.tls);
  CHECK(access.ca_file == certificate.file);
  CHECK(access.ciphers == "AES128-SHA");
}

TEST_CASE("agents and the server of dev show the first of the credentials") {
  char path[] = "/tmp/mimas-pocket-flags-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << "fw secret\nother secret\n";
  const PocketAccessFlags flags{.credentials = path};
  pocket::PocketOptions options;
  REQUIRE(take_pocket_flags(flags, "", options));
  ::unlink(path);
  CHECK(options.master_access.credentials.size() == 2);
  CHECK(options.agent_access.credentials.principal == "fw");
  CHECK(access_to(flags, options).credentials.principal == "fw");
  CHECK_FALSE(access_to(flags, options).tls);
}

TEST_CASE("masters may be joined by TLS, and elected by ZooKeeper") {
  pocket::PocketOptions joining;
  REQUIRE(take_pocket_flags({}, "https://a,b:1", joining));
  CHECK(joining.join == std::vector<wire::Endpoint>{{"a", 5050}, {"b", 1}});
  CHECK(joining.agent_access.security != nullptr);
  pocket::PocketOptions elected;
  REQUIRE(take_pocket_flags({.zookeeper = "zk://z/mesos"}, "", elected));
  REQUIRE(elected.zookeeper);
  CHECK(elected.zookeeper->path == "/mesos");
}

TEST_CASE("flags of a pocket that do not go together are named") {
  CHECK(refused({.tls_cert = "/x"}) == "--tls-key");
  CHECK(refused({.tls_key = "/x"}) == "--tls-cert");
  CHECK(refused({.tls_cert = "/nowhere", .tls_key = "/nowhere"}) == "--tls-cert /nowhere");
  CHECK(refused({.tls_ciphers = "AES128-SHA"}) == "--tls-ciphers");
  CHECK(refused({.credentials = "/nowhere"}) == "--credentials /nowhere");
  CHECK(refused({.zookeeper = "zk://z"}) == "--zk");
  CHECK(refused({.join_ca = "/x"}) == "--join-ca");
  CHECK(refused({.join_ca = "/x"}, "a") == "--join-ca");
  CHECK(refused({.zookeeper = "zk://z/mesos"}, "a") == "--join");
  CHECK(refused({}, "zk://z/mesos") == "--join");
}
