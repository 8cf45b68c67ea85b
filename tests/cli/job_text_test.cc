#include "cli/job_text.h"

#include <doctest/doctest.h>

#include "zone.h"

namespace mimas::cli {
namespace {

const Instant kNow = *parse_rfc3339("2026-11-21T07:03:00.000Z");

json::Document parsed(std::string_view text) {
  Result<json::Document> document = json::parse(text);
  REQUIRE(document.ok());
  return std::move(*document);
}

}  // namespace

TEST_CASE("jobs are listed with how many of their instances are ready, restarts and age") {
  const json::Document jobs = parsed(R"([{"id":"mimas-1","name":"web","type":"service","state":"DISPATCHED",
      "instances":2,"instancesReady":0,"restarts":4,"submittedAt":"2026-11-21T07:00:00.123Z","tasks":[{"state":"RUNNING"},{"state":"QUEUED"}]}])");
  CHECK(jobs_table(jobs.root(), false, false, kNow) ==
        "ID       NAME  TYPE     STATE       READY  RESTARTS  AGE\n"
        "mimas-1  web   service  DISPATCHED  0/2    4         2m\n");
}

TEST_CASE("no jobs and no agents are said, not shown as an empty table") {
  const json::Document none = parsed("[]");
  CHECK(jobs_table(none.root(), false, false, kNow) == "no jobs\n");
  CHECK(agents_table(none.root(), false) == "no agents\n");
}

TEST_CASE("a job's page shows why its tasks ended") {
  const json::Document job =
      parsed(R"({"id":"mimas-1","name":"n","type":"batch","state":"FAILED","instances":1,
      "message":null,"cpu":0.5,"memory":64,"disk":10,"entryPoint":null,"command":["sh","-c","exit 3"],"labels":{},
      "submittedAt":"2026-11-21T07:00:00.123Z","finishedAt":null,"notes":["`efs` is kept"],
      "tasks":[{"id":"mimas-1-worker-0-0","state":"FAILED","host":"pi1","startedAt":"2026-11-21T07:00:01.000Z",
      "finishedAt":"2026-11-21T07:00:02.000Z","ports":{"80":31000},"exit":{"code":3},"reason":null,"message":"it failed"}]})");
  CHECK(job_page(job.root(), false, kNow) ==
        "id          mimas-1\n"
        "name        n\n"
        "type        batch\n"
        "state       FAILED\n"
        "instances   0 running, 1 wanted\n"
        "runs        sh -c exit 3\n"
        "each has    0.5 CPU, 64 MiB memory, 10 MiB disk\n"
        "submitted   2026-11-21 07:00:00+00:00\n"
        "note        `efs` is kept\n"
        "\n"
        "TASK                STATE   HOST  AGE  PORTS     DETAIL\n"
        "mimas-1-worker-0-0  FAILED  pi1   1s   80:31000  exit 3: it failed\n");
}

TEST_CASE("agents are listed by hostname, with what is used of what they have") {
  const json::Document agents = parsed(R"([{"id":"a-S0","hostname":"pi1","state":"active",
      "standing":"open","attributes":{"arch":"arm","stack":"pi3"},"executorVersion":"0.1.0+3f2a","offered":{"cpu":3.5,"memory":1000,"disk":8000},
      "used":{"cpu":0.5,"memory":24,"disk":0},"total":{"cpu":4,"memory":1024,"disk":8000},"tasks":2},
      {"id":"a-S1","hostname":"pi2","state":"active","standing":"quarantined","attributes":{},"offered":{"cpu":0,"memory":0},"used":{}}])");
  CHECK(agents_table(agents.root(), false) ==
        "HOSTNAME  STATE   WORK         CPU    MEMORY   DISK    TASKS  ATTRIBUTES\n"
        "pi1       active  open         0.5/4  24/1024  0/8000  2      arch=arm;stack=pi3\n"
        "pi2       active  quarantined  0/0    0/0      0/0\n");
  CHECK(agents_table(agents.root(), false, true).find("0.1.0+3f2a  a-S0\n") != std::string::npos);
}

TEST_CASE("a task that waits to be started again shows how it ended before") {
  const json::Document task = parsed(R"({"state":"QUEUED","reason":"NO_PLACE","message":"no agent fits",
      "lastEnding":{"state":"FAILED","reason":null,"message":"exited with status 4","exit":{"code":4}}})");
  CHECK(task_detail(task.root()) == "NO_PLACE: no agent fits; before: exit 4");
}

