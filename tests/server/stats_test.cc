#include "server/stats.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "server/published_view.h"
#include "server/stats_message.h"

using namespace mimas;
using namespace mimas::server;

namespace {

constexpr std::int64_t kStart = 1'763'708'400'000;

Instant at(std::int64_t ms) { return Instant{kStart + ms}; }

std::string id_of(std::int64_t index) { return "mimas-1-worker-" + std::to_string(index) + "-0"; }

struct World {
  explicit World(std::int64_t tasks = 1) {
    Job job;
    job.id = make_job_id(1);
    job.number = 1;
    job.spec = std::make_shared<const JobSpec>();
    view.apply({engine::PutJob{std::make_shared<const Job>(job)}});
    for (std::int64_t i = 0; i < tasks; ++i) put(i, TaskState::running, Instant{});
  }
  void put(std::int64_t index, TaskState state, Instant ended_at, const std::string& executor = "") {
    Task task;
    task.job = make_job_id(1);
    task.id = make_task_id(task.job, index, 0);
    task.index = index;
    task.state = state;
    task.agent = AgentId("S0");
    task.ended_at = ended_at;
    task.executor = executor;
    view.apply({engine::PutTask{std::make_shared<const Task>(task)}});
  }
  PublishedView view;
};

std::string entry(const std::string& task, Instant moment, std::int64_t cpu_ms) {
  return R"({"task":")" + task + R"(","at":)" + std::to_string(moment.ms) + R"(,"cpuMs":)" +
         std::to_string(cpu_ms) + "}";
}
std::string message(const std::string& entries) { return R"({"v":1,"stats":[)" + entries + "]}"; }

void say(Stats& stats, std::int64_t index, Instant moment, std::int64_t cpu_ms = 1) {
  const std::string id = id_of(index);
  CHECK(stats.take(AgentId("S0"), id, message(entry(id, moment, cpu_ms)), moment).empty());
}

}  // namespace

TEST_CASE("a message is read field by field; what is missing or impossible is not known") {
  const auto read = parse_stats_message(
      R"({"v":1,"more":{},"stats":[{"task":"t","at":5,"cpuMs":1,"cpuThrottledMs":2,"memoryBytes":3,
          "rssBytes":4,"memoryPeakBytes":5,"readBytes":6,"writeBytes":7,"netInBytes":8,"netOutBytes":9,
          "processes":10,"logBytes":11},
         {"task":"u","at":6,"cpuMs":-1,"memoryBytes":"3","rssBytes":9223372036854775807,"readBytes":1.5}]})");
  REQUIRE(read.ok());
  CHECK(read->malformed == 0);
  REQUIRE(read->tasks.size() == 2);
  CHECK(read->tasks[0].task.value == "t");
  CHECK(read->tasks[0].usage == Usage{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, Instant{5}});
  CHECK(read->tasks[1].usage == Usage{{}, Instant{6}});
}

TEST_CASE("entries without a task or a moment are counted and the others believed") {
  const auto read = parse_stats_message(
      R"({"v":1,"stats":[{"at":5},{"task":"t"},{"task":"t","at":-1},{"task":"t","at":999999999999999},
          7,null,[],{"task":"u","at":1}]})");
  REQUIRE(read.ok());
  CHECK(read->malformed == 7);
  REQUIRE(read->tasks.size() == 1);
  CHECK(read->tasks[0].task.value == "u");
}

