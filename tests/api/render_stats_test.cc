#include "api/render_stats.h"

#include <doctest/doctest.h>

#include <memory>

#include "json/value.h"

using namespace mimas;
using namespace mimas::api;

namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kStart = 1'763'708'400'000;  // 2025-11-21T07:00:00.000Z

Instant at(std::int64_t ms) { return Instant{kStart + ms}; }

Job sample_job() {
  JobSpec spec;
  spec.name = "rocker";
  spec.application_name = "nf-rocker";
  spec.version = "1.06";
  spec.request = {500, 64, 1, 0, 0};
  Job job;
  job.id = make_job_id(7);
  job.number = 7;
  job.spec = std::make_shared<const JobSpec>(spec);
  return job;
}

TaskStats sample_task(std::int64_t index, TaskState state, std::vector<Usage> history) {
  Task task;
  task.job = make_job_id(7);
  task.id = make_task_id(task.job, index, index);
  task.index = index;
  task.state = state;
  task.agent = AgentId("S0");
  task.hostname = "pi-7";
  task.running_at = at(0);
  return {std::make_shared<const Task>(task), 3, std::move(history)};
}

Usage usage(std::int64_t ms, std::int64_t cpu_ms, std::int64_t memory_bytes = -1) {
  Usage made;
  made.at = at(ms);
  made.cpu_ms = cpu_ms;
  made.memory_bytes = memory_bytes;
  return made;
}

json::Document rendered(const TaskStats& stats, const StatsQuery& query = {}, const char* note = "") {
  auto parsed = json::parse(render_task_stats(stats, sample_job(), query, note));
  REQUIRE(parsed.ok());
  return std::move(parsed).value();
}

}  // namespace

