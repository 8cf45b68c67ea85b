// Every recorded request to a master or an agent, sent again byte for byte to ours over loopback, and the
// answers compared. What differs must stand in the table of README.md, and what stands there must differ.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <filesystem>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "../pocket/scheduler_client.h"
#include "compare.h"
#include "pocket/pocket.h"
#include "raw_client.h"
#include "v1/codec.h"

using namespace mimas;
using namespace recorded;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/mimas-golden-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

// A master and an agent like those that were recorded.
class Cluster {
 public:
  Cluster() {
    pocket::PocketOptions options;
    options.listen.port = 0;
    options.work_dir = folder_.path;
    options.agents.push_back(
        {"stack:pi3;id:pi1;arch:arm", "cpus:4;mem:900;disk:4000;ports:[31000-31099]", "127.0.0.1"});
    options.executors_max = 64;
    auto started = pocket::Pocket::start(options);
    REQUIRE_MESSAGE(started.ok(), (started.ok() ? "" : started.error().text()));
    pocket_ = std::move(*started);
  }
  ~Cluster() { pocket_->shutdown(0); }
  wire::Endpoint master() const { return pocket_->master(); }

 private:
  Folder folder_;
  std::unique_ptr<pocket::Pocket> pocket_;
};

// With the ids of today, and a Content-Length that is right again.
std::string prepared(const std::string& name, const Names& names) {
  std::string text = bytes(name + ".req");
  const bool binary = text.find("application/x-protobuf\r\n") != std::string::npos &&
                      text.find("Content-Type: application/x-protobuf") != std::string::npos;
  const auto length = text.find("Content-Length: ");
  text = names.to_ours(std::move(text), binary || length == std::string::npos);
  const auto end = text.find("\r\n\r\n");
  if (length == std::string::npos || end == std::string::npos || name.starts_with("e29")) return text;
  const auto at = text.find("Content-Length: ") + 16;
  text.replace(at, text.find("\r\n", at) - at, std::to_string(text.size() - end - 4));
  return text;
}

struct Replay {
  explicit Replay(wire::Endpoint server) : to(std::move(server)) {}

  // Sends `request` and compares with the answer recorded for `name`.
  void step(const std::string& name, const std::string& request) {
    CAPTURE(name);
    ++steps;
    auto client = std::make_unique<RawClient>(to);
    client->send(prepared(request, names));
    if (exists(name + ".resp") && bytes(name + ".resp").empty()) {
      client->finish_writing();
      if (!client->closed_without_answer()) note(name, "answered at all");
      return;
    }
    for (const Answer& was : answers_of(name)) {
      Answer is = client->answer(1);
      for (const std::string& part : differences(was, is, names)) note(name, part);
      if (was.stream() && is.stream()) {
        learn(was, *client, is);
        open.push_back(std::move(client));
      }
    }
  }
  void step(const std::string& name) { step(name, name); }
  // One by one: every stream is closed before the next request.
  void steps_of(const std::string& prefix) {
    for (const std::string& name : requests(prefix)) {
      step(name);
      open.clear();
    }
  }

