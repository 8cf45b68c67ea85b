// The HTTP client over TLS against a scripted server: a thread that plays one script per connection.
#include "net/tls.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "net/certificates.h"
#include "net/clock.h"
#include "net/http_client.h"

using namespace mimas;
using namespace mimas::net;

namespace {

// The server's side of one connection, blocking. Without a Security it speaks plain.
class Line {
 public:
  Line(int fd, const Security* security) : fd_(fd) {
    if (security == nullptr) return;
    session_ = security->begin("").value();
    for (bool done = false; !done;) {
      const auto shaken = session_->shake_hands();
      flush();
      if (!shaken) return;
      done = *shaken;
      if (!done && !take()) return;
    }
    secured_ = true;
  }
  ~Line() { ::close(fd_); }
  Line(const Line&) = delete;

  bool secured() const { return secured_; }
  std::string request() {
    std::string got;
    while (got.find("\r\n\r\n") == std::string::npos && more(got)) {
    }
    return got;
  }
  void say(const std::string& bytes) {
    if (session_ == nullptr) return send_raw(bytes);
    (void)session_->write(bytes);
    flush();
  }
  void goodbye() {
    session_->end();
    flush();
  }
  void send_raw(const std::string& bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  std::string encrypt(const std::string& bytes) {
    (void)session_->write(bytes);
    return session_->give();
  }
  bool wait_closed() {
    std::string ignored;
    while (more(ignored)) {
    }
    return true;
  }

 private:
  void flush() { send_raw(session_->give()); }
  bool take() {
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    return got > 0 && session_->take({buffer, static_cast<std::size_t>(got)});
  }
  bool more(std::string& into) {
    char buffer[4096];
    if (session_ == nullptr) {
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
      return got > 0;
    }
    for (;;) {
      const auto got = session_->read(buffer, sizeof buffer);
      if (!got || session_->ended()) return false;
      if (*got > 0) {
        into.append(buffer, *got);
        return true;
      }
      if (!take()) return false;
    }
  }

  int fd_;
  bool secured_ = false;
  std::unique_ptr<SecureSession> session_;
};

using Script = std::function<void(Line&)>;

class Server {
 public:
  Server(std::shared_ptr<const Security> security, std::vector<Script> scripts)
      : scripts_(std::move(scripts)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, security = std::move(security)] {
      for (Script& script : scripts_) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        Line line(fd, security.get());
        script(line);
      }
    });
  }
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Server(const Server&) = delete;

  wire::Endpoint at(std::string host = "127.0.0.1") const { return {std::move(host), port_}; }

 private:
  std::vector<Script> scripts_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

constexpr Timeouts kPatient{10'000, 10'000};
const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const Script kAnswer = [](Line& line) {
  if (!line.secured() || line.request().empty()) return;
  line.say(kHello);
  line.wait_closed();
};
const Script kNothing = [](Line&) {};

test::Authority& authority() {
  static test::Authority made;  // keys take their time
  return made;
}
const test::Certificate& loopback_certificate() {
  static const test::Certificate made = authority().sign("IP:127.0.0.1,DNS:leader.internal");
  return made;
}
std::shared_ptr<const Security> server_with(const test::Certificate& certificate, std::string ciphers = {}) {
  return tls_server({certificate.file, certificate.key_file, std::move(ciphers)}).value();
}
std::shared_ptr<const Security> client_with(std::string ca, std::string ciphers = {}) {
  return tls_client({std::move(ca), std::move(ciphers)}).value();
}
HttpClient client_of(const wire::Endpoint& to, std::shared_ptr<const Security> security) {
  return HttpClient(to, kPatient, resolve_by_name, std::move(security), to);
}
std::string refusal_of(HttpClient& client) {
  const auto response = client.exchange({}, true);
  return response ? "answered" : response.error().text();
}

}  // namespace

TEST_CASE("an answer comes over TLS, and a second one on the same connection") {
  Server server(server_with(loopback_certificate()), {[](Line& line) {
                  for (int i = 0; i < 2; ++i) {
                    CHECK(line.request().starts_with("GET / HTTP/1.1\r\n"));
                    line.say(kHello);
                  }
                  line.wait_closed();
                }});
  HttpClient client = client_of(server.at(), client_with(authority().file()));
  for (int i = 0; i < 2; ++i) {
    const auto response = client.exchange({}, false);
    REQUIRE(response);
    CHECK(response->body == "hello");
  }
}

TEST_CASE("a body larger than any buffer passes both ways") {
  const std::string large(3'000'000, 'm');
  Server server(
      server_with(loopback_certificate()), {[&](Line& line) {
        std::string got = line.request();
        line.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" + large);
        line.wait_closed();
      }});
  HttpClient client = client_of(server.at(), client_with(authority().file()));
  wire::Request request;
  request.method = "POST";
  request.body = "x";
  const auto response = client.exchange(request, false);
  REQUIRE(response);
  CHECK(response->body == large);
}

TEST_CASE("a host map changes where to connect, not whom the certificate must name") {
  Server server(server_with(loopback_certificate()), {kAnswer, kNothing});
  const auto security = client_with(authority().file());
  HttpClient good({"leader.internal", 5050}, kPatient, resolve_by_name, security, server.at());
  CHECK(refusal_of(good) == "answered");
  good.close();
  HttpClient bad({"other.internal", 5050}, kPatient, resolve_by_name, security, server.at());
  CHECK(refusal_of(bad).find("the certificate is not for this host") != std::string::npos);
}

