#include "wire/host.h"

#include <doctest/doctest.h>

using namespace mimas::wire;

TEST_CASE("a host is an authority without its port and brackets") {
  CHECK(host_of("h:80") == "h");
  CHECK(host_of("127.0.0.1") == "127.0.0.1");
  CHECK(host_of("[::1]:80") == "::1");
  CHECK(host_of("[::1]") == "::1");
  CHECK(host_of("") == "");
}

TEST_CASE("an address is one that nobody has to look up") {
  for (const char* address :
       {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::", "2001:db8::1", "::ffff:1.2.3.4"})
    CHECK(is_address(address));
  for (const char* name :
       {"", "h", "127.1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1.2.3.256", "01.2.3.4", "0x7f.0.0.1",
        "1.2.3.4e", "1..2.3", "2130706433", ":", "h:1", "dead.beef"})
    CHECK_FALSE(is_address(name));
}

TEST_CASE("loopback is localhost, 127.0.0.0/8 and ::1") {
  for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "127.255.0.9", "::1"})
    CHECK(is_loopback_host(host));
  for (const char* host : {"", "localhost.example", "128.0.0.1", "127.1", "127.0.0.1.example", "::2"})
    CHECK_FALSE(is_loopback_host(host));
}
