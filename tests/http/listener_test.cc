// Whole requests and replies over loopback, port 0.
#include "http/listener.h"

#include <doctest/doctest.h>
#include <atomic>
#include <stdexcept>

#include "peer.h"

namespace mimas::http {
namespace {

std::string shown(const Request& request) {
  std::string text = request.method + " " + request.path;
  for (const QueryParameter& parameter : request.query) text += " " + parameter.name + "=" + parameter.value;
  return text + " [" + request.body + "]";
}

Reply echo(const Request& request) {
  Reply reply;
  reply.content_type = "text/plain";
  reply.body = shown(request);
  return reply;
}

std::unique_ptr<Listener> serve(Handler handler, Options options = {}) {
  options.listen = {"127.0.0.1", 0};
  Result<std::unique_ptr<Listener>> opened = Listener::open(options, std::move(handler));
  REQUIRE(opened.ok());
  REQUIRE(opened.value()->port() != 0);
  return std::move(opened).value();
}

void check_problem(const Answer& answer, int status) {
  CAPTURE(answer.head);
  CHECK(answer.status == status);
  CHECK(answer.header("Content-Type") == "application/problem+json");
  const std::string number = std::to_string(status);
  CHECK(answer.body.starts_with(R"({"type":"about:blank","title":")"));
  CHECK(answer.body.find("\"status\":" + number + ",\"detail\":\"") != std::string::npos);
  CHECK(answer.body.find("\"statusCode\":" + number + ",\"message\":\"") != std::string::npos);
}

TEST_CASE("a handler sees method, path, query, headers, body and the peer's address") {
  const auto listener = serve([](const Request& request) {
    Reply reply = echo(request);
    reply.status = 202;
    reply.headers = {{"X-Seen", std::string(request.header("x-one"))}, {"X-From", request.remote}};
    reply.body += " " + std::to_string(request.headers.size());
    return reply;
  });
  Peer peer(listener->port());
  const Answer answer =
      peer.ask(post("/a%20b/c?x=1&y=%2B&x=2", "hello", "X-One: 1 2\r\nContent-Type: text/x\r\n"));
  CHECK(answer.status == 202);
  CHECK(answer.body == "POST /a b/c x=1 y=+ x=2 [hello] 4");  // Host, Content-Length, X-One, Content-Type
  CHECK(answer.header("X-Seen") == "1 2");
  CHECK(answer.header("X-From") == "127.0.0.1");
  CHECK(answer.header("Content-Type") == "text/plain");
  CHECK(answer.header("Server").empty());
}

TEST_CASE("a connection is kept for the next request, also when that one was sent ahead") {
  const auto listener = serve(echo);
  Peer peer(listener->port());
  for (const char* path : {"/1", "/2"}) CHECK(peer.ask(get(path)).body == std::string("GET ") + path + " []");
  peer.say(post("/3", "x") + get("/4") + get("/5", "Connection: close\r\n"));
  CHECK(peer.answer().body == "POST /3 [x]");
  CHECK(peer.answer().header("Connection").empty());
  const Answer last = peer.answer();
  CHECK(last.body == "GET /5 []");
  CHECK(last.header("Connection") == "close");
  CHECK(peer.closed());
}

TEST_CASE("every method reaches the handler, and HEAD keeps the body back") {
  const auto listener = serve(echo);
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}) {
    Peer peer(listener->port());
    CHECK(peer.ask(std::string(method) + " /m HTTP/1.1\r\nHost: localhost\r\n\r\n").body ==
          std::string(method) + " /m []");
  }
  Peer peer(listener->port());
  peer.say("HEAD /m HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer head = peer.answer(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "10");
  CHECK(peer.ask(get("/after")).body == "GET /after []");  // no body bytes in between
}

TEST_CASE("a body may come with a length, in chunks, or after 100 Continue") {
  const auto listener = serve(echo);
  Peer peer(listener->port());
  CHECK(peer.ask("PUT /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .body == "PUT /c [abcde]");
  CHECK(peer.ask("DELETE /d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxy").body ==
        "DELETE /d [xy]");
  peer.say("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(peer.hear("HTTP/1.1 100 Continue\r\n\r\n"));
  peer.answer(true);
  CHECK(peer.ask("hi").body == "POST /e [hi]");
}

TEST_CASE("forms and multipart bodies are bodies like any other") {
  const auto listener = serve(echo);
  Peer peer(listener->port());
  CHECK(peer.ask(post("/f", "a=b&c", "Content-Type: application/x-www-form-urlencoded\r\n")).body ==
        "POST /f [a=b&c]");
  CHECK(peer.ask(post("/m", "--x", "Content-Type: multipart/form-data; boundary=x\r\n")).body ==
        "POST /m [--x]");
}

TEST_CASE("a body over the limit is 413, before the handler, whether announced or not") {
  Options options;
  options.body_bytes_max = 1000;
  std::atomic<int> handled{0};
  const auto listener = serve(
      [&](const Request& request) {
        ++handled;
        return echo(request);
      },
      options);
  {
    Peer peer(listener->port());
    CHECK(peer.ask(post("/fits", std::string(1000, 'x'))).status == 200);
    const Answer answer = peer.ask(post("/too-large", std::string(1001, 'x')));
    check_problem(answer, 413);
    CHECK(answer.header("Connection") == "close");
    CHECK(peer.closed());
  }
  {
    Peer peer(listener->port());
    peer.say(post("/far-too-large", std::string(4u << 20, 'x')));
    check_problem(peer.answer(), 413);
  }
  {
    Peer peer(listener->port());
    check_problem(peer.ask("POST /huge HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\nExpect: "
                           "100-continue\r\n\r\n"),
                  413);
  }
  {
    Peer peer(listener->port());
    peer.say("POST /chunks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; ++i) peer.say("64\r\n" + std::string(100, 'x') + "\r\n");
    check_problem(peer.answer(), 413);
    CHECK(peer.closed());
  }
  {
    Peer peer(listener->port());
    peer.say("POST /extension HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
             std::string(100'000, 'x'));
    check_problem(peer.answer(), 400);
  }
  CHECK(handled == 1);
}

// Whatever comes behind such a request on its connection is not read as another one.
TEST_CASE("what is not HTTP or is framed ambiguously is refused with a problem, and the connection closed") {
  std::atomic<int> handled{0};
  const auto listener = serve([&](const Request& request) {
    ++handled;
    return echo(request);
  });
  const std::string begin = "POST /first HTTP/1.1\r\nHost: localhost\r\n";
  const std::string chunked = begin + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string chunks = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  const struct {
    std::string bytes;
    int status;
  } cases[] = {
      {"hello\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: localhost\n\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"GET http://other/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501},
      {"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", 501},
      {"GET / HTTP/3.0\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {get("/%zz"), 400},
      {get("/a%00"), 400},
      {get("/", "Connection : close\r\n"), 400},
      {get("/", std::string("X: a\0b\r\n", 8)), 400},
      {post("/", "x", "Content-Length: 2\r\n"), 400},
      {post("/", "x", "Content-Length: 1\r\n"), 400},
      {post("/", "x", "Transfer-Encoding: chunked\r\n"), 400},
      {begin + "Content-Length: 1x\r\n\r\nx", 400},
      {begin + "Content-Length: -1\r\n\r\nx", 400},
      {begin + "Content-Length: 9999999999999999999\r\n\r\nx", 400},
      {begin + "Content-Length : 5\r\n\r\nhello", 400},
      {begin + "Content-Length:\r\n 5\r\n\r\nhello", 400},
      {begin + "Content-Length: 5\nX: y\r\n\r\nhello", 400},
      {begin + "Content-Length: %35\r\n\r\nhello", 400},
      {begin + "X: y\r\n Content-Length: 5\r\n\r\nhello", 400},
      {begin + "Transfer-Encoding : chunked" + chunks, 400},
      {begin + "Transfer-Encoding:\r\n chunked" + chunks, 400},
      {begin + "Transfer-Encoding: chunked\nX: y" + chunks, 400},
      {begin + "Transfer-Encoding: chun%6bed" + chunks, 501},
      {begin + "Transfer-Encoding: gzip, chunked" + chunks, 501},
      {"POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked" + chunks, 400},
      {chunked + "0x1\r\nx\r\n0\r\n\r\n", 400},
      {chunked + "+1\r\nx\r\n0\r\n\r\n", 400},
      {chunked + "1xyz\r\nx\r\n0\r\n\r\n", 400},
      {chunked + "-fff\r\nx\r\n0\r\n\r\n", 400},
      {chunked + "%31\r\nx\r\n0\r\n\r\n", 400},
      {chunked + "zz\r\n", 400},
      {chunked + "1\r\nx0\r\n\r\n", 400},
      {chunked + "1\nx\r\n0\r\n\r\n", 400},
      {chunked + "fffffffffffffffff\r\nx\r\n0\r\n\r\n", 400},
      {begin + "Content-Length: 1\r\nExpect: 200-ok\r\n\r\nx", 417},
      {post("/", "x", "Content-Encoding: gzip\r\n"), 415},
      {get("/" + std::string(9000, 'x')), 414},
      {get("/", "X: " + std::string(70'000, 'x') + "\r\n"), 431},
      {std::string(70'000, 'x'), 414},
  };
  for (const auto& wanted : cases) {
    const std::string start = wanted.bytes.substr(0, 120);
    CAPTURE(start);
    Peer peer(listener->port());
    const Answer answer = peer.ask(wanted.bytes + get("/smuggled"));
    check_problem(answer, wanted.status);
    CHECK(answer.header("Connection") == "close");
    CHECK(peer.closed());
    CHECK(peer.heard().empty());
  }
  CHECK(handled == 0);
  Peer peer(listener->port());
  CHECK(peer.ask(get("/still")).status == 200);
}

TEST_CASE("requests may come in any pieces, one behind the other, and in HTTP/1.0") {
  const auto listener = serve(echo);
  const std::string stream = post("/1", "one") +
                             "PUT http://localhost/2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " +
                             "chunked\r\n\r\n3\r\ntwo\r\n0\r\nX: y\r\n\r\n" + get("/3") +
                             "DELETE /4 HTTP/1.0\r\n\r\n" + get("/never");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{13}, stream.size()}) {
    CAPTURE(piece);
    Peer peer(listener->port());
    for (std::size_t at = 0; at < stream.size(); at += piece) peer.say(stream.substr(at, piece));
    CHECK(peer.answer().body == "POST /1 [one]");
    CHECK(peer.answer().body == "PUT /2 [two]");
    CHECK(peer.answer().body == "GET /3 []");
    const Answer last = peer.answer();
    CHECK(last.body == "DELETE /4 []");
    CHECK(last.header("Connection") == "close");
    CHECK(peer.closed());
    CHECK(peer.heard().empty());
  }
}

TEST_CASE("a body nobody reads never becomes the next request") {
  const auto listener = serve(echo);
  Peer peer(listener->port());
  const Answer answer =
      peer.ask("GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n" + get("/smuggled"));
  CHECK(answer.body == "GET /a []");
  CHECK(answer.header("Connection") == "close");
  CHECK(peer.closed());
  CHECK(peer.heard().empty());
}

TEST_CASE("ranges and compression are not offered, and a hostile Range harms nobody") {
  const auto listener = serve(echo);
  Peer peer(listener->port());
  const Answer answer = peer.ask(get("/range", "Range: bytes=0-2\r\nAccept-Encoding: gzip, br\r\n"));
  CHECK(answer.status == 200);
  CHECK(answer.body == "GET /range []");
  CHECK(answer.header("Content-Encoding").empty());
  std::string hostile = "Range: bytes=1-";
  while (hostile.size() < 8000) hostile += ",1-";
  CHECK(peer.ask(get("/", hostile + "\r\n")).status != 0);
}

TEST_CASE("a handler that throws is a 500, and one that answers nonsense too") {
  const auto listener = serve([](const Request& request) -> Reply {
    if (request.path == "/throw") throw std::runtime_error("secret");
    if (request.path == "/int") throw 7;
    Reply reply;
    reply.status = request.path == "/nonsense" ? 99 : 204;
    reply.headers = {{"X-Bad", "a\r\nX-Injected: 1"}, {"X-Good", "1"}, {"Content-Length", "7"}};
    return reply;
  });
  Peer peer(listener->port());
  for (const char* path : {"/throw", "/int", "/nonsense"}) {
    const Answer answer = peer.ask(get(path));
    check_problem(answer, 500);
    CHECK(answer.body.find("secret") == std::string::npos);
  }
  const Answer empty = peer.ask(get("/empty"));
  CHECK(empty.status == 204);
  CHECK(empty.head.find("Content-Length") == std::string::npos);
  CHECK(empty.head.find("Injected") == std::string::npos);
  CHECK(empty.header("X-Good") == "1");
}

TEST_CASE("the handler's own errors keep their bodies, and any status keeps its number") {
  const auto listener = serve([](const Request& request) {
    Reply reply;
    reply.status = std::atoi(request.path.c_str() + 1);
    reply.body = "mine";
    return reply;
  });
  Peer peer(listener->port());
  for (const char* path : {"/307", "/400", "/404", "/409", "/422", "/429", "/500", "/503", "/599"}) {
    const Answer answer = peer.ask(get(path));
    CHECK(answer.status == std::atoi(path + 1));
    CHECK(answer.body == "mine");
    CHECK(answer.header("Content-Type") == "application/json");
  }
}

TEST_CASE("a large reply arrives whole") {
  const auto listener = serve([](const Request&) {
    Reply reply;
    reply.body.assign(5'000'001, 'y');
    return reply;
  });
  Peer peer(listener->port());
  CHECK(peer.ask(get("/")).body == std::string(5'000'001, 'y'));
  CHECK(peer.ask(get("/")).status == 200);
}

TEST_CASE("a request that comes too slowly is 408, and an idle connection is closed") {
  Options options;
  options.idle_ms = 250;
  const auto listener = serve(echo, options);
  Peer slow(listener->port());
  check_problem(slow.ask("GET / HTTP/1.1\r\nHost:"), 408);
  CHECK(slow.closed());
  Peer slow_body(listener->port());
  check_problem(slow_body.ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab"), 408);
  Peer idle(listener->port());
  CHECK(idle.closed());
  CHECK(idle.heard().empty());
}

TEST_CASE("a second listener on the same port fails and says why") {
  const auto listener = serve(echo);
  Options options;
  options.listen = {"127.0.0.1", listener->port()};
  const auto second = Listener::open(options, echo);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == Code::io);
  CHECK(second.error().where == "127.0.0.1:" + std::to_string(listener->port()));
  CHECK(second.error().message == "cannot listen: address already in use");
  listener->stop();
  CHECK(Listener::open(options, echo).ok());  // the port is free when stop() returns
}

TEST_CASE("an address that is not ours, or no address, is an error") {
  Options options;
  options.listen = {"192.0.2.1", 0};
  const auto foreign = Listener::open(options, echo);
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().message == "cannot listen: cannot assign requested address");
  options.listen = {"256.0.0.1.", 0};
  CHECK_FALSE(Listener::open(options, echo).ok());
}

}  // namespace
}  // namespace mimas::http
