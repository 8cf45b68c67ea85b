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

}  // namespace mimas::cli
