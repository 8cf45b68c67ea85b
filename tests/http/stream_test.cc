// Streamed replies, admission and stopping, over loopback.
#include <doctest/doctest.h>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "http/listener.h"
#include "peer.h"

namespace mimas::http {
namespace {

// Something one thread announces and another waits for, with a bound.
class Event {
 public:
  void set() {
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait(int seconds = 20) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(seconds), [this] { return set_; });
  }
  bool wait_ms(int ms) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

std::unique_ptr<Listener> serve(Handler handler, Options options = {}) {
  options.listen = {"127.0.0.1", 0};
  Result<std::unique_ptr<Listener>> opened = Listener::open(options, std::move(handler));
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

Reply streaming(std::function<void(StreamWriter&)> stream) {
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.stream = std::move(stream);
  return reply;
}

// A stream that stays until its peer or the listener goes; `left` is set when it returns.
Handler lasting(Event& left) {
  return [&left](const Request& request) {
    if (request.path != "/stream") return Reply{};
    return streaming([&left](StreamWriter& writer) {
      writer.write("hello\n");
      Event tick;
      while (writer.peer_alive()) tick.wait_ms(2);
      left.set();
    });
  };
}

std::int64_t elapsed_ms(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since)
      .count();
}

TEST_CASE("whoever speaks HTTP/1.0 gets a stream without chunks, ended by the connection's end") {
  const auto listener = serve([](const Request&) {
    return streaming([](StreamWriter& writer) {
      writer.write("one ");
      writer.write("two");
    });
  });
  Peer peer(listener->port());
  peer.say("GET / HTTP/1.0\r\n\r\n");
  const Answer head = peer.answer(true);
  CHECK(head.status == 200);
  CHECK(head.header("Transfer-Encoding").empty());
  CHECK(head.header("Connection") == "close");
  CHECK(peer.closed());
  CHECK(peer.heard() == "one two");
}

TEST_CASE("each write of a stream arrives at once as a chunk, and the reply ends when the function returns") {
  Event first_seen;
  const auto listener = serve([&](const Request&) {
    return streaming([&](StreamWriter& writer) {
      CHECK(writer.write("one\n"));
      CHECK(first_seen.wait());
      CHECK(writer.peer_alive());
      CHECK(writer.write(""));  // not an end
      CHECK(writer.write("two\n"));
    });
  });
  Peer peer(listener->port());
  peer.say(get("/events", "Accept-Encoding: gzip\r\n"));
  CHECK(peer.hear("4\r\none\n\r\n"));
  first_seen.set();
  const Answer answer = peer.answer();
  CHECK(answer.status == 200);
  CHECK(answer.header("Transfer-Encoding") == "chunked");
  CHECK(answer.header("Content-Type") == "text/event-stream");
  CHECK(answer.header("Content-Encoding").empty());
  CHECK(answer.body == "one\ntwo\n");
  CHECK(peer.ask(get("/events")).body == "one\ntwo\n");  // on the same connection
}

TEST_CASE("the head of a stream is out before the first write") {
  Event head_seen;
  const auto listener =
      serve([&](const Request&) { return streaming([&](StreamWriter&) { CHECK(head_seen.wait()); }); });
  Peer peer(listener->port());
  peer.say(get("/"));
  CHECK(peer.hear("\r\n\r\n"));
  head_seen.set();
  CHECK(peer.answer().body.empty());
}

TEST_CASE("a stream notices without writing that its peer went away") {
  Event left;
  const auto listener = serve(lasting(left));
  Peer peer(listener->port());
  peer.say(get("/stream"));
  REQUIRE(peer.hear("hello"));
  peer.close();
  CHECK(left.wait());
}

TEST_CASE("writing to a peer that went away fails") {
  Event gone, failed;
  const auto listener = serve([&](const Request&) {
    return streaming([&](StreamWriter& writer) {
      writer.write("x");
      gone.wait();
      for (int i = 0; i < 100'000; ++i) {
        if (!writer.write(std::string(1000, 'x'))) return failed.set();
      }
    });
  });
  Peer peer(listener->port());
  peer.say(get("/"));
  REQUIRE(peer.hear("1\r\nx"));
  peer.close();
  gone.set();
  CHECK(failed.wait());
}

TEST_CASE("a reader slower than the write deadline is cut off") {
  Event failed;
  Options options;
  options.write_ms = 50;
  const auto listener = serve(
      [&](const Request&) {
        return streaming([&](StreamWriter& writer) {
          while (writer.write(std::string(100'000, 'x'))) {
          }
          failed.set();
        });
      },
      options);
  Peer peer(listener->port());
  peer.say(get("/"));  // and never reads
  CHECK(failed.wait());
}

TEST_CASE("a stream whose function throws is cut, not ended") {
  const auto listener = serve([&](const Request&) {
    return streaming([](StreamWriter& writer) {
      writer.write("part");
      throw std::runtime_error("x");
    });
  });
  Peer peer(listener->port());
  CHECK(peer.ask(get("/")).body == "part<cut>");
}

TEST_CASE("a stream above the quota is 503 with Retry-After, until another one ends") {
  Event left;
  Options options;
  options.streams_max = 1;
  const auto listener = serve(lasting(left), options);
  Peer first(listener->port());
  first.say(get("/stream"));
  REQUIRE(first.hear("hello"));
  Peer second(listener->port());
  const Answer refused = second.ask(get("/stream"));
  CHECK(refused.status == 503);
  CHECK(refused.header("Retry-After") == "1");
  CHECK(refused.header("Content-Type") == "application/problem+json");
  CHECK(second.ask(get("/other")).status == 200);  // not a stream
  first.close();
  REQUIRE(left.wait());
  bool taken = false;
  for (int i = 0; i < 10'000 && !taken; ++i) {  // the place is free a moment after the function returned
    Peer next(listener->port());
    next.say(get("/stream"));
    taken = next.answer(true).status == 200;
  }
  CHECK(taken);
}

TEST_CASE("HEAD of a stream answers the head alone and takes no place") {
  Event left;
  Options options;
  options.streams_max = 1;
  const auto listener = serve(lasting(left), options);
  Peer peer(listener->port());
  for (int i = 0; i < 3; ++i) {
    peer.say("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(peer.answer(true).status == 200);
  }
}

TEST_CASE("stopping ends open streams in order, closes idle connections at once and refuses new ones") {
  Event left;
  Options options;
  options.idle_ms = 600'000;
  const auto listener = serve(lasting(left), options);
  Peer idle(listener->port());
  CHECK(idle.ask(get("/x")).status == 200);
  Peer silent(listener->port());
  Peer half(listener->port());
  half.say("GET /x HT");
  Peer stream(listener->port());
  stream.say(get("/stream"));
  REQUIRE(stream.hear("hello"));
  const std::uint16_t port = listener->port();
  const auto start = std::chrono::steady_clock::now();
  listener->stop();
  CHECK(elapsed_ms(start) < 10'000);
  CHECK(left.wait(0));
  CHECK(stream.answer().body == "hello\n");  // with its last chunk
  CHECK(stream.closed());
  CHECK(idle.closed());
  CHECK(silent.closed());
  CHECK(half.closed());
  CHECK_FALSE(Peer(port).connected());
  listener->stop();  // twice is fine
}

TEST_CASE("stopping lets a request under way be answered") {
  Event inside, go_on;
  const auto listener = serve([&](const Request&) {
    inside.set();
    go_on.wait();
    Reply reply;
    reply.body = "done";
    return reply;
  });
  Peer peer(listener->port());
  peer.say(get("/"));
  REQUIRE(inside.wait());
  std::thread stopper([&] { listener->stop(); });
  while (Peer(listener->port()).connected()) {
  }
  go_on.set();
  const Answer answer = peer.answer();
  CHECK(answer.body == "done");
  CHECK(answer.header("Connection") == "close");
  stopper.join();
}

TEST_CASE("stopping does not wait for a stream blocked on a reader that does not read") {
  Event blocked;
  const auto listener = serve([&](const Request&) {
    return streaming([&](StreamWriter& writer) {
      int writes = 0;
      while (writer.write(std::string(1u << 20, 'x'))) {
        if (++writes == 1) blocked.set();
      }
    });
  });
  Peer peer(listener->port());
  peer.say(get("/"));
  REQUIRE(blocked.wait());
  const auto start = std::chrono::steady_clock::now();
  listener->stop();
  CHECK(elapsed_ms(start) < 10'000);
}

TEST_CASE("a connection beyond the workers is told 503 at once") {
  Event left;
  Options options;
  options.workers = 2;
  const auto listener = serve(lasting(left), options);
  Peer first(listener->port()), second(listener->port());
  for (Peer* peer : {&first, &second}) {
    peer->say(get("/stream"));
    REQUIRE(peer->hear("hello"));
  }
  for (int i = 0; i < 5; ++i) {
    Peer third(listener->port());
    const Answer answer = third.ask(get("/x"));
    CHECK(answer.status == 503);
    CHECK(answer.header("Retry-After") == "1");
    CHECK(answer.header("Content-Type") == "application/problem+json");
    CHECK(third.closed());
  }
  first.close();
  REQUIRE(left.wait());
  int status = 503;
  for (int i = 0; i < 10'000 && status == 503; ++i) status = Peer(listener->port()).ask(get("/x")).status;
  CHECK(status == 200);
}

TEST_CASE("a kept-alive connection that idles makes room for a new one") {
  Options options;
  options.workers = 1;
  options.idle_ms = 600'000;
  const auto listener = serve([](const Request&) { return Reply{}; }, options);
  Peer idle(listener->port());
  CHECK(idle.ask(get("/")).status == 200);
  int status = 503;
  for (int i = 0; i < 1'000'000 && status == 503; ++i) status = Peer(listener->port()).ask(get("/")).status;
  CHECK(status == 200);
  CHECK(idle.closed());
}

TEST_CASE(
    "a stream of known length has a Content-Length, keeps its connection, and may be asked for by HEAD") {
  const auto listener = serve([](const Request& request) {
    Reply reply = streaming([](StreamWriter& writer) {
      writer.write("hello ");
      writer.write("world");
    });
    reply.stream_bytes = request.path == "/none" ? 0 : 11;
    reply.headers = {{"Accept-Ranges", "bytes"}};
    return reply;
  });
  Peer peer(listener->port());
  for (int i = 0; i < 2; ++i) {
    const Answer whole = peer.ask(get("/"));
    CHECK(whole.status == 200);
    CHECK(whole.body == "hello world");
    CHECK(whole.header("Content-Length") == "11");
    CHECK(whole.header("Transfer-Encoding").empty());
    CHECK(whole.header("Accept-Ranges") == "bytes");
  }
  peer.say("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer head = peer.answer(true);
  CHECK(head.header("Content-Length") == "11");
  CHECK(head.header("Accept-Ranges") == "bytes");
  const Answer none = peer.ask(get("/none"));  // and what follows is not taken for HEAD's body
  CHECK(none.status == 200);
  CHECK(none.header("Content-Length") == "0");
  CHECK(none.body.empty());
  CHECK(peer.ask(get("/")).body == "hello world");
}

TEST_CASE(
    "a stream that writes less than announced ends its connection, and more than announced is kept back") {
  const auto listener = serve([](const Request& request) {
    const std::int64_t announced = request.path == "/short" ? 8 : 3;
    Reply reply = streaming([](StreamWriter& writer) { writer.write("abc") && writer.write("def"); });
    reply.stream_bytes = announced;
    return reply;
  });
  Peer brief(listener->port());
  const Answer cut = brief.ask(get("/short"));
  CHECK(cut.header("Content-Length") == "8");
  CHECK(cut.body == "abcdef");
  CHECK(brief.closed());
  Peer wordy(listener->port());
  CHECK(wordy.ask(get("/long")).body == "abc");
  CHECK(wordy.closed());
  CHECK(wordy.heard().empty());
}

TEST_CASE("one address never has all places: its own go first, then it is told to close some") {
  Event left;
  Options options;
  options.workers = 8;
  options.workers_per_address = 2;
  const auto listener = serve(lasting(left), options);
  Peer first(listener->port());
  Peer second(listener->port());
  first.say(get("/stream"));
  second.say(get("/stream"));
  REQUIRE(first.hear("hello"));
  REQUIRE(second.hear("hello"));
  Peer third(listener->port());
  const Answer refused = third.answer();
  CHECK(refused.status == 429);
  CHECK(refused.header("Retry-After") == "1");
  Peer neighbour(listener->port(), 20, 2);
  CHECK(neighbour.ask(get("/")).status == 200);
  // A place that is given back is there for the next.
  first.close();
  REQUIRE(left.wait());
  int status = 0;
  for (int i = 0; i < 2'000 && status != 200; ++i) {
    Peer again(listener->port());
    status = again.ask(get("/")).status;
  }
  CHECK(status == 200);
  CHECK(second.connected());
}

TEST_CASE("an idle connection of the same address makes room, one of another address does not") {
  Options options;
  options.workers = 8;
  options.workers_per_address = 1;
  const auto listener = serve([](const Request&) { return Reply{}; }, options);
  Peer neighbour(listener->port(), 20, 2);
  CHECK(neighbour.ask(get("/")).status == 200);
  Peer idle(listener->port());
  CHECK(idle.ask(get("/")).status == 200);
  int status = 0;
  for (int i = 0; i < 2'000 && status != 200; ++i) {  // until the idle one has been so for long enough
    Peer next(listener->port());
    status = next.ask(get("/")).status;
    if (status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(status == 200);
  CHECK(idle.closed());
  CHECK(neighbour.ask(get("/")).status == 200);
}

}  // namespace
}  // namespace mimas::http
