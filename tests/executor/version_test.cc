// What an executor calls itself.
#include "executor/version.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/sha256.h"

using namespace mimas;
using namespace mimas::executor;

TEST_CASE("the version is the release and the beginning of the file's sum") {
  char name[] = "/tmp/mimas-version-XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(file >= 0);
  CHECK(version_of("1.2", name) == "1.2+e3b0c44298fc");
  const std::string bytes(10'000, 'x');
  REQUIRE(::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  ::close(file);
  CHECK(version_of("1.2", name) == "1.2+" + hex(sha256(bytes)).substr(0, 12));
  ::unlink(name);
  CHECK(version_of("1.2", name) == "1.2");
}
