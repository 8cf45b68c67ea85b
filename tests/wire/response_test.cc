#include <doctest/doctest.h>

#include "wire/http.h"

using namespace mimas;
using namespace mimas::wire;

namespace {

struct Outcome {
  std::string body;
  std::size_t used = 0;
  bool complete = false;
  bool failed = false;
  int status = 0;
  bool keep_alive = false;
  bool operator==(const Outcome&) const = default;
};

// Feeds the bytes in pieces that end at `cut`, or in pieces of one byte when cut is 0.
Outcome read(std::string_view bytes, std::size_t cut, bool head_request = false) {
  ResponseParser parser(head_request);
  Outcome out;
  while (!bytes.empty() && !out.failed && !parser.complete()) {
    const std::size_t size = cut == 0 ? 1 : std::min(cut, bytes.size());
    cut = cut == 0 ? 0 : bytes.size();
    auto used = parser.feed(bytes.substr(0, size), out.body);
    out.failed = !used.ok();
    if (used) out.used += *used;
    bytes.remove_prefix(size);
  }
  out.complete = parser.complete();
  if (parser.head_complete()) {
    out.status = parser.head().status;
    out.keep_alive = parser.head().keep_alive;
  }
  return out;
}

// The same answer whole, byte by byte, and cut in two at every place.
Outcome read_every_way(std::string_view bytes, bool head_request = false) {
  const Outcome whole = read(bytes, bytes.size(), head_request);
  CHECK(read(bytes, 0, head_request).body == whole.body);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const Outcome pieces = read(bytes, cut, head_request);
    CAPTURE(cut);
    REQUIRE(pieces.body == whole.body);
    REQUIRE(pieces.complete == whole.complete);
    REQUIRE(pieces.failed == whole.failed);
    REQUIRE(pieces.status == whole.status);
  }
  return whole;
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

bool refused(const std::string& bytes) { return read_every_way(bytes).failed; }

}  // namespace

TEST_CASE("a body of stated length ends there, and what follows is left") {
  const auto got = read(kOk + "Content-Length: 5\r\n\r\nhelloNEXT", 1000);
  CHECK(got.body == "hello");
  CHECK(got.complete);
  CHECK(got.keep_alive);
  CHECK(got.used == kOk.size() + 21 + 5);
}

