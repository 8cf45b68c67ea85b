// A client against a scripted peer: a thread with a listening socket on 127.0.0.1, port 0. Deadlines are long
// where they must not strike and short where they must.
#include "net/http_client.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <functional>
#include <future>
#include <thread>

#include "net/clock.h"

using namespace mimas;
using namespace mimas::net;

namespace {

// One accepted connection, blocking, as the script sees it.
class Line {
 public:
  explicit Line(int fd) : fd_(fd) {}
  ~Line() { ::close(fd_); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // Reads one request: its head and, if it states a length, its body. Empty when the client closed.
  std::string request() {
    std::string got;
    while (got.find("\r\n\r\n") == std::string::npos && more(got)) {
    }
    const auto at = got.find("Content-Length: ");
    const auto end = got.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    const std::size_t body = at < end ? std::stoul(got.substr(at + 16)) : 0;
    while (got.size() < end + 4 + body && more(got)) {
    }
    return got;
  }
  void say(const std::string& bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  bool closed_by_peer() {
    char byte;
    return ::recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  bool more(std::string& into) {
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  int fd_;
};

using Script = std::function<void(Line&)>;

// Plays one script per connection, in order, then stops listening.
class Peer {
 public:
  explicit Peer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    to_ = {"127.0.0.1", ntohs(address.sin_port)};
    thread_ = std::thread([this] {
      for (Script& script : scripts_) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        ++accepted_;
        Line line(fd);
        script(line);
      }
    });
  }
  ~Peer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const wire::Endpoint& to() const { return to_; }
  int accepted() const { return accepted_; }

 private:
  std::vector<Script> scripts_;
  int listener_ = -1;
  wire::Endpoint to_;
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

const Timeouts kPatient{10'000, 10'000};
const std::string kOk = "HTTP/1.1 200 OK\r\n";

wire::Request get(std::string target = "/") {
  wire::Request request;
  request.target = std::move(target);
  return request;
}

wire::Request post(std::string body) {
  wire::Request request;
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

std::string answer(const std::string& body) {
  return kOk + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("exchanges share one connection, and the peer sees Host and body") {
  std::string first;
  Peer peer({[&](Line& line) {
    first = line.request();
    line.say(answer("one"));
    line.request();
    line.say(answer("two"));
  }});
  {
    HttpClient client(peer.to(), kPatient);
    auto one = client.exchange(post("{}"), false);
    REQUIRE(one.ok());
    CHECK(one->body == "one");
    CHECK(one->head.status == 200);
    CHECK(client.exchange(get(), false)->body == "two");
  }
  CHECK(peer.accepted() == 1);
  CHECK(first == "POST / HTTP/1.1\r\nHost: " + peer.to().text() + "\r\nContent-Length: 2\r\n\r\n{}");
}

TEST_CASE("a connection the peer will close is not used again") {
  Peer peer({[](Line& line) {
               line.request();
               line.say(kOk + "Connection: close\r\nContent-Length: 1\r\n\r\na");
             },
             [](Line& line) {
               line.request();
               line.say(kOk + "\r\nuntil close");
             }});
  HttpClient client(peer.to(), kPatient);
  CHECK(client.exchange(get(), false)->body == "a");
  CHECK(client.fd() == -1);
  CHECK(client.exchange(get(), false)->body == "until close");
}

TEST_CASE("on a kept connection that dies unanswered a repeatable call is sent once more") {
  const Script hang_up_on_second = [](Line& line) {
    line.request();
    line.say(answer("1"));
    line.request();
  };
  Peer peer({hang_up_on_second, [](Line& line) {
               CHECK(line.request().ends_with("again"));
               line.say(answer("2"));
             }});
  HttpClient client(peer.to(), kPatient);
  REQUIRE(client.exchange(get(), true).ok());
  auto second = client.exchange(post("again"), true);
  REQUIRE(second.ok());
  CHECK(second->body == "2");
}

TEST_CASE("a call that is not repeatable is not sent twice, nor one whose answer had begun") {
  for (const bool begun : {false, true}) {
    CAPTURE(begun);
    Peer peer({[begun](Line& line) {
                 line.request();
                 line.say(answer("1"));
                 line.request();
                 if (begun) line.say("HTTP/1.1 2");
               },
               [](Line&) {}});
    HttpClient client(peer.to(), kPatient);
    REQUIRE(client.exchange(get(), true).ok());
    CHECK_FALSE(client.exchange(post("accept"), begun).ok());
    CHECK(peer.accepted() == 1);
  }
}

TEST_CASE("a fresh connection that dies unanswered is not tried again") {
  Peer peer({[](Line& line) { line.request(); }, [](Line&) {}});
  HttpClient client(peer.to(), kPatient);
  auto got = client.exchange(get(), true);
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().where == peer.to().text());
  CHECK(peer.accepted() == 1);
}

TEST_CASE("a head that drips is cut off at its deadline") {
  std::promise<void> over;
  Peer peer({[&](Line& line) {
    line.request();
    line.say("HTTP/1.1 200 OK\r\nX: ");
    CHECK(line.closed_by_peer());
    over.set_value();
  }});
  HttpClient client(peer.to(), {10'000, 50});
  auto got = client.exchange(get(), true);
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().code == Code::timeout);
  over.get_future().wait();
}

TEST_CASE("bytes behind an answer cost the peer its connection") {
  Peer peer({[](Line& line) {
               line.request();
               line.say(answer("a") + "junk");
               CHECK(line.closed_by_peer());
             },
             [](Line& line) {
               line.request();
               line.say(answer("b"));
             }});
  HttpClient client(peer.to(), kPatient);
  CHECK(client.exchange(get(), false)->body == "a");
  CHECK(client.exchange(get(), false)->body == "b");
}

TEST_CASE("a stream gives its head first, then bytes as they come, then its end") {
  std::promise<void> go_on;
  Peer peer({[&](Line& line) {
    line.request();
    line.say(kOk + "Transfer-Encoding: chunked\r\nMesos-Stream-Id: x\r\n\r\n");
    go_on.get_future().wait();
    line.say("5\r\nhello\r\n");
    line.say("0\r\n\r\n");
    CHECK(line.closed_by_peer());  // rule 14: the end is seen although this side keeps the line open
  }});
  HttpClient client(peer.to(), kPatient);
  auto head = client.open_stream(post("{}"));
  REQUIRE(head.ok());
  CHECK(wire::find_header(head->headers, "Mesos-Stream-Id") == "x");
  std::string body;
  auto silent = client.read_stream(body, 0);
  REQUIRE_FALSE(silent.ok());
  CHECK(silent.error().code == Code::timeout);
  go_on.set_value();
  CHECK(*client.read_stream(body, 10'000));
  while (*client.read_stream(body, 10'000)) {
  }
  CHECK(body == "hello");
  CHECK_FALSE(*client.read_stream(body, 10'000));
  client.close();
}

TEST_CASE("a stream that is closed without its last chunk ends with an error") {
  Peer peer({[](Line& line) {
    line.request();
    line.say(kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  }});
  HttpClient client(peer.to(), kPatient);
  REQUIRE(client.open_stream(get()).ok());
  std::string body;
  CHECK(*client.read_stream(body, 10'000));
  CHECK(body == "hello");
  const auto ended = client.read_stream(body, 10'000);
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.error().code == Code::protocol);
  CHECK_FALSE(client.read_stream(body, 10'000).ok());
}

TEST_CASE("an exchange after a stream uses a connection of its own") {
  Peer peer({[](Line& line) {
               line.request();
               line.say(kOk + "Transfer-Encoding: chunked\r\n\r\n");
             },
             [](Line& line) {
               line.request();
               line.say(answer("b"));
             }});
  HttpClient client(peer.to(), kPatient);
  REQUIRE(client.open_stream(get()).ok());
  CHECK(client.exchange(get(), false)->body == "b");
}

TEST_CASE("an interrupt ends a blocked call, and one that comes early ends the next") {
  std::promise<void> asked;
  Peer peer({[&](Line& line) {
               line.request();
               asked.set_value();
               CHECK(line.closed_by_peer());
             },
             [](Line& line) {
               line.request();
               line.say(answer("ok"));
             }});
  HttpClient client(peer.to(), {10'000, 60'000});
  std::thread other([&] {
    asked.get_future().wait();
    client.interrupt();
  });
  auto got = client.exchange(get(), true);
  other.join();
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().message == "interrupted");
  client.interrupt();
  CHECK(client.exchange(get(), true).error().message == "interrupted");
  CHECK(client.exchange(get(), true)->body == "ok");
}

TEST_CASE("nobody listening is an error that names the address") {
  wire::Endpoint to;
  {
    Peer peer({});
    to = peer.to();
  }
  HttpClient client(to, kPatient);
  auto got = client.exchange(get(), true);
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().code == Code::unavailable);
  CHECK(got.error().where == to.text());
}

TEST_CASE("a request with a line break never reaches the wire") {
  Peer peer({});
  HttpClient client(peer.to(), kPatient);
  CHECK(client.exchange(get("/\r\nX: y"), true).error().code == Code::invalid_argument);
  CHECK(client.open_stream(get("/\n")).error().code == Code::invalid_argument);
  CHECK(peer.accepted() == 0);
}

TEST_CASE("a refusal in the middle of a long body is heard") {
  Peer peer({[](Line& line) {
    line.say("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    line.request();
  }});
  HttpClient client(peer.to(), kPatient);
  auto got = client.exchange(post(std::string(1u << 20, 'x')), false);
  REQUIRE(got.ok());
  CHECK(got->head.status == 413);
}

TEST_CASE("a proxy named in the environment is not used") {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  Peer peer({[](Line& line) {
    CHECK(line.request().starts_with("GET /x HTTP/1.1\r\n"));
    line.say(answer("direct"));
  }});
  HttpClient client(peer.to(), kPatient);
  CHECK(client.exchange(get("/x"), false)->body == "direct");
  ::unsetenv("http_proxy");
}
