// --scaling-rules and --scaling-provider: what goes together, and what a mistake is called.
#include "cli/scaling_flags.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

using namespace mimas;
using namespace mimas::cli;

namespace {

struct Rules {
  std::string path;
  explicit Rules(const std::string& text) {
    std::string name = "/tmp/mimas-rules-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name + "/rules.json";
    std::ofstream(path) << text;
  }
  ~Rules() { std::filesystem::remove_all(std::filesystem::path(path).parent_path()); }
};

const char* const kGroup =
    R"({"groups":[{"name":"a","attribute":"p","value":"s","minSize":1,"maxIdle":0,"maxSize":3}]})";

std::string fault_of(const ScalingFlags& flags, bool has_pocket = true) {
  server::ServerOptions options;
  const Status taken = take_scaling_flags(flags, has_pocket, options);
  REQUIRE_FALSE(taken.ok());
  CHECK(options.policy.scaling.empty());
  return taken.error().text();
}

}  // namespace

TEST_CASE("without rules there is no scaling, and nothing else makes sense") {
  server::ServerOptions options;
  CHECK(take_scaling_flags({}, true, options).ok());
  CHECK(options.policy.scaling.empty());
  CHECK(options.scaling_provider.kind == server::ScalingProviderOptions::Kind::none);
  CHECK(fault_of({.provider = "pocket"}).find("--scaling-provider") != std::string::npos);
  CHECK(fault_of({.token_file = "/x"}).find("--scaling-token") != std::string::npos);
}

TEST_CASE("rules need a provider that this command has") {
  const Rules rules(kGroup);
  CHECK(fault_of({.rules = rules.path}).find("is missing") != std::string::npos);
  CHECK(fault_of({.rules = rules.path, .provider = "pocket"}, false).find("mimas dev") != std::string::npos);
  CHECK(fault_of({.rules = rules.path, .provider = "exec:/no/such"}).find("/no/such") != std::string::npos);
  CHECK(fault_of({.rules = rules.path, .provider = "pocket", .token_file = "/x"}).find("--scaling-token") !=
        std::string::npos);
  CHECK(fault_of({.rules = rules.path, .provider = "pocket", .deadline = "1ms"}).find("--scaling-deadline") !=
        std::string::npos);
  server::ServerOptions options;
  REQUIRE(take_scaling_flags({.rules = rules.path, .provider = "exec:/bin/true", .deadline = "5secs"}, false,
                             options)
              .ok());
  CHECK(options.policy.scaling.size() == 1);
  CHECK(options.scaling_provider.program == "/bin/true");
  CHECK(options.scaling_provider.deadline_ms == 5'000);
}

TEST_CASE("a mistake in the file is named with the flag and the field") {
  CHECK(fault_of({.rules = "/no/such/file", .provider = "pocket"}).find("cannot be read") !=
        std::string::npos);
  const Rules wrong(R"({"groups":[{"name":"a"}]})");
  const std::string fault = fault_of({.rules = wrong.path, .provider = "pocket"});
  CHECK(fault.find("--scaling-rules") != std::string::npos);
  CHECK(fault.find("attribute") != std::string::npos);
}