TEST_CASE("what is no message of ours is an error, and a later version's other contents are none") {
  for (const char* text : {"", "{", "[]", "7", "{}", R"({"v":2,"stats":[]})", "\xff\xfe"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_stats_message(text).ok());
  }
  CHECK_FALSE(parse_stats_message(std::string(100'000, '[')).ok());
  CHECK_FALSE(parse_stats_message(message("") + std::string(300 << 10, ' ')).ok());
  CHECK(parse_stats_message(R"({"v":1})").ok());
  CHECK(parse_stats_message(R"({"v":1,"stats":{}})").ok());
}

TEST_CASE("nonsense is counted, logged at growing distances, and changes nothing") {
  const World world;
  Stats stats(world.view, at(0));
  int lines = 0;
  for (int i = 0; i < 100; ++i) {
    if (!stats.take(AgentId("S0"), "e", "\x01", at(i)).empty()) ++lines;
  }
  CHECK(lines == 7);
  CHECK(stats.counts().malformed == 100);
  CHECK(stats.counts().messages == 0);
  CHECK(stats.counts().tasks == 0);
}

TEST_CASE("only a task's executor on the task's agent is believed") {
  World world(2);
  world.put(1, TaskState::running, Instant{}, "shared-7");
  Stats stats(world.view, at(0));
  const std::string own = message(entry(id_of(0), at(1), 1));
  stats.take(AgentId("S1"), id_of(0), own, at(1));    // another agent
  stats.take(AgentId("S0"), "somebody", own, at(1));  // another executor
  stats.take(AgentId("S0"), id_of(1), message(entry(id_of(1), at(1), 1)), at(1));
  stats.take(AgentId("S0"), "x", message(entry("no-id", at(1), 1)), at(1));
  stats.take(AgentId("S0"), "x", message(entry("mimas-9-worker-0-0", at(1), 1)), at(1));
  CHECK(stats.counts().foreign == 5);
  CHECK(stats.counts().samples == 0);
  stats.take(AgentId("S0"), id_of(0), own, at(1));
  stats.take(AgentId("S0"), "shared-7", message(entry(id_of(1), at(1), 1)), at(1));
  CHECK(stats.history(TaskId(id_of(0))).size() == 1);
  CHECK(stats.history(TaskId(id_of(1))).size() == 1);
  CHECK(stats.counts().foreign == 5);
}

TEST_CASE("copies and stragglers are dropped; a clock that was set back begins anew") {
  const World world;
  Stats stats(world.view, at(0));
  say(stats, 0, at(10'000), 5);
  say(stats, 0, at(20'000), 6);
  say(stats, 0, at(20'000), 6);
  say(stats, 0, at(10'000), 5);
  CHECK(stats.history(TaskId(id_of(0))).size() == 2);
  say(stats, 0, at(-3'600'000), 7);
  const auto history = stats.history(TaskId(id_of(0)));
  REQUIRE(history.size() == 1);
  CHECK(history[0].cpu_ms == 7);
  CHECK(stats.counts().samples == 1);
}

TEST_CASE("the last ten minutes stay whole and the hour before as one a minute") {
  const World world;
  Stats stats(world.view, at(0));
  constexpr std::int64_t kEnd = 4 * 3'600'000;
  for (std::int64_t ms = 10'000; ms <= kEnd; ms += 10'000) say(stats, 0, at(ms), ms);
  const auto history = stats.history(TaskId(id_of(0)));
  REQUIRE(history.size() == 120);
  for (std::size_t i = 1; i < history.size(); ++i) {
    CHECK(history[i].at - history[i - 1].at == (i < 60    ? 60'000
                                                : i == 60 ? history[60].at - history[59].at
                                                          : 10'000));
  }
  CHECK(history[60].at - history[59].at <= 60'000);
  CHECK(history.back().at == at(kEnd));
  CHECK(history.front().at <= at(kEnd - 65 * 60'000));
  CHECK(stats.counts().samples == 120);
}

TEST_CASE("the memory of all tasks is bounded, and each keeps its newest") {
  constexpr std::int64_t kTasks = 100;
  const World world(kTasks + 5);
  Stats stats(world.view, at(0), {1'000, kTasks});
  for (std::int64_t round = 1; round <= 200; ++round) {
    for (std::int64_t i = 0; i < kTasks + 5; ++i) say(stats, i, at(round * 10'000 + i), round);
    CHECK(stats.counts().samples <= 1'000);
  }
  CHECK(stats.counts().tasks == kTasks);
  std::size_t samples = 0;
  for (std::int64_t i = 0; i < kTasks; ++i) {
    const auto history = stats.history(TaskId(id_of(i)));
    REQUIRE(history.size() >= 2);
    CHECK(history.back().cpu_ms == 200);
    CHECK(history[history.size() - 2].cpu_ms == 199);
    samples += history.size();
  }
  CHECK(samples == stats.counts().samples);
  CHECK(stats.history(TaskId(id_of(kTasks))).empty());
}

TEST_CASE("after a task's end its last measurement stays, until its record goes") {
  World world(2);
  Stats stats(world.view, at(0));
  for (std::int64_t ms = 10'000; ms <= 100'000; ms += 10'000) say(stats, 0, at(ms), ms);
  world.put(0, TaskState::failed, at(100'500));
  say(stats, 0, at(101'000), 123);  // the one that its executor sends at the end
  say(stats, 1, at(170'000));
  CHECK(stats.history(TaskId(id_of(0))).size() == 11);
  say(stats, 1, at(800'000));
  const auto history = stats.history(TaskId(id_of(0)));
  REQUIRE(history.size() == 1);
  CHECK(history[0].cpu_ms == 123);
  stats.take(AgentId("S0"), id_of(0), message(entry(id_of(0), at(801'000), 9)), at(801'000));
  CHECK(stats.counts().foreign == 1);  // it has ended long ago

  world.view.apply({engine::RemoveTask{TaskId(id_of(0))}});
  say(stats, 1, at(900'000));
  CHECK(stats.history(TaskId(id_of(0))).empty());
  CHECK(stats.counts().tasks == 1);
  CHECK(stats.counts().samples == 3);
}

TEST_CASE("the reader of the stream and many who look do not disturb each other") {
  World world(8);
  Stats stats(world.view, at(0), {200, 8});
  std::atomic<bool> done = false;
  std::vector<std::thread> lookers;
  for (int i = 0; i < 3; ++i) {
    lookers.emplace_back([&] {
      while (!done) {
        for (std::int64_t task = 0; task < 8; ++task) {
          const auto history = stats.history(TaskId(id_of(task)));
          for (std::size_t k = 1; k < history.size(); ++k) {
            if (history[k].at <= history[k - 1].at) std::abort();
          }
        }
      }
    });
  }
  for (std::int64_t round = 1; round <= 2'000; ++round) {
    const std::int64_t task = round % 8;
    stats.take(AgentId("S0"), id_of(task), message(entry(id_of(task), at(round * 1'000), round)),
               at(round * 1'000));
  }
  done = true;
  for (std::thread& looker : lookers) looker.join();
  CHECK(stats.counts().messages == 2'000);
}
