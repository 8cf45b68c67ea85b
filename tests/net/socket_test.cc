#include "net/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "net/clock.h"

using namespace mimas;
using namespace mimas::net;

namespace {

struct Pair {
  Socket ours;
  Socket theirs;
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    ours = Socket(fds[0]);
    theirs = Socket(fds[1]);
  }
};

struct Listener {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  wire::Endpoint at;
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd, 4) == 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    at = {"127.0.0.1", ntohs(address.sin_port)};
  }
  ~Listener() { ::close(fd); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
};

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

}  // namespace

TEST_CASE("bytes arrive, silence is a timeout, a close is zero bytes") {
  Pair pair;
  char buffer[16];
  CHECK(pair.ours.read_some(buffer, sizeof buffer, 0).error().code == Code::timeout);
  REQUIRE(pair.theirs.write_all("hello", 1'000).ok());
  CHECK(pair.ours.readable());
  CHECK(*pair.ours.read_some(buffer, sizeof buffer, 1'000) == 5);
  CHECK_FALSE(pair.ours.readable());
  pair.theirs.close();
  CHECK(*pair.ours.read_some(buffer, sizeof buffer, 1'000) == 0);
}

TEST_CASE("writing to a closed peer is an error and no signal, writing to a stuck one a timeout") {
  Pair pair;
  const std::string much(4u << 20, 'x');
  CHECK(pair.ours.write_all(much, 20).error().code == Code::timeout);
  pair.theirs.close();
  CHECK(pair.ours.write_all("x", 1'000).error().code == Code::io);
  CHECK(Socket().write_all("x", 0).error().code == Code::io);
}

TEST_CASE("an interrupt wakes a reader and is remembered once") {
  Pair pair;
  std::thread other([&] { pair.ours.interrupt(); });
  char byte;
  const auto got = pair.ours.read_some(&byte, 1, 60'000);
  other.join();
  REQUIRE(got.ok());
  CHECK(*got == 0);
  CHECK(pair.ours.take_interrupt());
  CHECK_FALSE(pair.ours.take_interrupt());
}

TEST_CASE("a TCP socket is close-on-exec, non-blocking and checks that its peer lives (mesos-protocol 1.7)") {
  Listener listener;
  auto socket = Socket::connect(listener.at, 5'000);
  REQUIRE(socket.ok());
  const int fd = socket->fd();
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 30);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 10);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 3);
  CHECK(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);
  Socket moved = *std::move(socket);
  CHECK(moved.fd() == fd);
  CHECK(moved.release() == fd);
  CHECK_FALSE(moved.open());
  ::close(fd);
}

TEST_CASE("names need a resolver, and every address it gives is tried") {
  Listener listener;
  const wire::Endpoint named{"leader", listener.at.port};
  CHECK(Socket::connect(named, 1'000).error().code == Code::invalid_argument);
  const Resolve nobody = [](const std::string&) -> Result<std::vector<std::string>> {
    return make_error(Code::unavailable, "no such name");
  };
  CHECK(Socket::connect(named, 1'000, nobody).error().message == "no such name");
  const Resolve second_works = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"127.255.255.254", "not an address", "127.0.0.1"};
  };
  CHECK(Socket::connect(named, 5'000, second_works).ok());
  const Resolve empty = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{};
  };
  CHECK(Socket::connect(named, 1'000, empty).error().code == Code::unavailable);
}

TEST_CASE("localhost is resolved to a loopback address") {
  const auto found = resolve_by_name("localhost");
  REQUIRE(found.ok());
  CHECK((found->front() == "127.0.0.1" || found->front() == "::1"));
}

TEST_CASE("unix sockets are reached by path, and a path that is too long is refused") {
  char folder[] = "/tmp/mimas-socket-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/s";
  CHECK(Socket::connect_unix(path, 1'000).error().code == Code::unavailable);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  CHECK(Socket::connect_unix(path, 1'000).ok());
  CHECK(Socket::connect_unix(std::string(108, 'x'), 1'000).error().code == Code::invalid_argument);
  CHECK(Socket::connect_unix("", 1'000).error().code == Code::invalid_argument);
  ::close(listener);
  ::unlink(path.c_str());
  ::rmdir(folder);
}

TEST_CASE("the monotonic clock does not go back, the wall clock is past 2020, random bytes differ") {
  const auto before = monotonic_ms();
  CHECK(monotonic_ms() >= before);
  CHECK(wall_now().ms > 1'577'836'800'000);
  CHECK(random_bytes() != random_bytes());
  CHECK(random_seed() != random_seed());
}
