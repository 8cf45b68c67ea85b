// Who is let in, by values against what a real master answered, and over TLS with an agent and a scheduler.
#include "pocket/access.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "net/certificates.h"
#include "net/clock.h"
#include "net/http_client.h"
#include "net/tls.h"
#include "pocket/pocket.h"

namespace mimas::pocket {
namespace {

const std::vector<wire::Credentials> kKnown{{"fw", "secret"}, {"fw2", "secret2"}};

std::string golden(const std::string& name) {
  std::ifstream file(std::string(GOLDEN_DIR) + "/" + name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "missing recording " << name);
  return {std::istreambuf_iterator<char>(file), {}};
}

http::Request recorded(const std::string& name) {
  const std::string bytes = golden(name + ".req");
  http::Request request;
  std::istringstream head(bytes.substr(0, bytes.find("\r\n\r\n")));
  std::string line;
  std::getline(head, line);
  std::istringstream(line) >> request.method >> request.path;
  while (std::getline(head, line)) {
    if (line.ends_with('\r')) line.pop_back();
    const std::size_t colon = line.find(": ");
    request.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  return request;
}

struct Folder {
  Folder() {
    char name[] = "/tmp/mimas-access.XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

wire::Request call(const std::string& body, const wire::Credentials& as) {
  wire::Request request;
  request.method = "POST";
  request.target = "/api/v1/scheduler";
  request.headers = {{"Content-Type", "application/json"}};
  if (!as.empty()) request.headers.push_back({"Authorization", wire::basic_authorization(as)});
  request.body = body;
  return request;
}

}  // namespace

TEST_CASE("strangers get the 401 of a real master, byte for byte but for the date") {
  for (const char* name : {"a01-no-credentials", "a02-wrong-password", "a03-unknown-user", "a04-not-basic",
                           "a05-garbled", "a09-call-no-auth", "a3_state-readonly-auth",
                           "a3_slaves-readonly-auth", "a3_metrics_snapshot-readonly-auth"}) {
    CAPTURE(name);
    const http::Request request = recorded(name);
    const auto refusal = refuse_stranger(request, request.path, kKnown);
    REQUIRE(refusal);
    CHECK(refusal->status == 401);
    const std::string wanted = golden(std::string(name) + ".resp");
    REQUIRE(refusal->headers.size() == 1);
    CHECK(wanted.find("\r\nWWW-Authenticate: " + refusal->headers[0].value + "\r\n") != std::string::npos);
    CHECK(wanted.ends_with("\r\n\r\n" + refusal->body));
  }
}

TEST_CASE("whoever is known is let in, and some paths are open to everybody") {
  for (const char* name :
       {"a06-good", "a07-principal-mismatch", "a10-call-auth", "a11-call-other-principal",
        "a3_health-readonly-auth", "a3_version-readonly-auth", "a3_redirect-readonly-auth"}) {
    CAPTURE(name);
    const http::Request request = recorded(name);
    CHECK_FALSE(refuse_stranger(request, request.path, kKnown));
  }
  const http::Request stranger = recorded("a01-no-credentials");
  CHECK_FALSE(refuse_stranger(stranger, stranger.path, {}));
  CHECK(principal_of(recorded("a11-call-other-principal")) == "fw2");
}

TEST_CASE("a principal that does not match is told in Mesos's words") {
  CHECK(golden("a07-principal-mismatch.resp").ends_with(principal_mismatch("fw", "other")));
  CHECK(golden("a11-call-other-principal.resp").ends_with(principal_mismatch("fw2", "fw")));
  CHECK(principal_mismatch("fw", "fw").empty());
}

TEST_CASE("over TLS and with credentials agents register, and only the owner of a framework speaks for it") {
  const Folder folder;
  test::Authority authority;
  const test::Certificate certificate = authority.sign("IP:127.0.0.1");
  PocketOptions options;
  options.listen.port = 0;
  options.listen_more = {{"127.0.0.1", 0}};
  options.work_dir = folder.path;
  options.agents.resize(1);
  options.master_access = {net::tls_server({certificate.file, certificate.key_file, ""}).value(), kKnown};
  options.agent_access = {net::tls_client({certificate.file, ""}).value(), kKnown[1]};
  const auto pocket = Pocket::start(options).value();
  const auto security = net::tls_client({authority.file(), ""}).value();
  const auto client_of = [&](const wire::Endpoint& at) {
    return net::HttpClient(at, {20'000, 20'000}, net::kNumericOnly, security, at);
  };

  // Who asks comes before who leads: a follower refuses a stranger, and redirects the others.
  net::HttpClient follower = client_of(pocket->masters()[1]);
  CHECK(follower.exchange(call("{}", {}), false)->head.status == 401);
  CHECK(follower.exchange(call("{}", kKnown[0]), false)->head.status == 307);

  const std::string subscribe =
      R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"a")";
  net::HttpClient leader = client_of(pocket->master());
  const auto mismatch = leader.exchange(call(subscribe + R"(,"principal":"other"}}})", kKnown[0]), false);
  REQUIRE(mismatch);
  CHECK(mismatch->head.status == 400);
  CHECK(mismatch->body == "Failed to validate scheduler::Call: " + principal_mismatch("fw", "other"));

  net::HttpClient stream = client_of(pocket->master());
  const auto head = stream.open_stream(call(subscribe + "}}}", kKnown[0]));
  REQUIRE(head);
  REQUIRE(head->status == 200);
  std::string events;
  while (events.find("\"OFFERS\"") == std::string::npos) REQUIRE(stream.read_stream(events, 20'000));
  const std::size_t at = events.find("\"framework_id\":{\"value\":\"") + 25;
  const std::string id = events.substr(at, events.find('"', at) - at);
  const std::string revive = R"({"type":"REVIVE","framework_id":{"value":")" + id + R"("}})";
  const auto other = leader.exchange(call(revive, kKnown[1]), false);
  REQUIRE(other);
  CHECK(other->head.status == 400);
  CHECK(other->body == principal_mismatch("fw2", "fw"));
  wire::Request good = call(revive, kKnown[0]);
  good.headers.push_back(
      {"Mesos-Stream-Id", std::string(wire::find_header(head->headers, "Mesos-Stream-Id"))});
  CHECK(leader.exchange(good, false)->head.status == 202);
}

}  // namespace mimas::pocket
