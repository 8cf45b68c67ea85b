#include "server/scaling_provider.h"

#include <unistd.h>

#include <utility>

#include "api/render_scaling.h"
#include "base/text.h"
#include "net/socket.h"
#include "net/tls.h"
#include "server/private_file.h"
#include "server/run_program.h"

namespace mimas::server {
namespace {

constexpr std::int64_t kConnectMs = 5'000;
constexpr std::size_t kAnswerBytesShown = 200;

// One line of what somebody answered, for a message.
std::string shown(const std::string& body) {
  std::string text = cut_text(body, kAnswerBytesShown);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

Result<std::string> read_token(const std::string& path) {
  auto text = read_private(path, kScalingTokenBytesMax);
  if (!text) return text;
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return make_error(Code::invalid_argument, "holds no token", path);
  return text;
}

}  // namespace

Result<ScalingProviderOptions> parse_scaling_provider(const std::string& text) {
  using Kind = ScalingProviderOptions::Kind;
  ScalingProviderOptions options;
  if (text == "pocket") {
    options.kind = Kind::pocket;
    return options;
  }
  if (text.starts_with("exec:")) {
    options.kind = Kind::program;
    options.program = text.substr(5);
    if (!options.program.starts_with('/') || ::access(options.program.c_str(), X_OK) != 0)
      return make_error(Code::invalid_argument, "is no program that can be started", options.program,
                        "an absolute path: exec:/usr/local/bin/grow");
    return options;
  }
  if (!text.starts_with("webhook:"))
    return make_error(Code::invalid_argument, "must be webhook:URL, exec:PATH or pocket, not '" + text + "'");
  options.kind = Kind::webhook;
  auto url = wire::parse_url(text.substr(8));
  if (!url) return url.error();
  if (url->scheme != "http" && url->scheme != "https")
    return make_error(Code::invalid_argument, "must be an http:// or https:// URL", text.substr(8));
  if (url->scheme == "https") {
    auto security = net::tls_client({});
    if (!security) return security.error();
    options.security = *std::move(security);
  }
  options.url = *std::move(url);
  return options;
}

ScalingProvider::ScalingProvider(ScalingProviderOptions options, Report report)
    : options_(std::move(options)), report_(std::move(report)), thread_([this] { run(); }) {}

void ScalingProvider::carry_out(const engine::ScaleAgents& order) {
  {
    const std::lock_guard hold(mutex_);
    if (stopping_) return;
    if (orders_.size() < kScalingOrdersMax) {
      orders_.push_back(order);
      changed_.notify_one();
      return;
    }
  }
  report_({order.decision.group, order.decision.number, false, "too many decisions wait for the provider"});
}

void ScalingProvider::run() {
  for (;;) {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [this] { return stopping_ || !orders_.empty(); });
    if (stopping_) return;
    const engine::ScaleAgents order = std::move(orders_.front());
    orders_.pop_front();
    hold.unlock();
    const Status done = try_once(order);
    if (stopping_) return;
    report_({order.decision.group, order.decision.number, done.ok(), done.ok() ? "" : done.error().text()});
  }
}

Status ScalingProvider::try_once(const engine::ScaleAgents& order) {
  const std::string body = api::render_scale_agents(order);
  if (options_.kind == ScalingProviderOptions::Kind::program)
    return run_program(options_.program, body + "\n", options_.deadline_ms, stopping_);
  return post(body);
}

Status ScalingProvider::post(const std::string& body) {
  wire::Request request;
  request.method = "POST";
  request.target = options_.url.target;
  request.host = options_.url.endpoint.text();
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  if (!options_.token_file.empty()) {
    const auto token = read_token(options_.token_file);
    if (!token) return token.error();
    request.headers.push_back({"Authorization", "Bearer " + *token});
  }
  auto client = std::make_shared<net::HttpClient>(
      options_.url.endpoint, net::Timeouts{kConnectMs, options_.deadline_ms}, net::resolve_by_name,
      options_.security, options_.url.endpoint);
  {
    const std::lock_guard hold(mutex_);
    if (stopping_) return make_error(Code::unavailable, "the server stops");
    client_ = client;
  }
  const auto answer = client->exchange(std::move(request), false);
  {
    const std::lock_guard hold(mutex_);
    client_ = nullptr;
  }
  if (!answer) return answer.error();
  if (answer->head.status >= 200 && answer->head.status < 300) return Done{};
  const std::string said = shown(answer->body);
  return make_error(Code::unavailable,
                    "answered " + std::to_string(answer->head.status) + (said.empty() ? "" : ": " + said),
                    options_.url.endpoint.text());
}

void ScalingProvider::stop() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
    if (client_) client_->interrupt();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace mimas::server