  // A master needs a moment to see that a stream is gone.
  void wait_until_answered(const std::string& name) const {
    const std::int64_t deadline = net::monotonic_ms() + kPatienceMs;
    const int wanted = answers_of(name).front().head.status;
    while (net::monotonic_ms() < deadline) {
      RawClient client(to);
      client.send(prepared(name, names));
      if (client.answer(0).head.status == wanted) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  // A stream tells the ids that later requests speak of.
  void learn(const Answer& was, RawClient& client, Answer& is) {
    names.learn(std::string(was.header("Mesos-Stream-Id")), std::string(is.header("Mesos-Stream-Id")));
    // Whoever came first may hold everything there is.
    if (open.empty() && was.body.find("\"OFFERS\"") != std::string::npos)
      CHECK(client.read_until(is, "\"OFFERS\""));
    for (const auto& pattern :
         {R"re("framework_id":\{"value":"([^"]+)")re", R"re("agent_id":\{"value":"([^"]+)")re",
          R"re(\{"id":\{"value":"([^"]+)")re"}) {
      std::smatch before, now;
      const std::regex search(pattern);
      if (std::regex_search(was.body, before, search) && std::regex_search(is.body, now, search))
        names.learn(before[1], now[1]);
    }
    if (was.header("Content-Type") == "application/json") return;
    pocket::mscheduler::Event before, now;
    REQUIRE(v1::decode(was.records().at(0), v1::MediaType::protobuf, &before).ok());
    REQUIRE(v1::decode(is.records().at(0), v1::MediaType::protobuf, &now).ok());
    names.learn(before.subscribed().framework_id().value(), now.subscribed().framework_id().value());
  }
  void note(const std::string& name, const std::string& part) {
    if (!table.listed(name, part)) FAIL_CHECK(name << " differs: " << part);
  }
  void expect_all_used(const std::vector<std::string>& prefixes) {
    for (const std::string& row : table.unused(prefixes)) FAIL_CHECK("listed and no longer true: " << row);
  }

  wire::Endpoint to;
  Names names;
  Differences table;
  std::vector<std::unique_ptr<RawClient>> open;
  int steps = 0;
};

}  // namespace

TEST_CASE("requests without a history are answered as a real master answered them") {
  const Cluster cluster;
  Replay replay(cluster.master());
  // Where the recorded master and agent were.
  replay.names.learn("127.0.0.1:5050", cluster.master().text());
  for (const char* prefix : {"e", "n1-", "n2-", "n3-", "n4-"}) replay.steps_of(prefix);
  CHECK(replay.steps >= 47);
  replay.expect_all_used({"e", "n1", "n2", "n3", "n4"});
}

TEST_CASE("the life of a framework, call by call, is answered as a real master answered it") {
  const Cluster cluster;
  Replay replay(cluster.master());
  const std::vector<std::string> all = requests("s");
  for (const std::string& name : all) {
    if (name < "s35") replay.step(name);
  }
  // Two streams of one framework, the older of which ends; then none; then one again, and the end of it all.
  replay.step("s35-second-subscription");
  replay.step("s36-old-stream-id", "s26-revive");
  replay.open.clear();
  replay.wait_until_answered("s37-call-while-disconnected");
  replay.step("s37-call-while-disconnected");
  replay.step("s38-failover-subscribe", "s35-second-subscription");
  replay.step("s39-teardown");
  replay.step("s40-call-after-teardown");
  replay.step("s41-subscribe-after-teardown", "s35-second-subscription");
  CHECK(replay.steps > 45);
  replay.expect_all_used({"s"});
}

TEST_CASE("frameworks in protobuf, with groups, containers and without capabilities") {
  const std::vector<std::vector<std::string>> stories = {{"p0"}, {"k"},  {"y"}, {"x0", "x1", "x9"},
                                                         {"n0"}, {"h-"}, {"r0"}};
  for (const auto& prefixes : stories) {
    CAPTURE(prefixes.front());
    const Cluster cluster;
    Replay replay(cluster.master());
    for (const auto& prefix : prefixes)
      for (const std::string& name : requests(prefix)) replay.step(name);
    CHECK(replay.steps > 0);
    replay.expect_all_used(prefixes);
  }
}

TEST_CASE("a framework whose master was away is answered as one that is not subscribed, then as before") {
  const Cluster cluster;
  Replay replay(cluster.master());
  replay.step("m00-first-stream");
  replay.open.clear();
  replay.wait_until_answered("m01-call-before-resubscribe");
  replay.step("m01-call-before-resubscribe");
  replay.step("m04-second-stream");
  replay.step("m02-reconcile-implicit");
  replay.step("m03-kill");
  replay.expect_all_used({"m0"});
}

TEST_CASE("every recorded request of an executor is answered as a real agent answered it") {
  for (const std::string prefix : {"x-executor-", "xl-executor-"}) {
    CAPTURE(prefix);
    const Cluster cluster;
    pocket::SchedulerClient scheduler(cluster.master());
    scheduler.subscribe();
    const auto offer = scheduler.wait_offer();
    // An executor that never subscribes: the recorded one's requests come from here.
    pocket::mexecutor::Event hello;
    const auto record = answers_of(prefix + "subscribe").at(0).records().at(0);
    REQUIRE(v1::decode(record, v1::MediaType::json, &hello).ok());
    const auto& was = hello.subscribed();
    auto task = pocket::simple_task("xt0", offer.agent_id().value());
    *task.mutable_executor() = was.executor_info();
    task.mutable_executor()->clear_framework_id();
    task.mutable_executor()->clear_resources();
    pocket::mv1::Resource* cpus = task.mutable_executor()->add_resources();
    *cpus = task.resources(0);
    task.mutable_executor()->mutable_command()->set_value("exec sleep 1000");
    scheduler.launch(offer, {task});
    wire::Endpoint at{offer.url().address().ip(), static_cast<std::uint16_t>(offer.url().address().port())};
    Replay replay(at);
    replay.names.learn(was.framework_info().id().value(), scheduler.framework_id());
    replay.names.learn(was.agent_info().id().value(), offer.agent_id().value());
    const std::string early = prefix + "err-update-before-subscribe";
    if (exists(early + ".req")) {
      replay.wait_until_answered(early);
      replay.step(early);
    } else {
      replay.wait_until_answered(prefix + "subscribe");
    }
    replay.step(prefix + "subscribe");
    for (const std::string& name : requests(prefix)) {
      if (name != early && name.find("subscribe") == std::string::npos) replay.step(name);
    }
    if (prefix == "xl-executor-") {
      // Kept once, for it is the same for an agent that asks for tokens.
      replay.step("xl-executor-err-get", "xa-executor-err-get");
      replay.step("xl-executor-subscribe-until-loss-1");
    }
    CHECK(replay.steps > 8);
    replay.expect_all_used({prefix});
  }
}
