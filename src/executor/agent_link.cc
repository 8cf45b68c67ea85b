#include "executor/agent_link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mimas::executor {
namespace {

// sun_path holds 108 bytes; through a descriptor of the socket itself any longer path works too (rule 94).
Result<net::Socket> connect_path(const std::string& path) {
  if (path.size() < sizeof(sockaddr_un::sun_path)) return net::Socket::connect_unix(path, kConnectMs);
  const int there = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (there < 0) return make_error(Code::io, std::strerror(errno), path);
  auto socket = net::Socket::connect_unix("/proc/self/fd/" + std::to_string(there), kConnectMs);
  ::close(there);
  return socket;
}

}  // namespace

Status AgentLink::open(Connection& connection) {
  connection = Connection{};
  over_unix_ = false;
  if (!settings_.domain_socket.empty()) {
    auto socket = connect_path(settings_.domain_socket);
    if (socket.ok()) {
      connection.socket = std::move(socket).value();
      over_unix_ = true;
      return Done{};
    }
  }
  auto socket = net::Socket::connect(settings_.agent, kConnectMs);
  if (!socket.ok()) return socket.error();
  connection.socket = std::move(socket).value();
  return Done{};
}

std::string AgentLink::request(const std::string& body) const {
  wire::Request request;
  request.method = "POST";
  request.target = over_unix_ ? settings_.domain_target : "/api/v1/executor";
  request.host = over_unix_ ? "localhost" : settings_.agent.text();
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  if (!settings_.token.empty()) request.headers.push_back({"Authorization", "Bearer " + settings_.token});
  request.body = body;
  // Every part was checked when the environment was read.
  auto text = wire::format_request(request);
  return text.ok() ? std::move(text).value() : std::string();
}

void AgentLink::subscribe(const std::string& body, Instant now) {
  disconnect();
  if (auto opened = open(stream_); !opened.ok()) {
    failure_ = opened.error().text();
    return;
  }
  stream_.out = request(body);
  stream_.parser.emplace();
  stream_.deadline = now + kAnswerMs;
  records_.emplace(kEventBytesMax);
}

void AgentLink::post(std::string body, CallKind kind, Instant now) {
  const auto message = [](const Call& call) { return call.kind == CallKind::message; };
  if (kind == CallKind::message &&
      std::count_if(queue_.begin(), queue_.end(), message) >= static_cast<std::ptrdiff_t>(kMessagesMax))
    return;
  queue_.push_back({std::move(body), kind});
  if (in_flight_) return;
  if (auto sent = next_call(now); !sent.ok()) failure_ = sent.error().text();
}

void AgentLink::disconnect() {
  stream_ = Connection{};
  calls_ = Connection{};
  records_.reset();
  refusal_.clear();
  queue_.clear();
  answer_.clear();
  failure_.clear();
  in_flight_ = false;
}

bool AgentLink::has_messages() const {
  return std::any_of(queue_.begin(), queue_.end(),
                     [](const Call& call) { return call.kind == CallKind::message; });
}

bool AgentLink::quiet() const {
  if (!stream_.socket.open()) return true;
  pollfd look{stream_.socket.fd(), POLLIN, 0};
  return (!records_ || records_->at_boundary()) && ::poll(&look, 1, 0) <= 0;
}

void AgentLink::add_to(std::vector<pollfd>& polled) const {
  for (const Connection* connection : {&stream_, &calls_}) {
    if (!connection->socket.open()) continue;
    const bool unsent = connection->sent < connection->out.size();
    polled.push_back({connection->socket.fd(), static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN), 0});
  }
}

Instant AgentLink::wake_at() const {
  if (!failure_.empty()) return Instant{0};
  return std::min(stream_.deadline, calls_.deadline);
}

void AgentLink::pump(Instant now, std::vector<LinkNews>& news) {
  if (!failure_.empty()) return lose(std::exchange(failure_, {}), news);
  if (stream_.socket.open()) pump_stream(now, news);
  if (calls_.socket.open()) pump_calls(now, news);
}

void AgentLink::lose(std::string why, std::vector<LinkNews>& news) {
  disconnect();
  news.push_back(Lost{std::move(why)});
}

Status AgentLink::flush(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const ssize_t wrote = ::send(connection.socket.fd(), connection.out.data() + connection.sent,
                                 connection.out.size() - connection.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Done{};
    if (wrote < 0) return make_error(Code::io, std::string("cannot send: ") + std::strerror(errno));
    connection.sent += static_cast<std::size_t>(wrote);
  }
  if (!connection.out.empty()) {
    std::string().swap(connection.out);
    connection.sent = 0;
  }
  return Done{};
}

