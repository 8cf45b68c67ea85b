// The server's half of HTTP/1.1 by values: each request whole, byte by byte and cut in two at every place.
#include "wire/request_parser.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/prng.h"

using namespace mimas;
using namespace mimas::wire;

namespace {

constexpr std::uint64_t kBodyMax = 1'000;

struct Outcome {
  std::string method, target, body;
  std::vector<Header> headers;
  std::size_t used = 0;
  int status = 0;  // that refuses it; 0: none
  std::string detail;
  bool complete = false, keep_alive = false, expects_continue = false;
  bool operator==(const Outcome&) const = default;
};

// `size_of` tells the length of each piece from how many bytes are left.
template <typename Size>
Outcome read(std::string_view bytes, Size size_of) {
  RequestParser parser(kBodyMax);
  Outcome out;
  while (!bytes.empty() && !parser.fault() && !parser.complete()) {
    const std::string_view piece =
        bytes.substr(0, std::clamp<std::size_t>(size_of(bytes.size()), 1, bytes.size()));
    const std::size_t used = parser.feed(piece, out.body);
    REQUIRE((used == piece.size() || parser.head_complete() || parser.fault()));
    out.used += used;
    bytes.remove_prefix(used);
  }
  if (parser.fault()) {
    out.status = parser.fault()->status;
    out.detail = parser.fault()->detail;
    out.body.clear();  // how far it came before the fault is nobody's matter
    out.used = 0;
    return out;
  }
  out.complete = parser.complete();
  if (!parser.head_complete()) return out;
  const RequestHead& head = parser.head();
  out.method = head.method;
  out.target = head.target;
  out.headers = head.headers;
  out.keep_alive = head.keep_alive;
  out.expects_continue = head.expects_continue;
  return out;
}

Outcome read_every_way(std::string_view bytes) {
  const Outcome whole = read(bytes, [](std::size_t left) { return left; });
  REQUIRE((read(bytes, [](std::size_t) { return std::size_t{1}; }) == whole));
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / 300);
  for (std::size_t cut = 1; cut < bytes.size(); cut += step) {
    CAPTURE(cut);
    const Outcome pieces = read(bytes, [&](std::size_t left) { return left == bytes.size() ? cut : left; });
    REQUIRE((pieces == whole));
  }
  return whole;
}

int refused(std::string_view bytes) { return read_every_way(bytes).status; }

const std::string kPost = "POST /v2/jobs HTTP/1.1\r\nHost: h\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("a request without a body ends with its head, and what follows is left") {
  const std::string bytes = "GET /v2/jobs?a=b HTTP/1.1\r\nHost: h:7101\r\nX-One:\t a  b \r\n\r\n";
  const Outcome got = read_every_way(bytes + "GET /next HTTP/1.1\r\n");
  CHECK(got.complete);
  CHECK(got.used == bytes.size());
  CHECK(got.method == "GET");
  CHECK(got.target == "/v2/jobs?a=b");
  CHECK(got.keep_alive);
  CHECK((got.headers == std::vector<Header>{{"Host", "h:7101"}, {"X-One", "a  b"}}));
}

TEST_CASE("a body of stated length and a chunked one end where they say") {
  const Outcome fixed = read_every_way(kPost + "Content-Length: 5\r\n\r\nhelloPOST");
  CHECK(fixed.body == "hello");
  CHECK(fixed.complete);
  CHECK_FALSE(read_every_way(kPost + "Content-Length: 5\r\n\r\nhell").complete);
  const Outcome empty = read_every_way(kPost + "Content-Length: 0\r\n\r\nx");
  CHECK(empty.complete);
  CHECK(empty.body.empty());
  const Outcome chunks =
      read_every_way(kChunked + "5\r\nhello\r\n00b ;q=\"1\"\r\n, and more \r\n0;z\r\nX-Sum: 1\r\n\r\nrest");
  CHECK(chunks.body == "hello, and more ");
  CHECK(chunks.complete);
  CHECK_FALSE(read_every_way(kChunked + "1\r\nx\r\n0\r\n").complete);
}

