// The embedded master, rules 96, 114 and 116 of the conformance list: over real sockets.
#include <doctest/doctest.h>

#include <filesystem>

#include "base/base64.h"
#include "json/value.h"
#include "master_bench.h"
#include "pocket/masters.h"

namespace mimas::pocket {
namespace {

constexpr const char* kPath = "/api/v1/scheduler";

struct Folder {
  Folder() {
    char name[] = "/tmp/mimas-rules.XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

struct Cluster {
  explicit Cluster(int count, std::int64_t recovery_ms = 0, std::vector<wire::Credentials> known = {}) {
    MastersOptions options;
    options.access.credentials = std::move(known);
    for (int i = 0; i < count; ++i) options.listen.push_back({"127.0.0.1", 0});
    options.registry = folder.path + "/agents";
    options.recovery_ms = recovery_ms;
    auto started = Masters::start(std::move(options));
    REQUIRE(started.ok());
    masters = std::move(*started);
    at = masters->endpoints();
  }
  const Folder folder;
  std::unique_ptr<Masters> masters;
  std::vector<wire::Endpoint> at;
};

struct Answered {
  int status = 0;
  std::string body;
  std::vector<wire::Header> headers;
  std::string header(const char* name) const { return std::string(wire::find_header(headers, name)); }
};

Answered ask(const wire::Endpoint& at, const std::string& method, const std::string& target,
             std::vector<wire::Header> headers = {}, const std::string& body = "") {
  net::HttpClient client(at, {});
  wire::Request request;
  request.method = method;
  request.target = target;
  request.host = at.text();
  request.headers = std::move(headers);
  request.body = body;
  const auto response = client.exchange(request, false);
  REQUIRE(response.ok());
  return {response->head.status, response->body, response->head.headers};
}

Answered post(const wire::Endpoint& at, const std::string& body, const std::string& type = "application/json",
              const std::string& accept = "application/json") {
  return ask(at, "POST", kPath, {{"Content-Type", type}, {"Accept", accept}}, body);
}

bool says(const Answered& answer, const char* text) { return answer.body.find(text) != std::string::npos; }

const char* const kSubscribe =
    R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}})";

}  // namespace

