// Large bodies: made piece by piece, and all that is on its way within one bound.
#include <doctest/doctest.h>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "http/listener.h"
#include "http/reply_budget.h"
#include "peer.h"

namespace mimas::http {
namespace {

std::unique_ptr<Listener> serve(Handler handler, Options options = {}) {
  options.listen = {"127.0.0.1", 0};
  options.write_ms = 600'000;
  auto opened = Listener::open(options, std::move(handler));
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

Reply made(std::function<void(StreamWriter&)> make) {
  Reply reply;
  reply.lasting = false;
  reply.stream = std::move(make);
  return reply;
}

TEST_CASE("a body made in pieces is as any other when it is small, and in chunks when it is not") {
  Options options;
  options.streams_max = 0;  // it takes no place among streams
  const auto listener = serve(
      [](const Request& request) {
        return made([large = request.path == "/large"](StreamWriter& out) {
          for (int i = 0; i < (large ? 50 : 3); ++i) out.write(std::string(large ? 10'000 : 1, 'x'));
        });
      },
      options);
  Peer peer(listener->port());
  for (int i = 0; i < 2; ++i) {
    const Answer small = peer.ask(get("/small"));
    CHECK(small.status == 200);
    CHECK(small.body == "xxx");
    CHECK(small.header("Content-Length") == "3");
    CHECK(small.header("Transfer-Encoding").empty());
    CHECK(small.header("Content-Type") == "application/json");
    const Answer large = peer.ask(get("/large"));
    CHECK(large.header("Transfer-Encoding") == "chunked");
    CHECK(large.header("Content-Length").empty());
    CHECK(large.body == std::string(500'000, 'x'));
  }
  peer.say("HEAD /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(peer.answer(true).status == 200);
  CHECK(peer.ask(get("/small")).body == "xxx");
  Peer old(listener->port());
  old.say("GET /large HTTP/1.0\r\n\r\n");
  CHECK(old.answer(true).header("Transfer-Encoding").empty());
  CHECK(old.closed());
  CHECK(old.heard() == std::string(500'000, 'x'));
}

TEST_CASE("a body that cannot be made is a 500 before its first piece, and cut after it") {
  const auto listener = serve([](const Request& request) {
    return made([late = request.path == "/late"](StreamWriter& out) {
      if (late) out.write(std::string(200'000, 'x'));
      throw std::runtime_error("secret");
    });
  });
  Peer peer(listener->port());
  CHECK(peer.ask(get("/early")).status == 500);
  CHECK(peer.ask(get("/late")).body.ends_with("<cut>"));
}

TEST_CASE("for a reader that does not read no more is made than its connection holds") {
  std::mutex mutex;
  std::condition_variable changed;
  int pieces = 0;
  bool ended = false;
  const auto listener = serve([&](const Request&) {
    return made([&](StreamWriter& out) {
      bool wanted = true;
      while (wanted && pieces < 500) {
        wanted = out.write(std::string(1u << 20, 'x'));
        const std::lock_guard<std::mutex> lock(mutex);
        ++pieces;
      }
      const std::lock_guard<std::mutex> lock(mutex);
      ended = true;
      changed.notify_all();
    });
  });
  Peer peer(listener->port());
  peer.say(get("/"));
  REQUIRE(peer.hear("HTTP/1.1 200"));
  peer.close();
  std::unique_lock<std::mutex> lock(mutex);
  CHECK(changed.wait_for(lock, std::chrono::seconds(20), [&] { return ended; }));
  CHECK(pieces < 500);
}

TEST_CASE("above the bound of bytes under way another large reply is 503, a small one is answered") {
  Options options;
  options.reply_bytes_max = 1 << 20;
  const auto listener = serve(
      [](const Request& request) {
        Reply reply;
        if (request.path == "/large") reply.body.assign(32u << 20, 'x');
        if (request.path == "/made") reply = made([](StreamWriter& out) { out.write("x"); });
        return reply;
      },
      options);
  Peer viewer(listener->port());
  viewer.say(get("/large"));
  REQUIRE(viewer.hear("HTTP/1.1 200"));  // and does not read on
  for (const char* path : {"/large", "/made"}) {
    Peer next(listener->port());
    const Answer refused = next.ask(get(path));
    CHECK(refused.status == 503);
    CHECK(refused.header("Retry-After") == "1");
    CHECK(next.ask(get("/small")).status == 200);
  }
  viewer.close();
  int status = 503;
  for (int i = 0; i < 100'000 && status == 503; ++i) {  // its share is given back a moment later
    Peer next(listener->port());
    next.say(get("/large"));
    status = next.answer(true).status;
  }
  CHECK(status == 200);
}

TEST_CASE("shares are given back, and whoever is alone gets any") {
  ReplyBudget budget(100);
  {
    const ReplyBudget::Share large(budget, 1'000), second(budget, 1), nothing(budget, 0);
    CHECK(large.granted());
    CHECK_FALSE(second.granted());
    CHECK(nothing.granted());
    CHECK(budget.under_way() == 1'000);
  }
  CHECK(budget.under_way() == 0);
  const ReplyBudget::Share a(budget, 60), b(budget, 40), c(budget, 1);
  CHECK(a.granted());
  CHECK(b.granted());
  CHECK_FALSE(c.granted());
}

}  // namespace
}  // namespace mimas::http
