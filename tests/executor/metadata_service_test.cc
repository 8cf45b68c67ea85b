#include "executor/metadata_service.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "executor/children.h"
#include "net/clock.h"
#include "wire/endpoint.h"

extern char** environ;  // NOLINT: POSIX's name

namespace {

using namespace mimas;
using namespace mimas::executor;

Instant now() { return Instant{net::monotonic_ms()}; }

TaskOrder order(const std::string& id) {
  TaskOrder made;
  made.task_id = id;
  made.spec.tags = {{"job", "mimas-1"}};
  return made;
}

std::string variable(const TaskOrder& order, const std::string& name) {
  for (const std::string& entry : order.environment) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return {};
}

net::Socket connect_to(const TaskOrder& order) {
  const auto url = wire::parse_url(variable(order, "MIMAS_METADATA_URL"));
  REQUIRE(url.ok());
  auto socket = net::Socket::connect(url->endpoint, 5'000);
  REQUIRE(socket.ok());
  return std::move(socket).value();
}

// The loop's share, until `done` says so.
template <class Done>
void turn(MetadataService& service, std::vector<PartNews>& news, Done done) {
  while (!done()) {
    std::vector<pollfd> polled;
    service.add_to(polled);
    (void)::poll(polled.data(), polled.size(), 5);
    int status = 0;
    pid_t pid;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      helper_ended(pid);
      service.child_ended(pid, status, now());
    }
    service.pump(now(), news);
  }
}

std::string ask(MetadataService& service, const TaskOrder& order, const std::string& request) {
  net::Socket socket = connect_to(order);
  REQUIRE(socket.write_all(request, 5'000).ok());
  std::string answer;
  std::vector<PartNews> news;
  turn(service, news, [&] {
    char bytes[512];
    const auto got = socket.read_some(bytes, sizeof bytes, 0);
    if (got.ok()) answer.append(bytes, *got);
    return (got.ok() && *got == 0) || (!got.ok() && got.error().code != Code::timeout);
  });
  return answer;
}

std::string get(MetadataService& service, const TaskOrder& order, const std::string& path,
                const std::string& headers = "") {
  return ask(service, order, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
}

TEST_CASE("each task has an address of its own and learns about itself alone") {
  MetadataService service({}, environ, &net::random_bytes);
  TaskOrder first = order("task-1");
  TaskOrder second = order("task-2");
  service.starting(first, now());
  service.starting(second, now());
  RunFacts facts;
  facts.ip = "10.1.1.9";
  service.started(second, facts, now());
  CHECK(variable(first, "MIMAS_METADATA_URL") != variable(second, "MIMAS_METADATA_URL"));
  CHECK(get(service, first, "/latest/meta-data/instance-id").ends_with("\r\n\r\ntask-1"));
  CHECK(get(service, second, "/latest/meta-data/local-ipv4").ends_with("\r\n\r\n10.1.1.9"));
  CHECK(get(service, first, "/v1/credentials").starts_with("HTTP/1.1 404 "));
  CHECK(ask(service, first, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").ends_with("\r\n\r\n"));
  service.ended("task-1", {}, now());
  const auto url = wire::parse_url(variable(first, "MIMAS_METADATA_URL"));
  CHECK_FALSE(net::Socket::connect(url->endpoint, 1'000).ok());
  CHECK(get(service, second, "/").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("rubbish, and more than a request may be, is refused") {
  MetadataService service({}, environ, &net::random_bytes);
  TaskOrder task = order("task-1");
  service.starting(task, now());
  CHECK(ask(service, task, "rubbish\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(ask(service, task, "GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_CASE("who says nothing is let go, and does not keep others out") {
  MetadataService service({}, environ, &net::random_bytes);
  TaskOrder task = order("task-1");
  service.starting(task, now());
  std::vector<net::Socket> silent;
  for (std::size_t i = 0; i < kMetadataConnectionsMax; ++i) silent.push_back(connect_to(task));
  std::vector<PartNews> news;
  service.pump(now(), news);
  std::vector<pollfd> polled;
  service.add_to(polled);
  CHECK(polled.size() == kMetadataConnectionsMax);  // no more are taken now
  service.pump(now() + kMetadataConnectionMs, news);
  CHECK(get(service, task, "/").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("the provider is asked with the identity, by who knows the token, and once in a while") {
  char folder[] = "/tmp/mimas-metadata-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string script = std::string(folder) + "/provider";
  std::ofstream(script) << "#!/bin/sh\necho asked >>" << folder
                        << "/count\nread -r identity\nprintf '{\"for\":%s}' \"$identity\"\n";
  ::chmod(script.c_str(), 0755);
  MetadataOptions options;
  options.provider = script;
  MetadataService service(options, environ, &net::random_bytes);
  TaskOrder task = order("task-1");
  service.starting(task, now());
  CHECK(get(service, task, "/v1/credentials").starts_with("HTTP/1.1 403 "));
  const std::string authorization =
      "Authorization: " + variable(task, "AWS_CONTAINER_AUTHORIZATION_TOKEN") + "\r\n";
  for (int i = 0; i < 2; ++i) {
    const std::string answer = get(service, task, "/v1/credentials", authorization);
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.find("{\"for\":{\"task\":\"task-1\"") != std::string::npos);
  }
  std::ifstream count(std::string(folder) + "/count");
  std::string asked{std::istreambuf_iterator<char>(count), {}};
  CHECK(asked == "asked\n");

  std::ofstream(script) << "#!/bin/sh\necho out of keys; exit 1\n";
  TaskOrder other = order("task-2");
  service.starting(other, now());
  const std::string refused = get(service, other, "/v1/credentials",
                                  "Authorization: " + variable(other, "MIMAS_METADATA_TOKEN") + "\r\n");
  CHECK(refused.starts_with("HTTP/1.1 502 "));
  CHECK(refused.find("out of keys") == std::string::npos);  // that is for the operator
  for (const char* name : {"/provider", "/count"}) ::unlink((std::string(folder) + name).c_str());
  ::rmdir(folder);
}

TEST_CASE("an address that cannot be listened on costs the service, not the task") {
  MetadataOptions options;
  options.listen = "192.0.2.1";  // TEST-NET-1: nobody's
  MetadataService service(options, environ, &net::random_bytes);
  TaskOrder task = order("task-1");
  service.starting(task, now());
  CHECK(task.environment.empty());
  std::vector<PartNews> news;
  service.pump(now(), news);
  REQUIRE(news.size() == 1);
  CHECK(std::get<Lines>(news[0]).text.find("192.0.2.1") != std::string::npos);
}

}  // namespace
