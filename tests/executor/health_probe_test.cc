// Questions of health checks over real sockets of the loopback interface.
#include "executor/health_probe.h"

#include <doctest/doctest.h>

#include "executor/health_server.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

HealthCheck http_check(std::uint16_t port) {
  HealthCheck check;
  check.kind = HealthCheck::Kind::http;
  check.port = port;
  check.path = "/health?deep=1";
  return check;
}

// Until the question is over; the deadline is generous, for a machine may be busy.
void finish(NetworkProbe& probe, HealthServer& server) {
  const std::int64_t deadline = net::monotonic_ms() + 30'000;
  while (!probe.over() && net::monotonic_ms() < deadline) {
    std::vector<pollfd> polled;
    probe.add_to(polled);
    ::poll(polled.data(), polled.size(), 5);
    server.serve();
    probe.pump();
  }
  REQUIRE(probe.over());
}

struct Asked {
  bool good = false;
  std::string message;
};
Asked ask(const HealthCheck& check, HealthServer& server,
          std::vector<std::string> addresses = {"127.0.0.1"}) {
  NetworkProbe probe(check, {std::move(addresses), static_cast<std::uint16_t>(check.port)});
  finish(probe, server);
  return {probe.good(), probe.message()};
}

TEST_CASE("an http check asks for its path and goes by the status") {
  HealthServer server;
  REQUIRE(server.listening());
  CHECK(ask(http_check(server.port()), server).good);
  CHECK(server.heard.starts_with("GET /health?deep=1 HTTP/1.1\r\n"));
  CHECK(server.heard.find("Host: 127.0.0.1:" + std::to_string(server.port())) != std::string::npos);
  struct Case {
    int status;
    bool good;
  };
  for (const Case& one : {Case{200, true},
                          {204, true},
                          {302, true},
                          {399, true},
                          {400, false},
                          {404, false},
                          {500, false},
                          {503, false}}) {
    server.answer = "HTTP/1.1 " + std::to_string(one.status) + " X\r\nLocation: http://127.0.0.1:1/\r\n\r\n";
    const Asked asked = ask(http_check(server.port()), server);
    CHECK(asked.good == one.good);
    CHECK(asked.message == "status " + std::to_string(one.status));
  }
  CHECK(server.connections == 9);  // no redirect was followed
}

TEST_CASE("an interim answer is not the answer") {
  HealthServer server;
  server.answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n";
  CHECK(ask(http_check(server.port()), server).message == "status 503");
}

TEST_CASE("what is no answer in HTTP is bad") {
  HealthServer server;
  server.answer = "SSH-2.0-OpenSSH_9.2\r\n";
  const Asked asked = ask(http_check(server.port()), server);
  CHECK_FALSE(asked.good);
  CHECK(asked.message.starts_with("not an answer in HTTP"));
}

TEST_CASE("of a head without end 4 KiB are read") {
  HealthServer server;
  server.answer = "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x');
  CHECK(ask(http_check(server.port()), server).message == "the head of its answer is larger than 4 KiB");
}

TEST_CASE("a connection that is closed without an answer is bad") {
  HealthServer server;
  server.hang_up = true;
  const Asked asked = ask(http_check(server.port()), server);
  CHECK_FALSE(asked.good);
  server.hang_up = false;
  server.answer = "HTTP/1.1 200 OK\r\nContent-";
  CHECK(ask(http_check(server.port()), server).message == "closed within its answer");
}

TEST_CASE("a tcp check is content with a connection") {
  HealthServer server;
  server.silent = true;
  HealthCheck check = http_check(server.port());
  check.kind = HealthCheck::Kind::tcp;
  CHECK(ask(check, server).good);
  server.stop_listening();
  const Asked asked = ask(check, server);
  CHECK_FALSE(asked.good);
  CHECK(asked.message == "Connection refused");
}

TEST_CASE("a task that serves IPv6 alone is found there") {
  HealthServer server(true);
  if (!server.listening()) {
    MESSAGE("not run: this machine has no IPv6 loopback");
    return;
  }
  CHECK(ask(http_check(server.port()), server, {"127.0.0.1", "::1"}).good);
  CHECK(server.heard.find("Host: [::1]:") != std::string::npos);
  server.stop_listening();
  CHECK(ask(http_check(server.port()), server, {"127.0.0.1", "::1"}).message == "Connection refused");
}

TEST_CASE("what is no address is said to be none") {
  HealthServer server;
  CHECK(ask(http_check(server.port()), server, {"localhost"}).message == "'localhost' is not an address");
}

TEST_CASE("a question that gets no answer stays open, for the caller to give up") {
  HealthServer server;
  server.silent = true;
  NetworkProbe probe(http_check(server.port()), {{"127.0.0.1"}, server.port()});
  for (int i = 0; i < 1000 && server.heard.empty(); ++i) {
    std::vector<pollfd> polled;
    probe.add_to(polled);
    ::poll(polled.data(), polled.size(), 20);
    server.serve();
    probe.pump();
  }
  CHECK_FALSE(server.heard.empty());
  probe.pump();
  CHECK_FALSE(probe.over());
}

TEST_CASE("the address is the task's own where it has one, and the container's port behind a mapping") {
  HealthCheck check;
  check.port = 31'000;
  TaskSpec process;
  CHECK(target_of(check, process, {}).addresses == std::vector<std::string>{"127.0.0.1", "::1"});
  CHECK(target_of(check, process, {}).port == 31'000);
  RunFacts facts;
  facts.ip = "10.1.2.3";
  CHECK(target_of(check, process, facts).addresses == std::vector<std::string>{"10.1.2.3"});
  CHECK(target_of(check, process, facts).port == 31'000);

  TaskSpec docker;
  docker.runtime = RuntimeKind::docker;
  docker.container.ports = {{80, 31'000, false}, {53, 31'001, true}};
  CHECK(target_of(check, docker, {}).port == 31'000);  // in the host's network
  CHECK(target_of(check, docker, facts).port == 80);
  check.port = 31'001;
  CHECK(target_of(check, docker, facts).port == 31'001);  // only udp goes there
}

}  // namespace
}  // namespace mimas::executor