TEST_CASE(
    "rule 96: credentials before leader before recovery before method before media type before body before "
    "validation before Accept") {
  const Cluster guarded(2, 0, {{"fw", "secret"}});
  for (const wire::Endpoint& at : guarded.at) {
    const Answered stranger = ask(at, "GET", kPath);
    CHECK(stranger.status == 401);
    CHECK(stranger.header("WWW-Authenticate") == "Basic realm=\"mesos-master-scheduler\"");
  }
  const std::vector<wire::Header> known{{"Authorization", wire::basic_authorization({"fw", "secret"})}};
  CHECK(ask(guarded.at[1], "GET", kPath, known).status == 307);

  const Cluster two(2);
  const Answered follower = ask(two.at[1], "GET", kPath, {}, "");
  CHECK(follower.status == 307);
  CHECK(follower.header("Location") == "//" + two.at[0].text() + "/master/api/v1/scheduler");
  CHECK(post(two.at[1], "{ garbage").status == 307);
  CHECK(ask(two.at[1], "POST", "/api/v1/nothing").status == 404);

  const Cluster recovering(1, 3'600'000);
  const Answered early = ask(recovering.at[0], "GET", kPath);
  CHECK(early.status == 503);
  CHECK(early.body == "Master has not finished recovery");

  const wire::Endpoint leader = two.at[0];
  const Answered read = ask(leader, "GET", kPath);
  CHECK(read.status == 405);
  CHECK(read.header("Allow") == "POST");
  const Answered untyped = ask(leader, "POST", kPath, {}, "{ garbage");
  CHECK(untyped.status == 400);
  CHECK(untyped.body == "Expecting 'Content-Type' to be present");
  CHECK(post(leader, "{ garbage", "application/json; charset=utf-8").status == 415);
  const Answered garbage = post(leader, "{ garbage", "application/json", "text/plain");
  CHECK(garbage.status == 400);
  CHECK(says(garbage, "Failed to parse body into JSON: "));
  CHECK(post(leader, "\xff\xff", "application/x-protobuf").body == "Failed to parse body into Call protobuf");
  const Answered invalid = post(leader, R"({"type":"KILL"})", "application/json", "text/plain");
  CHECK(invalid.status == 400);
  CHECK(says(invalid, "Failed to validate scheduler::Call: Expecting 'framework_id' to be present"));
  const Answered unacceptable = post(leader, kSubscribe, "application/json", "text/plain");
  CHECK(unacceptable.status == 406);
  CHECK(says(unacceptable, "Expecting 'Accept' to allow"));

  REQUIRE(two.masters->play(KillLeader{3'600'000}).ok());
  Answered vacant;
  for (int i = 0; i < 2'000 && vacant.status != 503; ++i) vacant = post(two.at[1], "{ garbage");
  CHECK(vacant.body == "No leader elected");
}

TEST_CASE("rule 114: JSON is read as Mesos reads it, its mistakes included") {
  const Cluster one(1);
  const wire::Endpoint at = one.at[0];
  const auto refusal = [&](const std::string& body) {
    const Answered answer = post(at, body);
    CHECK(answer.status == 400);
    return answer.body;
  };
  const auto has = [&](const std::string& body, const char* text) {
    const std::string said = refusal(body);
    CHECK_MESSAGE(said.find(text) != std::string::npos, said);
  };
  has(R"({"type":"REVIVE","frameworkId":{"value":"x"}})", "Expecting 'framework_id' to be present");
  has(R"({"type":"REVIVE","framework_id":"x"})", "Not expecting a JSON string for field 'framework_id'");
  has(R"({"type":9,"framework_id":{"value":"x"}})", "Not expecting a JSON number for field 'type'");
  const std::string uuid =
      R"({"type":"ACKNOWLEDGE","framework_id":{"value":"x"},"acknowledge":{"agent_id":{"value":"a"},)"
      R"("task_id":{"value":"t"},"uuid":")";
  const std::string text = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
  has(uuid + base64_encode(text) + "\"}}", "Not a valid UUID");
  has(uuid + "-_-_\"}}", "Failed to base64 decode bytes field 'uuid'");
  // A number may come as text: this one gets past the body to what is wrong with the framework.
  has(R"({"type":"DECLINE","framework_id":{"value":"x"},"decline":{"offer_ids":[],)"
      R"("filters":{"refuse_seconds":"5"}}})",
      "Framework cannot be found");
}

TEST_CASE(
    "rule 116: command tasks have no executor in /state, pids parse, followers redirect, /redirect/x is "
    "none") {
  MasterWorld world;
  world.join(world.agent_info());
  world.subscribe("F");
  world.call(world.accept({world.offer()}, {command_task("c"), executor_task("e")}));
  const Result<json::Document> state = json::parse(world.model.document("/state"));
  REQUIRE(state.ok());
  const json::Value tasks = *state->root().find("frameworks")->at(0).find("tasks");
  REQUIRE(tasks.size() == 2);
  CHECK(tasks.at(0).string_or("executor_id", "absent") == "");
  CHECK(tasks.at(1).string_or("executor_id", "absent") == "e");
  const std::string agent_pid(state->root().find("slaves")->at(0).string_or("pid", ""));
  REQUIRE(agent_pid.starts_with("slave(1)@"));
  CHECK(wire::parse_endpoint(agent_pid.substr(agent_pid.find('@') + 1), 0, true).ok());
  CHECK(wire::parse_endpoint(state->root().string_or("leader", "")).ok());  // "master@host:port"

  const Cluster two(2);
  for (const char* path : {"/state", "/master/state", "/slaves", "/state-summary", "/tasks"})
    CHECK(ask(two.at[1], "GET", path).status == 307);
  CHECK(ask(two.at[1], "GET", "/state").header("Location") == "//" + two.at[0].text() + "/master/state");
  CHECK(ask(two.at[0], "GET", "/state").status == 200);
  for (const wire::Endpoint& at : two.at) {
    for (const char* path : {"/redirect", "/master/redirect"}) {
      CHECK(ask(at, "GET", path).status == 307);
      CHECK(ask(at, "GET", path).header("Location") == "//" + two.at[0].text());
    }
    CHECK(ask(at, "GET", "/redirect/x").status == 404);
    CHECK(ask(at, "GET", "/health").status == 200);
    CHECK(ask(at, "GET", "/metrics/snapshot").status == 200);
  }
}

}  // namespace mimas::pocket