TEST_CASE("values of headers are what was sent: nothing in them is decoded") {
  const Outcome got = read_every_way(
      "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a%20b%0d%0a\r\nX: chun%6bed\r\nY: "
      "\xc3\xa4\r\n\r\n");
  CHECK(find_header(got.headers, "Authorization") == "Bearer a%20b%0d%0a");
  CHECK(find_header(got.headers, "X") == "chun%6bed");
  CHECK(find_header(got.headers, "Y") == "\xc3\xa4");
}

TEST_CASE("framing that two readers could read in two ways is refused") {
  const std::string next = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const char* lines : {"Content-Length : 5",
                            "Content-Length\t: 5",
                            " Content-Length: 5",
                            "Content-Length:\r\n 5",
                            "Content-Length: 5\r\n\t6",
                            "X: a\r\n b\r\nContent-Length: 5",
                            "Content-Length: 5\nX: y",
                            "X: a\nContent-Length: 5",
                            "Content-Length: %35",
                            "Content-Length: 0x5",
                            "Content-Length: +5",
                            "Content-Length: -5",
                            "Content-Length: 5 5",
                            "Content-Length: 5,5",
                            "Content-Length: 5, 6",
                            "Content-Length: 5;",
                            "Content-Length: 5.0",
                            "Content-Length:",
                            "Content-Length: five",
                            "Content-Length: 5\r\nContent-Length: 5",
                            "Content-Length: 5\r\nContent-Length: 6",
                            "Content-Length: 5\r\nContent-Length : 6",
                            "Content-Length: 1234567890123456789",
                            "Content-Length: 5\r\nTransfer-Encoding: chunked",
                            "Transfer-Encoding: chunked\r\nContent-Length: 5",
                            "Transfer-Encoding : chunked",
                            "Transfer-Encoding:\r\n chunked",
                            "Transfer-Encoding\r\n: chunked",
                            "Transfer-Encoding: chunked\nX: y",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                            "Transfer-Encoding: chunked\rX: y",
                            "Transfer-Encoding: chunked\x0b",
                            "\x01Transfer-Encoding: chunked",
                            "Transfer\xc2\xad"
                            "Encoding: chunked",
                            ": chunked",
                            "Transfer-Encoding",
                            "X: a\x7f"
                            "b"}) {
    CAPTURE(lines);
    CHECK(refused(kPost + lines + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + next) == 400);
  }
  for (const char* value : {"chun%6bed", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked",
                            "chunked,", ",chunked", "identity", "xchunked", "\"chunked\"", "chunked;q=1"}) {
    CAPTURE(value);
    CHECK(refused(kPost + "Transfer-Encoding: " + value + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + next) == 501);
  }
  CHECK(refused(kPost + "Transfer-Encoding:\r\n\r\n" + next) == 501);
  CHECK(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refused(kPost + std::string("X: a\0b", 6) + "\r\n\r\n") == 400);
  CHECK(refused(kPost + std::string("Content-Length: 5\0", 18) + "\r\n\r\nhello") == 400);
  CHECK(refused(kPost + "\r\n"
                        "\n") == 0);  // the end of the head, and a byte of what follows
}

