#include "http/router.h"

#include <doctest/doctest.h>

namespace mimas::http {
namespace {

RouteHandler named(const std::string& name) {
  return [name](const Request&, const Captures& captures) {
    Reply reply;
    reply.body = name;
    for (const auto& [key, value] : captures) reply.body += " " + key + "=" + value;
    return reply;
  };
}

Reply route(const Router& router, const std::string& method, const std::string& path) {
  Request request;
  request.method = method;
  request.path = path;
  return router.route(request);
}

Router sample() {
  Router router;
  router.add("GET", "/v2/jobs", named("list"));
  router.add("POST", "/v2/jobs", named("create"));
  router.add("GET", "/v2/{kind}/{id}", named("any"));
  router.add("GET", "/v2/jobs/{id}", named("job"));
  router.add("GET", "/v2/jobs/search", named("search"));
  router.add("POST", "/v2/jobs/search", named("post-search"));
  router.add("DELETE", "/v2/jobs/{id}", named("delete"));
  router.add("GET", "/v2/{kind}/search", named("kind-search"));
  router.add("GET", "/", named("root"));
  return router;
}

TEST_CASE("the most literal pattern wins, wherever it was added") {
  const Router router = sample();
  CHECK(route(router, "GET", "/v2/jobs").body == "list");
  CHECK(route(router, "GET", "/v2/jobs/mimas-7").body == "job id=mimas-7");
  CHECK(route(router, "GET", "/v2/jobs/search").body == "search");
  CHECK(route(router, "GET", "/v2/tasks/search").body == "kind-search kind=tasks");
  CHECK(route(router, "GET", "/v2/tasks/x").body == "any id=x kind=tasks");
  CHECK(route(router, "GET", "/").body == "root");
}

TEST_CASE("a less literal route with the right method beats a more literal one without it") {
  CHECK(route(sample(), "DELETE", "/v2/jobs/search").body == "delete id=search");
}

TEST_CASE("an encoded slash belongs to the name it stands in, and an encoded percent sign is one") {
  CHECK(route(sample(), "GET", "/v2/jobs/a%2Fb%2fc").body == "job id=a/b/c");
  CHECK(route(sample(), "GET", "/v2/jobs/a%252Fb").body == "job id=a%2Fb");
  CHECK(route(sample(), "GET", "/v2%2Fjobs").status == 404);
}

TEST_CASE("HEAD is answered by the GET route") {
  CHECK(route(sample(), "HEAD", "/v2/jobs").body == "list");
  Router own = sample();
  own.add("HEAD", "/v2/jobs", named("own head"));
  CHECK(route(own, "HEAD", "/v2/jobs").body == "own head");
}

TEST_CASE("an unknown path is 404: another word, an empty capture, a trailing slash, another depth") {
  const Router router = sample();
  for (const char* path : {"/v2/job", "/v2/jobs/", "/v2/jobs/a/b", "/v2", "//", "*", "/V2/jobs"}) {
    CAPTURE(path);
    CHECK(route(router, "GET", path).status == 404);
  }
}

TEST_CASE("a known path with another method is 405 and says what is allowed") {
  const Reply reply = route(sample(), "PUT", "/v2/jobs");
  CHECK(reply.status == 405);
  CHECK(wire::find_header(reply.headers, "allow") == "GET, HEAD, POST");
  CHECK(reply.content_type == "application/problem+json");
  CHECK(reply.body.find("\"statusCode\":405") != std::string::npos);
}

TEST_CASE("a fallback makes the body, and Allow is there even when it forgets it") {
  Router router = sample();
  router.set_fallback([](const Request& request, int status, const std::string& allow) {
    Reply reply;
    reply.status = status;
    reply.body = request.path + "|" + allow;
    return reply;
  });
  CHECK(route(router, "GET", "/nope").body == "/nope|");
  const Reply reply = route(router, "PUT", "/v2/jobs/x");
  CHECK(reply.status == 405);
  CHECK(reply.body == "/v2/jobs/x|DELETE, GET, HEAD");
  CHECK(wire::find_header(reply.headers, "Allow") == "DELETE, GET, HEAD");
}

TEST_CASE("the table lists every route in the order of adding") {
  const auto rows = sample().table();
  REQUIRE(rows.size() == 9);
  CHECK(rows[1] == std::pair<std::string, std::string>("POST", "/v2/jobs"));
}

}  // namespace
}  // namespace mimas::http