TEST_CASE("orphans are shown below their alert, decisions one by one") {
  CHECK(orphans_table(parsed(R"({"alert":null,"orphans":[]})").root(), false) == "no orphans\n");
  CHECK(orphans_table(parsed(R"({"alert":"many","orphans":[{"taskId":"t1","state":"TASK_RUNNING",
      "hostname":"pi1","firstSeenAt":"2026-11-21T07:00:00.000Z","decision":"waiting","reason":null}]})")
                          .root(),
                      false) ==
        "! many\n"
        "TASK  STATE         HOSTNAME  FIRST SEEN                 DECISION  REASON\n"
        "t1    TASK_RUNNING  pi1       2026-11-21 07:00:00+00:00  waiting\n");
  CHECK(decided_text(parsed(R"({"adopted":["t1"],"leftAlone":[{"taskId":"t2","reason":"no job"}]})").root(),
                     false) == "t1 is adopted\nt2 is left alone: no job\n");
  CHECK(decided_text(parsed(R"({"killed":["t1"],"leftAlone":[]})").root(), false) == "t1 will be killed\n");
  CHECK(decided_text(parsed("{}").root(), false) == "there was nothing to decide\n");
}

TEST_CASE("answers of any shape are shown without harm") {
  for (const char* text :
       {"null", "7", "\"x\"", "{}", "[]", "[7]", R"([{"tasks":7,"instances":"x","id":{}}])",
        R"({"tasks":[[],{},7],"labels":[],"command":"x","notes":{}})"}) {
    CAPTURE(text);
    const json::Document document = parsed(text);
    CHECK(!jobs_table(document.root(), true, true, kNow).empty());
    CHECK(!job_page(document.root(), true, kNow).empty());
    CHECK(!agents_table(document.root(), true).empty());
    CHECK(!orphans_table(document.root(), true).empty());
    CHECK(!decided_text(document.root(), true).empty());
  }
}

TEST_CASE("an exit is told by its signal or its code") {
  CHECK(exit_text(parsed(R"({"exit":{"code":0}})").root()) == "exit 0");
  CHECK(exit_text(parsed(R"({"exit":{"signal":9}})").root()) == "signal 9");
  CHECK(exit_text(parsed(R"({"exit":null})").root()).empty());
  CHECK(exit_text(parsed("{}").root()).empty());
}

TEST_CASE("a detail does not say the same twice") {
  CHECK(task_detail(
            parsed(R"({"exit":{"code":1},"message":"the command ended with exit 1","reason":"X"})").root()) ==
        "exit 1: X: the command ended with exit 1");
  CHECK(task_detail(parsed(R"({"reason":"NO_PLACE","message":"NO_PLACE"})").root()) == "NO_PLACE");
}

TEST_CASE("a command becomes the body of a process job with only what was asked for") {
  JobRequest request;
  request.name = "echo";
  request.command = {"echo", "hello world", "[a,b]"};
  CHECK(
      job_body(request) ==
      R"({"name":"echo","type":"batch","runtime":"process","command":["echo","hello world","[a,b]"],"instances":1})");
}

TEST_CASE("every flag of run has its field") {
  JobRequest request;
  request.name = "n";
  request.cpu = 0.5;
  request.memory_mib = 64;
  request.disk_mib = 10;
  request.ports = 2;
  request.instances = 3;
  request.retries = 4;
  request.user = "u";
  request.constraints = {"arch=arm"};
  request.env = {{"A", "1"}, {"B", "x=y"}};
  request.command = {"true"};
  CHECK(
      job_body(request) ==
      R"({"name":"n","type":"batch","runtime":"process","command":["true"],"cpu":0.5,"memory":64,"disk":10,"ports":2,)"
      R"("instances":3,"retries":4,"user":"u","hardConstraints":["arch=arm"],"env":{"A":"1","B":"x=y"}})");
}

TEST_CASE("an image is split into name and tag, and a registry's port is no tag") {
  JobRequest request;
  request.name = "n";
  request.type = "service";
  request.instances = 2;
  request.image = "registry:5000/team/app:1.2";
  CHECK(
      job_body(request) ==
      R"({"name":"n","type":"service","runtime":"docker","applicationName":"registry:5000/team/app","version":"1.2",)"
      R"("instancesMin":0,"instancesDesired":2,"instancesMax":2})");
  request.image = "registry:5000/app";
  CHECK(job_body(request).find(R"("applicationName":"registry:5000/app","instancesMin")") !=
        std::string::npos);
}

}  // namespace mimas::cli
