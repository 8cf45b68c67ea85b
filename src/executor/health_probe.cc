#include "executor/health_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "wire/endpoint.h"

namespace mimas::executor {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;  // 0: the text was no address
};

Address read_address(const std::string& text, std::uint16_t port) {
  Address address;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    address.size = sizeof four;
    std::memcpy(&address.bytes, &four, sizeof four);
  } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    address.size = sizeof six;
    std::memcpy(&address.bytes, &six, sizeof six);
  }
  return address;
}

int connect_to(int fd, const Address& address) {
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0 ? 0 : errno;
}

}  // namespace

ProbeTarget target_of(const HealthCheck& check, const TaskSpec& spec, const RunFacts& facts) {
  ProbeTarget target;
  target.port = static_cast<std::uint16_t>(check.port);
  if (facts.ip.empty()) {
    target.addresses = {"127.0.0.1", "::1"};
    return target;
  }
  target.addresses = {facts.ip};
  if (spec.runtime != RuntimeKind::docker) return target;
  for (const PortMapping& mapping : spec.container.ports) {
    if (mapping.host == check.port && !mapping.udp)
      target.port = static_cast<std::uint16_t>(mapping.container);
  }
  return target;
}

NetworkProbe::NetworkProbe(const HealthCheck& check, ProbeTarget target)
    : http_(check.kind == HealthCheck::Kind::http), target_(std::move(target)), path_(check.path) {
  connect_next();
}

void NetworkProbe::end(bool good, std::string message) {
  over_ = true;
  good_ = good;
  message_ = std::move(message);
  socket_.close();
}

void NetworkProbe::connect_next() {
  const Address address = read_address(target_.addresses[at_], target_.port);
  if (address.size == 0) return end(false, "'" + target_.addresses[at_] + "' is not an address");
  const int fd = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused(errno);
  socket_ = net::Socket(fd);
  const int error = connect_to(fd, address);
  if (error == 0) {
    connected_ = true;
    send_request();
  } else if (error != EINPROGRESS) {
    refused(error);
  }
}

// The first address's reason is the one that people know: a task that listens nowhere is not refused "at
// ::1".
void NetworkProbe::refused(int error) {
  socket_.close();
  if (message_.empty()) message_ = std::strerror(error);
  if (++at_ < target_.addresses.size()) {
    connect_next();
  } else {
    end(false, std::move(message_));
  }
}

void NetworkProbe::add_to(std::vector<pollfd>& polled) const {
  if (over_) return;
  const bool writing = !connected_ || sent_ < request_.size();
  polled.push_back({socket_.fd(), static_cast<short>(writing ? POLLOUT : POLLIN), 0});
}

void NetworkProbe::pump() {
  if (!over_ && !connected_) await_connected();
  if (!over_ && connected_ && sent_ < request_.size()) send_request();
  if (!over_ && connected_ && sent_ == request_.size()) read_answer();
}

// Asking again is how a socket says what became of its connection.
void NetworkProbe::await_connected() {
  const int error = connect_to(socket_.fd(), read_address(target_.addresses[at_], target_.port));
  if (error == EALREADY || error == EINPROGRESS || error == EINTR) return;
  if (error != 0 && error != EISCONN) return refused(error);
  connected_ = true;
  send_request();
}

void NetworkProbe::send_request() {
  if (!http_) return end(true, {});
  if (request_.empty()) {
    wire::Request request;
    request.target = path_;
    request.host = wire::Endpoint{target_.addresses[at_], target_.port}.text();
    request.headers = {{"User-Agent", "mimas-executor"}, {"Accept", "*/*"}, {"Connection", "close"}};
    auto text = wire::format_request(request);
    if (!text.ok()) return end(false, "the path cannot be asked for");
    request_ = std::move(text).value();
  }
  while (sent_ < request_.size()) {
    const ssize_t wrote =
        ::send(socket_.fd(), request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (wrote < 0) return end(false, std::strerror(errno));
    sent_ += static_cast<std::size_t>(wrote);
  }
}

void NetworkProbe::read_answer() {
  char buffer[1024];
  std::string body;  // of no interest
  for (;;) {
    const ssize_t got = ::recv(socket_.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got < 0) return end(false, std::strerror(errno));
    if (got == 0) return end(false, read_ == 0 ? "closed without an answer" : "closed within its answer");
    read_ += static_cast<std::size_t>(got);
    const auto used = parser_.feed(std::string_view(buffer, static_cast<std::size_t>(got)), body);
    if (parser_.head_complete()) {
      const int status = parser_.head().status;
      return end(status >= 200 && status <= 399, "status " + std::to_string(status));
    }
    if (!used.ok()) return end(false, "not an answer in HTTP: " + used.error().message);
    if (read_ >= kAnswerHeadMax) return end(false, "the head of its answer is larger than 4 KiB");
  }
}

}  // namespace mimas::executor
