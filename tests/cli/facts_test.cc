#include "cli/facts.h"

#include <doctest/doctest.h>

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

}  // namespace mimas::cli