TEST_CASE("a chunk's size is hexadecimal digits, and CRLF ends it and its bytes") {
  for (const char* body : {"0x1\r\nx\r\n0\r\n\r\n",
                           "+1\r\nx\r\n0\r\n\r\n",
                           "-1\r\nx\r\n0\r\n\r\n",
                           "-fff\r\nx\r\n0\r\n\r\n",
                           "1xyz\r\nx\r\n0\r\n\r\n",
                           " 1\r\nx\r\n0\r\n\r\n",
                           "1 \r\nx\r\n0\r\n\r\n",
                           "1 1\r\nx\r\n0\r\n\r\n",
                           "\r\nx\r\n0\r\n\r\n",
                           ";a=b\r\nx\r\n0\r\n\r\n",
                           "%31\r\nx\r\n0\r\n\r\n",
                           "1,1\r\nx\r\n0\r\n\r\n",
                           "fffffffffffffffff\r\nx\r\n0\r\n\r\n",
                           "0000000000000001\r\nx\r\n0\r\n\r\n",
                           "1\nx\r\n0\r\n\r\n",
                           "1\rx\r\n0\r\n\r\n",
                           "1\r\nx\n0\r\n\r\n",
                           "1\r\nxy\r\n0\r\n\r\n",
                           "1\r\nx0\r\n\r\n",
                           "2\r\nx\r\n0\r\n\r\n",
                           "1\r\nx\r\n0\n\r\n",
                           "1\r\nx\r\n0\r\n\n",
                           "1\r\nx\r\n0\r\nX : y\r\n\r\n",
                           "1\r\nx\r\n0\r\nX: y\r\n z\r\n\r\n",
                           "1\r\nx\r\n0\r\nX: y\n\r\n",
                           "1;a\x01\r\nx\r\n0\r\n\r\n",
                           "1;a\rb\r\nx\r\n0\r\n\r\n"}) {
    CAPTURE(body);
    CHECK(refused(kChunked + body) == 400);
  }
  CHECK(refused(kChunked + std::string("1\0\r\nx\r\n0\r\n\r\n", 13)) == 400);
  CHECK(refused(kChunked + "1;" + std::string(5'000, 'x')) == 400);
  CHECK(refused(kChunked + "0\r\n" + "X: " + std::string(9'000, 'x')) == 400);
  std::string extensions;
  for (int i = 0; i < 10; ++i) extensions += "1;" + std::string(2'000, 'x') + "\r\ny\r\n";
  CHECK(refused(kChunked + extensions) == 400);
}

TEST_CASE("the request line is a method, a target and a version with one blank between them") {
  const std::string rest = "\r\nHost: h\r\n\r\n";
  for (const char* line : {"",
                           "GET",
                           "GET /",
                           "GET /  HTTP/1.1",
                           "GET  / HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET\t/ HTTP/1.1",
                           "GET /a b HTTP/1.1",
                           "GET /a\tb HTTP/1.1",
                           "GET / HTTP/1.1\r",
                           "GET /\x01 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /#x HTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1.10",
                           "GET / HTTP/11",
                           "GET / HTTP/1,1",
                           "GET / HTTP/ 1.1",
                           "GET / HTTP1.1",
                           "G(T / HTTP/1.1",
                           "GET x HTTP/1.1",
                           "GET * HTTP/1.1",
                           "OPTIONS ** HTTP/1.1",
                           "GET h:80 HTTP/1.1",
                           "GET ftp://h/ HTTP/1.1",
                           "GET http:///x HTTP/1.1",
                           "GET http://u@h/ HTTP/1.1",
                           "GET http://h:x/ HTTP/1.1",
                           "GET http://h:123456/ HTTP/1.1",
                           "GET http://h%2e/ HTTP/1.1",
                           "GET http://[::1/ HTTP/1.1",
                           "hello"}) {
    CAPTURE(line);
    // An empty first line is forgiven once; behind it stands another that is none.
    CHECK(refused(line + rest) == 400);
  }
  CHECK(refused("GET / HTTP/1.1\nHost: h\r\n\r\n") == 400);
  CHECK(refused(std::string("GET /\0 HTTP/1.1", 15) + rest) == 400);
  for (const char* line :
       {"FETCH / HTTP/1.1", "get / HTTP/1.1", "CONNECT h:80 HTTP/1.1", "GETGET / HTTP/1.1"})
    CHECK(refused(line + rest) == 501);
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "GET / HTTP/3.0"})
    CHECK(refused(line + rest) == 505);
  CHECK(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
  CHECK(refused("GET /" + std::string(8'192, 'x') + " HTTP/1.1" + rest) == 414);
  CHECK(refused(std::string(70'000, 'x')) == 414);
}

TEST_CASE("a target may be a path, an URL of the same host, or * where OPTIONS asks") {
  const auto target = [](const std::string& line, const std::string& host) {
    const Outcome got = read_every_way(line + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return got.status == 0 ? got.target : std::to_string(got.status);
  };
  CHECK(target("GET http://Mimas.example:7101/v2/jobs?a=b", "mimas.example:7101") == "/v2/jobs?a=b");
  CHECK(target("GET HTTPS://[::1]:7101", "[::1]:7101") == "/");
  CHECK(target("GET http://h?a=b", "h") == "/?a=b");
  CHECK(target("OPTIONS *", "h") == "*");
  CHECK(target("GET //h/x", "h") == "//h/x");
  for (const char* host : {"evil.example", "h:80", "h:7102", ""})
    CHECK(target("GET http://h:7101/", host) == "400");
}

TEST_CASE("HTTP/1.1 names its host once, HTTP/1.0 may leave it out") {
  CHECK(refused("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(refused("GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n") == 400);
  CHECK(refused("GET / HTTP/1.0\r\nHost: h\r\nHost: i\r\n\r\n") == 400);
  const Outcome old = read_every_way("GET / HTTP/1.0\r\n\r\n");
  CHECK(old.complete);
  CHECK_FALSE(old.keep_alive);
  for (const char* good : {"h", "h:7101", "127.0.0.1:80", "[::1]", "[::ffff:1.2.3.4]:80", "my_service", ""}) {
    CAPTURE(good);
    CHECK(refused(std::string("GET / HTTP/1.1\r\nHost: ") + good + "\r\n\r\n") == 0);
  }
  for (const char* bad : {"a b", "a,b", "http://h", "h/", "u@h", "h:x", "h:", "[::1", "[]", "[::1]x", ":80",
                          "h:123456", "h#x", "h\"", "[g::1]"}) {
    CAPTURE(bad);
    const int wanted = std::string_view(bad) == "h:" ? 0 : 400;  // RFC 3986 lets a port be empty
    CHECK(refused(std::string("GET / HTTP/1.1\r\nHost: ") + bad + "\r\n\r\n") == wanted);
  }
}

TEST_CASE("whether the peer goes on, and what it waits for") {
  const auto kept = [](const std::string& headers) {
    return read_every_way("GET / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n").keep_alive;
  };
  CHECK(kept("Connection: keep-alive\r\n"));
  CHECK_FALSE(kept("Connection: Close\r\n"));
  CHECK_FALSE(kept("Connection: x\r\nConnection: y, close\r\n"));
  CHECK(read_every_way(kPost + "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\nhi").expects_continue);
  CHECK_FALSE(read_every_way(kPost + "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  CHECK(refused(kPost + "Content-Length: 2\r\nExpect: 200-ok\r\n\r\nhi") == 417);
}

TEST_CASE("a line break too many before a request is forgiven, two are not") {
  CHECK(read_every_way("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").complete);
  CHECK(refused("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(refused("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
}

TEST_CASE("head, headers and body have limits") {
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  CHECK(refused(get + "X: " + std::string(9'000, 'x')) == 431);
  std::string many = get;
  for (int i = 0; i < 199; ++i) many += "a: b\r\n";
  CHECK(refused(many + "\r\n") == 0);
  CHECK(refused(many + "a: b\r\n\r\n") == 431);
  std::string large = get;
  for (int i = 0; i < 20; ++i) large += "a: " + std::string(4'000, 'x') + "\r\n";
  CHECK(refused(large) == 431);
  CHECK(refused(kPost + "Content-Length: 1001\r\n\r\n") == 413);
  CHECK(refused(kPost + "Content-Length: 999999999999999999\r\n\r\n") == 413);
  CHECK(refused(kChunked + "3e9\r\n") == 413);
  CHECK(refused(kChunked + "3e8\r\n" + std::string(1'000, 'x') + "\r\n1\r\n") == 413);
  CHECK(read_every_way(kChunked + "3e8\r\n" + std::string(1'000, 'x') + "\r\n0\r\n\r\n").complete);
}

TEST_CASE("however the bytes are cut, the requests in them are the same") {
  const std::string stream =
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyGET /2 HTTP/1.1\r\nHost: h\r\n\r\n\r\n"
      "PUT /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: "
      "u\r\n\r\nDELETE /4 HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nGET";
  const auto all = [&](Prng* prng) {
    std::string seen;
    std::string_view left = stream;
    while (!left.empty()) {
      const Outcome one = read(left, [&](std::size_t most) { return prng ? prng->below(most) + 1 : most; });
      seen += one.method + one.target + "[" + one.body + "]" + std::to_string(one.status) + "\n";
      if (one.status != 0) break;
      left.remove_prefix(one.used);
    }
    return seen;
  };
  const std::string whole = all(nullptr);
  CHECK(whole == "POST/1[body]0\nGET/2[]0\nPUT/3[abcde]0\n[]400\n");
  Prng prng(7);
  for (int i = 0; i < 2'000; ++i) REQUIRE(all(&prng) == whole);
}
