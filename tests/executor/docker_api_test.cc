#include "executor/docker_api.h"

#include <doctest/doctest.h>

#include "base/base64.h"

namespace mimas::executor {
namespace {

TEST_CASE("the version spoken is the younger one that both know") {
  CHECK(*choose_docker_version(R"({"ApiVersion":"1.41","MinAPIVersion":"1.12"})") == 41);
  CHECK(*choose_docker_version(R"({"ApiVersion":"1.22"})") == 22);
  CHECK(*choose_docker_version(R"({"ApiVersion":"1.60","MinAPIVersion":"1.44"})") == kDockerMinorMax);
  const auto old = choose_docker_version(R"({"ApiVersion":"1.21"})");
  REQUIRE_FALSE(old.ok());
  CHECK(old.error().message == "Docker speaks API 1.0 to 1.21, mimas-executor speaks 1.22 to 1.51");
  CHECK_FALSE(choose_docker_version(R"({"ApiVersion":"1.99","MinAPIVersion":"1.52"})").ok());
  CHECK_FALSE(choose_docker_version("<html>").ok());
  CHECK_FALSE(choose_docker_version(R"({"ApiVersion":"2.0"})").ok());
  CHECK_FALSE(choose_docker_version("[]").ok());
}

TEST_CASE("a request names the version, and no word of it can break out of its line") {
  CHECK(docker_request_text({"GET", "/version", "", ""}, 0) ==
        "GET /version HTTP/1.1\r\nHost: docker\r\n\r\n");
  CHECK(docker_request_text({"POST", "/containers/x/start", "", ""}, 41) ==
        "POST /v1.41/containers/x/start HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n");
  CHECK(
      docker_request_text({"POST", "/a", "{}", "YQ=="}, 25) ==
      "POST /v1.25/a HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nX-Registry-Auth: YQ==\r\n"
      "Content-Length: 2\r\n\r\n{}");
  CHECK(docker_request_text({"GET", "/a\r\nX: y", "", ""}, 41).empty());
}

TEST_CASE("an image's name comes apart as Docker takes it apart") {
  const auto parts = [](const char* text) {
    const auto name = parse_image_name(text);
    return name.ok() ? name->name + " " + name->tag + " " + name->registry : name.error().message;
  };
  const std::string hub = "https://index.docker.io/v1/";
  CHECK(parts("redis") == "redis latest " + hub);
  CHECK(parts("me/redis:6") == "me/redis 6 " + hub);
  CHECK(parts("docker.io/me/redis:6") == "docker.io/me/redis 6 " + hub);
  CHECK(parts("127.0.0.1:5000/redis") == "127.0.0.1:5000/redis latest 127.0.0.1:5000");
  CHECK(parts("localhost/a/b:c") == "localhost/a/b c localhost");
  CHECK(parts("r.example/a@sha256:12") == "r.example/a sha256:12 r.example");
  CHECK(parts("r.example/a:tag@sha256:12") == "r.example/a sha256:12 r.example");
  CHECK_FALSE(parse_image_name("").ok());
  CHECK_FALSE(parse_image_name("a b").ok());
  CHECK_FALSE(parse_image_name(":x").ok());
  CHECK_FALSE(parse_image_name("a@").ok());
  CHECK_FALSE(parse_image_name(std::string(1001, 'a')).ok());
}

TEST_CASE("credentials are those of the image's own registry and of no other") {
  const std::string config = R"({"auths":{"r.example":{"auth":")" + base64_encode("ann:pass:word>>>???") +
                             R"("},"https://s.example":{"identitytoken":"tok"},"t.example":{}}})";
  std::string auth = registry_auth(config, "r.example");
  CHECK(auth.find_first_of("+/") == std::string::npos);
  for (char& c : auth) c = c == '-' ? '+' : c == '_' ? '/' : c;
  CHECK(*base64_decode(auth) ==
        R"({"username":"ann","password":"pass:word>>>???","serveraddress":"r.example"})");
  CHECK(*base64_decode(registry_auth(config, "s.example")) ==
        R"({"identitytoken":"tok","serveraddress":"s.example"})");
  CHECK(registry_auth(config, "t.example").empty());
  CHECK(registry_auth(config, "other.example").empty());
  CHECK(registry_auth("not json", "r.example").empty());
  CHECK(registry_auth(R"({"auths":[]})", "r.example").empty());
}

TEST_CASE("what will not change is told from what may") {
  CHECK(pull_fault_is_final(404, "manifest for a:b not found: manifest unknown"));
  CHECK(pull_fault_is_final(500, "unauthorized: incorrect username or password"));
  CHECK(pull_fault_is_final(400, "invalid reference format"));
  CHECK_FALSE(pull_fault_is_final(500, "dial tcp 127.0.0.1:5000: connect: connection refused"));
  CHECK_FALSE(pull_fault_is_final(0, "the connection was closed without an answer"));
  CHECK_FALSE(pull_fault_is_final(500, "toomanyrequests: slow down"));
  CHECK(start_fault_is_final(400, R"(exec: "/nope": stat /nope: no such file or directory: unknown)"));
  CHECK_FALSE(start_fault_is_final(500, "Bind for 0.0.0.0:80 failed: port is already allocated"));
}

