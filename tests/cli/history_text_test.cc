#include "cli/history_text.h"

#include <doctest/doctest.h>

#include "zone.h"

namespace mimas::cli {
namespace {

template <class Text>
std::string shown(Text text, std::string_view body) {
  const Result<json::Document> document = json::parse(body);
  REQUIRE(document.ok());
  return text(document->root(), false);
}

std::string event(const char* kind, std::string_view data) {
  const Result<json::Document> document = json::parse(data);
  REQUIRE(document.ok());
  return event_line(kind, document->root(), false);
}

}  // namespace

TEST_CASE("audit records are told with what they changed") {
  CHECK(shown(audit_table, R"([{"number":4,"at":"2026-11-21T10:04:17.123Z","user":"ann","address":"10.0.0.9",
      "action":"job.scale","jobId":"mimas-7","taskId":null,"detail":"",
      "changes":[{"field":"instancesDesired","before":3,"after":5},{"field":"labels"}]}])") ==
        "NUMBER  AT                         BY   FROM      ACTION     JOB      TASK  DETAIL\n"
        "4       2026-11-21 10:04:17+00:00  ann  10.0.0.9  job.scale  mimas-7        instancesDesired 3 → 5, "
        "labels\n");
  CHECK(shown(audit_table, "[]") == "no records\n");
  CHECK(shown(audit_table, R"({"records":[]})") == "no records\n");
}

TEST_CASE("a difference is a line taken away and a line put there") {
  CHECK(shown(diff_text, R"([{"pointer":"/retries","before":1,"after":2},
      {"pointer":"/labels/team","after":"web"},{"pointer":"/env","before":{"A":"1"},"after":null}])") ==
        "- /retries: 1\n+ /retries: 2\n+ /labels/team: web\n- /env: {\"A\":\"1\"}\n");
  CHECK(shown(diff_text, "[]") == "no difference\n");
}

TEST_CASE("a job's history mixes what was asked and what became of it") {
  const std::string text = shown(history_table, R"([
      {"at":"2026-11-21T10:00:00.000Z","action":"job.submit","user":"ann"},
      {"at":"2026-11-21T10:00:01.000Z","taskId":"mimas-7-worker-0-0","state":"RUNNING"},
      {"at":"2026-11-21T10:00:02.000Z","taskId":"mimas-7-worker-0-0","state":"FAILED","reason":"EXIT","message":"exit 3"}])");
  CHECK(text.find("job.submit") != std::string::npos);
  CHECK(text.find("RUNNING     mimas-7-worker-0-0") != std::string::npos);
  CHECK(text.find("EXIT: exit 3") != std::string::npos);
}

TEST_CASE("events are a line each, with what a person wants of them") {
  CHECK(event("task", R"({"id":"t","state":"RUNNING","host":"pi1"})") == "task        t  RUNNING  on pi1");
  CHECK(event("job", R"({"id":"mimas-1","state":"QUEUED","name":"web"})") ==
        "job         mimas-1  QUEUED  web");
  CHECK(event("audit", R"({"number":3,"action":"job.kill","user":"ann","jobId":"mimas-1"})") ==
        "audit       3  job.kill by ann");
  CHECK(event("connection", R"({"subscribed":true,"master":"m:1"})") == "connection  subscribed to m:1");
  CHECK(event("alert", R"({"name":"x","text":"y"})") == "alert       x  y");
  CHECK(event("bye", R"({"reason":"the server stops"})") == "bye         the server stops");
}

TEST_CASE("answers of other shapes do no harm, and terminal escapes are not obeyed") {
  for (const char* text : {"null", "7", "{}", "[7]", R"([{"changes":7,"at":7}])", R"({"events":7})"}) {
    shown(audit_table, text);
    shown(history_table, text);
    shown(versions_table, text);
    shown(diff_text, text);
    event("task", text);
  }
  CHECK(event("task\x1b", R"({"id":"\u001b[2J","state":"\u001b","host":"\u001b"})").find('\x1b') ==
        std::string::npos);
  CHECK(shown(diff_text, R"([{"pointer":"\u001b[2J","before":"\u001b"}])").find('\x1b') == std::string::npos);
}

}  // namespace mimas::cli
