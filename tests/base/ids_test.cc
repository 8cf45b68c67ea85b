#include "base/ids.h"

#include <doctest/doctest.h>

using namespace mimas;

TEST_CASE("job ids are read back as they are written, and nothing else is a job id") {
  CHECK(make_job_id(7).value == "mimas-7");
  CHECK(parse_job_number("mimas-7") == 7);
  CHECK(parse_job_number("mimas-0") == 0);
  CHECK(parse_job_number("mimas-9223372036854775807") == INT64_MAX);
  for (const char* text : {"", "mimas", "mimas-", "mimas-07", "mimas--7", "mimas-+7", "mimas-7 ", " mimas-7",
                           "Mimas-7", "mimas-7x", "mimas-9223372036854775808"}) {
    CAPTURE(text);
    CHECK(parse_job_number(text) == -1);
  }
}

TEST_CASE("task ids carry job, slot and start number") {
  const TaskId id = make_task_id(make_job_id(7), 0, 3);
  CHECK(id.value == "mimas-7-worker-0-3");
  const auto name = parse_task_id(id.value);
  REQUIRE(name.ok());
  CHECK(*name == TaskName{make_job_id(7), 0, 3});
  for (const char* text :
       {"", "mimas-7", "mimas-7-worker-", "mimas-7-worker-0", "mimas-7-worker-0-", "mimas-7-worker-00-1",
        "mimas-7-worker-0-1-2", "mimas-x-worker-0-1", "mimas-7-worker--1-1", "-worker-0-1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_task_id(text).ok());
  }
}

TEST_CASE(
    "a Mesos id has 1 to 255 bytes, no control character, no slash, and is not a directory's own name") {
  CHECK(check_mesos_id("web.1", "task id").ok());
  CHECK(check_mesos_id("...", "task id").ok());
  CHECK(check_mesos_id("caf\xC3\xA9", "task id").ok());
  CHECK(check_mesos_id(std::string(255, 'a'), "task id").ok());
  const std::string bad[] = {
      "", ".", "..", "a/b", "a\\b", "a\nb", std::string("a\0b", 3), "\x7f", std::string(256, 'a')};
  for (const std::string& id : bad) {
    CAPTURE(id);
    const auto checked = check_mesos_id(id, "task id");
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().message.starts_with("task id "));
  }
}

TEST_CASE("ids sort by their text") { CHECK(JobId("mimas-10") < JobId("mimas-9")); }

TEST_CASE("a role is a star or a path of plain names") {
  for (const char* fine : {"*", "prod", "prod/web", "a.b", "a-b", "a/b/c"}) {
    CAPTURE(fine);
    CHECK(check_role(fine).ok());
  }
  for (const char* wrong :
       {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/*", "-a", "a/-b", "a b", "a\tb", "a\x7f"}) {
    CAPTURE(wrong);
    CHECK(!check_role(wrong).ok());
  }
  CHECK(!check_role(std::string(256, 'r')).ok());
}
