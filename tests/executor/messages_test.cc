#include "executor/messages.h"

#include <doctest/doctest.h>

#include "base/base64.h"
#include "json/value.h"

namespace mimas::executor {
namespace {

Settings settings() {
  Settings s;
  s.framework_id = "f";
  s.executor_id = "e";
  return s;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string launch_text(const std::string& task_data, const std::string& more = "") {
  return R"({"type":"LAUNCH","launch":{"task":{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"})" +
         more + R"(,"data":")" + base64_encode(task_data) + R"("}}})";
}

TEST_CASE("SUBSCRIBED tells whether the framework understands TASK_KILLING (rule 89)") {
  const auto with = parse_event(
      R"({"type":"SUBSCRIBED","subscribed":{"framework_info":{"capabilities":[{"type":"MULTI_ROLE"},{"type":"TASK_KILLING_STATE"}]}}})");
  REQUIRE(with.ok());
  CHECK(std::get<Subscribed>(*with).killing_state);
  const auto without = parse_event(R"({"type":"SUBSCRIBED","subscribed":{"framework_info":{}}})");
  REQUIRE(without.ok());
  CHECK_FALSE(std::get<Subscribed>(*without).killing_state);
}

TEST_CASE("LAUNCH carries the task, its times and its command") {
  const auto event = parse_event(launch_text(
      R"({"v":1,"shell":"x"})",
      R"(,"kill_policy":{"grace_period":{"nanoseconds":7000000000}},"max_completion_time":{"nanoseconds":1500000})"));
  REQUIRE(event.ok());
  const auto& launch = std::get<Launch>(*event);
  REQUIRE(launch.tasks.size() == 1);
  CHECK_FALSE(launch.group);
  CHECK(launch.tasks[0].id == "t");
  CHECK(launch.tasks[0].grace_ms == 7000);
  CHECK(launch.tasks[0].completion_ms_max == 1);
  CHECK(launch.tasks[0].spec.ok());
  CHECK(contains(launch.tasks[0].json, R"("agent_id":{"value":"a"})"));
}

TEST_CASE("a task without usable data is a launch all the same: it must be answered") {
  const auto event = parse_event(R"({"type":"LAUNCH","launch":{"task":{"task_id":{"value":"t"}}}})");
  REQUIRE(event.ok());
  CHECK_FALSE(std::get<Launch>(*event).tasks[0].spec.ok());
  const auto garbled =
      parse_event(R"({"type":"LAUNCH","launch":{"task":{"task_id":{"value":"t"},"data":"-_"}}})");
  REQUIRE(garbled.ok());
  CHECK_FALSE(std::get<Launch>(*garbled).tasks[0].spec.ok());
}

TEST_CASE("LAUNCH_GROUP carries all tasks of the group") {
  const auto event = parse_event(
      R"({"type":"LAUNCH_GROUP","launch_group":{"task_group":{"tasks":[{"task_id":{"value":"a"}},{"task_id":{"value":"b"}}]}}})");
  REQUIRE(event.ok());
  CHECK(std::get<Launch>(*event).group);
  CHECK(std::get<Launch>(*event).tasks.size() == 2);
}

TEST_CASE("KILL and ACKNOWLEDGED name their task") {
  const auto kill = parse_event(
      R"({"type":"KILL","kill":{"task_id":{"value":"t"},"kill_policy":{"grace_period":{"nanoseconds":0}}}})");
  REQUIRE(kill.ok());
  CHECK(std::get<Kill>(*kill).task_id == "t");
  CHECK(std::get<Kill>(*kill).grace_ms == 0);
  const auto plain = parse_event(R"({"type":"KILL","kill":{"task_id":{"value":"t"}}})");
  REQUIRE(plain.ok());
  CHECK_FALSE(std::get<Kill>(*plain).grace_ms.has_value());
  const auto ack = parse_event(
      R"({"type":"ACKNOWLEDGED","acknowledged":{"task_id":{"value":"t"},"uuid":"AAECAwQFRgeICQoLDA0ODw=="}})");
  REQUIRE(ack.ok());
  CHECK(std::get<Acknowledged>(*ack).uuid.size() == 16);
}

TEST_CASE("malformed events are errors, unknown ones are ignored") {
  for (const char* text :
       {"", "{", R"({"type":"KILL"})", R"({"type":"KILL","kill":{"task_id":"t"}})",
        R"({"type":"KILL","kill":{"task_id":{"value":""}}})", R"({"type":"LAUNCH","launch":[]})",
        R"({"type":"LAUNCH_GROUP","launch_group":{"task_group":{"tasks":{}}}})",
        R"({"type":"ACKNOWLEDGED","acknowledged":{"task_id":{"value":"t"},"uuid":"-"}})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_event(text).ok());
  }
  for (const char* text :
       {R"({"type":"HEARTBEAT"})", R"({"type":"TOMORROW"})", R"({"type":7})", "{}", "[]", "5"}) {
    CAPTURE(text);
    const auto event = parse_event(text);
    REQUIRE(event.ok());
    CHECK(std::holds_alternative<Ignored>(*event));
  }
}

TEST_CASE("an update is what the agent accepts (rule 81)") {
  const std::string uuid("\x00\x01\x02\x03\x04\x05\x46\x07\x88\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16);
  const std::string status =
      status_json(settings(), {"t", "TASK_FAILED", "REASON_X", "why", R"({"v":1})", {}}, uuid,
                  Instant{1'700'000'000'250});
  CHECK(update_call(settings(), status) ==
        R"({"executor_id":{"value":"e"},"framework_id":{"value":"f"},"type":"UPDATE","update":{"status":)"
        R"({"task_id":{"value":"t"},"state":"TASK_FAILED","message":"why","source":"SOURCE_EXECUTOR",)"
        R"("reason":"REASON_X","data":"eyJ2IjoxfQ==","executor_id":{"value":"e"},"timestamp":1700000000.25,)"
        R"("uuid":"AAECAwQFRgeICQoLDA0ODw=="}}})");
}

TEST_CASE("SUBSCRIBE carries an empty member when nothing is pending (rule 78)") {
  CHECK(subscribe_call(settings(), {}, {}) ==
        R"({"executor_id":{"value":"e"},"framework_id":{"value":"f"},"type":"SUBSCRIBE","subscribe":{}})");
  CHECK(contains(
      subscribe_call(settings(), {R"({"a":1})"}, {R"({"b":2})"}),
      R"("subscribe":{"unacknowledged_tasks":[{"a":1}],"unacknowledged_updates":[{"status":{"b":2}}]})"));
}

TEST_CASE("TaskStatus.data says how a task is or ended") {
  RunFacts facts;
  facts.pid = 42;
  CHECK(running_data("", facts, {}) == R"({"v":1,"pid":42})");
  facts.container_id = "c0";
  facts.ip = "10.0.0.2";
  facts.cgroup = "not said";
  CHECK(running_data("0.1", facts, true) ==
        R"({"v":1,"executor":"0.1","pid":42,"containerId":"c0","ip":"10.0.0.2","ready":true})");
  ProcessEnd end;
  end.number = 7;
  CHECK(ended_data(end) == R"({"v":1,"exitCode":7})");
  end.signalled = true;
  end.number = 9;
  end.memory_limit = true;
  end.memory_peak_bytes = 5;
  CHECK(ended_data(end) == R"({"v":1,"signal":9,"memoryLimit":true,"memoryPeakBytes":5})");
  end = {};
  end.unknown = "Docker was away";
  CHECK(ended_data(end) == R"({"v":1})");
}

TEST_CASE("a message carries its bytes, an update its health") {
  CHECK(message_call(settings(), R"({"v":1})") ==
        R"({"executor_id":{"value":"e"},"framework_id":{"value":"f"},"type":"MESSAGE",)"
        R"("message":{"data":"eyJ2IjoxfQ=="}})");
  CHECK(contains(status_json(settings(), {"t", "TASK_RUNNING", "", "", "", false}, "u", Instant{0}),
                 R"("healthy":false)"));
  CHECK_FALSE(
      contains(status_json(settings(), {"t", "TASK_RUNNING", "", "", "", {}}, "u", Instant{0}), "healthy"));
}

}  // namespace
}  // namespace mimas::executor
