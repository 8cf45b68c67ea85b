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
#include "http/door.h"
#include "http/eviction.h"
#include "http/exchange.h"
#include "http/refusal.h"
#include "http/reply_head.h"

namespace mimas::http {
namespace {

constexpr int kBacklog = 1024;
constexpr std::size_t kTurnedAwayMax = 64;   // connections being told 503 at once
constexpr std::int64_t kTurnedAwayMs = 500;  // how long one of them gets to read it
constexpr std::int64_t kDescriptorsShortMs =
    10;  // pause of the accept loop when the process has no descriptor left
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
  std::string group;  // of its address
};

struct TurnedAway {
  int fd = -1;
  std::int64_t until_ms = 0;
};

// What the process is short of will be there again when somebody goes.
bool is_shortage(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

std::string whole(const Reply& reply) {
  const BodyLength length{BodyLength::Kind::bytes, static_cast<std::int64_t>(reply.body.size())};
  return reply_head(reply, length, true) + reply.body;
}

int spare_descriptor() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

// Everything is served behind the door.
Handler guarded(const Options& options, Handler handler) {
  Door door{options.origins, options.host_names};
  for (std::string& name : own_names()) door.host_names.push_back(std::move(name));
  if (!options.listen.host.empty()) door.host_names.push_back(options.listen.host);
  return behind(std::move(door), std::move(handler));
}

}  // namespace

// One accept thread and up to `workers` worker threads, made when first needed. A worker serves one
// connection from its first byte to its last.
struct Listener::Impl {
  struct Worker {
    Worker(const Options& options, const Handler& handler, Exchange::Shared& shared)
        : exchange(options, handler, shared) {}
    Exchange exchange;
    std::thread thread;
    std::atomic<bool> last{false};  // the connection's current request is its last
    // Guarded by `mutex`:
    int fd = -1;                     // the connection being served
    std::string group;               // whose it is
    std::int64_t idle_since_ms = 0;  // 0: inside a request
    // Not guarded: when the request being read began to arrive; 0: it is complete, or there is none.
    std::atomic<std::int64_t> reading_since_ms{0};
    // Since when the peer has taken nothing of the reply; 0: it does, or there is none.
    std::atomic<std::int64_t> stalled_since_ms{0};
  };

  Impl(Options given, Handler with)
      : options(std::move(given)), handler(guarded(options, std::move(with))), shared(options) {}
  ~Impl() {
    stop();
    if (spare_fd >= 0) ::close(spare_fd);
    if (listen_fd >= 0) ::close(listen_fd);
    if (stop_signal.event >= 0) ::close(stop_signal.event);
  }

  Status start();
  void stop();
  void accept_loop();
  bool accept_one(std::vector<TurnedAway>& turned_away);
  bool accept_next(Accepted& connection);
  bool accept_on_reserve(Accepted& connection, std::vector<TurnedAway>& turned_away);
  void turn_away(int fd, int status, std::vector<TurnedAway>& turned_away);
  void pause() const;
  int hand_over(Accepted& connection);
  bool make_room(const std::string& newcomer, bool own_alone = false);
  Place place_of(const Worker& worker) const;
  void work(Worker& self);
  void serve(Worker& self, Accepted connection);
  void mark(Worker& self, int fd, std::int64_t idle_since_ms);

  const Options options;
  const Handler handler;
  int listen_fd = -1;
  int spare_fd = -1;  // given up to accept one connection when there is no other; accept thread only
  std::uint16_t port = 0;
  StopSignal stop_signal;
  Exchange::Shared shared;
  std::thread acceptor;
  std::mutex stop_mutex;  // makes stop() safe to call twice at once

