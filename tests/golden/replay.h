// One conversation of recorded requests with a server of ours, and a cluster like the one that was recorded.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "compare.h"
#include "net/clock.h"
#include "pocket/pocket.h"
#include "pocket/protos.h"
#include "raw_client.h"
#include "v1/codec.h"

namespace recorded {

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
  explicit Cluster(mimas::pocket::PocketOptions options = {}) {
    options.listen.port = 0;
    options.work_dir = folder_.path;
    options.agents.push_back(
        {"stack:pi3;id:pi1;arch:arm", "cpus:4;mem:900;disk:4000;ports:[31000-31099]", "127.0.0.1"});
    options.executors_max = 64;
    auto started = mimas::pocket::Pocket::start(options);
    REQUIRE_MESSAGE(started.ok(), (started.ok() ? "" : started.error().text()));
    pocket_ = std::move(*started);
  }
  ~Cluster() { pocket_->shutdown(0); }
  mimas::wire::Endpoint master() const { return pocket_->master(); }
  std::vector<mimas::wire::Endpoint> masters() const { return pocket_->masters(); }

 private:
  Folder folder_;
  std::unique_ptr<mimas::pocket::Pocket> pocket_;
};

// With the ids of today, and a Content-Length that is right again.
inline std::string prepared(const std::string& name, const Names& names) {
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
  explicit Replay(mimas::wire::Endpoint server) : to(std::move(server)) {}

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
      INFO("answered: ", is.body.substr(0, 400));
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
    const std::int64_t deadline = mimas::net::monotonic_ms() + kPatienceMs;
    const int wanted = answers_of(name).front().head.status;
    while (mimas::net::monotonic_ms() < deadline) {
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
    mimas::pocket::mscheduler::Event before, now;
    REQUIRE(mimas::v1::decode(was.records().at(0), mimas::v1::MediaType::protobuf, &before).ok());
    REQUIRE(mimas::v1::decode(is.records().at(0), mimas::v1::MediaType::protobuf, &now).ok());
    names.learn(before.subscribed().framework_id().value(), now.subscribed().framework_id().value());
  }
  void note(const std::string& name, const std::string& part) {
    if (!table.listed(name, part)) FAIL_CHECK(name << " differs: " << part);
  }
  void expect_all_used(const std::vector<std::string>& prefixes) {
    for (const std::string& row : table.unused(prefixes)) FAIL_CHECK("listed and no longer true: " << row);
  }

  mimas::wire::Endpoint to;
  Names names;
  Differences table;
  std::vector<std::unique_ptr<RawClient>> open;
  int steps = 0;
};

}  // namespace recorded
