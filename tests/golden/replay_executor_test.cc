// Every recorded request of an executor, sent again to an agent of ours, with and without tokens.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "../pocket/scheduler_client.h"
#include "replay.h"

using namespace mimas;
using namespace recorded;

namespace {

std::string recorded_token() {
  const std::string request = bytes("xa-executor-subscribe.req");
  const auto at = request.find("Bearer ") + 7;
  return request.substr(at, request.find("\r\n", at) - at);
}

std::string token_of(const std::string& path) {
  for (int i = 0; i < 1000 && !std::filesystem::exists(path); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::ifstream file(path);
  std::string token;
  file >> token;
  REQUIRE(!token.empty());
  return token;
}

// The requests of one recorded executor, of which `subscribe` is the one that opens its stream. (An agent
// ends an executor that comes again and knows nothing of its only task, so each story has one such request.)
void replay_executor(const std::string& prefix, const std::string& subscribe) {
  CAPTURE(prefix);
  const bool tokens = prefix == "xa-executor-";
  pocket::PocketOptions options;
  options.executor_auth = tokens;
  const Cluster cluster(options);
  const Folder folder;
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
  task.mutable_executor()->mutable_command()->set_value(
      "echo -n \"$MESOS_EXECUTOR_AUTHENTICATION_TOKEN\" >" + folder.path + "/token.new && mv " + folder.path +
      "/token.new " + folder.path + "/token && exec sleep 1000");
  scheduler.launch(offer, {task});
  wire::Endpoint at{offer.url().address().ip(), static_cast<std::uint16_t>(offer.url().address().port())};
  Replay replay(at);
  replay.names.learn(was.framework_info().id().value(), scheduler.framework_id());
  replay.names.learn(was.agent_info().id().value(), offer.agent_id().value());
  if (tokens) replay.names.learn(recorded_token(), token_of(folder.path + "/token"));
  const std::string early = prefix + "err-update-before-subscribe";
  if (exists(early + ".req")) {
    replay.wait_until_answered(early);
    replay.step(early);
  } else {
    replay.wait_until_answered(subscribe);
  }
  replay.step(subscribe);
  for (const std::string& name : requests(prefix)) {
    if (name != early && name.find("subscribe") == std::string::npos &&
        name != "xa-executor-framework-stream")
      replay.step(name);
  }
  // Kept once, for it is the same for an agent that asks for tokens.
  if (prefix == "xl-executor-") replay.step("xl-executor-err-get", "xa-executor-err-get");
  CHECK(replay.steps >= 8);
  replay.expect_all_used({prefix});
}

}  // namespace

TEST_CASE("every recorded request of an executor is answered as a real agent answered it") {
  replay_executor("x-executor-", "x-executor-subscribe");
  replay_executor("xl-executor-", "xl-executor-subscribe");
  replay_executor("xl-executor-", "xl-executor-subscribe-until-loss-1");
  replay_executor("xa-executor-", "xa-executor-subscribe");
}
