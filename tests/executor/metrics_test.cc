#include "executor/metrics.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "json/value.h"
#include "metrics_process.h"

namespace mimas::executor {
namespace {

class Written : public OutputSink {
 public:
  Ends open_pipes(std::string_view) override { return {}; }
  void close_pipes(std::string_view) override {}
  bool write(std::string_view, bool, std::string_view) override { return true; }
  std::int64_t bytes_written(std::string_view task_id) const override { return task_id == "t" ? 4'711 : -1; }
};

TaskOrder order(const char* id) {
  TaskOrder made;
  made.task_id = id;
  return made;
}

json::Document only_message(Metrics& metrics, Instant now) {
  std::vector<PartNews> news;
  metrics.pump(now, news);
  REQUIRE(news.size() == 1);
  auto parsed = json::parse(std::get<MessageNews>(news[0]).json);
  REQUIRE(parsed.ok());
  return std::move(parsed).value();
}

std::size_t count_news(Metrics& metrics, Instant now) {
  std::vector<PartNews> news;
  metrics.pump(now, news);
  return news.size();
}

TEST_CASE("nothing is measured, and nobody woken, while no task runs") {
  Metrics metrics(10'000, 1, nullptr);
  CHECK(metrics.wake_at() == kNever);
  CHECK(count_news(metrics, Instant{1'000'000}) == 0);
  metrics.ended("never started", {}, Instant{0});
  CHECK(metrics.wake_at() == kNever);
}

TEST_CASE("every interval, about, one message tells of all running tasks") {
  measured::Process first("echo ready; exec sleep 600");
  first.ready();
  const Written log;
  Metrics metrics(10'000, 7, &log);
  RunFacts facts;
  facts.pid = first.pid();
  metrics.started(order("t"), facts, Instant{0});
  CHECK(metrics.wake_at() >= Instant{5'000});
  CHECK(metrics.wake_at() <= Instant{10'000});
  CHECK(count_news(metrics, Instant{4'999}) == 0);
  facts.pid = ::getpid();
  metrics.started(order("u"), facts, Instant{10});

  Instant now = metrics.wake_at();
  for (int round = 0; round < 3; ++round) {
    const json::Document message = only_message(metrics, now);
    const auto stats = message.root().find("stats");
    REQUIRE(stats);
    REQUIRE(stats->size() == 2);
    const json::Value t = stats->at(0), u = stats->at(1);
    CHECK(t.string_or("task", "") == "t");
    CHECK(t.int64_or("at", 0) > 1'500'000'000'000);
    CHECK(t.int64_or("processes", 0) == 1);
    CHECK(t.int64_or("rssBytes", 0) > 0);
    CHECK(t.int64_or("memoryPeakBytes", 0) >= t.int64_or("rssBytes", 0));
    CHECK(t.int64_or("logBytes", 0) == 4'711);
    CHECK_FALSE(t.find("memoryBytes"));
    CHECK_FALSE(t.find("netInBytes"));  // the host's network is nobody's own
    CHECK(u.string_or("task", "") == "u");
    CHECK_FALSE(u.find("logBytes"));
    CHECK(metrics.wake_at() - now >= 9'000);
    CHECK(metrics.wake_at() - now <= 11'000);
    now = metrics.wake_at();
  }
}

TEST_CASE("a task with an address of its own has a network of its own") {
  Metrics metrics(1'000, 7, nullptr);
  RunFacts facts;
  facts.pid = ::getpid();
  facts.ip = "10.0.0.2";
  metrics.started(order("t"), facts, Instant{0});
  const json::Document message = only_message(metrics, metrics.wake_at());
  const json::Value task = message.root().find("stats")->at(0);
  const Transfer moved = read_network(::getpid());
  CHECK(task.find("netInBytes").has_value() == (moved.in >= 0));
}

TEST_CASE("a task shorter than the interval tells at its end what it has used") {
  Metrics metrics(3'600'000, 7, nullptr);
  RunFacts facts;
  facts.pid = 999'999'999;  // long gone
  metrics.started(order("t"), facts, Instant{0});
  metrics.child_used(999'999'998, {77, 77}, Instant{5});
  metrics.child_used(999'999'999, {250, 8 << 20}, Instant{5});
  ProcessEnd end;
  metrics.ended("t", end, Instant{5});
  CHECK(metrics.wake_at() <= Instant{5});
  const json::Document message = only_message(metrics, Instant{5});
  const json::Value task = message.root().find("stats")->at(0);
  CHECK(task.int64_or("cpuMs", 0) == 250);
  CHECK(task.int64_or("memoryPeakBytes", 0) == 8 << 20);
  CHECK_FALSE(task.find("rssBytes"));
  CHECK_FALSE(task.find("processes"));
  CHECK(metrics.wake_at() == kNever);
  CHECK(count_news(metrics, Instant{10'000'000}) == 0);
}

TEST_CASE("the kernel's peak is believed before what was seen, and counts never fall") {
  measured::Process busy(measured::kBusyScript);
  busy.ready();
  Metrics metrics(1'000, 7, nullptr);
  RunFacts facts;
  facts.pid = busy.pid();
  metrics.started(order("t"), facts, Instant{0});
  const json::Document before = only_message(metrics, metrics.wake_at());
  const std::int64_t cpu_ms = before.root().find("stats")->at(0).int64_or("cpuMs", 0);
  CHECK(cpu_ms > 0);
  busy.end();  // nothing left to read
  const json::Document between = only_message(metrics, metrics.wake_at());
  CHECK(between.root().find("stats")->at(0).int64_or("cpuMs", 0) == cpu_ms);
  ProcessEnd end;
  end.memory_peak_bytes = 12'345;
  metrics.ended("t", end, Instant{9'000});
  const json::Document after = only_message(metrics, Instant{9'000});
  CHECK(after.root().find("stats")->at(0).int64_or("cpuMs", 0) == cpu_ms);
  CHECK(after.root().find("stats")->at(0).int64_or("memoryPeakBytes", 0) == 12'345);
}

}  // namespace
}  // namespace mimas::executor
