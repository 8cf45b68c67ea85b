#include "model/architecture.h"

#include <doctest/doctest.h>

using namespace mimas;

TEST_CASE("architectures are known in the spellings people use") {
  for (const char* name : {"arm", "armhf", "armv7", "armv7l", "armv8l"})
    CHECK(executor_architecture(name) == "armhf");
  for (const char* name : {"armv6", "armv6l", "armel", "armv5tel"})
    CHECK(executor_architecture(name) == "armel");
  for (const char* name : {"arm64", "aarch64"}) CHECK(executor_architecture(name) == "arm64");
  for (const char* name : {"x86_64", "amd64"}) CHECK(executor_architecture(name) == "x86_64");
  for (const char* name : {"", "sparc", "ARM", "../armhf"}) CHECK(executor_architecture(name).empty());
  for (const std::string_view name : kArchitectures) CHECK(executor_architecture(name) == name);
}
