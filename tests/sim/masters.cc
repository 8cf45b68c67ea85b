#include "masters.h"

#include <utility>

#include "pocket/call_check.h"
#include "v1/codec.h"

namespace mimas::sim {
namespace {

using Call = pocket::mscheduler::Call;

constexpr std::int64_t kPingTimeoutMs = 75'000;       // mesos-protocol §0.3
constexpr std::int64_t kAgentReregisterMs = 600'000;  // §0.3

wire::ResponseHead head_of(int status) {
  wire::ResponseHead head;
  head.status = status;
  return head;
}

std::string update_text(const pocket::mscheduler::Event& event) {
  if (event.type() != pocket::mscheduler::Event::UPDATE)
    return pocket::mscheduler::Event::Type_Name(event.type());
  const auto& status = event.update().status();
  return "UPDATE " + status.task_id().value() + " " + pocket::mv1::TaskState_Name(status.state()) + " " +
         pocket::mv1::TaskStatus::Reason_Name(status.reason()) + (status.has_uuid() ? " with uuid" : "");
}

}  // namespace

Masters::Masters(Ground& ground) : ground_(ground) {
  for (std::uint16_t port = 5050; port < 5053; ++port)
    endpoints_.push_back({"m" + std::to_string(port - 5049), port});
  elect();
}

std::optional<wire::Endpoint> Masters::leader() const {
  if (model_ == nullptr) return std::nullopt;
  return endpoints_[leader_];
}

bool Masters::leads(const wire::Endpoint& at) const { return model_ != nullptr && endpoints_[leader_] == at; }

void Masters::elect() {
  ++term_;
  pocket::MasterOptions options;
  options.master_id = "M" + std::to_string(term_);
  options.address = endpoints_[leader_];
  options.allocation_interval_ms = 1'000;
  options.agent_ping_timeout_ms = kPingTimeoutMs;
  options.agent_reregister_ms = kAgentReregisterMs;
  options.agents_before = registry_;
  options.seed = ground_.random.next();
  model_ = std::make_unique<pocket::MasterModel>(options, ground_.now());
  alarm_ = kNever;
  ground_.note("master " + options.master_id + " leads at " + options.address.text());
  after_input();
}

void Masters::fail_over() {
  if (model_ == nullptr) return;
  ground_.note("the leader dies");
  if (!model_->frameworks().empty()) {
    for (const auto& [id, framework] : model_->frameworks())
      for (const auto& [task_id, task] : framework.tasks)
        if (task.state == pocket::mv1::TASK_STAGING) ground_.hit("failover during a launch");
  }
  model_.reset();
  for (auto& [number, stream] : streams_) stream.connection->cut();
  streams_.clear();
  const wire::Endpoint dead = endpoints_[leader_];
  down_.insert(dead);
  ground_.time.after(ground_.between(2'000, 60'000), [this, dead] { down_.erase(dead); });
  ground_.time.after(ground_.between(500, 20'000), [this] {
    leader_ = (leader_ + 1 + ground_.random.below(2)) % endpoints_.size();
    down_.erase(endpoints_[leader_]);
    elect();
  });
}

Masters::HttpAnswer Masters::not_leading() const {
  if (model_ == nullptr) return {head_of(503), "No leader elected"};
  HttpAnswer answer{head_of(307), ""};
  answer.head.headers.push_back({"Location", "//" + endpoints_[leader_].text() + "/api/v1/scheduler"});
  return answer;
}

void Masters::subscribe(const wire::Endpoint& at, const ConnectionPtr& connection, const Call& call,
                        Listener listener) {
  const std::string why = pocket::check_call(call);
  if (!why.empty()) ground_.broken("SUBSCRIBE is not valid: " + why);
  if (!leads(at)) {
    ground_.hit("asked a master that does not lead");
    HttpAnswer answer = not_leading();
    connection->to_client([listener, answer] { listener.head(answer.head, answer.body); });
    connection->close_by_server();
    return;
  }
  const std::uint64_t number = next_stream_++;
  streams_[number] = {connection, listener, {}};
  watch_end(number, connection, true);
  wire::ResponseHead head = head_of(200);
  const std::string stream_id = model_->subscribe(number, call, ground_.now());
  head.headers.push_back({"Content-Type", "application/x-protobuf"});
  head.headers.push_back({"Mesos-Stream-Id", stream_id});
  connection->to_client([listener, head] { listener.head(head, ""); });
  after_input();
}

Masters::HttpAnswer Masters::call(const wire::Endpoint& at, const Call& call, const std::string& stream_id) {
  if (!leads(at)) return not_leading();
  ground_.note(Call::Type_Name(call.type()) + " arrives");
  if (const std::string why = pocket::check_call(call); !why.empty()) {
    ground_.broken(Call::Type_Name(call.type()) + " is not valid: " + why);
    return {head_of(400), why};
  }
  const pocket::Answer answer = model_->call(call, stream_id, ground_.now());
  after_input();
  return {head_of(answer.status), answer.text};
}

void Masters::watch_end(std::uint64_t number, const ConnectionPtr& connection, bool scheduler) {
  connection->server_ended = [this, number, scheduler] {
    if (streams_.erase(number) == 0 || model_ == nullptr) return;
    if (scheduler) {
      model_->scheduler_gone(number, ground_.now());
    } else {
      model_->agent_gone(number, ground_.now());
    }
    after_input();
  };
}

void Masters::register_agent(const wire::Endpoint& at, const ConnectionPtr& connection,
                             const pocket::Registration& registration, AgentListener listener) {
  if (!leads(at)) {
    connection->close_by_server();
    return;
  }
  ground_.note("agent " + registration.info.id().value() + " registers");
  const std::uint64_t number = next_stream_++;
  streams_[number] = {connection, {}, std::move(listener)};
  watch_end(number, connection, false);
  model_->register_agent(number, registration, ground_.now());
  after_input();
}

bool Masters::report(const wire::Endpoint& at, const std::string& session,
                     const std::vector<pocket::Report>& reports) {
  if (!leads(at)) return false;
  const bool known = model_->report(session, reports, ground_.now());
  after_input();
  return known;
}

void Masters::mark_gone(const std::string& agent_id) {
  if (model_ == nullptr) return;
  model_->mark_gone(agent_id, ground_.now());
  after_input();
}

void Masters::drop_schedulers() {
  for (auto& [number, stream] : streams_) {
    if (stream.scheduler.record) stream.connection->cut();
  }
}

void Masters::cut_agents() {
  for (auto& [number, stream] : streams_) {
    if (stream.agent) stream.connection->cut();
  }
}

void Masters::after_input() {
  for (const pocket::MasterOutput& output : model_->take_outputs()) deliver(output);
  arm();
}

void Masters::deliver(const pocket::MasterOutput& output) {
  if (const auto* changed = std::get_if<pocket::AgentsChanged>(&output)) {
    registry_ = changed->ids;
  } else if (const auto* event = std::get_if<pocket::ToScheduler>(&output)) {
    const auto found = streams_.find(event->stream);
    if (found == streams_.end()) return;
    ground_.note(update_text(event->event));
    std::string record = v1::encode(event->event, v1::MediaType::protobuf);
    found->second.connection->to_client(
        [listener = found->second.scheduler.record, record = std::move(record)] { listener(record); });
  } else if (const auto* command = std::get_if<pocket::ToAgent>(&output)) {
    const auto found = streams_.find(command->stream);
    if (found == streams_.end()) return;
    if (std::holds_alternative<pocket::RunTasks>(command->command)) ++launches_;
    found->second.connection->to_client(
        [listener = found->second.agent, order = command->command] { listener(order); });
  } else if (const auto* end = std::get_if<pocket::EndStream>(&output)) {
    const auto found = streams_.find(end->stream);
    if (found == streams_.end()) return;
    found->second.connection->close_by_server();
    streams_.erase(found);
  }
}

void Masters::arm() {
  const Instant wake = model_->wake_at();
  if (wake >= alarm_) return;
  alarm_ = wake;
  ground_.time.at(wake, [this, term = term_, wake] {
    if (term != term_ || model_ == nullptr || alarm_ != wake) return;
    alarm_ = kNever;
    if (model_->wake_at() <= ground_.now()) model_->tick(ground_.now());
    after_input();
  });
}

void Masters::check_books() const {
  if (model_ == nullptr) return;
  for (const auto& [agent_id, agent] : model_->agents()) {
    auto used = agent.used;
    used = {};
    for (const auto& [key, executor] : agent.executors) used.add(executor.amounts);
    for (const auto& [framework_id, framework] : model_->frameworks())
      for (const auto& [task_id, task] : framework.tasks)
        if (task.agent_id == agent_id && task.charged) used.add(task.amounts);
    if (!(used == agent.used)) ground_.broken("the master's books of " + agent_id + " do not add up");
    auto taken = used;
    for (const auto& [offer_id, offer] : model_->offers())
      if (offer.agent_id == agent_id) taken.add(offer.amounts);
    if (!agent.total.contains(taken)) ground_.broken("agent " + agent_id + " is overcommitted at the master");
  }
}

}  // namespace mimas::sim
