#include "cli/follow.h"

#include <doctest/doctest.h>

namespace mimas::cli {
namespace {

using Lines = std::vector<std::string>;

Lines fed(Follower& follower, std::string_view job, bool as_json = false) {
  const Result<json::Document> document = json::parse(job);
  REQUIRE(document.ok());
  return follower.update(document->root(), "10:00:00", as_json);
}

}  // namespace

TEST_CASE("each change is told once and the end ends it") {
  Follower follower;
  CHECK(fed(follower, R"({"id":"mimas-1","state":"QUEUED","tasks":[{"id":"t","state":"QUEUED"}]})") ==
        Lines{"10:00:00  t  QUEUED", "10:00:00  mimas-1  QUEUED"});
  CHECK(fed(follower, R"({"id":"mimas-1","state":"QUEUED","tasks":[{"id":"t","state":"QUEUED"}]})").empty());
  CHECK(fed(follower,
            R"({"id":"mimas-1","state":"DISPATCHED","tasks":[{"id":"t","state":"RUNNING","host":"pi1"}]})") ==
        Lines{"10:00:00  t  RUNNING  on pi1", "10:00:00  mimas-1  DISPATCHED"});
  CHECK(!follower.ended());
  CHECK(fed(follower, R"({"id":"mimas-1","state":"FINISHED","tasks":[
            {"id":"t","state":"FINISHED","host":"pi1","exit":{"code":0}}]})") ==
        Lines{"10:00:00  t  FINISHED  on pi1: exit 0", "10:00:00  mimas-1  FINISHED"});
  CHECK(follower.ended());
  CHECK(follower.succeeded());
}

TEST_CASE("a failed or stopped job ends without success") {
  for (const char* state : {"FAILED", "STOPPED"}) {
    Follower follower;
    fed(follower, std::string(R"({"id":"mimas-1","state":")") + state + R"(","tasks":[]})");
    CHECK(follower.ended());
    CHECK(!follower.succeeded());
  }
}

TEST_CASE("why a task waits is told again when it changes, and only then") {
  Follower follower;
  const auto waiting = [](const char* why) {
    return std::string(
               R"({"id":"j","state":"QUEUED","tasks":[{"id":"t","state":"QUEUED","reason":"NO_PLACE","message":")") +
           why + R"("}]})";
  };
  CHECK(fed(follower, waiting("no agent has 8 CPUs")).front() ==
        "10:00:00  t  QUEUED  NO_PLACE: no agent has 8 CPUs");
  CHECK(follower.waiting_for_place());
  CHECK(fed(follower, waiting("no agent has 8 CPUs")).empty());
  CHECK(fed(follower, waiting("no agent at all")) == Lines{"10:00:00  t  QUEUED  NO_PLACE: no agent at all"});
  fed(follower, R"({"id":"j","state":"DISPATCHED","tasks":[{"id":"t","state":"RUNNING"}]})");
  CHECK(!follower.waiting_for_place());
}

TEST_CASE("a task that waits for its next start is not one that cannot be placed") {
  Follower follower;
  fed(follower,
      R"({"id":"j","state":"QUEUED","tasks":[{"id":"t","state":"QUEUED","message":"starts again soon"}]})");
  CHECK(!follower.waiting_for_place());
}

TEST_CASE("for programs every line is a JSON object") {
  Follower follower;
  CHECK(fed(follower, R"({"id":"j","state":"QUEUED","tasks":[]})", true) ==
        Lines{R"({"at":"10:00:00","id":"j","state":"QUEUED","detail":""})"});
}

TEST_CASE("an answer of another shape neither ends the following nor breaks it") {
  Follower follower;
  for (const char* text : {"null", "[]", "{}", R"({"state":7,"tasks":"x"})", R"({"tasks":[7,[]]})"}) {
    fed(follower, text);
    CHECK(!follower.ended());
  }
}

TEST_CASE("steps between two looks are told as well, with their own times, and each once") {
  Follower follower;
  const auto job = [](const char* state, const char* steps) {
    return std::string(R"({"id":"j","state":"DISPATCHED","tasks":[{"id":"t","state":")") + state +
           R"(","statusHistory":[{"state":"QUEUED","at":"2026-11-21T09:59:58.000Z"},)" + steps + "]}]}";
  };
  const char* starting = R"({"state":"STARTING","at":"2026-11-21T09:59:59.000Z"},
                            {"state":"RUNNING","at":"2026-11-21T10:00:00.000Z"})";
  CHECK(fed(follower, job("RUNNING", starting)) == Lines{"09:59:58  t  QUEUED", "09:59:59  t  STARTING",
                                                         "10:00:00  t  RUNNING", "10:00:00  j  DISPATCHED"});
  CHECK(fed(follower, job("RUNNING", starting)).empty());
  const std::string ended =
      std::string(starting) + R"(,{"state":"FINISHED","at":"2026-11-21T10:00:01.000Z"})";
  CHECK(fed(follower, job("FINISHED", ended.c_str())) == Lines{"10:00:00  t  FINISHED"});
}

TEST_CASE("the summary says how many run, and why the others do not") {
  const auto summary = [](std::string_view text) { return summary_text(json::parse(text)->root()); };
  CHECK(summary(R"({"instances":4,"tasks":[{"state":"RUNNING"},{"state":"STARTING"},{"state":"DISPATCHED"},
            {"state":"QUEUED","message":"no agent has arch=arm"}]})") ==
        "1/4 running, 2 starting, 1 queued (no agent has arch=arm)");
  CHECK(summary(R"({"instances":2,"tasks":[{"state":"FINISHED"},{"state":"FAILED"},{"state":"CRASHED"}]})") ==
        "0/2 running, 1 finished, 2 failed");
  CHECK(summary("[]") == "0/0 running");
}

TEST_CASE("a service is settled when as many run as are wanted, and nothing else is on its way") {
  Follower follower;
  const auto settled = [&](std::string_view tasks) {
    fed(follower, R"({"id":"j","state":"DISPATCHED","instances":1,"tasks":[)" + std::string(tasks) + "]}");
    return follower.settled();
  };
  CHECK_FALSE(settled(""));
  CHECK_FALSE(settled(R"({"id":"a","state":"STARTING"})"));
  CHECK(settled(R"({"id":"a","state":"RUNNING"})"));
  CHECK_FALSE(settled(R"({"id":"a","state":"RUNNING"},{"id":"b","state":"RUNNING"})"));
  CHECK(settled(R"({"id":"a","state":"RUNNING"},{"id":"b","state":"STOPPED"})"));
}

}  // namespace mimas::cli
