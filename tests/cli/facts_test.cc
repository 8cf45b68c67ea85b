#include "cli/facts.h"

#include <doctest/doctest.h>

#include "zone.h"

#include "cli/terminal.h"

namespace mimas::cli {
namespace {

std::string facts(std::string_view text) {
  const Result<json::Document> document = json::parse(text);
  REQUIRE(document.ok());
  return facts_text(document->root(), false);
}

std::string ids(std::string_view text) {
  const Result<json::Document> document = json::parse(text);
  REQUIRE(document.ok());
  return ids_text(document->root());
}

}  // namespace

TEST_CASE("an object is a line for each fact, with dots for what is inside") {
  CHECK(facts(R"({"state":"ok","limits":{"cpu":64,"ports":[1,2]},"none":null,"on":true})") ==
        "state       ok\nlimits.cpu  64\nlimits.ports 1, 2\non          true\n");
}

TEST_CASE("a list of objects is a table, also inside an object") {
  CHECK(facts(R"([{"name":"a","sizeBytes":1},{"name":"b","mode":"x"}])") ==
        "NAME  SIZE BYTES  MODE\na     1\nb                 x\n");
  CHECK(facts(R"({"total":1,"files":[{"name":"a"}]})") == "total       1\n\nfiles\nNAME\na\n");
}

TEST_CASE("other shapes are shown as they are, nothing as nothing") {
  CHECK(facts(R"(["a",2])") == "a\n2\n");
  CHECK(facts("7") == "7\n");
  CHECK(facts("{}") == "nothing\n");
  CHECK(facts("[]") == "nothing\n");
}

TEST_CASE("terminal escapes are shown, not obeyed") {
  const std::string text = facts(R"({"a\u001b[2J":"b\u001b[2J","t":[{"c\u001b":"d\u0007"}]})");
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\a') == std::string::npos);
}

TEST_CASE("ids alone stand on a line each") {
  CHECK(ids(R"([{"id":"mimas-1","x":1},{"id":"mimas-2"},{"x":3},7])") == "mimas-1\nmimas-2\n");
  CHECK(ids(R"({"id":"mimas-1"})") == "mimas-1\n");
  CHECK(ids("[]").empty());
}

TEST_CASE("a page that is higher than the terminal says how much it leaves out") {
  CHECK(cut_rows("a\nb\nc\n", 3) == "a\nb\nc\n");
  CHECK(cut_rows("a\nb\nc\nd\n", 3) == "a\nb\n… 2 more lines\n");
  CHECK(cut_rows("a\nb\n", 1) == "… 2 more lines\n");
  CHECK(cut_rows("a\nb\n", 0) == "a\nb\n");
}

TEST_CASE("times are the reader's, with the offset that held then, and ages are short") {
  const Result<json::Document> one = json::parse(R"({"at":"2026-07-01T22:30:00.000Z","odd":"yesterday"})");
  REQUIRE(one.ok());
  ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  ::tzset();
  CHECK(moment(one->root(), "at") == "2026-07-02 00:30:00+02:00");
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  CHECK(moment(one->root(), "at") == "2026-07-01 22:30:00+00:00");
  CHECK(moment(one->root(), "odd") == "yesterday");
  CHECK(moment(one->root(), "none").empty());
  const auto age = [&](const char* now) { return age_since(one->root(), "at", *parse_rfc3339(now)); };
  CHECK(age("2026-07-01T22:31:59.999Z") == "119s");
  CHECK(age("2026-07-01T22:33:00.000Z") == "3m");
  CHECK(age("2026-07-02T21:30:00.000Z") == "23h");
  CHECK(age("2026-07-04T22:30:00.000Z") == "3d");
  CHECK(age("2026-07-01T22:00:00.000Z") == "0s");  // a clock that is behind
}

}  // namespace mimas::cli
