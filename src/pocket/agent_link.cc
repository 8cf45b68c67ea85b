#include "pocket/agent_link.h"

#include <chrono>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/uuid.h"
#include "net/clock.h"
#include "wire/backoff.h"
#include "wire/recordio.h"

namespace mimas::pocket {
namespace {

constexpr std::size_t kBatchMax = 256;
constexpr std::int64_t kReadWaitMs = 60'000;
constexpr std::int64_t kBackoffMsMax = 1'000;
constexpr const char* kPath = "/pocket/agent";

}  // namespace

AgentLink::AgentLink(std::vector<wire::Endpoint> masters, AgentAccess access, Callbacks callbacks)
    : masters_(std::move(masters)), access_(std::move(access)), callbacks_(std::move(callbacks)) {}

net::HttpClient AgentLink::client_of(const wire::Endpoint& master) const {
  return {master, net::Timeouts{2'000, 10'000}, net::resolve_by_name, access_.security, master};
}

wire::Request AgentLink::post(const wire::Endpoint& to, std::string body) const {
  wire::Request request;
  request.method = "POST";
  request.target = kPath;
  request.host = to.text();
  request.headers = {{"Content-Type", "application/json"}};
  if (!access_.credentials.empty())
    request.headers.push_back({"Authorization", wire::basic_authorization(access_.credentials)});
  request.body = std::move(body);
  return request;
}

void AgentLink::start() {
  reader_ = std::thread([this] { read_commands(); });
  sender_ = std::thread([this] { send_reports(); });
}

void AgentLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (streaming_ != nullptr) streaming_->interrupt();
    changed_.notify_all();
  }
  if (reader_.joinable()) reader_.join();
  if (sender_.joinable()) sender_.join();
}

void AgentLink::send(Report report) {
  const std::lock_guard lock(mutex_);
  if (reports_.size() >= kReportsMax) {
    if (streaming_ != nullptr) streaming_->interrupt();
    return;
  }
  reports_.push_back(std::move(report));
  changed_.notify_all();
}

void AgentLink::drain(std::int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [&] { return stopping_ || session_.empty() || (reports_.empty() && !sending_); });
}

void AgentLink::lose(std::int64_t ms) {
  const std::lock_guard lock(mutex_);
  lost_until_ms_ = net::monotonic_ms() + ms;
  changed_.notify_all();
}

// False: stopping.
bool AgentLink::wait_out_loss(std::unique_lock<std::mutex>& lock) {
  while (!stopping_) {
    const std::int64_t rest_ms = lost_until_ms_ - net::monotonic_ms();
    if (rest_ms <= 0) return true;
    changed_.wait_for(lock, std::chrono::milliseconds(rest_ms));
  }
  return false;
}

void AgentLink::read_commands() {
  Prng prng(net::random_seed());
  wire::Backoff backoff{50, kBackoffMsMax, 20, 0};
  std::size_t next = 0;
  std::optional<wire::Endpoint> leader;  // as the last master said
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!wait_out_loss(lock)) return;
    }
    const auto registration = callbacks_.connecting(uuid_text(uuid_v4_bytes(net::random_bytes())));
    if (!registration) return;
    const wire::Endpoint to =
        leader ? *std::exchange(leader, std::nullopt) : masters_[next++ % masters_.size()];
    {
      const std::lock_guard lock(mutex_);
      master_ = to;
    }
    net::HttpClient client = client_of(to);
    const bool was_up = follow(client, to, *registration, &leader);
    end_session(registration->session);
    if (was_up) {
      backoff.reset();
      callbacks_.lost();
      callbacks_.log("lost the master at " + to.text());
    }
    std::unique_lock lock(mutex_);
    streaming_ = nullptr;
    changed_.wait_for(lock, std::chrono::milliseconds(backoff.next_ms(prng)), [&] { return stopping_; });
  }
}

void AgentLink::end_session(const std::string& session) {
  const std::lock_guard lock(mutex_);
  if (session_ != session) return;
  session_.clear();
  reports_.clear();
  changed_.notify_all();
}

