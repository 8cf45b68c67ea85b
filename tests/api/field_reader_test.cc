#include <doctest/doctest.h>

#include "api/field_reader.h"

namespace mimas::api {

TEST_CASE("the nearest name is at most two edits away, or another common word") {
  const std::vector<std::string_view> known{"entryPoint", "memory", "cpu", "gpu", "env", "applicationName"};
  CHECK(nearest_name("entrypoint", known) == "entryPoint");
  CHECK(nearest_name("entryPont", known) == "entryPoint");
  CHECK(nearest_name("entry_point", known) == "entryPoint");
  CHECK(nearest_name("memmorry", known) == "memory");
  CHECK(nearest_name("memmmorry", known) == "");
  CHECK(nearest_name("cpu2", known) == "cpu");
  CHECK(nearest_name("xyz", known) == "");
  CHECK(nearest_name("image", known) == "applicationName");
  CHECK(nearest_name("environment", known) == "env");
  CHECK(nearest_name("args", known) == "");  // `command` is not among the known ones
  CHECK(nearest_name("", known) == "");
  CHECK(nearest_name(std::string(1'000, 'e'), known) == "");
}

TEST_CASE("a getter that fails reports and goes on with the default") {
  const auto document = json::parse(R"({"a":5,"b":"x","c":true,"memory":9000000,"n":null})");
  REQUIRE(document.ok());
  Faults faults;
  FieldReader in(document->root(), faults);
  CHECK(in.text("a").empty());
  CHECK(in.text("b") == "x");
  CHECK(in.flag("b", true));
  CHECK(in.flag("c", false));
  CHECK(in.flag("n", true));
  CHECK(in.number(kMemoryMib) == kMemoryMib.fallback);
  CHECK(in.number(kDiskMib) == kDiskMib.fallback);
  CHECK_FALSE(in.has("n"));
  CHECK(in.count("a", 4) == std::nullopt);
  CHECK(in.count("a", 5) == 5);
  CHECK(in.required_text("n").empty());
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  std::vector<std::string> pointers;
  for (const Fault& fault : faults.take()) pointers.push_back(fault.pointer);
  CHECK(pointers == std::vector<std::string>{"/a", "/b", "/memory", "/a", "/n"});
}

}  // namespace mimas::api
