#include "pocket/masters.h"

#include <cstdio>
#include <fstream>
#include <utility>

#include "base/uuid.h"
#include "files/own.h"
#include "net/clock.h"
#include "pocket/face.h"

namespace mimas::pocket {
namespace {

constexpr std::size_t kAgentsRememberedMax = 10'000;
constexpr int kPortTries = 16;
constexpr std::int64_t kListenAgainMs = 100;  // between two tries to get a port back

std::uint16_t quiet_port() {
  constexpr std::uint64_t kFirst = 15'000;
  constexpr std::uint64_t kLast = 29'999;
  return static_cast<std::uint16_t>(kFirst + net::random_seed() % (kLast - kFirst + 1));
}

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line) && lines.size() < kAgentsRememberedMax;)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  (void)files::write_own_file(path, text);
}

// The query as it may stand in a Location again.
std::string query_text(const http::Request& request) {
  std::string text;
  for (const http::QueryParameter& parameter : request.query)
    text += (text.empty() ? "?" : "&") + wire::percent_encode(parameter.name) + "=" +
            wire::percent_encode(parameter.value);
  return text;
}

}  // namespace

Result<std::unique_ptr<Masters>> Masters::start(MastersOptions options) {
  std::unique_ptr<Masters> masters(new Masters(std::move(options)));
  if (!masters->options_.election)
    masters->options_.election = std::make_unique<LocalElection>(masters->options_.pause_ms);
  for (const wire::Endpoint& at : masters->options_.listen) {
    masters->nodes_.push_back(std::make_unique<Node>());
    masters->nodes_.back()->endpoint = at;
    if (const Status bound = masters->listen(*masters->nodes_.back()); !bound) return bound.error();
  }
  Masters* self = masters.get();
  self->loop_.start([self](Instant now) { return self->turn(now); });
  self->options_.election->start([self] { self->loop_.post([](Instant) {}); });
  self->loop_.call<bool>([self](Instant now) {
    for (const auto& node : self->nodes_) self->stand(*node, now);
    return true;
  });
  return masters;
}

Status Masters::listen(Node& node) {
  http::Options at;
  at.listen = node.endpoint;
  at.workers = 512;
  at.streams_max = 256;
  at.body_bytes_max = 64u << 20;
  at.security = options_.access.security;
  at.host_names = options_.host_names;
  const auto open = [&] {
    return http::Listener::open(
        at, [this, &node](const http::Request& request) { return handle(node, request); });
  };
  // "Any port" is one below those the kernel hands out to clients (32768 on), so that nobody is given it
  // while the master is away; only if there is none, any at all.
  if (node.endpoint.port == 0) at.listen.port = quiet_port();
  auto opened = open();
  for (int tries = kPortTries; !opened && node.endpoint.port == 0 && tries >= 0; --tries) {
    at.listen.port = tries > 0 ? quiet_port() : std::uint16_t{0};
    opened = open();
  }
  if (!opened) return opened.error();
  node.listener = std::move(*opened);
  if (node.endpoint.port == 0) node.endpoint.port = node.listener->port();  // any free one, kept from then on
  return Done{};
}

void Masters::stand(Node& node, Instant now) {
  MasterOptions model = options_.model;
  model.master_id = uuid_text(uuid_v4_bytes(net::random_bytes()));
  model.address = node.endpoint;
  node.info = MasterModel(model, now).info();
  node.standing = true;
  options_.election->stand(node.info, now);
}

void Masters::lead(Node& node) {
  MasterOptions model = options_.model;
  model.master_id = node.info.id();
  model.address = node.endpoint;
  model.agents_before = read_lines(options_.registry);
  model.authenticates = !options_.access.credentials.empty();
  model.seed = net::random_seed();
  auto face = std::make_shared<MasterFace>(
      model,
      [registry = options_.registry](const std::vector<std::string>& ids) { write_lines(registry, ids); });
  face->start();
  {
    const std::lock_guard lock(mutex_);
    node.face = led_by_ = face;
  }
  if (options_.log && nodes_.size() > 1) options_.log("master " + node.endpoint.text() + " leads");
}

void Masters::step_down(Node& node, bool crash) {
  std::shared_ptr<MasterFace> face;
  {
    const std::lock_guard lock(mutex_);
    face = std::exchange(node.face, nullptr);
    if (led_by_ == face) led_by_ = nullptr;
  }
  if (!face) return;
  if (crash) {
    face->crash();
  } else {
    face->stop();
  }
}

void Masters::kill(Node& node, std::int64_t away_ms, Instant now) {
  if (options_.log)
    options_.log("master " + node.endpoint.text() + " is killed, away for " + std::to_string(away_ms) +
                 " ms");
  options_.election->withdraw(node.info, now);
  node.standing = false;
  step_down(node, true);
  if (node.listener) node.listener->stop();
  node.listener.reset();
  node.returns_at = now + away_ms;
}