TEST_CASE("a pull says how far it is, and why it failed") {
  PullReader reader;
  CHECK(reader.text().empty());
  reader.feed(R"({"status":"Pulling from a","id":"latest"})"
              "\r\n"
              R"({"status":"Pulling fs layer","id":"l1"})"
              "\n{\"sta");
  CHECK(reader.text() == "0 of 1 layers");
  reader.feed(R"(tus":"Downloading","progressDetail":{"current":3000000,"total":9000000},"id":"l1"})"
              "\n");
  reader.feed(R"({"status":"Already exists","id":"l2"})"
              "\nrubbish\n[]\n");
  CHECK(reader.text() == "1 of 2 layers, 3 of 9 MB");
  reader.feed(R"({"status":"Pull complete","id":"l1"})"
              "\n");
  CHECK(reader.text() == "2 of 2 layers, 9 of 9 MB");
  CHECK(reader.error().empty());
  reader.feed(R"({"errorDetail":{"message":"no"},"error":"no space left"})"
              "\n");
  CHECK(reader.error() == "no space left");
}

TEST_CASE("an inspection says how the container is") {
  const auto running = parse_container(
      R"({"Id":"4f","State":{"Status":"running","Running":true,"Pid":77,"ExitCode":0,"OOMKilled":false},
          "Config":{"Labels":{"a":"b","n":5},"User":"app","StopSignal":"SIGQUIT"},"NetworkSettings":{"IPAddress":"","Networks":{"x":{"IPAddress":"10.1.0.2"}}}})");
  REQUIRE(running.ok());
  CHECK(running->is == ContainerState::Is::running);
  CHECK(running->pid == 77);
  CHECK(running->ip == "10.1.0.2");
  CHECK(running->label("a") == "b");
  CHECK(running->label("n").empty());
  CHECK(running->user == "app");
  CHECK(running->stop_signal == "SIGQUIT");
  const auto exited =
      parse_container(R"({"Id":"4f","State":{"Status":"exited","ExitCode":137,"OOMKilled":true}})");
  REQUIRE(exited.ok());
  CHECK(exited->is == ContainerState::Is::exited);
  CHECK(exited->oom_killed);
  CHECK(parse_container(R"({"Id":"4f","State":{"Status":"created"}})")->is == ContainerState::Is::created);
  CHECK_FALSE(parse_container(R"({"Id":"4f"})").ok());
  CHECK_FALSE(parse_container(R"({"State":{"Status":"created"}})").ok());
  CHECK_FALSE(parse_container("").ok());
}

TEST_CASE("the one file of an archive is found behind heads of extensions, and nothing else is") {
  const auto block = [](const std::string& size, char type, const std::string& content) {
    std::string out(512, '\0');
    out.replace(0, 6, "passwd").replace(124, size.size(), size);
    out[156] = type;
    return out + content + std::string((512 - content.size() % 512) % 512, '\0');
  };
  CHECK(file_in_tar(block("00000000005", '0', "12345")) == "12345");
  CHECK(file_in_tar(block("00000000003", 'x', "a=b") + block("00000000005", '0', "12345")) == "12345");
  CHECK(file_in_tar(block("00000000000", '5', "")).empty());
  CHECK(file_in_tar(block("00000000000", '2', "") + block("00000000005", '0', "12345")).empty());
  CHECK(file_in_tar(block("77777777777", '0', "12345")).empty());
  CHECK(file_in_tar(block("77777777777", 'x', "12345")).empty());
  CHECK(file_in_tar(block("0000000000z", '0', "12345")).empty());
  CHECK(file_in_tar(std::string(2'000, '\0')).empty());
  CHECK(file_in_tar("").empty());
}

TEST_CASE("users that are others outside are known, or feared") {
  CHECK_FALSE(remaps_users(R"({"SecurityOptions":["name=apparmor","name=seccomp,profile=default"]})"));
  CHECK_FALSE(remaps_users(R"({"SecurityOptions":null})"));
  CHECK(remaps_users(R"({"SecurityOptions":["name=seccomp","name=userns"]})"));
  CHECK(remaps_users(R"({"SecurityOptions":["name=rootless"]})"));
  CHECK(remaps_users(""));
}

std::string frame(int stream, const std::string& text) {
  std::string out(8, '\0');
  out[0] = static_cast<char>(stream);
  out[6] = static_cast<char>(text.size() >> 8);
  out[7] = static_cast<char>(text.size() & 255);
  return out + text;
}

TEST_CASE("frames come apart wherever the bytes are cut") {
  const std::string all =
      frame(1, "out\n") + frame(1, "") + frame(2, "err") + frame(1, std::string(700, 'x'));
  for (std::size_t step = 1; step <= all.size(); step += step < 20 ? 1 : 97) {
    FrameReader reader;
    std::string texts[2];
    int begun = 0;
    for (std::size_t at = 0; at < all.size(); at += step) {
      std::string_view input = std::string_view(all).substr(at, step);
      FrameReader::Piece piece;
      for (;;) {
        const auto got = reader.next(input, piece);
        REQUIRE(got.ok());
        if (!*got) break;
        texts[piece.error_stream ? 1 : 0].append(piece.bytes);
        begun += piece.begins ? 1 : 0;
      }
      CHECK(input.empty());
    }
    CHECK(texts[0] == "out\n" + std::string(700, 'x'));
    CHECK(texts[1] == "err");
    CHECK(begun == 3);
  }
  FrameReader reader;
  std::string_view terminal = "plain text of a terminal";
  FrameReader::Piece piece;
  CHECK_FALSE(reader.next(terminal, piece).ok());
}

}  // namespace
}  // namespace mimas::executor
