// The listener over TLS, asked by the client of the room net with a certificate made here.
#include "net/tls.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "http/listener.h"
#include "http/peer.h"
#include "net/certificates.h"
#include "net/http_client.h"
#include "net/reloadable_security.h"

using namespace mimas;

namespace {

constexpr net::Timeouts kPatient{20'000, 20'000};

test::Authority& authority() {
  static test::Authority made;
  return made;
}

http::Options secured(int workers = 8) {
  static const test::Certificate certificate = authority().sign("IP:127.0.0.1");
  http::Options options;
  options.listen = {"127.0.0.1", 0};
  options.workers = workers;
  options.body_bytes_max = 8u << 20;
  options.security = net::tls_server({certificate.file, certificate.key_file, ""}).value();
  return options;
}

net::HttpClient client_of(const http::Listener& listener) {
  const wire::Endpoint at{"127.0.0.1", listener.port()};
  return {at, kPatient, net::kNumericOnly, net::tls_client({authority().file(), ""}).value(), at};
}

http::Reply echo(const http::Request& request) {
  http::Reply reply;
  reply.body = request.body;
  return reply;
}

wire::Request post(std::string body) {
  wire::Request request;
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

}  // namespace

TEST_CASE("requests and replies of every size pass over one TLS connection") {
  const auto listener = http::Listener::open(secured(), echo).value();
  net::HttpClient client = client_of(*listener);
  int own = -1;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{100'000}, std::size_t{5'000'000}, std::size_t{0}}) {
    const auto response = client.exchange(post(std::string(size, 'e')), false);
    REQUIRE(response);
    CHECK(response->body.size() == size);
    if (own < 0) own = client.fd();
    CHECK(client.fd() == own);
  }
}

TEST_CASE("a stream over TLS arrives piece by piece and ends whole") {
  std::atomic<bool> seen_first{false};
  const auto listener = http::Listener::open(secured(), [&](const http::Request&) {
                          http::Reply reply;
                          reply.stream = [&](http::StreamWriter& writer) {
                            CHECK(writer.write("first"));
                            while (!seen_first && writer.peer_alive()) std::this_thread::yield();
                            CHECK(writer.write("second"));
                          };
                          return reply;
                        }).value();
  net::HttpClient client = client_of(*listener);
  REQUIRE(client.open_stream({}));
  std::string body;
  REQUIRE(client.read_stream(body, 20'000).value());
  CHECK(body == "first");
  seen_first = true;
  while (client.read_stream(body, 20'000).value()) {
  }
  CHECK(body == "firstsecond");
}

TEST_CASE("a peer that goes ends its stream, and stopping ends one whose peer stays") {
  std::atomic<int> ended{0};
  const auto listener = http::Listener::open(secured(), [&](const http::Request&) {
                          http::Reply reply;
                          reply.stream = [&](http::StreamWriter& writer) {
                            writer.write("x");
                            while (writer.peer_alive()) std::this_thread::yield();
                            ++ended;
                          };
                          return reply;
                        }).value();
  net::HttpClient client = client_of(*listener);
  REQUIRE(client.open_stream({}));
  client.close();
  while (ended < 1) std::this_thread::yield();
  REQUIRE(client.open_stream({}));
  listener->stop();
  CHECK(ended == 2);
}

TEST_CASE("a peer that speaks plain is closed on and disturbs nobody") {
  const auto listener = http::Listener::open(secured(), echo).value();
  http::Peer plain(listener->port());
  plain.say(http::get("/"));
  CHECK(plain.closed());
  CHECK(plain.heard().find("HTTP/") == std::string::npos);
  net::HttpClient client = client_of(*listener);
  CHECK(client.exchange(post("still here"), false)->body == "still here");
}

TEST_CASE("peers that never finish the handshake give their places up") {
  const auto listener = http::Listener::open(secured(2), echo).value();
  http::Peer silent(listener->port());
  http::Peer other(listener->port());
  REQUIRE(other.connected());
  // Turned away until one of the two has been silent for long enough; the test's own deadline is generous.
  for (int i = 0; i < 2'000; ++i) {
    net::HttpClient client = client_of(*listener);
    if (const auto response = client.exchange(post("me"), false); response) {
      CHECK(response->body == "me");
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("never served");
}

TEST_CASE(
    "a certificate that is renewed serves new connections, and those that stand go on with the old one") {
  test::Authority other;
  const auto first = authority().sign("IP:127.0.0.1");
  const auto second = other.sign("IP:127.0.0.1");
  const auto of = [](const test::Certificate& certificate) {
    return net::tls_server({certificate.file, certificate.key_file, "", ""}).value();
  };
  const auto security = std::make_shared<net::ReloadableSecurity>(of(first));
  http::Options options = secured();
  options.security = security;
  const auto listener = http::Listener::open(options, echo).value();
  net::HttpClient standing = client_of(*listener);
  CHECK(standing.exchange(post("before"), false)->body == "before");
  const int own = standing.fd();
  security->replace(of(second));
  CHECK(standing.exchange(post("after"), false)->body == "after");
  CHECK(standing.fd() == own);
  net::HttpClient fresh = client_of(*listener);
  CHECK_FALSE(fresh.exchange(post("x"), false));
  const wire::Endpoint at{"127.0.0.1", listener->port()};
  net::HttpClient trusting{at, kPatient, net::kNumericOnly, net::tls_client({other.file(), ""}).value(), at};
  CHECK(trusting.exchange(post("x"), false)->body == "x");
}

TEST_CASE("a client may prove who it is; one whose certificate somebody else signed is not let in") {
  test::Authority stranger;
  const auto server = authority().sign("IP:127.0.0.1");
  http::Options options = secured();
  options.security = net::tls_server({server.file, server.key_file, "", authority().file()}).value();
  const auto listener = http::Listener::open(options, [](const http::Request& request) {
                          http::Reply reply;
                          reply.body = "[" + request.certificate + "]";
                          return reply;
                        }).value();
  const wire::Endpoint at{"127.0.0.1", listener->port()};
  const auto ask = [&](const test::Certificate* certificate) -> std::string {
    net::TlsClientOptions own{authority().file(), "", "", ""};
    if (certificate != nullptr) own = {authority().file(), "", certificate->file, certificate->key_file};
    net::HttpClient client{at, kPatient, net::kNumericOnly, net::tls_client(own).value(), at};
    const auto response = client.exchange(post("x"), false);
    return response ? response->body : "refused";
  };
  const auto mine = authority().sign("DNS:client");
  const auto theirs = stranger.sign("DNS:client");
  const auto ended = authority().sign("DNS:client", -3600);
  CHECK(ask(nullptr) == "[]");
  CHECK(ask(&mine) == "[test server]");  // the authority of these tests gives everybody this name
  CHECK(ask(&theirs) == "refused");
  CHECK(ask(&ended) == "refused");
  CHECK_FALSE(net::tls_server({server.file, server.key_file, "", server.key_file}).ok());
}
