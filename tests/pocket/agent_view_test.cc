#include "pocket/agent_view.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "agent_bench.h"
#include "json/value.h"

namespace mimas::pocket {

TEST_CASE("the state names each executor's sandbox, its tasks by where they are, and who is over") {
  World world;
  world.run("t");
  const auto executor = [&](const char* list) {
    const auto document = json::parse(agent_state_json(world.model, "/work/agent0"));
    REQUIRE(document.ok());
    CHECK(document->root().string_or("id", "") == "A");
    CHECK(document->root().string_or("pid", "").starts_with("slave(1)@127.0.0.1:"));
    const auto frameworks = *document->root().find("frameworks");
    REQUIRE(frameworks.size() == 1);
    const auto found = *frameworks.at(0).find(list);
    REQUIRE(found.size() == 1);
    CHECK(found.at(0).string_or("directory", "") ==
          "/work/agent0/slaves/A/frameworks/F/executors/e/runs/" + world.container.container_id);
    return std::to_string(found.at(0).find("queued_tasks")->size()) + " " +
           std::to_string(found.at(0).find("tasks")->size()) + " " +
           std::to_string(found.at(0).find("completed_tasks")->size());
  };
  CHECK(executor("executors") == "1 0 0");
  world.started();
  world.subscribe();
  CHECK(executor("executors") == "0 1 0");
  world.say(update("t", mv1::TASK_FINISHED, 'a'));
  CHECK(executor("executors") == "0 0 1");
  world.exited(0);
  CHECK(executor("completed_executors") == "0 0 1");
}

TEST_CASE("containers are listed with their limits and what they use, while they live") {
  World world;
  world.run("t");
  world.started();
  SessionUse use;
  use.user_seconds = 1.5;
  use.rss_bytes = 4096;
  const std::string text = containers_json(world.model, {{world.container.container_id, use}}, world.now);
  const auto document = json::parse(text);
  REQUIRE(document.ok());
  REQUIRE(document->root().size() == 1);
  const auto container = document->root().at(0);
  CHECK(container.string_or("container_id", "") == world.container.container_id);
  CHECK(container.string_or("executor_id", "") == "e");
  const auto statistics = *container.find("statistics");
  CHECK(statistics.find("cpus_user_time_secs")->number().value() == 1.5);
  CHECK(statistics.find("mem_rss_bytes")->int64().value() == 4096);
  CHECK(statistics.find("mem_limit_bytes")->int64().value() == 32 << 20);
  world.exited(0);
  CHECK(containers_json(world.model, {}, world.now) == "[]");
}

TEST_CASE("this very session uses memory and time") {
  const pid_t leader = ::getsid(0);
  const auto use = session_use({leader, -5});
  REQUIRE(use.size() == 2);
  CHECK(use.at(leader).rss_bytes > 0);
  CHECK(use.at(-5).rss_bytes == 0);
}

}  // namespace mimas::pocket