Instant Masters::turn(Instant now) {
  Instant wake = kNever;
  for (const auto& node : nodes_) {
    if (node->returns_at <= now) {
      const bool back = node->listener != nullptr || listen(*node).ok();
      node->returns_at = back ? kNever : now + kListenAgainMs;
      if (back) stand(*node, now);
      if (back && options_.log) options_.log("master " + node->endpoint.text() + " is back");
    }
    wake = std::min(wake, node->returns_at);
  }
  const std::optional<wire::Endpoint> leader = options_.election->leader(now);
  {
    const std::lock_guard lock(mutex_);
    leader_ = leader;
  }
  for (const auto& node : nodes_) {
    const bool leads = node->standing && leader == node->endpoint;
    if (node->face && !leads) step_down(*node, false);  // only this thread changes it
    if (!leads) node->elected_at = kNever;
    if (node->face || !leads) continue;
    if (node->elected_at == kNever) node->elected_at = now;
    if (node->elected_at + options_.recovery_ms <= now) {
      lead(*node);
    } else {
      wake = std::min(wake, node->elected_at + options_.recovery_ms);
    }
  }
  return std::min(wake, options_.election->wake_at(now));
}

void Masters::stop() {
  if (std::exchange(stopped_, true)) return;
  options_.election->stop();
  loop_.stop();
  for (const auto& node : nodes_) step_down(*node, false);
  for (const auto& node : nodes_)
    if (node->listener) node->listener->stop();
}

std::vector<wire::Endpoint> Masters::endpoints() const {
  std::vector<wire::Endpoint> list;
  for (const auto& node : nodes_) list.push_back(node->endpoint);
  return list;
}

std::optional<wire::Endpoint> Masters::leader() const {
  const std::lock_guard lock(mutex_);
  return leader_;
}

// Checks in Mesos's order (mesos-protocol §1.3): path, who asks, leader, recovery; the rest is the leader's
// face's.
http::Reply Masters::handle(const Node& node, const http::Request& request) {
  const std::string path = plain_path(request.path);
  if (path == "/pocket/fault") return fault(request);
  if (path == "/pocket/agents") return resize(request);
  const Reach reach = master_reach(path);
  if (reach == Reach::nothing) return not_found();
  if (auto refusal = refuse_stranger(request, path, options_.access.credentials)) return *std::move(refusal);
  std::shared_ptr<MasterFace> face;
  {
    const std::lock_guard lock(mutex_);
    face = node.face;
  }
  if (face) return face->handle(request);
  if (reach == Reach::any_master) return answer_anywhere(request, path);
  return elsewhere(node, request, path);
}

http::Reply Masters::elsewhere(const Node& node, const http::Request& request,
                               const std::string& path) const {
  const std::optional<wire::Endpoint> leader = this->leader();
  if (!leader) return plain(503, "No leader elected");
  if (path == "/redirect" || *leader != node.endpoint) {
    http::Reply reply = plain(307, "");
    const std::string target = path == "/redirect" ? "" : "/master" + path + query_text(request);
    reply.headers.push_back({"Location", "//" + leader->text() + target});
    return reply;
  }
  return plain(503, "Master has not finished recovery");
}

http::Reply Masters::fault(const http::Request& request) {
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  const Result<Fault> fault = parse_fault(request.body);
  if (!fault) return plain(400, fault.error().text());
  const Status played = play(*fault);
  if (!played) return plain(played.error().code == Code::not_found ? 404 : 409, played.error().text());
  return accepted();
}

// Answered when it is done: whoever asked for an agent knows that it runs, though it has yet to register.
http::Reply Masters::resize(const http::Request& request) const {
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  if (!options_.resize) return plain(404, "There are no agents in this process");
  const Status done = options_.resize(request.body);
  if (done) return plain(200, "");
  const Code code = done.error().code;
  return plain(code == Code::invalid_argument ? 400
               : code == Code::not_found      ? 404
                                              : 409,
               done.error().text());
}

Masters::Node* Masters::leading() {
  for (const auto& node : nodes_)
    if (node->face) return node.get();
  return nullptr;
}

Status Masters::play(const Fault& fault) {
  std::shared_ptr<MasterFace> face;
  {
    const std::lock_guard lock(mutex_);
    face = led_by_;
  }
  const Status without =
      make_error(Code::unavailable, "no master leads at the moment", fault_name(fault), "try again soon");
  const auto* killed = std::get_if<KillLeader>(&fault);
  if (killed != nullptr || std::holds_alternative<FailOver>(fault)) {
    if (!face) return without;
    const std::int64_t away_ms = killed != nullptr ? killed->away_ms : 0;
    loop_.post([this, crash = killed != nullptr, away_ms](Instant now) {
      Node* node = leading();
      if (node == nullptr) return;
      if (crash) return kill(*node, away_ms, now);
      if (options_.log) options_.log("master " + node->endpoint.text() + " steps down");
      options_.election->withdraw(node->info, now);
      step_down(*node, false);
      stand(*node, now);
    });
    return Done{};
  }
  const bool for_agents =
      std::holds_alternative<LoseAgent>(fault) || std::holds_alternative<RestartAgent>(fault) ||
      std::holds_alternative<DelayUpdates>(fault) || std::holds_alternative<RepeatUpdates>(fault) ||
      std::holds_alternative<HalfOpenExecutors>(fault);
  if (for_agents && !options_.agents)
    return make_error(Code::not_found, "there are no agents in this process", fault_name(fault));
  if (for_agents) return options_.agents(fault);
  if (!face) return without;
  return face->play(fault);
}

}  // namespace mimas::pocket
