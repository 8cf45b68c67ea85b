#include "cli/master_flags.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

using namespace mimas;
using namespace mimas::cli;

namespace {

server::ServerOptions taken(const MasterFlags& flags) {
  server::ServerOptions options;
  const Status status = take_master_flags(flags, options);
  INFO((status ? std::string() : status.error().text()));
  REQUIRE(status);
  return options;
}

std::string refused(const MasterFlags& flags) {
  server::ServerOptions options;
  const Status status = take_master_flags(flags, options);
  return status ? "taken" : status.error().where;
}

}  // namespace

TEST_CASE("--master takes a list or a ZooKeeper ensemble, and https:// means TLS") {
  CHECK(taken({.master = "a,b:1"}).masters == std::vector<wire::Endpoint>{{"a", 5050}, {"b", 1}});
  CHECK_FALSE(taken({.master = "a"}).master_access.tls);
  CHECK(taken({.master = "https://a"}).master_access.tls);
  CHECK(taken({.master = "a", .tls = true}).master_access.tls);
  const auto detected = taken({.master = "zk://z/mesos", .tls = true});
  CHECK(detected.masters.empty());
  REQUIRE(detected.master_access.zookeeper);
  CHECK(detected.master_access.zookeeper->path == "/mesos");
  CHECK(detected.master_access.tls);
}

TEST_CASE("flags that do not go together, or cannot be meant, are named") {
  CHECK(refused({.master = ""}) == "--master");
  CHECK(refused({.master = "zk://z"}) == "--master");
  CHECK(refused({.master = "http://a", .tls = true}) == "--master-tls");
  CHECK(refused({.master = "a", .ca = "/x"}) == "--master-ca");
  CHECK(refused({.master = "a", .ciphers = "AES128-SHA"}) == "--master-tls-ciphers");
  CHECK(refused({.master = "a", .host_map = "x"}) == "--master-host-map");
  CHECK(refused({.master = "a", .credentials_hosts = "b"}) == "--credentials-hosts");
  CHECK(refused({.master = "a", .credentials = "/nowhere"}) == "--credentials /nowhere");
}

TEST_CASE("a server has one principal, from a file") {
  char path[] = "/tmp/mimas-master-flags-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << "fw secret\n";
  const auto options = taken({.master = "a", .credentials = path, .credentials_hosts = "b:1,c"});
  CHECK(options.master_access.credentials == wire::Credentials{"fw", "secret"});
  CHECK(options.master_access.credentials_hosts == std::vector<wire::Endpoint>{{"b", 1}, {"c", 5050}});
  std::ofstream(path, std::ios::app) << "other secret\n";
  CHECK(refused({.master = "a", .credentials = path}) == "--credentials");
  ::unlink(path);
}
