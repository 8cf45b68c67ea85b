#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/sha256.h"
#include "server/executor_reply.h"
#include "server/executors.h"
#include "server/sandbox.h"

using namespace mimas;

TEST_CASE("only plain names reach an agent's sandbox") {
  for (const char* good : {"stdout", "stderr", "stdout.1", "a b", "..."})
    CHECK(server::check_file_name(good).ok());
  for (const char* bad : {"", ".", "..", "a/b", "../stdout", "a\\b", "a\nb"}) {
    CHECK_FALSE(server::check_file_name(bad).ok());
  }
  CHECK_FALSE(server::check_file_name(std::string(256, 'a')).ok());
}

TEST_CASE(
    "executors are found under every name of their architecture, and a change of one changes the version") {
  char name[] = "/tmp/mimas-executors-test.XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const auto write = [&](const std::string& arch, const std::string& bytes) {
    std::ofstream(directory + "/mimas-executor-" + arch) << bytes;
  };
  const auto nothing = server::Executors::load(directory);
  REQUIRE_FALSE(nothing.ok());
  CHECK(nothing.error().code == Code::not_found);
  CHECK_FALSE(nothing.error().hint.empty());

  write(server::Executors::own_architecture(), "own");
  write("armhf", "hard");
  write("armel", "soft");
  const auto first = server::Executors::load(directory);
  REQUIRE(first.ok());
  REQUIRE(first->find("arm"));
  CHECK(first->find("arm")->bytes == "hard");
  CHECK(first->find("armv6")->bytes == "soft");
  CHECK(first->find("arm")->sha256 == hex(sha256("hard")));
  CHECK(first->sha256().at("armel") == hex(sha256("soft")));
  CHECK(first->find("vax") == nullptr);
  CHECK(first->find("../armhf") == nullptr);
  write("armhf", "new!");
  const auto second = server::Executors::load(directory);
  REQUIRE(second.ok());
  CHECK(first->version() != second->version());

  const auto whole = server::executor_reply(*second, "arm", "");
  CHECK(whole.status == 200);
  CHECK(whole.body == "new!");
  const std::string sum = hex(sha256("new!"));
  CHECK(wire::find_header(whole.headers, "etag") == "\"" + sum + "\"");
  CHECK(wire::find_header(whole.headers, "X-Mimas-SHA256") == sum);
  for (const std::string& have : {"\"" + sum + "\"", "\"x\" , W/\"" + sum + "\"", std::string("*")}) {
    const auto kept = server::executor_reply(*second, "armhf", have);
    CHECK(kept.status == 304);
    CHECK(kept.body.empty());
    CHECK(wire::find_header(kept.headers, "ETag") == "\"" + sum + "\"");
  }
  CHECK(server::executor_reply(*second, "armhf", sum).status == 200);  // a tag has its quotes
  CHECK(server::executor_reply(*second, "armhf", "\"x\"").status == 200);
  const auto none = server::executor_reply(*second, "vax", "");
  CHECK(none.status == 404);
  CHECK(none.body.find("armel, armhf") != std::string::npos);
  std::filesystem::remove_all(directory);
}
