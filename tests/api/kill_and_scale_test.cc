#include <doctest/doctest.h>

#include "api/commands.h"

namespace mimas::api {
namespace {

template <class T>
std::string faults_of(const Checked<T>& checked) {
  std::string text;
  for (const Fault& fault : checked.faults) text += fault.pointer + ": " + fault.detail + "\n";
  return text;
}

}  // namespace

TEST_CASE("a job is killed by JSON or, as Spinnaker did in 2016, by its bare id") {
  const auto json = parse_kill_job(R"({"user":"me","jobId":"mimas-7"})", "application/json; charset=UTF-8");
  REQUIRE(json.ok());
  CHECK(json.value.job == JobId("mimas-7"));
  CHECK(json.value.user == "me");
  CHECK(json.value.request == 0);
  const auto text = parse_kill_job(" mimas-7\n", "text/plain; charset=utf-8");
  REQUIRE(text.ok());
  CHECK(text.value.job == JobId("mimas-7"));
  CHECK(parse_kill_job(R"({"jobId":"mimas-7"})", "").ok());
  CHECK(parse_kill_job(R"({"jobId":"mimas-7"})", "text/plain").value.job == JobId("mimas-7"));
  CHECK(faults_of(parse_kill_job("mimas-7", "application/json")).starts_with(": the body is not JSON"));
  CHECK(faults_of(parse_kill_job(" ", "text/plain")) == ": the body is empty, expected a job id\n");
  CHECK(faults_of(parse_kill_job("a\nb", "text/plain")) ==
        ": must not contain control characters such as line breaks\n");
  CHECK(faults_of(parse_kill_job("{}", "")) == "/jobId: is required\n");
  CHECK(faults_of(parse_kill_job(R"({"jobId":null})", "")) == "/jobId: is required\n");
  CHECK(faults_of(parse_kill_job(R"({"jobid":"x","user":5})", "")) ==
        "/jobId: is required\n/user: expected a string, found a number\n/jobid: unknown field, did you mean "
        "`jobId`?\n");
}

TEST_CASE("instance counts are all three, in order, and 0 is one of them") {
  const auto good = parse_set_instance_counts(
      R"({"user":"u","jobId":"mimas-1","instancesDesired":2,"instancesMax":5,"instancesMin":0})");
  REQUIRE(good.ok());
  CHECK(good.value.job == JobId("mimas-1"));
  CHECK(good.value.min == 0);
  CHECK(good.value.desired == 2);
  CHECK(good.value.max == 5);
  CHECK(good.value.user == "u");
  CHECK(faults_of(parse_set_instance_counts(R"({"jobId":"mimas-1","instancesDesired":2})")) ==
        "/instancesMin: is required\n/instancesMax: is required\n");
  CHECK(faults_of(parse_set_instance_counts(
            R"({"jobId":"mimas-1","instancesDesired":2,"instancesMin":3,"instancesMax":1})")) ==
        "/instancesMin: must not be above instancesDesired\n/instancesMax: must not be below "
        "instancesDesired\n");
  CHECK(faults_of(parse_set_instance_counts(
            R"({"jobId":"mimas-1","instancesDesired":-1,"instancesMin":"0","instancesMax":1001})")) ==
        "/instancesDesired: must be a whole number from 0 to 1000\n"
        "/instancesMin: expected a whole number, found a string\n"
        "/instancesMax: must be a whole number from 0 to 1000\n");
}

TEST_CASE("tasks are killed by one id or a list of them") {
  const auto one = parse_kill_tasks(R"({"taskId":"mimas-1-worker-0-0","taskIds":[]})");
  REQUIRE(one.ok());
  CHECK(one.value.tasks == std::vector<TaskId>{TaskId("mimas-1-worker-0-0")});
  CHECK_FALSE(one.value.shrink);
  CHECK_FALSE(one.value.strict);
  const auto two = parse_kill_tasks(
      R"({"taskIds":["mimas-1-worker-0-1","mimas-1-worker-1-0","mimas-1-worker-0-1"],"shrink":true,"strict":true,"user":"u"})");
  REQUIRE(two.ok());
  CHECK(two.value.tasks == std::vector<TaskId>{TaskId("mimas-1-worker-0-1"), TaskId("mimas-1-worker-1-0")});
  CHECK(two.value.shrink);
  CHECK(two.value.strict);
  CHECK(faults_of(parse_kill_tasks("{}")) == "/taskIds: `taskId` or `taskIds` is required\n");
  CHECK(faults_of(parse_kill_tasks(R"({"taskId":"a","taskIds":["b"]})")) ==
        "/taskIds: give either `taskId` or `taskIds`, not both\n");
  CHECK(faults_of(parse_kill_tasks(R"({"taskIds":["mimas-1-worker-0-0",5,""]})")) ==
        "/taskIds/1: expected a string, found a number\n/taskIds/2: must not be empty\n");
  CHECK(faults_of(parse_kill_tasks(R"({"taskIds":"a"})")) == "/taskIds: expected an array, found a string\n");
  CHECK(faults_of(parse_kill_tasks(R"({"taskId":"mimas-1-worker-0-0","shrink":1})")) ==
        "/shrink: expected true or false, found a number\n");
  std::string many = R"({"taskIds":["x")";
  for (int i = 0; i < 1'000; ++i) many += ",\"t" + std::to_string(i) + "\"";
  CHECK(faults_of(parse_kill_tasks(many + "]}")) == "/taskIds: must not have more than 1000 elements\n");
}

TEST_CASE("what cannot be the id of a task of ours is a fault, an orphan may be called anything") {
  CHECK(faults_of(parse_kill_tasks(R"({"taskId":"mimas-1"})")) ==
        "/taskId: is a job's id, and a task's is wanted: POST /v2/jobs/kill ends a whole job\n");
  CHECK(faults_of(parse_kill_tasks(R"({"taskIds":["mimas-1-worker-0-0","web","mimas-1-worker-0"]})")) ==
        "/taskIds/1: is no task's id, which is like mimas-7-worker-0-3\n"
        "/taskIds/2: is no task's id, which is like mimas-7-worker-0-3\n");
  CHECK(parse_kill_orphans(R"({"taskIds":["web"]})").ok());
}

}  // namespace mimas::api
