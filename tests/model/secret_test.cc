#include "model/secret.h"

#include <doctest/doctest.h>

#include <string>

namespace mimas {
namespace {

TEST_CASE("a secret's name is one word or two, and no path leads out of its folder") {
  for (const char* good : {"token", "shop/token", "_a", "A.b-c_9"}) CHECK(is_secret_name(good));
  for (const char* bad : {"", "/", "/etc/passwd", "..", "../x", "a/..", "a/../b", "a/b/c", "a//b", "a/", ".a",
                          "shop/.x", "-a", "a b", "a\n", "a\\b", "é"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_secret_name(bad));
  }
  CHECK(is_secret_name(std::string(64, 'a') + "/" + std::string(64, 'b')));
  CHECK_FALSE(is_secret_name(std::string(65, 'a')));
  CHECK_FALSE(is_secret_name(std::string_view("a\0b", 3)));
}

TEST_CASE("a name of two words belongs to the application of the first") {
  CHECK(secret_application("shop/token") == "shop");
  CHECK(secret_application("token").empty());
}

}  // namespace
}  // namespace mimas