// One read's worth: idle when nothing came, ended when the peer closed. The level-triggered poll asks for
// more.
Result<AgentLink::Flow> AgentLink::receive(Connection& connection, std::string& body) {
  char buffer[8192];
  const auto got = connection.socket.read_some(buffer, sizeof buffer, 0);
  if (!got.ok()) {
    if (got.error().code == Code::timeout) return Flow::idle;
    return got.error();
  }
  if (*got == 0) return Flow::ended;
  if (!connection.parser) return make_error(Code::protocol, "bytes that nobody asked for");
  connection.fresh = false;
  const auto used = connection.parser->feed({buffer, *got}, body);
  if (!used.ok()) return used.error();
  return Flow::open;
}

void AgentLink::pump_stream(Instant now, std::vector<LinkNews>& news) {
  if (auto flushed = flush(stream_); !flushed.ok()) return lose(flushed.error().message, news);
  std::string body;
  const auto flow = receive(stream_, body);
  const bool streaming = stream_.parser->head_complete() && stream_.parser->head().status == 200;
  if (streaming) {
    std::vector<std::string> texts;
    const auto fed = records_->feed(body, texts);
    if (!texts.empty()) stream_.deadline = kNever;
    for (std::string& text : texts) news.push_back(Record{std::move(text)});
    if (!fed.ok()) return lose(fed.error().message, news);
  } else {
    refusal_.append(body, 0, kRefusalTextMax - std::min(kRefusalTextMax, refusal_.size()));
  }
  if (stream_.deadline <= now) return lose("no answer to SUBSCRIBE in time", news);
  const bool over = !flow.ok() || *flow == Flow::ended || stream_.parser->complete();
  if (!over) return;
  if (stream_.parser->head_complete() && !streaming) {
    Refused refused{stream_.parser->head().status, std::move(refusal_), Refused::What::subscribe};
    disconnect();
    news.push_back(std::move(refused));
    return;
  }
  lose(flow.ok() ? std::string("the agent closed the stream") : flow.error().text(), news);
}

void AgentLink::pump_calls(Instant now, std::vector<LinkNews>& news) {
  if (auto flushed = flush(calls_); !flushed.ok()) {
    if (!repeat_call(now)) lose(flushed.error().message, news);
    return;
  }
  const auto flow = receive(calls_, answer_);
  if (answer_.size() > kRefusalTextMax) answer_.resize(kRefusalTextMax);
  const bool closed = !flow.ok() || *flow == Flow::ended;
  if (in_flight_ && closed && calls_.parser->finish().ok() && calls_.parser->head_complete()) {
    finish_call(news);  // a body that ends with the connection
  } else if (in_flight_ && calls_.parser->complete()) {
    finish_call(news);
  } else if (in_flight_ && closed) {
    if (!repeat_call(now))
      lose(flow.ok() ? std::string("the agent closed the connection") : flow.error().text(), news);
    return;
  } else if (in_flight_) {
    if (calls_.deadline <= now) lose("no answer to a call in time", news);
    return;
  }
  if (closed) calls_ = Connection{};
  if (auto sent = next_call(now); !sent.ok()) lose(sent.error().text(), news);
}

Status AgentLink::next_call(Instant now) {
  if (in_flight_ || queue_.empty()) return Done{};
  if (!calls_.socket.open()) {
    if (auto opened = open(calls_); !opened.ok()) return opened.error();
  }
  calls_.out = request(queue_.front().body);
  calls_.sent = 0;
  calls_.parser.emplace();
  calls_.deadline = now + kAnswerMs;
  in_flight_ = true;
  return Done{};
}

void AgentLink::finish_call(std::vector<LinkNews>& news) {
  const wire::ResponseHead& head = calls_.parser->head();
  const CallKind kind = queue_.front().kind;
  const auto what = kind == CallKind::heartbeat ? Refused::What::heartbeat
                    : kind == CallKind::message ? Refused::What::message
                                                : Refused::What::update;
  if (head.status < 200 || head.status > 299) news.push_back(Refused{head.status, answer_, what});
  const bool keep = head.keep_alive;
  in_flight_ = false;
  answer_.clear();
  queue_.pop_front();
  calls_.parser.reset();
  calls_.deadline = kNever;
  if (!keep) calls_ = Connection{};
}

// A kept-alive connection may have been dead for long. Updates carry a uuid, so sending one twice does no
// harm.
bool AgentLink::repeat_call(Instant now) {
  const bool answering = calls_.parser && calls_.parser->head_complete();
  if (!in_flight_ || calls_.fresh || answering) return false;
  calls_ = Connection{};
  in_flight_ = false;
  return next_call(now).ok();
}

}  // namespace mimas::executor
