#include <doctest/doctest.h>

#include "api/problem.h"

namespace mimas::api {

TEST_CASE("every code has its HTTP status") {
  struct Case {
    Code code;
    int status;
  };
  for (const Case& c : {Case{Code::invalid_argument, 400}, Case{Code::unsupported, 400},
                        Case{Code::unauthenticated, 401}, Case{Code::permission_denied, 403},
                        Case{Code::not_found, 404}, Case{Code::conflict, 409}, Case{Code::too_large, 413},
                        Case{Code::resource_exhausted, 429}, Case{Code::io, 500}, Case{Code::internal, 500},
                        Case{Code::protocol, 502}, Case{Code::unavailable, 503}, Case{Code::timeout, 504}}) {
    CHECK(http_status(c.code) == c.status);
  }
}

TEST_CASE("an error reads as problem details and as Titus's error") {
  CHECK(render_problem(make_error(Code::not_found, "there is no job mimas-9", "", "list them"), "r-1") ==
        R"({"type":"about:blank","title":"Not Found","status":404,"detail":"there is no job mimas-9",)"
        R"("statusCode":404,"message":"there is no job mimas-9","code":"not_found","hint":"list them",)"
        R"("requestId":"r-1"})");
  CHECK(
      render_problem(make_error(Code::unavailable, "closed", "10.0.0.1:5050"), "") ==
      R"({"type":"about:blank","title":"Service Unavailable","status":503,"detail":"10.0.0.1:5050: closed",)"
      R"("statusCode":503,"message":"10.0.0.1:5050: closed","code":"unavailable"})");
}

TEST_CASE("faults are listed with their values, and summed up in one line") {
  CHECK(
      render_faults({{"/cpu", "must be a number from 0.01 to 1024", "-1", "0.01..1024"}}, "") ==
      R"({"type":"about:blank","title":"Bad Request","status":400,)"
      R"("detail":"/cpu: must be a number from 0.01 to 1024","statusCode":400,)"
      R"("message":"/cpu: must be a number from 0.01 to 1024","code":"invalid_argument",)"
      R"("errors":[{"pointer":"/cpu","detail":"must be a number from 0.01 to 1024","value":-1,"limit":"0.01..1024"}]})");
  const std::string many = render_faults(
      {{"", "a", "", ""}, {"/b", "c", "\"cut", ""}, {"/d", "e", "{\"f\":1}", ""}, {"/g", "h", "", ""}}, "");
  CHECK(many.find(R"("message":"4 faults: a; /b: c; /d: e; …")") != std::string::npos);
  CHECK(many.find(R"({"pointer":"/b","detail":"c","value":"\"cut"})") != std::string::npos);
  CHECK(many.find(R"({"pointer":"/d","detail":"e","value":{"f":1}})") != std::string::npos);
}

}  // namespace mimas::api
