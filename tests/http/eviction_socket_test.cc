// Who gives way to whom, over loopback, by counts.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cerrno>
#include <memory>
#include <vector>

#include "http/listener.h"
#include "peer.h"

namespace mimas::http {
namespace {

constexpr int kPlaces = 8;

std::unique_ptr<Listener> serve(Handler handler, Options options = {}) {
  options.listen = {"127.0.0.1", 0};
  options.workers = kPlaces;
  options.idle_ms = 600'000;
  options.write_ms = 600'000;
  auto opened = Listener::open(options, std::move(handler));
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

using Peers = std::vector<std::unique_ptr<Peer>>;

// All places: each has been answered once, so that it is known to have one, and sends half of another
// request.
void fill(Peers& crowd, std::uint16_t port) {
  for (int i = 0; i < kPlaces; ++i) {
    crowd.push_back(std::make_unique<Peer>(port, 20, 2 + i % 2));
    REQUIRE(crowd.back()->ask(get("/")).status == 200);
    crowd.back()->say("GET /half HTTP/1.1\r\nHos");
  }
}

TEST_CASE("however fast two addresses send halves of requests, others are answered") {
  const auto listener = serve([](const Request&) { return Reply{}; });
  Peers crowd;
  fill(crowd, listener->port());
  int answered = 0;
  for (int i = 0; i < 60; ++i) {
    for (const std::uint32_t from : {2u, 3u}) {  // at once, whatever became of those before
      crowd.push_back(std::make_unique<Peer>(listener->port(), 20, from));
      crowd.back()->say("GET /half HTTP/1.1\r\nHos");
    }
    Peer honest(listener->port(), 20, 4);
    if (honest.ask(get("/", "Connection: close\r\n")).status == 200) ++answered;
    CHECK(honest.closed());
  }
  CHECK(answered == 60);
}

TEST_CASE("readers that take nothing of their replies give way as well") {
  const auto listener = serve([](const Request& request) {
    Reply reply;
    if (request.path == "/large") reply.body.assign(8u << 20, 'x');
    return reply;
  });
  Peers crowd;
  for (int i = 0; i < kPlaces; ++i) {
    crowd.push_back(std::make_unique<Peer>(listener->port(), 20, 2));
    crowd.back()->say(get("/large"));
    REQUIRE(crowd.back()->hear("HTTP/1.1 200 OK"));  // and reads no further
  }
  int status = 503;
  for (int i = 0; i < 100'000 && status == 503; ++i)  // until one has taken nothing for long enough
    status = Peer(listener->port(), 20, 4).ask(get("/")).status;
  CHECK(status == 200);
}

// Takes every descriptor that the process may still open, and gives them back.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + 16;
    ::setrlimit(RLIMIT_NOFILE, &few);
    int fd = 0;
    while ((fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) taken_.push_back(fd);
    full_ = errno == EMFILE;
  }
  ~NoDescriptors() {
    for (const int fd : taken_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  bool full() const { return full_; }

 private:
  rlimit before_{};
  std::vector<int> taken_;
  bool full_ = false;
};

TEST_CASE("without a descriptor left a slow connection gives its own to a newcomer") {
  const auto listener = serve([](const Request&) { return Reply{}; });
  Peers crowd;
  for (int i = 0; i < kPlaces / 2; ++i) {  // there are workers left, but no descriptors
    crowd.push_back(std::make_unique<Peer>(listener->port(), 20, 2));
    REQUIRE(crowd.back()->ask(get("/")).status == 200);
    crowd.back()->say("GET /half HTTP/1.1\r\nHos");
  }
  Peer first(listener->port(), 20, 4, true), second(listener->port(), 20, 4, true);
  const NoDescriptors none;
  REQUIRE(none.full());
  for (Peer* newcomer : {&first, &second}) {
    REQUIRE(newcomer->connect());
    CHECK(newcomer->ask(get("/")).status == 200);
  }
}

TEST_CASE("without a descriptor left, and with nobody to give way, a newcomer is told so") {
  const auto listener = serve([](const Request& request) {
    Reply reply;
    reply.stream = [path = request.path](StreamWriter& writer) {
      writer.write("hello");
      while (writer.peer_alive()) ::usleep(1'000);
    };
    return reply;
  });
  Peer stream(listener->port(), 20, 2);
  stream.say(get("/"));
  REQUIRE(stream.hear("hello"));
  Peer first(listener->port(), 20, 4, true), second(listener->port(), 20, 4, true);
  const NoDescriptors none;
  REQUIRE(none.full());
  for (Peer* newcomer : {&first, &second}) {
    REQUIRE(newcomer->connect());
    CHECK(newcomer->answer().status == 503);
    CHECK(newcomer->closed());
  }
}

}  // namespace
}  // namespace mimas::http