  std::mutex mutex;
  std::condition_variable work_ready;
  std::deque<Accepted> waiting;  // never more than workers that are free or being freed
  std::size_t free_workers = 0;
  std::size_t evicted = 0;                // connections told to go, whose workers have not come back yet
  std::map<std::string, int> by_address;  // connections waiting or served, by their group
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
  spare_fd = spare_descriptor();
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

void Listener::Impl::pause() const {
  pollfd stop{stop_signal.event, POLLIN, 0};
  ::poll(&stop, 1, static_cast<int>(kDescriptorsShortMs));
}

bool Listener::Impl::accept_next(Accepted& connection) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  connection.fd =
      ::accept4(listen_fd, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection.fd < 0) return false;
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection.remote = numeric_address(from);
  connection.group = address_group(connection.remote);
  return true;
}

// The process has no descriptor left: whoever was told to go goes, else the reserve serves to look at one
// newcomer, for whom somebody gives way. False: it was of no use.
bool Listener::Impl::accept_on_reserve(Accepted& connection, std::vector<TurnedAway>& turned_away) {
  if (!turned_away.empty()) {
    ::close(turned_away.front().fd);
    turned_away.erase(turned_away.begin());
    return accept_next(connection);
  }
  ::close(std::exchange(spare_fd, -1));
  if (!accept_next(connection)) return false;
  const std::lock_guard<std::mutex> lock(mutex);
  if (evicted > waiting.size() || make_room(connection.group)) return true;
  const Reply reply = refusal_reply(503, "the server has no descriptor left, try again soon");
  (void)!::send(connection.fd, whole(reply).data(), whole(reply).size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(connection.fd);
  return false;
}

// False: nobody else is waiting.
bool Listener::Impl::accept_one(std::vector<TurnedAway>& turned_away) {
  // The reserve comes first: it is what the next one might need.
  if (spare_fd < 0 && (spare_fd = spare_descriptor()) < 0) {
    pause();
    return false;
  }
  Accepted connection;
  if (!accept_next(connection)) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (!is_shortage(errno) || !accept_on_reserve(connection, turned_away)) {
      pause();  // the loop must not spin
      return false;
    }
  }
  if (const int refused = hand_over(connection); refused != 0) turn_away(connection.fd, refused, turned_away);
  return true;
}

void Listener::Impl::turn_away(int fd, int status, std::vector<TurnedAway>& turned_away) {
  if (options.security != nullptr) {  // there is no word that such a peer would understand
    ::close(fd);
    return;
  }
  const std::string refusal = whole(refusal_reply(status, refusal_detail(status)));
  const ssize_t sent = ::send(fd, refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0 && turned_away.size() < kTurnedAwayMax && ::shutdown(fd, SHUT_WR) == 0) {
    // Closing with its request unread would reset the connection and destroy the reply.
    turned_away.push_back({fd, steady_ms() + kTurnedAwayMs});
  } else {
    ::close(fd);
  }
}

// To a free worker, a new worker, or the worker of a connection that has long been idle; 0, or the status to
// refuse with when there is none.
int Listener::Impl::hand_over(Accepted& connection) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (options.workers_per_address > 0) {
    const auto known = by_address.find(connection.group);
    const bool full = known != by_address.end() && known->second >= options.workers_per_address;
    if (full && !make_room(connection.group, true)) return 429;
  }
  if (waiting.size() >= free_workers + evicted) {
    bool made = false;
    if (workers.size() < static_cast<std::size_t>(std::max(1, options.workers))) {
      try {
        workers.push_back(std::make_unique<Worker>(options, handler, shared));
        Worker& fresh = *workers.back();
        fresh.thread = std::thread([this, &fresh] { work(fresh); });
        ++free_workers;  // on its way to `waiting`
        made = true;
      } catch (const std::exception&) {  // no memory or no thread: as if it were one worker too many
        if (!workers.empty() && !workers.back()->thread.joinable()) workers.pop_back();
      }
    }
    if (!made && !make_room(connection.group)) return 503;
  }
  ++by_address[connection.group];
  waiting.push_back(std::move(connection));
  work_ready.notify_one();
  return 0;
}

Place Listener::Impl::place_of(const Worker& worker) const {
  Place place{worker.group, Place::Waits::for_us, 0};
  if (worker.fd < 0 || worker.last.load()) return place;
  if (worker.idle_since_ms != 0) {
    place.waits = Place::Waits::idle;
    place.since_ms = worker.idle_since_ms;
  } else if (const std::int64_t reading = worker.reading_since_ms.load(); reading != 0) {
    place.waits = Place::Waits::request;
    place.since_ms = reading;
  } else if (const std::int64_t stalled = worker.stalled_since_ms.load(); stalled != 0) {
    place.waits = Place::Waits::reader;
    place.since_ms = stalled;
  }
  return place;
}

// Tells a connection to go for a newcomer's sake. A request that is being answered is never cut off, unless
// nobody takes the answer.
bool Listener::Impl::make_room(const std::string& newcomer, bool own_alone) {
  std::vector<Place> places;
  for (const std::unique_ptr<Worker>& worker : workers) places.push_back(place_of(*worker));
  const auto chosen = who_goes(places, newcomer, steady_ms(), own_alone);
  if (!chosen) return false;
  Worker& goes = *workers[*chosen];
  // A request that crosses this is still read, answered and told "Connection: close".
  goes.last.store(true);
  ::shutdown(goes.fd, places[*chosen].waits == Place::Waits::reader ? SHUT_RDWR : SHUT_RD);
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
    self.group = connection.group;
    lock.unlock();
    serve(self, std::move(connection));
    lock.lock();
    ++free_workers;
    if (const auto counted = by_address.find(self.group); --counted->second == 0) by_address.erase(counted);
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
                  self.stalled_since_ms, std::move(session));
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
  if (options.host_names.size() > kHostNamesMax || options.origins.size() > kOriginsMax)
    return make_error(Code::invalid_argument,
                      "cannot listen with more than " + std::to_string(kHostNamesMax) + " names or origins",
                      options.listen.text());
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
