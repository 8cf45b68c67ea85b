// Three masters over loopback, without agents: who leads, what the others answer, what a crash looks like.
#include "pocket/masters.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "scheduler_client.h"

namespace mimas::pocket {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/mimas-masters.XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

struct Trio {
  Trio() {
    MastersOptions options;
    for (int i = 0; i < 3; ++i) options.listen.push_back({"127.0.0.1", 0});
    options.registry = folder.path + "/agents";
    options.pause_ms = 100;
    auto started = Masters::start(std::move(options));
    REQUIRE(started.ok());
    masters = std::move(*started);
    all = masters->endpoints();
  }
  net::Response ask(const wire::Endpoint& at, const std::string& path, const std::string& body = "") {
    net::HttpClient client(at, {});
    wire::Request request = json_post(at, path, body);
    if (body.empty()) request.method = "GET";
    const auto response = client.exchange(request, false);
    if (!response) return {};
    return *response;
  }
  std::string location(const net::Response& response) {
    return std::string(wire::find_header(response.head.headers, "Location"));
  }
  wire::Endpoint wait_for_leader(const wire::Endpoint& other_than) {
    const std::int64_t deadline = net::monotonic_ms() + 20'000;
    for (;;) {
      const auto leader = masters->leader();
      if (leader && *leader != other_than && ask(*leader, "/state").head.status == 200) return *leader;
      REQUIRE(net::monotonic_ms() < deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  const Folder folder;
  std::unique_ptr<Masters> masters;
  std::vector<wire::Endpoint> all;
};

TEST_CASE("a page in a browser neither sees nor ends a cluster") {
  Trio trio;
  const auto status = [&](wire::Request request, const std::string& host, std::vector<wire::Header> more) {
    request.host = host;
    for (wire::Header& header : more) request.headers.push_back(std::move(header));
    net::HttpClient client(trio.all[0], {});
    const auto response = client.exchange(request, false);
    return response ? response->head.status : 0;
  };
  const std::string own = trio.all[0].text();
  wire::Request look;
  look.target = "/state";
  CHECK(status(look, own, {}) == 200);
  CHECK(status(look, "evil.example", {}) == 421);  // a name that was re-bound to us
  look.target = "/state?jsonp=f";
  CHECK(status(look, own, {}) == 400);
  for (const char* target : {"/teardown", "/pocket/fault", "/pocket/agents", "/api/v1"}) {
    CAPTURE(target);
    wire::Request change;
    change.method = "POST";
    change.target = target;
    change.body = R"({"fault":"heal"})";
    CHECK(status(change, own, {{"Origin", "https://evil.example"}, {"Content-Type", "text/plain"}}) == 403);
    CHECK(status(change, own, {{"Origin", "null"}}) == 403);
    CHECK(status(change, own, {{"Sec-Fetch-Site", "cross-site"}}) == 403);
    CHECK(status(change, own, {{"Referer", "http://evil.example/"}}) == 403);
    CHECK(status(change, own, {{"Origin", "http://" + own}, {"Content-Type", "text/plain"}}) == 415);
    CHECK(status(change, "evil.example", {{"Content-Type", "application/json"}}) == 421);
  }
  // As curl sends it.
  wire::Request heal;
  heal.method = "POST";
  heal.target = "/pocket/fault";
  heal.body = R"({"fault":"heal"})";
  CHECK(status(heal, own, {{"Content-Type", "application/x-www-form-urlencoded"}}) == 202);
}

TEST_CASE("one of three masters leads, and the others redirect to it in Mesos's spelling") {
  Trio trio;
  CHECK(trio.masters->leader() == trio.all[0]);
  const net::Response follower = trio.ask(trio.all[1], "/api/v1/scheduler", "rubbish");
  CHECK(follower.head.status == 307);
  CHECK(trio.location(follower) == "//" + trio.all[0].text() + "/master/api/v1/scheduler");
  CHECK(trio.location(trio.ask(trio.all[2], "/master/state?x=f%20g")) ==
        "//" + trio.all[0].text() + "/master/state?x=f%20g");
  CHECK(trio.location(trio.ask(trio.all[2], "/redirect")) == "//" + trio.all[0].text());
  CHECK(trio.ask(trio.all[2], "/health").head.status == 200);
  CHECK(trio.ask(trio.all[2], "/redirect/x").head.status == 404);
}

TEST_CASE(
    "a killed leader's streams break off, nobody leads, then another does, and it returns as a follower") {
  Trio trio;
  SchedulerClient scheduler(trio.all[0]);
  scheduler.subscribe();
  const std::string id = scheduler.framework_id();
  CHECK(trio.ask(trio.all[2], "/pocket/fault", R"({"fault":"kill_leader","away_ms":200})").head.status ==
        202);
  const wire::Endpoint second = trio.wait_for_leader(trio.all[0]);
  CHECK(second == trio.all[1]);
  SchedulerClient again(second);
  again.subscribe(id);
  CHECK(again.framework_id() == id);
  const std::int64_t deadline = net::monotonic_ms() + 20'000;
  net::Response returned;
  while (returned.head.status != 307 && net::monotonic_ms() < deadline) {
    returned = trio.ask(trio.all[0], "/state");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(trio.location(returned) == "//" + second.text() + "/master/state");
}

TEST_CASE("a leader that steps down redirects to the next one") {
  Trio trio;
  REQUIRE(trio.masters->play(FailOver{}).ok());
  const wire::Endpoint second = trio.wait_for_leader(trio.all[0]);
  CHECK(trio.location(trio.ask(trio.all[0], "/state")) == "//" + second.text() + "/master/state");
}

TEST_CASE("orders nobody can follow are refused, with the reason") {
  Trio trio;
  CHECK(trio.ask(trio.all[0], "/pocket/fault").head.status == 405);
  CHECK(trio.ask(trio.all[0], "/pocket/fault", "{").head.status == 400);
  CHECK(trio.ask(trio.all[0], "/pocket/fault", R"({"fault":"lose_agent","ms":5})").head.status == 404);
  CHECK(trio.ask(trio.all[0], "/pocket/fault", R"({"fault":"forget_framework","framework_id":"x"})")
            .head.status == 404);
}

TEST_CASE("calls are refused, delayed, and answered into the void, as ordered") {
  Trio trio;
  SchedulerClient scheduler(trio.all[0]);
  scheduler.subscribe();
  REQUIRE(trio.masters->play(RefuseCalls{1, "REVIVE", 307, "", "//elsewhere:1/x"}).ok());
  const std::string revive =
      R"({"type":"REVIVE","framework_id":{"value":")" + scheduler.framework_id() + R"("}})";
  const net::Response refused = trio.ask(trio.all[0], "/api/v1/scheduler", revive);
  CHECK(refused.head.status == 307);
  CHECK(trio.location(refused) == "//elsewhere:1/x");
  REQUIRE(trio.masters->play(LoseReplies{1, "REVIVE"}).ok());
  CHECK(trio.ask(trio.all[0], "/api/v1/scheduler", revive).head.status == 0);
  REQUIRE(trio.masters->play(DelayReplies{1, "REVIVE", 30}).ok());
  const std::int64_t begun = net::monotonic_ms();
  CHECK(trio.ask(trio.all[0], "/api/v1/scheduler", revive).head.status == 400);  // without a stream id
  CHECK(net::monotonic_ms() - begun >= 30);
}

TEST_CASE("a forgotten framework is told so at its next call, and may come back under its id") {
  Trio trio;
  SchedulerClient scheduler(trio.all[0]);
  scheduler.subscribe();
  const std::string id = scheduler.framework_id();
  REQUIRE(trio.masters->play(ForgetFramework{id}).ok());
  const net::Response gone = trio.ask(trio.all[0], "/api/v1/scheduler",
                                      R"({"type":"REVIVE","framework_id":{"value":")" + id + R"("}})");
  CHECK(gone.head.status == 400);
  CHECK(gone.body == "Framework cannot be found");
  SchedulerClient again(trio.all[0]);
  again.subscribe(id);
  CHECK(again.framework_id() == id);
}

}  // namespace
}  // namespace mimas::pocket
