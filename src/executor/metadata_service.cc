#include "executor/metadata_service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mimas::executor {
namespace {

constexpr int kAddressTries = 16;

std::string hex(const RandomBytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return {};
  return name;
}

// Bound to a port of the kernel's choice; `address` becomes "ip:port".
Result<net::Socket> listen_on(std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  sockaddr_storage bytes{};
  socklen_t size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  bytes.ss_family = v6 ? AF_INET6 : AF_INET;
  void* ip = v6 ? static_cast<void*>(&reinterpret_cast<sockaddr_in6*>(&bytes)->sin6_addr)
                : static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&bytes)->sin_addr);
  net::Socket socket(::socket(bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::inet_pton(bytes.ss_family, address.c_str(), ip) != 1 || !socket.open() ||
      ::bind(socket.fd(), reinterpret_cast<sockaddr*>(&bytes), size) != 0 || ::listen(socket.fd(), 8) != 0 ||
      ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bytes), &size) != 0) {
    return make_error(Code::io, "cannot listen on " + address + ": " + std::strerror(errno));
  }
  const std::uint16_t port = ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&bytes)->sin6_port
                                      : reinterpret_cast<sockaddr_in*>(&bytes)->sin_port);
  address = wire::Endpoint{address, port}.text();
  return socket;
}

}  // namespace

MetadataService::MetadataService(MetadataOptions options, const char* const* environment,
                                 RandomBytes (*random)())
    : options_(std::move(options)), environment_(environment), random_(random), host_(host_name()) {}

Result<net::Socket> MetadataService::listen(std::string& address) {
  if (!options_.listen.empty()) {
    address = options_.listen;
    return listen_on(address);
  }
  Result<net::Socket> socket = make_error(Code::io, "no loopback address");
  for (int i = 0; i < kAddressTries && !socket.ok(); ++i) {  // another task of this host may have the same
    const RandomBytes bytes = random_();
    address = "127.169." + std::to_string(bytes[0]) + "." + std::to_string(1 + bytes[1] % 254);
    socket = listen_on(address);
  }
  return socket;
}

// A task without the service is better than no task: it is said and left.
void MetadataService::starting(TaskOrder& order, Instant) {
  auto task = std::make_unique<Task>();
  std::string address;
  auto listener = listen(address);
  if (!listener.ok()) {
    complaint_ = "no metadata service for " + order.task_id + ": " + listener.error().message;
    return;
  }
  task->listener = std::move(listener).value();
  task->token = hex(random_());
  task->identity = {order.task_id, host_, {}, order.spec.tags};
  for (std::string& entry :
       metadata_environment("http://" + address, task->token, !options_.provider.empty()))
    order.environment.push_back(std::move(entry));
  tasks_.push_back(std::move(task));
}

void MetadataService::started(const TaskOrder& order, const RunFacts& facts, Instant) {
  for (auto& task : tasks_) {
    if (task->identity.task == order.task_id) task->identity.ip = facts.ip;
  }
}

void MetadataService::ended(std::string_view task_id, const ProcessEnd&, Instant) {
  std::erase_if(tasks_, [&](const auto& task) { return task->identity.task == task_id; });
}

void MetadataService::child_ended(std::int64_t pid, int wait_status, Instant) {
  for (auto& task : tasks_) task->provider.child_ended(pid, wait_status);
}

void MetadataService::add_to(std::vector<pollfd>& polled) const {
  for (const auto& task : tasks_) {
    if (task->clients.size() < kMetadataConnectionsMax) polled.push_back({task->listener.fd(), POLLIN, 0});
    for (const Client& client : task->clients) {
      const short events = client.waits ? 0 : client.out.empty() ? POLLIN : POLLOUT;
      if (events != 0) polled.push_back({client.socket.fd(), events, 0});
    }
    task->provider.add_to(polled);
  }
}

