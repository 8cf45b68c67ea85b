// Credentials and hostile peers, rules 129, 135 and 136 of the conformance list.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <vector>

#include "ear.h"
#include "http/listener.h"
#include "mesos/subscription.h"
#include "net/http_client.h"
#include "wire/credentials.h"

using namespace mimas;
using namespace mimas::mesos;
using rules::Talk;
using scripted::Connection;

namespace {

// --- rule 129

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// As many descriptors as this process may have; answers how many connections, both ends here, that is.
int connections_possible(int wanted) {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return static_cast<int>(std::min<rlim_t>(wanted, (limit.rlim_cur - 200) / 2));
}

// Peers that have said half of a request and say no more.
class SlowPeers {
 public:
  SlowPeers(std::uint16_t port, int count) {
    for (int i = 0; i < count; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      REQUIRE(fd >= 0);
      peers_.push_back(fd);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
      const std::string half = "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
      (void)!::send(fd, half.data(), half.size(), MSG_NOSIGNAL);
    }
  }
  ~SlowPeers() {
    for (const int fd : peers_) ::close(fd);
  }
  SlowPeers(const SlowPeers&) = delete;

 private:
  std::vector<int> peers_;
};

// Asks on a fresh connection until somebody has time; the test's own limit ends what never comes.
void expect_served(const wire::Endpoint& at) {
  for (int i = 0; i < 2'000; ++i) {
    net::HttpClient client(at, {5'000, 5'000});
    const auto response = client.exchange({}, false);
    if (response && response->head.status == 200) {
      CHECK(response->body == "served");
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("nobody else was served");
}

// --- rules 135 and 136

DriverOptions options_for(const scripted::Master& master) {
  DriverOptions options;
  options.masters = {master.endpoint()};
  options.codec = v1::MediaType::json;
  options.executor_base_url = "http://127.0.0.1:1";
  options.default_arch = "x86_64";
  options.principal = "fw";
  options.authorization = wire::basic_authorization({"fw", "secret"});
  return options;
}

wire::ResponseHead redirect_to(const std::string& location) {
  wire::ResponseHead head;
  head.status = 307;
  head.headers = {{"Location", location}};
  return head;
}

}  // namespace

TEST_CASE(
    "rule 129: half requests by the thousand and endless bodies take bounded memory, and others are served") {
  http::Options options;
  options.listen = {"127.0.0.1", 0};
  options.workers = 96;
  std::atomic<std::size_t> longest{0};
  const auto listener = http::Listener::open(options, [&](const http::Request& request) {
                          longest = std::max(longest.load(), request.body.size());
                          http::Reply reply;
                          reply.body = "served";
                          return reply;
                        }).value();
  const wire::Endpoint at{"127.0.0.1", listener->port()};
  expect_served(at);
  const std::size_t before = resident_bytes();
  const SlowPeers slow(at.port, connections_possible(10'000));
  for (int i = 0; i < 5; ++i) expect_served(at);
  CHECK(resident_bytes() < before + (128u << 20));

  for (const char* length : {"Content-Length: 10000000000\r\n", "Transfer-Encoding: chunked\r\n"}) {
    CAPTURE(length);
    Connection sender([&] {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(at.port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
      return fd;
    }());
    sender.write("POST / HTTP/1.1\r\nHost: localhost\r\n" + std::string(length) + "\r\n");
    const std::string piece = rules::chunk(std::string(64u << 10, 'x'));
    for (int i = 0; i < 1'000; ++i)
      sender.write(piece);  // 64 MiB: the limit is 1 MiB; what is refused is lost
    expect_served(at);
  }
  CHECK(longest <= options.body_bytes_max);
  CHECK(resident_bytes() < before + (128u << 20));
}

TEST_CASE(
    "rule 135: a line break in principal, stream id or a redirect's host reaches neither wire nor engine") {
  for (const char* bad : {"fw\r\nX: y", "fw\n", "\rfw"}) {
    CHECK_FALSE(wire::check_credentials({bad, "secret"}));
    CHECK_FALSE(wire::check_credentials({"fw", bad}));
    // Even unchecked, the header is one line.
    CHECK(wire::basic_authorization({bad, bad}).find_first_of("\r\n") == std::string::npos);
  }
  Talk talk;
  for (const std::string& head :
       {std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: "
                    "application/json\r\nMesos-Stream-Id: a\rX-Injected: y\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: "
                    "application/json\r\nMesos-Stream-Id: a") +
            '\0' + "b\r\n\r\n",
        std::string("HTTP/1.1 307 X\r\nLocation: //evil\r.example:5050/\r\n"
                    "Content-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 307 X\r\nLocation: //evil%0d%0a:5050/\r\n"
                    "Content-Length: 0\r\n\r\n")}) {
    CAPTURE(head);
    Connection stream = talk.asked();
    stream.write(head);
    stream.event(rules::kSubscribed);
    // The next attempt comes to the same master: nothing of this one was believed.
  }
  CHECK(talk.ear.quiet());
  Connection stream = talk.subscribe("stream-2");
  talk.driver->send(engine::ReviveOffers{});
  Connection calls = talk.master.accept();
  CHECK(calls.read_request().header("Mesos-Stream-Id") == "stream-2");
}

TEST_CASE("rule 136: credentials go to the masters named, and to others only when they are allowed") {
  scripted::Master own;
  scripted::Master foreign;
  const std::string location = "Location: //" + foreign.endpoint().text() + "/api/v1/scheduler\r\n";
  {
    rules::Ear ear;
    Driver driver(options_for(own), ear.hooks());
    driver.start();
    Connection first = own.accept();
    CHECK(first.read_request().header("Authorization") == "Basic Znc6c2VjcmV0");
    first.answer(307, "", location);
    Connection second = foreign.accept();
    CHECK(second.read_request().header("Authorization").empty());
    second.answer(401, "401 Unauthorized.");
    // Not the end: the masters named may elect one of their own.
    ear.line_with("not among the masters they may be sent to");
    Connection again = own.accept();
    CHECK(again.read_request().header("Authorization") == "Basic Znc6c2VjcmV0");
  }
  {
    rules::Ear ear;
    DriverOptions options = options_for(own);
    options.credential_hosts = {foreign.endpoint()};
    Driver driver(options, ear.hooks());
    driver.start();
    Connection first = own.accept();
    first.read_request();
    first.answer(307, "", location);
    Connection second = foreign.accept();
    CHECK(second.read_request().header("Authorization") == "Basic Znc6c2VjcmV0");
  }
  // A redirect never leads to another scheme: neither out of TLS nor, with a promise nobody checks, into it.
  for (const bool tls : {true, false}) {
    CAPTURE(tls);
    Subscription machine({.masters = {{"a", 1}}, .tls = tls, .authenticates = true}, Prng(1));
    for (int i = 0; i < 3; ++i) {
      const Attempt attempt = machine.next_attempt(0);
      CHECK(attempt.to == wire::Endpoint{"a", 1});
      CHECK(attempt.credentials);
      machine.answered(attempt.generation, redirect_to(tls ? "http://a:2/" : "https://a:2/"), "", 0);
    }
  }
}
