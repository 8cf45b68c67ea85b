#include "http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "http/channel.h"
#include "http/exchange.h"
#include "http/refusal.h"

namespace mimas::http {
namespace {

constexpr int kBacklog = 1024;
constexpr std::size_t kTurnedAwayMax = 64;   // connections being told 503 at once
constexpr std::int64_t kTurnedAwayMs = 500;  // how long one of them gets to read it
constexpr std::int64_t kDescriptorsShortMs =
    10;  // pause of the accept loop when the process has no descriptor left
constexpr std::int64_t kEvictAfterIdleMs =
    100;  // younger idle connections are probably about to be used again
constexpr std::int64_t kEvictAfterReadingMs = 1'000;  // an honest request has arrived by then, or is large
constexpr std::int64_t kHandshakeMs = 10'000;

std::string system_text(int number) {
  std::string text = std::system_category().message(number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

std::string numeric_address(const sockaddr_storage& from) {
  char text[INET6_ADDRSTRLEN] = "";
  if (from.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (from.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  const std::string_view address = text;
  constexpr std::string_view kMapped = "::ffff:";  // an IPv4 peer of a dual-stack listener
  const bool mapped = address.starts_with(kMapped) && address.find('.') != std::string_view::npos;
  return std::string(mapped ? address.substr(kMapped.size()) : address);
}

// SO_REUSEADDR, so that a restart does not wait for old connections; no SO_REUSEPORT, so that two servers
// never share a port unnoticed. Answers a descriptor or -1 with errno.
int listening_socket(const addrinfo& at, bool dual_stack) {
  const int fd = ::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at.ai_protocol);
  if (fd < 0) return -1;
  const int on = 1;
  const int v6_only = dual_stack ? 0 : 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.ai_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (::bind(fd, at.ai_addr, at.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  const int saved = errno;
  ::close(fd);
  errno = saved;
  return -1;
}

Result<int> open_listening(const wire::Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int failed =
      ::getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) {
    return make_error(Code::io, std::string("cannot listen: ") + ::gai_strerror(failed), endpoint.text());
  }
  int fd = -1;
  int number = EADDRNOTAVAIL;
  for (const addrinfo* at = found; at != nullptr && fd < 0; at = at->ai_next) {
    fd = listening_socket(*at, endpoint.host == "::");
    number = errno;
    if (fd < 0 && number == EADDRINUSE) break;  // "localhost" must not quietly become ::1
  }
  ::freeaddrinfo(found);
  if (fd < 0) return make_error(Code::io, "cannot listen: " + system_text(number), endpoint.text());
  return fd;
}

// A long path goes by a descriptor of its folder; the name alone has to fit then.
Result<int> open_listening_on(const std::string& path) {
  const auto failed = [&](int number) {
    return make_error(Code::io, "cannot listen: " + system_text(number), path);
  };
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int folder_fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return failed(errno);
  std::string address = path;
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (address.size() >= sizeof at.sun_path)
    address = "/proc/self/fd/" + std::to_string(folder_fd) + "/" + path.substr(slash + 1);
  int number = ENAMETOOLONG;
  int fd = -1;
  if (address.size() < sizeof at.sun_path) {
    std::memcpy(at.sun_path, address.data(), address.size());
    struct stat old {};
    if (::lstat(path.c_str(), &old) == 0 && S_ISSOCK(old.st_mode)) ::unlink(path.c_str());
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool good = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
                      ::listen(fd, kBacklog) == 0;
    number = errno;
    if (!good && fd >= 0) ::close(std::exchange(fd, -1));
  }
  ::close(folder_fd);
  if (fd < 0) return failed(number);
  return fd;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) return 0;
  if (own.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &own, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &own, sizeof v4);
  return ntohs(v4.sin_port);
}

struct Accepted {
  int fd = -1;
  std::string remote;
};

struct TurnedAway {
  int fd = -1;
  std::int64_t until_ms = 0;
};

}  // namespace

// One accept thread and up to `workers` worker threads, made when first needed. A worker serves one
// connection from its first byte to its last.
struct Listener::Impl {
  struct Worker {
    Worker(const Options& options, const Handler& handler, std::atomic<int>& streams)
        : exchange(options, handler, streams) {}
    Exchange exchange;
    std::thread thread;
    std::atomic<bool> last{false};  // the connection's current request is its last
    // Guarded by `mutex`:
    int fd = -1;                     // the connection being served
    std::string remote;              // whose it is
    std::int64_t idle_since_ms = 0;  // 0: inside a request
    // Not guarded: when the request being read began to arrive; 0: it is complete, or there is none.
    std::atomic<std::int64_t> reading_since_ms{0};
  };

  Impl(Options given, Handler with) : options(std::move(given)), handler(std::move(with)) {}
  ~Impl() {
    stop();
    if (listen_fd >= 0) ::close(listen_fd);
    if (stop_signal.event >= 0) ::close(stop_signal.event);
  }

  Status start();
  void stop();
  void accept_loop();
  bool accept_one(std::vector<TurnedAway>& turned_away);
  int hand_over(Accepted& connection);
  bool make_room(const std::string* of = nullptr);
  void work(Worker& self);
  void serve(Worker& self, Accepted connection);
  void mark(Worker& self, int fd, std::int64_t idle_since_ms);

  const Options options;
  const Handler handler;
  int listen_fd = -1;
  std::uint16_t port = 0;
  StopSignal stop_signal;
  std::atomic<int> streams_open{0};
  std::thread acceptor;
  std::mutex stop_mutex;  // makes stop() safe to call twice at once

  std::mutex mutex;
  std::condition_variable work_ready;
  std::deque<Accepted> waiting;  // never more than workers that are free or being freed
  std::size_t free_workers = 0;
  std::size_t evicted = 0;                // idle connections told to go, whose workers have not come back yet
  std::map<std::string, int> by_address;  // connections waiting or served
  std::vector<std::unique_ptr<Worker>> workers;
};

Status Listener::Impl::start() {
  const bool on_path = !options.unix_path.empty();
  Result<int> opened = on_path ? open_listening_on(options.unix_path) : open_listening(options.listen);
  if (!opened) return std::move(opened).error();
  listen_fd = *opened;
  port = on_path ? std::uint16_t{0} : bound_port(listen_fd);
  stop_signal.event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_signal.event < 0)
    return make_error(Code::io, "cannot listen: " + system_text(errno), options.listen.text());
  try {
    acceptor = std::thread([this] { accept_loop(); });
  } catch (const std::system_error& failure) {
    return make_error(Code::io, std::string("cannot listen: no thread: ") + failure.what(),
                      options.listen.text());
  }
  return Done{};
}

void Listener::Impl::stop() {
  const std::lock_guard<std::mutex> once(stop_mutex);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    stop_signal.raised.store(true, std::memory_order_release);
  }
  const std::uint64_t one = 1;
  if (stop_signal.event >= 0) {
    [[maybe_unused]] const ssize_t woken = ::write(stop_signal.event, &one, sizeof one);
  }
  work_ready.notify_all();
  if (acceptor.joinable()) acceptor.join();
  if (listen_fd >= 0 && !options.unix_path.empty()) ::unlink(options.unix_path.c_str());
  if (listen_fd >= 0)
    ::close(listen_fd);  // newcomers are refused from here on, rather than left in the backlog
  listen_fd = -1;
  // No worker is made any more: only the accept thread does that.
  for (const std::unique_ptr<Worker>& worker : workers) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  for (const Accepted& connection : waiting) ::close(connection.fd);
  waiting.clear();
}

void Listener::Impl::accept_loop() {
  std::vector<TurnedAway> turned_away;
  std::vector<pollfd> polled;
  while (!stop_signal.raised.load(std::memory_order_acquire)) {
    polled.assign({{listen_fd, POLLIN, 0}, {stop_signal.event, POLLIN, 0}});
    int wait_ms = -1;
    for (const TurnedAway& guest : turned_away) {
      polled.push_back({guest.fd, POLLIN, 0});
      const std::int64_t left = std::max<std::int64_t>(0, guest.until_ms - steady_ms());
      wait_ms = wait_ms < 0 ? static_cast<int>(left) : std::min(wait_ms, static_cast<int>(left));
    }
    if (::poll(polled.data(), polled.size(), wait_ms) < 0 && errno != EINTR) break;

    const std::int64_t now = steady_ms();
    std::vector<TurnedAway> stay;
    for (std::size_t i = 0; i < turned_away.size(); ++i) {
      char discarded[4096];
      bool over = now >= turned_away[i].until_ms;
      if (polled[i + 2].revents != 0) {
        const ssize_t got = ::recv(turned_away[i].fd, discarded, sizeof discarded, MSG_DONTWAIT);
        over = over || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
      }
      if (over) {
        ::close(turned_away[i].fd);
      } else {
        stay.push_back(turned_away[i]);
      }
    }
    turned_away = std::move(stay);

    if (polled[0].revents != 0) {
      for (int i = 0; i < 64 && accept_one(turned_away); ++i) {
      }
    }
  }
  for (const TurnedAway& guest : turned_away) ::close(guest.fd);
}

// False: nobody else is waiting.
bool Listener::Impl::accept_one(std::vector<TurnedAway>& turned_away) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  Accepted connection;
  connection.fd =
      ::accept4(listen_fd, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection.fd < 0) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {  // EMFILE and the like: the loop must not spin
      pollfd stop{stop_signal.event, POLLIN, 0};
      ::poll(&stop, 1, static_cast<int>(kDescriptorsShortMs));
    }
    return false;
  }
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection.remote = numeric_address(from);
  const int refused = hand_over(connection);
  if (refused == 0) return true;