Instant MetadataService::wake_at() const {
  Instant wake = complaint_.empty() ? kNever : Instant{0};
  for (const auto& task : tasks_) {
    wake = std::min(wake, task->provider.wake_at());
    if (task->provider.done()) wake = Instant{0};
    for (const Client& client : task->clients) wake = std::min(wake, client.deadline);
  }
  return wake;
}

void MetadataService::pump(Instant now, std::vector<PartNews>& news) {
  if (!complaint_.empty()) news.emplace_back(Lines{std::exchange(complaint_, {})});
  for (auto& task : tasks_) {
    take_provider(*task, now);
    accept(*task, now);
    for (Client& client : task->clients) serve(*task, client, now);
    std::erase_if(task->clients, [](const Client& client) { return client.done; });
  }
}

void MetadataService::accept(Task& task, Instant now) {
  while (task.clients.size() < kMetadataConnectionsMax) {
    const int fd = ::accept4(task.listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    Client& client = task.clients.emplace_back();
    client.socket = net::Socket(fd);
    client.deadline = now + kMetadataConnectionMs;
  }
}

void MetadataService::serve(Task& task, Client& client, Instant now) {
  if (now >= client.deadline) {
    client.done = true;
    return;
  }
  char bytes[1024];
  while (client.out.empty() && !client.waits && !client.done) {
    const ssize_t got = ::read(client.socket.fd(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      client.done = true;
      return;
    }
    client.in.append(bytes, static_cast<std::size_t>(got));
    if (client.in.find("\r\n\r\n") != std::string::npos) {
      respond(task, client, now);
    } else if (client.in.size() > kMetadataRequestMax) {
      client.out = reply_bytes({431, "text/plain", "a request is at most 8 KiB\n"}, false);
    }
  }
  while (!client.out.empty() && !client.done) {
    const ssize_t sent =
        ::write(client.socket.fd(), client.out.data() + client.sent, client.out.size() - client.sent);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent > 0) client.sent += static_cast<std::size_t>(sent);
    client.done = sent <= 0 || client.sent == client.out.size();
  }
}

void MetadataService::respond(Task& task, Client& client, Instant now) {
  const auto request = parse_request(std::string_view(client.in).substr(0, client.in.find("\r\n\r\n") + 4));
  if (!request.ok()) {
    client.out = reply_bytes({400, "text/plain", request.error().message + "\n"}, false);
    return;
  }
  client.head_only = request->method == "HEAD";
  MetadataReply reply = answer(*request, task.identity, task.token, !options_.provider.empty());
  if (reply.ask_provider && now >= task.credentials_until) {
    client.waits = true;
    ask(task, now);
    return;
  }
  if (reply.ask_provider) reply.body = task.credentials;
  client.out = reply_bytes(reply, client.head_only);
}

void MetadataService::ask(Task& task, Instant now) {
  if (task.provider.running()) return;
  std::vector<std::string> environment;
  for (const char* const* entry = environment_; entry != nullptr && *entry != nullptr; ++entry)
    environment.emplace_back(*entry);
  const Status begun =
      task.provider.start(options_.provider, environment, identity_json(task.identity), kProviderMs, now);
  if (!begun.ok()) answer_waiting(task, {502, "text/plain", begun.error().message + "\n"});
}

void MetadataService::answer_waiting(Task& task, const MetadataReply& reply) {
  for (Client& client : task.clients) {
    if (!std::exchange(client.waits, false)) continue;
    client.out = reply_bytes(reply, client.head_only);
  }
}

void MetadataService::take_provider(Task& task, Instant now) {
  task.provider.pump(now);
  if (!task.provider.done()) return;
  const Result<std::string> outcome = task.provider.outcome();
  task.provider = HelperProgram();
  if (!outcome.ok()) {
    complaint_ = outcome.error().message;
    answer_waiting(task,
                   {502, "text/plain", "the credentials provider failed; the agent's log tells more\n"});
    return;
  }
  task.credentials = *outcome;
  task.credentials_until = now + kCredentialsMs;
  MetadataReply reply;
  reply.type = "application/json";
  reply.body = task.credentials;
  answer_waiting(task, reply);
}

}  // namespace mimas::executor