// A master that is away comes back; one that does not let us in has to be told about, once.
void AgentLink::tell_trouble(const Result<wire::ResponseHead>& head) {
  std::string trouble;
  if (!head && head.error().code == Code::protocol) trouble = head.error().text();
  if (head && head->status >= 400 && head->status < 500 && head->status != 404)
    trouble = "answered " + std::to_string(head->status) + " " + head->reason;
  if (!trouble.empty() && trouble != trouble_)
    callbacks_.log("the master does not let the agent in: " + trouble);
  trouble_ = std::move(trouble);
}

bool AgentLink::follow(net::HttpClient& client, const wire::Endpoint& to, const Registration& registration,
                       std::optional<wire::Endpoint>* leader) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    streaming_ = &client;
  }
  const Result<wire::ResponseHead> head = client.open_stream(post(to, encode_registration(registration)));
  tell_trouble(head);
  if (head && head->status == 307) {
    const Result<wire::Endpoint> named = wire::parse_redirect(wire::find_header(head->headers, "Location"),
                                                              access_.security != nullptr ? "https" : "http");
    if (named && *named != to) *leader = *named;
  }
  if (!head || head->status != 200) return false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return true;  // stop() came before there was a connection to interrupt
    session_ = registration.session;
    changed_.notify_all();
  }
  wire::RecordReader records;
  std::string bytes;
  for (;;) {
    bytes.clear();
    const Result<bool> more = client.read_stream(bytes, kReadWaitMs);
    if (!more && more.error().code != Code::timeout) return true;
    {
      std::unique_lock lock(mutex_);
      if (!wait_out_loss(lock)) return true;
    }
    std::vector<std::string> complete;
    if (!records.feed(bytes, complete)) return true;
    for (const std::string& record : complete) {
      Result<Command> command = decode_command(record);
      if (!command) {
        callbacks_.log("the master sent something odd: " + command.error().text());
        return true;
      }
      if (const auto* registered = std::get_if<Registered>(&*command)) {
        const std::lock_guard lock(mutex_);
        ping_ms_ = std::max<std::int64_t>(10, registered->ping_ms);
        changed_.notify_all();
      }
      callbacks_.command(std::move(*command));
    }
    if (more && !*more) return true;
  }
}

void AgentLink::send_reports() {
  std::optional<net::HttpClient> client;  // to the session's master
  wire::Endpoint to;
  std::int64_t sent_ms = 0;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (session_.empty()) {
      changed_.wait(lock, [&] { return stopping_ || !session_.empty(); });
      continue;
    }
    if (!wait_out_loss(lock)) return;
    if (session_.empty()) continue;  // it ended meanwhile
    const std::int64_t rest_ms = sent_ms + ping_ms_ - net::monotonic_ms();
    if (reports_.empty() && rest_ms > 0) {
      changed_.wait_for(lock, std::chrono::milliseconds(rest_ms));
      continue;
    }
    std::vector<Report> batch;
    while (!reports_.empty() && batch.size() < kBatchMax) {
      batch.push_back(std::move(reports_.front()));
      reports_.pop_front();
    }
    if (batch.empty()) batch.emplace_back(Ping{});
    const std::string session = session_;
    sending_ = true;
    if (!client || to != master_) client.emplace(client_of(to = master_));
    lock.unlock();
    wire::Request request = post(to, encode_reports(batch));
    request.headers.push_back({"Pocket-Session", session});
    const Result<net::Response> response = client->exchange(std::move(request), false);
    sent_ms = net::monotonic_ms();
    lock.lock();
    sending_ = false;
    const bool arrived = response && response->head.status == 202;
    if (!arrived && session_ == session) {
      if (streaming_ != nullptr) streaming_->interrupt();  // the reader ends the session and starts another
      session_.clear();
      reports_.clear();
    }
    changed_.notify_all();
  }
}

}  // namespace mimas::pocket
