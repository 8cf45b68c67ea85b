#include "cli/stats_text.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::cli;

namespace {

std::string table(const char* text) {
  const auto parsed = json::parse(text);
  REQUIRE(parsed.ok());
  return stats_table(parsed->root(), false);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kTask = R"({"taskId":"mimas-7-worker-0-3","state":"RUNNING","host":"pi7","starts":2,
  "note":null,"latest":{"cpuCores":0.503,"cpuOfRequest":1.006,"cpuSeconds":61.2,"memoryBytes":52428800,
  "memoryOfRequest":0.78,"rssBytes":1000,"memoryPeakBytes":54525952,"readBytesPerSec":0,
  "writeBytesPerSec":1536,"netInBytesPerSec":null,"netOutBytesPerSec":null,"processes":3,"logBytes":12}})";

}  // namespace

TEST_CASE("bytes are short, and never three digits after the point") {
  CHECK(bytes_text(0) == "0");
  CHECK(bytes_text(1023) == "1023");
  CHECK(bytes_text(1024) == "1.0K");
  CHECK(bytes_text(1536) == "1.5K");
  CHECK(bytes_text(25165824) == "24M");
  CHECK(bytes_text(1e18) == "888P");
  CHECK(bytes_text(1e21) == "888178P");
}

TEST_CASE("a task is one row, with blanks for what is not known") {
  const std::string text = table(kTask);
  for (const char* part :
       {"mimas-7-worker-0-3", "RUNNING", "pi7", "0.50", "101%", "61.20", "50M", "78%", "52M", "0/1.5K"}) {
    CAPTURE(part);
    CHECK(contains(text, part));
  }
  CHECK_FALSE(contains(text, "null"));
  CHECK_FALSE(contains(text, "note"));
  CHECK(contains(text, "0/1.5K                  3      12      2\n"));  // no network of its own
}

TEST_CASE("where there is nothing to show, why is below the table") {
  const std::string text = table(
      R"({"taskId":"t","state":"RUNNING","host":null,"starts":1,"note":"nothing \u001b[31m yet","latest":null})");
  CHECK(contains(text, "note: nothing ?[31m yet\n"));
}

TEST_CASE("resident memory stands in for what a cgroup would say") {
  CHECK(contains(table(R"({"taskId":"t","latest":{"memoryBytes":null,"rssBytes":3145728}})"), "3.0M"));
}

TEST_CASE("a job is its tasks and their sum") {
  const std::string text =
      table((R"({"running":2,"measured":1,"request":{"cpu":1,"memoryBytes":134217728},
    "total":{"cpuCores":0.503,"memoryBytes":52428800},"tasks":[)" +
             std::string(kTask) + R"(,{"taskId":"mimas-7-worker-1-1","state":"RUNNING","latest":null}]})")
                .c_str());
  CHECK(contains(text, "mimas-7-worker-0-3"));
  CHECK(contains(text, "mimas-7-worker-1-1"));
  CHECK(contains(text, "2 running, 1 measured: 0.50 of 1.00 CPU, 50M of 128M memory\n"));
  CHECK(table(R"({"tasks":[]})") == "no tasks\n");
}

TEST_CASE("an answer of another shape shows blanks and breaks nothing") {
  for (const char* text :
       {"{}", "[]", "7", R"({"tasks":[7,null,{}]})", R"({"latest":[]})", R"({"tasks":{}})"}) {
    CAPTURE(text);
    CHECK_FALSE(table(text).empty());
  }
}
