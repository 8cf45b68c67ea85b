// Who may do what on the way through the routes.
#include "server/call.h"

#include <doctest/doctest.h>

using namespace mimas;
using namespace mimas::server;

namespace {

const http::Request kRequest;
const http::Captures kNone;

http::Reply ok(const Call&) {
  http::Reply reply;
  reply.status = 204;
  return reply;
}

http::Reply ask(Authenticate authenticate, Role needs) {
  Routes routes(std::move(authenticate));
  routes.add(needs, "POST", "/things", ok);
  http::Request request;
  request.method = "POST";
  request.path = "/v2/things";
  return routes.take().route(request);
}

}  // namespace

TEST_CASE("each role may do what those before it may, and nothing more") {
  for (const Role has : {Role::none, Role::viewer, Role::operator_, Role::admin}) {
    for (const Role needs : {Role::none, Role::viewer, Role::operator_, Role::admin}) {
      CAPTURE(role_name(has));
      CAPTURE(role_name(needs));
      CHECK(ask(everybody_is(has), needs).status == (has >= needs ? 204 : 403));
    }
  }
}

TEST_CASE("a refusal says which role it takes") {
  const http::Reply reply = ask(everybody_is(Role::viewer), Role::admin);
  CHECK(reply.status == 403);
  CHECK(reply.body.find("needs the role admin, and yours is viewer") != std::string::npos);
}

TEST_CASE("what needs no role is answered without asking who it is") {
  const Authenticate never = [](const http::Request&) -> Result<Identity> {
    return make_error(Code::unauthenticated, "no");
  };
  CHECK(ask(never, Role::none).status == 204);
  CHECK(ask(never, Role::viewer).status == 401);
}

TEST_CASE("a caller without scopes may change every job, with scopes those alone") {
  const Identity anybody{"root", Role::admin, {}};
  const Identity scoped{"ci", Role::operator_, {"web", "shop"}};
  CHECK(may_change(Call{kRequest, kNone, anybody}, "web").ok());
  CHECK(may_change(Call{kRequest, kNone, anybody}, "").ok());
  CHECK(may_change_cluster(Call{kRequest, kNone, anybody}).ok());
  const Call call{kRequest, kNone, scoped};
  CHECK(may_change(call, "web").ok());
  CHECK(may_change(call, "shop").ok());
  for (const char* other : {"", "we", "web2", "WEB", "web,shop"}) {
    const Status refused = may_change(call, other);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::permission_denied);
    CHECK(refused.error().message.find("ci may change jobs of web, shop alone") != std::string::npos);
  }
  CHECK_FALSE(may_change_cluster(call).ok());
}