TEST_CASE("the latest values come with rates and with their share of what was asked for") {
  Usage first = usage(10'000, 1'000, 10 * kMiB);
  first.read_bytes = 100;
  first.log_bytes = 50;
  Usage last = usage(20'000, 3'500, 32 * kMiB);
  last.read_bytes = 20'100;
  last.log_bytes = 50;
  last.processes = 4;
  last.throttled_ms = 1'250;
  last.peak_bytes = 40 * kMiB;
  const json::Document document = rendered(sample_task(2, TaskState::running, {first, last}));
  const json::Value root = document.root();
  CHECK(root.string_or("taskId", "") == "mimas-7-worker-2-2");
  CHECK(root.string_or("jobId", "") == "mimas-7");
  CHECK(root.int64_or("starts", 0) == 3);
  CHECK(root.find("note")->is_null());
  CHECK(root.find("request")->number_or("cpu", 0) == 0.5);
  CHECK(root.find("request")->int64_or("memoryBytes", 0) == 64 * kMiB);
  CHECK(root.find("tags")->dump() ==
        R"({"job":"mimas-7","task":"mimas-7-worker-2-2","image":"nf-rocker:1.06","agent":"S0","index":"2"})");
  const json::Value latest = *root.find("latest");
  CHECK(latest.string_or("at", "") == "2025-11-21T07:00:20.000Z");
  CHECK(latest.number_or("cpuCores", 0) == 0.25);
  CHECK(latest.number_or("cpuOfRequest", 0) == 0.5);
  CHECK(latest.number_or("cpuSeconds", 0) == 3.5);
  CHECK(latest.number_or("cpuThrottledSeconds", 0) == 1.25);
  CHECK(latest.int64_or("memoryBytes", 0) == 32 * kMiB);
  CHECK(latest.number_or("memoryOfRequest", 0) == 0.5);
  CHECK(latest.int64_or("memoryPeakBytes", 0) == 40 * kMiB);
  CHECK(latest.number_or("readBytesPerSec", 0) == 2'000);
  CHECK(latest.number_or("logBytesPerSec", -1) == 0);
  CHECK(latest.find("netInBytesPerSec")->is_null());
  CHECK(latest.find("rssBytes")->is_null());
  CHECK(latest.int64_or("processes", 0) == 4);
  REQUIRE(root.find("history")->size() == 2);
  CHECK(root.find("history")->at(0).find("cpuCores")->is_null());
  CHECK(root.find("history")->at(1).number_or("cpuCores", 0) == 0.25);
}

TEST_CASE("a rate is never over less than half a second, and a count that fell has none") {
  const auto cores = [](std::vector<Usage> history) {
    const json::Document document = rendered(sample_task(0, TaskState::running, std::move(history)));
    return document.root().find("latest")->number_or("cpuCores", -1);
  };
  CHECK(cores({usage(0, 0), usage(9'800, 4'900), usage(10'000, 5'000)}) == 0.5);  // over the ten seconds
  CHECK(cores({usage(9'800, 4'900), usage(10'000, 5'000)}) == -1);
  CHECK(cores({usage(0, 500), usage(10'000, 400)}) == -1);
  CHECK(cores({usage(0, -1), usage(10'000, 400)}) == -1);
  CHECK(cores({usage(0, 0), usage(1, kUsageMax), usage(10'001, kUsageMax)}) == 0);
}

TEST_CASE("resident memory stands in where there is no cgroup to ask") {
  Usage last = usage(1'000, 5);
  last.rss_bytes = 16 * kMiB;
  const json::Document document = rendered(sample_task(0, TaskState::running, {last}));
  CHECK(document.root().find("latest")->find("memoryBytes")->is_null());
  CHECK(document.root().find("latest")->number_or("memoryOfRequest", 0) == 0.25);
}

TEST_CASE("since leaves out what the caller has already, but not what rates are made of") {
  StatsQuery query;
  query.since = at(10'000);
  const json::Document document = rendered(
      sample_task(0, TaskState::running, {usage(0, 0), usage(10'000, 5'000), usage(20'000, 15'000)}), query);
  const json::Value history = *document.root().find("history");
  REQUIRE(history.size() == 1);
  CHECK(history.at(0).string_or("at", "") == "2025-11-21T07:00:20.000Z");
  CHECK(history.at(0).number_or("cpuCores", 0) == 1.0);
}

TEST_CASE("since is a moment as answers write it or a number of milliseconds") {
  CHECK(parse_stats_query({{"since", "2025-11-21T07:00:00.000Z"}}).value.since == at(0));
  CHECK(parse_stats_query({{"since", "2025-11-21T07:00:00Z"}}).value.since == at(0));
  CHECK(parse_stats_query({{"since", "1763708400000"}}).value.since == at(0));
  CHECK(parse_stats_query({}).value.since == Instant{});
  for (const char* wrong : {"", "yesterday", "-5", "1e3", "2025-11-21"}) {
    CAPTURE(wrong);
    const auto query = parse_stats_query({{"since", wrong}});
    REQUIRE(query.faults.size() == 1);
    CHECK(query.faults[0].pointer == "since");
  }
  CHECK(parse_stats_query({{"until", "5"}, {"since", "x"}}).faults.size() == 2);
}

TEST_CASE("who has nothing to show says why") {
  const auto note = [](TaskState state, std::int64_t running_ms, std::int64_t listening_ms) {
    const TaskStats stats = sample_task(0, state, {});
    return stats_note(stats, at(running_ms), at(listening_ms));
  };
  CHECK(note(TaskState::queued, 0, 0) == "the task is not running");
  CHECK(note(TaskState::running, 5'000, -1'000).starts_with("nothing was measured yet"));
  CHECK(note(TaskState::running, 3'600'000, 3'599'000).starts_with("nothing was measured yet"));
  CHECK(note(TaskState::running, 60'000, -1'000).find("metrics=off") != std::string::npos);
  CHECK(note(TaskState::failed, 60'000, 0).starts_with("nothing was measured, or"));
  CHECK(stats_note(sample_task(0, TaskState::running, {usage(1, 1)}), at(5), at(0)).empty());
  const json::Document document =
      rendered(sample_task(0, TaskState::queued, {}), {}, "the task is not running");
  CHECK(document.root().string_or("note", "") == "the task is not running");
  CHECK(document.root().find("latest")->is_null());
  CHECK(document.root().find("history")->size() == 0);
}

TEST_CASE("a job's sum is over its running tasks") {
  const std::vector<TaskStats> tasks = {
      sample_task(0, TaskState::running, {usage(0, 0, kMiB), usage(10'000, 5'000, 2 * kMiB)}),
      sample_task(1, TaskState::running, {usage(0, 0, kMiB), usage(10'000, 2'500, 3 * kMiB)}),
      sample_task(2, TaskState::running, {}),
      sample_task(3, TaskState::failed, {usage(0, 0, kMiB), usage(10'000, 9'000, 4 * kMiB)}),
      sample_task(4, TaskState::queued, {}),
  };
  const auto parsed = json::parse(render_job_stats(sample_job(), tasks));
  REQUIRE(parsed.ok());
  const json::Value root = parsed->root();
  CHECK(root.int64_or("running", 0) == 3);
  CHECK(root.int64_or("measured", 0) == 2);
  CHECK(root.find("request")->number_or("cpu", 0) == 1.5);
  CHECK(root.find("request")->int64_or("memoryBytes", 0) == 192 * kMiB);
  CHECK(root.find("total")->number_or("cpuCores", 0) == 0.75);
  CHECK(root.find("total")->int64_or("memoryBytes", 0) == 5 * kMiB);
  REQUIRE(root.find("tasks")->size() == 5);
  CHECK(root.find("tasks")->at(1).find("latest")->number_or("cpuCores", 0) == 0.25);
  CHECK(root.find("tasks")->at(2).find("latest")->is_null());
  CHECK(root.find("tasks")->at(3).string_or("state", "") == "FAILED");
}

TEST_CASE("executors that lie overflow nothing") {
  std::vector<TaskStats> tasks;
  for (int i = 0; i < 2'000; ++i) {
    Usage first = usage(0, 0, kUsageMax), last = usage(500, kUsageMax, kUsageMax);
    last.rss_bytes = last.processes = kUsageMax;
    tasks.push_back(sample_task(i, TaskState::running, {first, last}));
  }
  CHECK(json::parse(render_job_stats(sample_job(), tasks)).ok());
}