TEST_CASE("a chunked body is joined, however it was cut") {
  const auto got = read_every_way(
      kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1A\r\n, abcdefghijklmnopqrstuvwx\r\n0\r\n\r\n");
  CHECK(got.body == "hello, abcdefghijklmnopqrstuvwx");
  CHECK(got.complete);
}

TEST_CASE("chunk extensions and trailers are tolerated") {
  const auto got = read_every_way(kOk +
                                  "transfer-encoding: Chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n5 ; "
                                  "x\r\nworld\r\n0;z\r\nX-Sum: 1\r\nY: 2\r\n\r\n");
  CHECK(got.body == "helloworld");
  CHECK(got.complete);
}

TEST_CASE("the last chunk ends the response although the connection stays open") {
  CHECK_FALSE(read(kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", 1000).complete);
  CHECK(read(kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 1000).complete);
}

TEST_CASE("a close without the last chunk is an error, a body delimited by close is not") {
  std::string body;
  ResponseParser chunked;
  REQUIRE(chunked.feed(kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", body).ok());
  const auto cut = chunked.finish();
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().code == Code::protocol);
  ResponseParser fixed;
  REQUIRE(fixed.feed(kOk + "Content-Length: 5\r\n\r\nhell", body).ok());
  CHECK_FALSE(fixed.finish().ok());
  body.clear();
  ResponseParser closing;
  REQUIRE(closing.feed(kOk + "\r\nall of it", body).ok());
  CHECK_FALSE(closing.head().keep_alive);
  CHECK_FALSE(closing.complete());
  CHECK(closing.finish().ok());
  CHECK(closing.complete());
  CHECK(body == "all of it");
  CHECK_FALSE(ResponseParser().finish().ok());
}

TEST_CASE("pipelined responses come out in order, each by a parser of its own") {
  const std::string two =
      "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: "
      "3\r\n\r\nbad";
  std::string body;
  ResponseParser first;
  const auto used = first.feed(two, body);
  REQUIRE(used.ok());
  CHECK(first.complete());
  CHECK(first.head().status == 202);
  CHECK(body.empty());
  ResponseParser second;
  CHECK(*second.feed(std::string_view(two).substr(*used), body) == two.size() - *used);
  CHECK(second.head().status == 400);
  CHECK(body == "bad");
}

TEST_CASE("a body in an encoding that was not asked for is refused") {
  std::string body;
  ResponseParser parser;
  auto fed = parser.feed(kOk + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", body);
  REQUIRE_FALSE(fed.ok());
  CHECK(fed.error().message.find("gzip") != std::string::npos);
  CHECK_FALSE(refused(kOk + "Content-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc"));
}

TEST_CASE("answers that have no body by their nature end with their head") {
  CHECK(read_every_way("HTTP/1.1 204 No Content\r\n\r\n").complete);
  CHECK(read_every_way("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n").complete);
  CHECK(read_every_way(kOk + "Content-Length: 10\r\n\r\n", true).complete);
}

TEST_CASE("interim responses are skipped, a switch of protocols is refused") {
  const auto got = read_every_way(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 "
      "Accepted\r\nContent-Length: 0\r\n\r\n");
  CHECK(got.complete);
  CHECK(got.status == 202);
  CHECK(refused("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
}

TEST_CASE("the connection is kept as version and Connection say") {
  const std::string tail = "Content-Length: 0\r\n\r\n";
  CHECK(read(kOk + tail, 1000).keep_alive);
  CHECK_FALSE(read(kOk + "Connection: Close\r\n" + tail, 1000).keep_alive);
  CHECK_FALSE(read(kOk + "Connection: x, close\r\n" + tail, 1000).keep_alive);
  CHECK_FALSE(read("HTTP/1.0 200 OK\r\n" + tail, 1000).keep_alive);
  CHECK(read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + tail, 1000).keep_alive);
}

TEST_CASE("a reason may be missing, values lose their blanks") {
  std::string body;
  ResponseParser parser;
  REQUIRE(parser
              .feed("HTTP/1.1 307\r\nLocation: \t//h:5050/x \r\nLOCATION: second\r\nContent-Length: "
                    "0\r\n\r\n",
                    body)
              .ok());
  CHECK(parser.complete());
  CHECK(parser.head().status == 307);
  CHECK(parser.head().reason.empty());
  CHECK(find_header(parser.head().headers, "location") == "//h:5050/x");
  CHECK(find_header(parser.head().headers, "absent").empty());
}

TEST_CASE("a line ends with CRLF and nothing else") {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n", "HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n"}) {
    CAPTURE(bytes);
    CHECK(refused(bytes));
  }
  const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
  for (const char* bytes : {"1\nx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nx\r\n0\n\r\n",
                            "1\r\nx\r\n0\r\n\n", "1\r\nx\r\n0\r\nA: b\n\r\n"}) {
    CAPTURE(bytes);
    CHECK(refused(chunked + bytes));
  }
}

TEST_CASE("what is not HTTP/1 is refused, and the error sticks") {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 x\r\n", "HTTP/1.1  200 OK\r\n", "\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 abc OK\r\n"}) {
    CAPTURE(bytes);
    CHECK(refused(bytes));
  }
  std::string body;
  ResponseParser parser;
  const auto first = parser.feed("junk\r\n", body);
  REQUIRE_FALSE(first.ok());
  const auto second = parser.feed(kOk + "Content-Length: 0\r\n\r\n", body);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error() == first.error());
  CHECK_FALSE(parser.finish().ok());
}

TEST_CASE("headers that could be read in two ways are refused") {
  for (const char* line : {"Content-Length: 1\r\nContent-Length: 2",
                           "Content-Length: -1",
                           "Content-Length: +1",
                           "Content-Length: 0x1",
                           "Content-Length: 1, 1",
                           "Content-Length:",
                           "Content-Length: 9999999999999999999",
                           "Content-Length: 1\r\nContent-Length: 1",
                           "Content-Length: 1\r\nTransfer-Encoding: chunked",
                           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                           "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
                           "Transfer-Encoding: gzip",
                           "Transfer-Encoding: gzip, chunked",
                           "Name : x",
                           ": x",
                           "no colon",
                           " folded: x",
                           "a: b\r\n c",
                           "a: b\rc",
                           "a: \x01"}) {
    CAPTURE(line);
    CHECK(refused(kOk + line + "\r\n\r\nx"));
  }
}

TEST_CASE("chunk headers are hexadecimal and reasonable") {
  const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
  for (const char* bytes : {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1 1\r\n",
                            "1xyz\r\n", "1;a\x01\r\n", "fffffffffffffffff\r\n", "1\r\nxy\r\n"}) {
    CAPTURE(bytes);
    CHECK(refused(chunked + bytes));
  }
}

TEST_CASE("head, headers and chunk lines have limits") {
  std::string body;
  CHECK_FALSE(ResponseParser().feed(kOk + "a: " + std::string(70'000, 'x'), body).ok());
  CHECK_FALSE(ResponseParser().feed(std::string(70'000, 'x'), body).ok());
  std::string many = kOk;
  for (int i = 0; i < 200; ++i) many += "a: b\r\n";
  CHECK(ResponseParser().feed(many + "\r\n", body).ok());
  CHECK_FALSE(ResponseParser().feed(many + "a: b\r\n\r\n", body).ok());
  const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
  CHECK_FALSE(ResponseParser().feed(chunked + "1;" + std::string(5'000, 'x'), body).ok());
  CHECK_FALSE(ResponseParser().feed(chunked + "0\r\na: " + std::string(70'000, 'x'), body).ok());
  std::string interim;
  for (int i = 0; i < 4'000; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK_FALSE(ResponseParser().feed(interim, body).ok());
}

TEST_CASE("a request is written with its length, and nothing about compression (rule 21)") {
  Request request;
  request.method = "POST";
  request.target = "/api/v1/scheduler";
  request.host = "h:5050";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = "{}";
  CHECK(*format_request(request) ==
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: h:5050\r\nContent-Type: "
        "application/json\r\nContent-Length: 2\r\n\r\n{}");
  request.body.clear();
  CHECK(format_request(request)->find("Content-Length: 0\r\n") != std::string::npos);
  request.method = "GET";
  CHECK(format_request(request)->find("Content-Length") == std::string::npos);
}

TEST_CASE("a line break, a NUL or a blank where it does not belong is refused") {
  const auto with = [](auto change) {
    Request request;
    change(request);
    return format_request(request).ok();
  };
  CHECK(with([](Request& r) { r.headers = {{"Mesos-Stream-Id", "a b\tc"}}; }));
  for (const std::string& bad :
       {std::string("a\r\nX: y"), std::string("a\n"), std::string("a\r"), std::string("a\0b", 3)}) {
    CHECK_FALSE(with([&](Request& r) { r.method = bad; }));
    CHECK_FALSE(with([&](Request& r) { r.target = "/" + bad; }));
    CHECK_FALSE(with([&](Request& r) { r.host = bad; }));
    CHECK_FALSE(with([&](Request& r) { r.headers = {{bad, "x"}}; }));
    CHECK_FALSE(with([&](Request& r) { r.headers = {{"x", bad}}; }));
  }
  CHECK_FALSE(with([](Request& r) { r.target = "/a b"; }));
  CHECK_FALSE(with([](Request& r) { r.target = ""; }));
  CHECK_FALSE(with([](Request& r) { r.headers = {{"content-length", "5"}}; }));
  CHECK_FALSE(with([](Request& r) { r.headers = {{"Transfer-Encoding", "chunked"}}; }));
}
