// Does a foreign implementation understand us, and we it? cpp-httplib's client asks our listener, and our
// client asks cpp-httplib's server, each through what it offers to everybody.
#include <doctest/doctest.h>
#include <httplib.h>
#include <thread>

#include "http/listener.h"
#include "net/http_client.h"

namespace mimas::http {
namespace {

TEST_CASE("a foreign client is understood: lengths, chunks, HEAD, kept connections, refusals") {
  Options options;
  options.listen = {"127.0.0.1", 0};
  auto listener = Listener::open(options, [](const Request& request) {
    Reply reply;
    if (request.path == "/stream") {
      reply.stream = [](StreamWriter& writer) { writer.write("one ") && writer.write("two"); };
      return reply;
    }
    reply.status = request.method == "DELETE" ? 204 : 200;
    reply.headers = {{"ETag", "\"1\""}, {"X-Seen", std::string(request.parameter("q"))}};
    reply.body = request.method + " " + request.path + " [" + request.body + "]";
    return reply;
  });
  REQUIRE(listener.ok());
  httplib::Client client("127.0.0.1", (*listener)->port());
  client.set_keep_alive(true);
  for (int i = 0; i < 2; ++i) {
    const auto got = client.Get("/a%20b?q=x");
    REQUIRE(got);
    CHECK(got->status == 200);
    CHECK(got->body == "GET /a b []");
    CHECK(got->get_header_value("ETag") == "\"1\"");
    CHECK(got->get_header_value("X-Seen") == "x");
    const auto posted = client.Post("/p", "{}", "application/json");
    REQUIRE(posted);
    CHECK(posted->body == "POST /p [{}]");
    const auto chunked = client.Put(
        "/c",
        [](std::size_t, httplib::DataSink& sink) {
          sink.write("abc", 3);
          sink.write("de", 2);
          sink.done();
          return true;
        },
        "application/json");
    REQUIRE(chunked);
    CHECK(chunked->body == "PUT /c [abcde]");
    const auto head = client.Head("/h");
    REQUIRE(head);
    CHECK(head->get_header_value("Content-Length") == "10");
    const auto gone = client.Delete("/d");
    REQUIRE(gone);
    CHECK(gone->status == 204);
    const auto stream = client.Get("/stream");
    REQUIRE(stream);
    CHECK(stream->body == "one two");
  }
  const auto large = client.Post("/p", std::string(2u << 20, 'x'), "application/json");
  REQUIRE(large);
  CHECK(large->status == 413);
}

TEST_CASE("a foreign server is understood: lengths, chunks, HEAD, kept connections") {
  httplib::Server server;
  server.Get("/plain",
             [](const httplib::Request&, httplib::Response& out) { out.set_content("hello", "text/x"); });
  server.Get("/chunks", [](const httplib::Request&, httplib::Response& out) {
    out.set_chunked_content_provider("text/x", [](std::size_t, httplib::DataSink& sink) {
      sink.write("one ", 4);
      sink.write("two", 3);
      sink.done();
      return true;
    });
  });
  server.Post("/echo",
              [](const httplib::Request& in, httplib::Response& out) { out.set_content(in.body, "text/x"); });
  const int port = server.bind_to_any_port("127.0.0.1");
  REQUIRE(port > 0);
  std::thread serving([&] { server.listen_after_bind(); });
  {
    net::HttpClient client({"127.0.0.1", static_cast<std::uint16_t>(port)}, net::Timeouts{});
    for (int i = 0; i < 2; ++i) {
      for (const auto& [method, target, sent, wanted] :
           {std::array<const char*, 4>{"GET", "/plain", "", "hello"},
            {"GET", "/chunks", "", "one two"},
            {"POST", "/echo", "body", "body"},
            {"HEAD", "/plain", "", ""}}) {
        CAPTURE(target);
        wire::Request request;
        request.method = method;
        request.target = target;
        request.body = sent;
        const auto got = client.exchange(request, true);
        REQUIRE(got.ok());
        CHECK(got->head.status == 200);
        CHECK(got->body == wanted);
      }
    }
  }
  server.stop();
  serving.join();
}

}  // namespace
}  // namespace mimas::http
