#include "executor/metadata.h"

#include <doctest/doctest.h>

namespace {

using namespace mimas::executor;

const Identity kIdentity{
    "mimas-1-worker-0-0", "pi-3", "10.0.3.7", {{"job", "mimas-1"}, {"index", "0"}, {"app", "web"}}};

MetadataReply get(std::string path, std::string authorization = {}, bool provider = true) {
  return answer({"GET", std::move(path), std::move(authorization)}, kIdentity, "secret", provider);
}

TEST_CASE("options: both, one, none; what is not understood is named") {
  CHECK(*parse_metadata("") == MetadataOptions{});
  CHECK(*parse_metadata("listen=172.17.0.1,credentials=/usr/bin/keys") ==
        MetadataOptions{"172.17.0.1", "/usr/bin/keys"});
  CHECK(*parse_metadata("listen=fd00::1") == MetadataOptions{"fd00::1", ""});
  for (const char* wrong :
       {"listen=docker0", "listen=", "credentials=keys", "credentials", "port=80", ",", "listen=1.2.3.4,"}) {
    CAPTURE(wrong);
    const auto parsed = parse_metadata(wrong);
    if (std::string(wrong) == "listen=1.2.3.4,") {
      CHECK(parsed.ok());  // a comma at the end says nothing more
      continue;
    }
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().where == "--metadata");
  }
}

TEST_CASE("a request head is read, and only its authorization is kept") {
  const auto request =
      parse_request("GET /v1/identity?x=1 HTTP/1.1\r\nHost: 127.169.1.2:80\r\nauthorization:  abc \r\n\r\n");
  REQUIRE(request.ok());
  CHECK(request->method == "GET");
  CHECK(request->path == "/v1/identity");
  CHECK(request->authorization == "abc");
  for (const char* wrong :
       {"", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", "GET identity HTTP/1.1\r\n\r\n", "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 1.2.3.4\r\nno colon\r\n\r\n", "GET http://x/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization : x\r\n\r\n"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_request(wrong).ok());
  }
}

TEST_CASE("a task finds itself under our names and under EC2's") {
  CHECK(
      get("/v1/identity").body ==
      R"({"task":"mimas-1-worker-0-0","host":"pi-3","ip":"10.0.3.7","tags":{"job":"mimas-1","index":"0","app":"web"}})");
  CHECK(get("/latest/meta-data/instance-id").body == "mimas-1-worker-0-0");
  CHECK(get("/latest/meta-data/local-ipv4").body == "10.0.3.7");
  CHECK(get("/latest/meta-data/hostname").body == "pi-3");
  CHECK(get("/latest/meta-data/ami-launch-index").body == "0");
  CHECK(get("/latest/meta-data/tags/instance/").body == "job\nindex\napp\n");
  CHECK(get("/latest/meta-data/tags/instance/app").body == "web");
  CHECK(get("/latest/meta-data").body == get("/latest/meta-data/").body);
  for (const char* name : {"/", "/latest/meta-data/", "/latest/meta-data/tags/"})
    CHECK(get(name).status == 200);
  for (const char* name :
       {"/v1", "/latest/meta-data/ami-id", "/latest/meta-data/tags/instance/none", "/latest"})
    CHECK(get(name).status == 404);
}

TEST_CASE("credentials are for who knows the token, and only where there is a provider") {
  CHECK(get("/v1/credentials").status == 403);
  CHECK(get("/v1/credentials", "secreT").status == 403);
  CHECK(get("/v1/credentials", "secret1").status == 403);
  CHECK(get("/v1/credentials", "secret").ask_provider);
  CHECK(get("/v1/credentials", "secret", false).status == 404);
  CHECK_FALSE(get("/v1/credentials", "secret", false).ask_provider);
}

TEST_CASE("nothing can be changed") {
  CHECK(answer({"PUT", "/latest/api/token", ""}, kIdentity, "secret", true).status == 200);
  CHECK(answer({"POST", "/v1/identity", ""}, kIdentity, "secret", true).status == 405);
  CHECK(answer({"PUT", "/v1/credentials", "secret"}, kIdentity, "secret", true).status == 405);
}

TEST_CASE("the token is in the environment only where it opens something") {
  CHECK(metadata_environment("http://a:1", "t", false) ==
        std::vector<std::string>{"MIMAS_METADATA_URL=http://a:1",
                                 "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://a:1"});
  CHECK(metadata_environment("http://a:1", "t", true).size() == 5);
}

}  // namespace
