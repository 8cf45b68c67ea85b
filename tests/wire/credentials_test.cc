#include "wire/credentials.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::wire;

TEST_CASE("the Basic scheme carries a principal and its secret there and back") {
  const Credentials credentials{"fw", "secret"};
  CHECK(check_credentials(credentials));
  CHECK(basic_authorization(credentials) == "Basic Znc6c2VjcmV0");  // as recorded from a real Mesos (a06)
  CHECK(parse_basic_authorization("Basic Znc6c2VjcmV0") == credentials);
}

TEST_CASE("a pair that Mesos could not read is refused without repeating the secret") {
  const std::string long_text(256, 'x');
  for (const Credentials& bad : {Credentials{"", "s"}, Credentials{"p", ""}, Credentials{"p:q", "s"},
                                 Credentials{"p", "swordfish:"}, Credentials{"p", "swordfish\r\nX: y"},
                                 Credentials{std::string("p\0", 2), "s"}, Credentials{long_text, "s"}}) {
    const Status checked = check_credentials(bad);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().text().find("swordfish") == std::string::npos);
  }
}

TEST_CASE("other schemes and garbled pairs are no credentials") {
  for (const char* header :
       {"", "Basic", "Basic ???", "Bearer abc", "basic Znc6c2VjcmV0", "Basic Znc=", "Basic YTpiOmM="}) {
    CAPTURE(header);
    CHECK_FALSE(parse_basic_authorization(header));
  }
}