  if (options.security != nullptr) {  // there is no word that such a peer would understand
    ::close(connection.fd);
    return true;
  }
  const std::string refusal = whole_refusal(refused, refusal_detail(refused));
  const ssize_t sent = ::send(connection.fd, refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0 && turned_away.size() < kTurnedAwayMax && ::shutdown(connection.fd, SHUT_WR) == 0) {
    // Closing with its request unread would reset the connection and destroy the reply.
    turned_away.push_back({connection.fd, steady_ms() + kTurnedAwayMs});
  } else {
    ::close(connection.fd);
  }
  return true;
}

// To a free worker, a new worker, or the worker of a connection that has long been idle; 0, or the status to
// refuse with when there is none.
int Listener::Impl::hand_over(Accepted& connection) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (options.workers_per_address > 0) {
    const auto known = by_address.find(connection.remote);
    const bool full = known != by_address.end() && known->second >= options.workers_per_address;
    if (full && !make_room(&connection.remote)) return 429;
  }
  if (waiting.size() >= free_workers + evicted) {
    bool made = false;
    if (workers.size() < static_cast<std::size_t>(std::max(1, options.workers))) {
      try {
        workers.push_back(std::make_unique<Worker>(options, handler, streams_open));
        Worker& fresh = *workers.back();
        fresh.thread = std::thread([this, &fresh] { work(fresh); });
        ++free_workers;  // on its way to `waiting`
        made = true;
      } catch (const std::exception&) {  // no memory or no thread: as if it were one worker too many
        if (!workers.empty() && !workers.back()->thread.joinable()) workers.pop_back();
      }
    }
    if (!made && !make_room()) return 503;
  }
  ++by_address[connection.remote];
  waiting.push_back(std::move(connection));
  work_ready.notify_one();
  return 0;
}

