#include "pocket/jwt.h"

#include <doctest/doctest.h>

#include "base/base64.h"

namespace mimas::pocket {

TEST_CASE("a token names its container to whoever has the key, and nothing to others") {
  const ContainerRef container{"F-0001", "e \"x\"", "c"};
  const std::string token = make_token("key", container);
  const Result<ContainerRef> read = read_token("key", token);
  REQUIRE(read.ok());
  CHECK(*read == container);
  CHECK(read_token("another key", token).error().message == "Invalid JWT: its signature does not match");
}

TEST_CASE("the signature is that of RFC 7515, appendix A.1") {
  const std::string key =
      base64_decode(
          "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==")
          .value();
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  CHECK(read_token(key, token).error().message == "Invalid JWT: it names no container");
}

TEST_CASE("what is no token of ours is refused, the unsigned one too") {
  const std::string good = make_token("key", {"F", "e", "c"});
  const std::string claims = good.substr(good.find('.'), good.rfind('.') - good.find('.'));
  for (const std::string& token :
       {std::string(), std::string("."), std::string("a.b"), std::string("a.b.c"), good + ".x", good + "=",
        good.substr(0, good.size() - 1), "x" + good, "eyJhbGciOiJub25lIn0" + claims + ".",
        std::string(kTokenBytesMax + 1, 'a')}) {
    CAPTURE(token);
    CHECK(!read_token("key", token).ok());
  }
}

}  // namespace mimas::pocket
