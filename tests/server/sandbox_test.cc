#include "server/sandbox.h"

#include <doctest/doctest.h>

#include "scripted_agent.h"

using namespace mimas;
using server::AgentAccess;
using server::Sandbox;
using server::ScriptedAgent;

namespace {

const std::string kRun = "/frameworks/F/executors/t/runs/latest";

Sandbox sandbox_on(const ScriptedAgent& agent, const AgentAccess& access = {}) {
  return Sandbox(agent.endpoint(), access, FrameworkId("F"), TaskId("t"));
}

std::string every_byte(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  return bytes;
}

std::string read_all(const Sandbox& sandbox, const std::string& file) {
  std::string bytes;
  for (;;) {
    const auto piece = sandbox.read(file, static_cast<std::int64_t>(bytes.size()), 1 << 20);
    if (!piece.ok()) return "[" + piece.error().text() + "]";
    if (piece->bytes.empty()) return bytes;
    bytes += piece->bytes;
  }
}

TEST_CASE("the operator API is asked first, and it alone as long as it answers") {
  ScriptedAgent agent;
  agent.files[kRun + "/stdout"] = every_byte(200'000);
  const Sandbox sandbox = sandbox_on(agent);
  CHECK(read_all(sandbox, "stdout") == agent.files[kRun + "/stdout"]);
  const auto none = sandbox.read("none", 0, 10);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == Code::not_found);
  CHECK(none.error().where == "none");
  CHECK(*sandbox.names() == std::vector<std::string>{"stdout"});
  CHECK(agent.asked("/files/read") + agent.asked("/files/download") + agent.asked("/files/browse") == 0);
  CHECK(agent.asked("/api/v1") == 5 + 1 + 1);  // four pieces, the end, the absent one, the list
}

TEST_CASE("where the operator API is refused, every byte comes through the files endpoints") {
  for (const int status : {401, 403, 404, 405, 415, 501}) {
    for (const bool escapes : {false, true}) {
      CAPTURE(status);
      CAPTURE(escapes);
      ScriptedAgent agent;
      agent.operate_status = status;
      agent.escapes_high_bytes = escapes;
      agent.files[kRun + "/text"] = "plain \"text\"\\\n\t\x7f";
      agent.files[kRun + "/binary"] = every_byte(200'000);
      agent.files[kRun + "/folder"] = "";
      const Sandbox sandbox = sandbox_on(agent);
      CHECK(read_all(sandbox, "text") == agent.files[kRun + "/text"]);
      CHECK(agent.asked("/files/download") == 0);
      CHECK(read_all(sandbox, "binary") == agent.files[kRun + "/binary"]);
      CHECK(agent.asked("/files/download") == 1);  // one, read on, not one for each piece
      CHECK(sandbox.read("binary", 199'000, 5)->bytes == agent.files[kRun + "/binary"].substr(199'000, 5));
      CHECK(sandbox.read("binary", 3, 0)->file_size == 200'000);
      CHECK(sandbox.read("binary", 999'999, 5)->bytes.empty());
      const auto files = sandbox.files();
      REQUIRE(files.ok());
      REQUIRE(files->size() == 3);
      CHECK(files->at(0).name == "binary");
      CHECK(files->at(0).size == 200'000);
      CHECK(files->at(0).plain);
      CHECK_FALSE(files->at(1).plain);
      CHECK(sandbox.read("none", 0, 10).error().code == Code::not_found);
      CHECK(agent.asked("/api/v1") == 1);
    }
  }
}

TEST_CASE("a file that grows behind an open download is read on") {
  ScriptedAgent agent;
  agent.operate_status = 403;
  const std::string whole = every_byte(30'000);
  agent.files[kRun + "/binary"] = whole.substr(0, 20'000);
  const Sandbox sandbox = sandbox_on(agent);
  CHECK(sandbox.read("binary", 0, 20'000)->bytes == whole.substr(0, 20'000));
  agent.files[kRun + "/binary"] = whole;
  CHECK(sandbox.read("binary", 20'000, 20'000)->bytes == whole.substr(20'000));
}

TEST_CASE("what an agent refuses in both ways, and one that is away, are told apart from a missing file") {
  ScriptedAgent agent;
  agent.operate_status = agent.files_status = 403;
  const auto refused = sandbox_on(agent).read("stdout", 0, 10);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::protocol);
  CHECK(refused.error().hint.find("--credentials-hosts") != std::string::npos);
  agent.operate_status = 500;
  CHECK(sandbox_on(agent).read("stdout", 0, 10).error().code == Code::protocol);
  CHECK(sandbox_on(agent).names().error().code == Code::protocol);
  const Sandbox sandbox = sandbox_on(agent);
  agent.stop();
  CHECK(sandbox.read("stdout", 0, 10).error().code == Code::unavailable);
}

TEST_CASE("credentials go to the agents that are named and to no other") {
  for (const int operate_status : {200, 403}) {
    ScriptedAgent agent;
    agent.operate_status = operate_status;
    agent.wants_authorization = "Basic cDpz";
    agent.files[kRun + "/stdout"] = "hi";
    const AgentAccess named{"Basic cDpz", {agent.endpoint()}};
    CHECK(sandbox_on(agent, named).read("stdout", 0, 10)->bytes == "hi");
    const AgentAccess others{"Basic cDpz", {{"127.0.0.1", 1}, {"127.0.0.2", agent.endpoint().port}}};
    CHECK_FALSE(sandbox_on(agent, others).read("stdout", 0, 10).ok());
  }
}

}  // namespace