TEST_CASE("a certificate of an unknown authority is refused") {
  test::Authority stranger;
  Server server(server_with(loopback_certificate()), {kNothing, kNothing});
  HttpClient other = client_of(server.at(), client_with(stranger.file()));
  CHECK(refusal_of(other).find("the certificate is not trusted") != std::string::npos);
  HttpClient system = client_of(server.at(), client_with(""));
  CHECK(refusal_of(system).find("the certificate is not trusted") != std::string::npos);
}

TEST_CASE("the peer's own certificate may stand in for an authority") {
  Server server(server_with(loopback_certificate()), {kAnswer});
  HttpClient client = client_of(server.at(), client_with(loopback_certificate().file));
  CHECK(refusal_of(client) == "answered");
}

TEST_CASE("a certificate for another host or address is refused") {
  Server server(server_with(authority().sign("DNS:other.example,IP:127.0.0.2")), {kNothing, kNothing});
  const auto security = client_with(authority().file());
  HttpClient by_address = client_of(server.at(), security);
  CHECK(refusal_of(by_address).find("not for this host") != std::string::npos);
  HttpClient by_name = client_of(server.at("localhost"), security);
  CHECK(refusal_of(by_name).find("not for this host") != std::string::npos);
}

TEST_CASE("an expired certificate is refused, and the text says so") {
  Server server(server_with(authority().sign("IP:127.0.0.1", -10)), {kNothing});
  HttpClient client = client_of(server.at(), client_with(authority().file()));
  CHECK(refusal_of(client).find("expired") != std::string::npos);
}

TEST_CASE("nothing is ever sent in plain to a peer that does not speak TLS") {
  std::string heard;
  {
    Server server(nullptr, {[&](Line& line) {
                    line.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
                    line.wait_closed();
                  }});
    HttpClient client = client_of(server.at(), client_with(authority().file()));
    CHECK(refusal_of(client).find("does not speak TLS") != std::string::npos);
  }
}

TEST_CASE("the ciphers of old masters are taken only when they are asked for") {
  Server server(server_with(loopback_certificate(), "AES128-SHA"), {kNothing, kAnswer});
  HttpClient strict = client_of(server.at(), client_with(authority().file()));
  CHECK(refusal_of(strict).find("cipher") != std::string::npos);
  HttpClient lenient = client_of(server.at(), client_with(authority().file(), "AES128-SHA"));
  CHECK(refusal_of(lenient) == "answered");
}

TEST_CASE("a stream over TLS keeps its deadlines and can be interrupted") {
  Server server(server_with(loopback_certificate()), {[](Line& line) {
                  line.request();
                  line.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
                  line.wait_closed();
                }});
  HttpClient client = client_of(server.at(), client_with(authority().file()));
  REQUIRE(client.open_stream({}));
  std::string body;
  REQUIRE(client.read_stream(body, 10'000).value());
  CHECK(body == "one");
  const auto silent = client.read_stream(body, 20);
  REQUIRE_FALSE(silent);
  CHECK(silent.error().code == Code::timeout);
  std::thread other([&] { client.interrupt(); });
  const auto interrupted = client.read_stream(body, 60'000);
  other.join();
  REQUIRE_FALSE(interrupted);
  CHECK(interrupted.error().message == "interrupted");
}

TEST_CASE("a record that comes in two pieces is a silence, not an end") {
  Server server(server_with(loopback_certificate()), {[](Line& line) {
                  line.request();
                  const std::string sealed = line.encrypt(kHello);
                  line.send_raw(sealed.substr(0, 10));
                  line.send_raw(sealed.substr(10));
                  line.wait_closed();
                }});
  HttpClient client = client_of(server.at(), client_with(authority().file()));
  CHECK(refusal_of(client) == "answered");
}

TEST_CASE("an answer that ends with the connection needs the peer's goodbye to be whole") {
  const std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it";
  Server server(server_with(loopback_certificate()), {[&](Line& line) {
                                                        line.request();
                                                        line.say(head);
                                                        line.goodbye();
                                                      },
                                                      [&](Line& line) {
                                                        line.request();
                                                        line.say(head);
                                                      }});
  HttpClient client = client_of(server.at(), client_with(authority().file()));
  const auto whole = client.exchange({}, false);
  REQUIRE(whole);
  CHECK(whole->body == "all of it");
  CHECK(refusal_of(client).find("was cut") != std::string::npos);
}

TEST_CASE("a peer that never answers the handshake ends at the connect deadline") {
  Server server(nullptr, {[](Line& line) { line.wait_closed(); }});
  HttpClient client(server.at(), {200, 10'000}, resolve_by_name, client_with(authority().file()),
                    server.at());
  const auto response = client.exchange({}, false);
  REQUIRE_FALSE(response);
  CHECK(response.error().code == Code::timeout);
}

TEST_CASE("files and ciphers that cannot be used are named") {
  const auto& good = loopback_certificate();
  CHECK(tls_client({"/nowhere/ca.pem", ""}).error().where == "/nowhere/ca.pem");
  CHECK(tls_client({good.key_file, ""}).error().where == good.key_file);
  CHECK(tls_client({"", "NO-SUCH-CIPHER"}).error().where == "NO-SUCH-CIPHER");
  CHECK(tls_server({"/nowhere", good.key_file, ""}).error().where == "/nowhere");
  CHECK(tls_server({good.file, "/nowhere", ""}).error().where == "/nowhere");
  const auto other = authority().sign("DNS:x");
  CHECK(tls_server({good.file, other.key_file, ""}).error().where == other.key_file);
}