// Tells a connection to go for a newcomer's sake: the one idle for longest, or else the one that takes
// longest to say what it wants, among those of the address `of` if there is one. A request that is being
// answered is never cut off.
bool Listener::Impl::make_room(const std::string* of) {
  Worker* idle = nullptr;
  Worker* slow = nullptr;
  std::int64_t slow_since = 0;
  for (const std::unique_ptr<Worker>& worker : workers) {
    if (worker->fd < 0 || worker->last.load()) continue;
    if (of != nullptr && worker->remote != *of) continue;
    if (worker->idle_since_ms != 0) {
      if (idle == nullptr || worker->idle_since_ms < idle->idle_since_ms) idle = worker.get();
    } else if (const std::int64_t since = worker->reading_since_ms.load(); since != 0) {
      if (slow != nullptr && since >= slow_since) continue;
      slow = worker.get();
      slow_since = since;
    }
  }
  const std::int64_t now = steady_ms();
  Worker* chosen = nullptr;
  if (slow != nullptr && now - slow_since >= kEvictAfterReadingMs) chosen = slow;
  if (idle != nullptr && now - idle->idle_since_ms >= kEvictAfterIdleMs) chosen = idle;
  if (chosen == nullptr) return false;
  // A request that crosses this is still read, answered and told "Connection: close".
  chosen->last.store(true);
  ::shutdown(chosen->fd, SHUT_RD);
  ++evicted;
  return true;
}

void Listener::Impl::work(Worker& self) {
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    work_ready.wait(lock, [this] { return !waiting.empty() || stop_signal.raised.load(); });
    if (stop_signal.raised.load()) return;
    Accepted connection = std::move(waiting.front());
    waiting.pop_front();
    --free_workers;
    self.remote = connection.remote;
    lock.unlock();
    serve(self, std::move(connection));
    lock.lock();
    ++free_workers;
    if (const auto counted = by_address.find(self.remote); --counted->second == 0) by_address.erase(counted);
    if (self.last.exchange(false)) --evicted;
  }
}

void Listener::Impl::mark(Worker& self, int fd, std::int64_t idle_since_ms) {
  const std::lock_guard<std::mutex> lock(mutex);
  self.fd = fd;
  self.idle_since_ms = idle_since_ms;
}

void Listener::Impl::serve(Worker& self, Accepted connection) {
  std::unique_ptr<net::SecureSession> session;
  if (options.security != nullptr) {
    auto begun = options.security->begin("");
    if (!begun) {
      ::close(connection.fd);
      return;
    }
    session = *std::move(begun);
  }
  Channel channel(connection.fd, std::move(connection.remote), stop_signal, options.write_ms,
                  std::move(session));
  self.reading_since_ms.store(steady_ms());  // a handshake that takes long is a request that takes long
  mark(self, channel.fd(), 0);
  bool good = channel.shake_hands(kHandshakeMs);
  while (good) {
    mark(self, channel.fd(), steady_ms());
    if (!channel.wait_readable(options.idle_ms)) break;
    self.reading_since_ms.store(steady_ms());
    mark(self, channel.fd(), 0);
    good = self.exchange.serve(channel, self.last, self.reading_since_ms);
    self.reading_since_ms.store(0);
  }
  mark(self, -1, 0);  // before the descriptor's number is free for another connection
  self.reading_since_ms.store(0);
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(Options options, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  Status started = impl->start();
  if (!started) return std::move(started).error();
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::uint16_t Listener::port() const { return impl_->port; }
void Listener::stop() { impl_->stop(); }

std::string_view Request::parameter(std::string_view name, bool* present) const {
  for (const QueryParameter& parameter : query) {
    if (parameter.name != name) continue;
    if (present != nullptr) *present = true;
    return parameter.value;
  }
  if (present != nullptr) *present = false;
  return {};
}

}  // namespace mimas::http
