#include "cli/rest.h"

#include <doctest/doctest.h>

namespace mimas::cli {

TEST_CASE("a problem document becomes its message, code and hint") {
  const Error error = problem_error(
      404, R"({"status":404,"message":"no job has the id x","code":"not_found","hint":"see GET /v2/jobs"})");
  CHECK(error.code == Code::not_found);
  CHECK(error.message == "no job has the id x");
  CHECK(error.hint == "see GET /v2/jobs");
}

TEST_CASE("every fault stands on a line of its own") {
  const Error error = problem_error(400, R"({"code":"invalid_argument","message":"2 faults: …","errors":[
      {"pointer":"/cpu","detail":"must be at least 0.01"},{"pointer":"","detail":"needs a name"}]})");
  CHECK(error.code == Code::invalid_argument);
  CHECK(error.message == "the server refuses this: 2 faults\n  /cpu: must be at least 0.01\n  needs a name");
}

TEST_CASE("the code of the document wins over the status, and an unknown code does not") {
  CHECK(problem_error(400, R"({"code":"unsupported","message":"no"})").code == Code::unsupported);
  CHECK(problem_error(409, R"({"code":"whatever","message":"no"})").code == Code::conflict);
}

TEST_CASE("an answer that is no problem document is told by its status") {
  for (const char* body : {"", "<html>Bad Gateway</html>", "[]", "7", "\xff\xfe"}) {
    const Error error = problem_error(502, body);
    CHECK(error.code == Code::unavailable);
    CHECK(error.message == "the server answered 502");
  }
}

TEST_CASE("statuses fall into classes") {
  CHECK(problem_error(400, "").code == Code::invalid_argument);
  CHECK(problem_error(401, "").code == Code::unauthenticated);
  CHECK(problem_error(403, "").code == Code::permission_denied);
  CHECK(problem_error(405, "").code == Code::not_found);
  CHECK(problem_error(413, "").code == Code::too_large);
  CHECK(problem_error(429, "").code == Code::resource_exhausted);
  CHECK(problem_error(503, "").code == Code::unavailable);
  CHECK(problem_error(504, "").code == Code::timeout);
  CHECK(problem_error(500, "").code == Code::internal);
}

TEST_CASE("terminal escapes in a server's message are shown, not obeyed") {
  const Error error = problem_error(
      400, R"({"message":"\u001b[2J","errors":[{"pointer":"/a\u0007","detail":"\u001b]0;x"}]})");
  CHECK(error.message.find('\x1b') == std::string::npos);
  CHECK(error.message.find('\a') == std::string::npos);
}

TEST_CASE("faults of other shapes than ours do no harm") {
  CHECK(problem_error(400, R"({"message":"m","errors":"none"})").message == "m");
  CHECK(problem_error(400, R"({"message":"m","errors":[]})").message == "m");
  CHECK(problem_error(400, R"({"message":"m","errors":[7]})").message ==
        "the server refuses this: 1 fault\n  is wrong");
}

TEST_CASE("an answer that is not JSON is the server's fault") {
  const auto parsed = parse_answer("<html>");
  REQUIRE(!parsed.ok());
  CHECK(parsed.error().code == Code::protocol);
}

}  // namespace mimas::cli
