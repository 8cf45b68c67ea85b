#include "executor/metrics_text.h"

#include <doctest/doctest.h>

#include "json/value.h"

namespace mimas::executor {
namespace {

TEST_CASE("a number is read from the start of a text, and what is none is not known") {
  CHECK(leading_number("81472512\n") == 81'472'512);
  CHECK(leading_number("  7 next") == 7);
  CHECK(leading_number("0\n") == 0);
  CHECK(leading_number("9223372036854771712\n") == 9'223'372'036'854'771'712);
  CHECK(leading_number("") == -1);
  CHECK(leading_number("max\n") == -1);
  CHECK(leading_number("-5\n") == -1);
  CHECK(leading_number("18446744073709551615\n") == -1);
}

TEST_CASE("what went to and from block devices is read from both versions of cgroups") {
  CHECK(block_transfer("8:0 Read 4096\n8:0 Write 512\n8:0 Sync 0\n8:0 Async 4608\n8:0 Discard 9\n"
                       "8:0 Total 4617\n8:16 Read 10\n8:16 Write 20\n8:16 Total 30\nTotal 4647\n") ==
        Transfer{4'106, 532});
  CHECK(block_transfer("8:0 rbytes=90112 wbytes=4096 rios=12 wios=1 dbytes=5 dios=1\n"
                       "259:1 rbytes=8 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n") == Transfer{90'120, 4'096});
  CHECK(block_transfer("Total 0\n") == Transfer{0, 0});
  CHECK(block_transfer("") == Transfer{0, 0});
  // Cut in the middle of the last line: only whole lines count.
  CHECK(block_transfer("8:0 rbytes=90112 wbytes=4096 rios=12\n8:16 rbytes=99") == Transfer{90'112, 4'096});
}

TEST_CASE("the loopback is no network of a task's") {
  const char* text =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
      "    lo:  684799    6368    0    0    0     0          0         0   684799    6368    0    0\n"
      "  eth0: 597162750   16353    0    0    0     0          0         0   931169   10336    0    0\n"
      "net1:5 1 0 0 0 0 0 0 6 1 0 0\n";
  CHECK(network_transfer(text) == Transfer{597'162'755, 931'175});
  CHECK(network_transfer("") == Transfer{});
  CHECK(network_transfer("    lo:  1 1 0 0 0 0 0 0 1 1\n") == Transfer{});
}

TEST_CASE("a process's times include its waited-for children's, whatever its name") {
  const char* text =
      "27584 (a) b (c) S 27572 27570 8429 0 -1 4194304 98 0 0 0 11 22 33 44 20 0 1 0 174113 3133440 393 "
      "18446744073709551615 94253565165568 94253565185449\n";
  const ProcessStat stat = process_stat(text);
  CHECK(stat.pid == 27'584);
  CHECK(stat.session == 8'429);
  CHECK(stat.ticks == 110);
  CHECK(stat.rss_pages == 393);
  CHECK(process_stat("").pid == 0);
  CHECK(process_stat("12 (cut) S 1 12 12 0 -1 4194304 98 0 0").pid == 0);
}

TEST_CASE("a message has what is known and nothing else") {
  Usage usage;
  usage.cpu_ms = 1'500;
  usage.memory_bytes = 0;
  const auto messages = stats_messages({{"mimas-1-worker-0-0", Instant{1'700'000'000'123}, usage}});
  REQUIRE(messages.size() == 1);
  CHECK(messages[0] ==
        R"({"v":1,"stats":[{"task":"mimas-1-worker-0-0","at":1700000000123,"cpuMs":1500,"memoryBytes":0}]})");
  CHECK(stats_messages({}).empty());
}

TEST_CASE("messages are cut between tasks, below 64 KiB each, and none is lost") {
  Usage all;
  for (std::int64_t Usage::*count :
       {&Usage::cpu_ms, &Usage::throttled_ms, &Usage::memory_bytes, &Usage::rss_bytes, &Usage::peak_bytes,
        &Usage::read_bytes, &Usage::write_bytes, &Usage::net_in_bytes, &Usage::net_out_bytes,
        &Usage::processes, &Usage::log_bytes}) {
    all.*count = INT64_MAX;
  }
  std::vector<TaskUsage> tasks;
  for (int i = 0; i < 1'000; ++i) tasks.push_back({"task-" + std::to_string(i), Instant{1}, all});
  const auto messages = stats_messages(tasks);
  REQUIRE(messages.size() > 1);
  int next = 0;
  for (const std::string& text : messages) {
    CHECK(text.size() <= kMessageBytesMax);
    const auto parsed = json::parse(text);
    REQUIRE(parsed.ok());
    CHECK(parsed->root().int64_or("v", 0) == 1);
    const auto stats = parsed->root().find("stats");
    REQUIRE(stats);
    for (std::size_t i = 0; i < stats->size(); ++i) {
      CHECK(stats->at(i).string_or("task", "") == "task-" + std::to_string(next++));
      CHECK(stats->at(i).int64_or("logBytes", 0) == INT64_MAX);
    }
  }
  CHECK(next == 1'000);
}

}  // namespace
}  // namespace mimas::executor
