#include "agents.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace mimas::sim {
namespace {

namespace mv1 = pocket::mv1;

void add_scalar(mv1::AgentInfo* info, const std::string& name, double value) {
  mv1::Resource* resource = info->add_resources();
  resource->set_name(name);
  resource->set_type(mv1::Value::SCALAR);
  resource->mutable_scalar()->set_value(value);
}

}  // namespace

Agent::Agent(Ground& ground, Masters& masters, std::string hostname, std::int64_t cpus,
             Executor::IsService is_service)
    : ground_(ground), masters_(masters), is_service_(std::move(is_service)) {
  info_.set_hostname(std::move(hostname));
  info_.set_port(5051);
  add_scalar(&info_, "cpus", static_cast<double>(cpus));
  add_scalar(&info_, "mem", 16'384);
  add_scalar(&info_, "disk", 65'536);
  mv1::Resource* ports = info_.add_resources();
  ports->set_name("ports");
  ports->set_type(mv1::Value::RANGES);
  mv1::Value::Range* range = ports->mutable_ranges()->add_range();
  range->set_begin(31'000);
  range->set_end(31'499);
  come_up();
}

// --- its process

void Agent::come_up() {
  ++life_;
  pocket::AgentModelOptions options;
  options.info = info_;
  if (!memory_.agent_id.empty()) options.info.mutable_id()->set_value(memory_.agent_id);
  options.seed = ground_.random.next();
  model_ = std::make_unique<pocket::AgentModel>(options, recovered(), ground_.now());
  model_->delay_updates(delay_updates_ms_);
  model_->repeat_updates(repeat_updates_);
  alarm_ = kNever;
  ground_.note("agent " + info_.hostname() + " comes up");
  after_input();
  connect_soon();
}

void Agent::go_down() {
  ++life_;
  model_.reset();
  for (auto& [number, subscriber] : subscribers_) subscriber.connection->close_by_server();
  subscribers_.clear();
  if (link_ != nullptr) link_->close_by_client();
  link_.reset();
  up_ = sending_ = connecting_ = false;
  reports_.clear();
}

void Agent::restart(Restart how, std::int64_t away_ms) {
  if (model_ == nullptr) return;
  ground_.hit(how == Restart::keep ? "agent kept" : how == Restart::wipe ? "agent wiped" : "agent rebooted");
  ground_.note("agent " + info_.hostname() + " goes down");
  go_down();
  if (how != Restart::keep) {
    for (auto& [id, process] : std::exchange(processes_, {})) process->kill();
    for (auto& [container, run] : memory_.runs) run.pid = 0;
  }
  if (how == Restart::wipe) memory_ = {};
  ground_.time.after(away_ms, [this, life = life_] {
    if (life == life_) come_up();
  });
}

pocket::RecoveredState Agent::recovered() const {
  pocket::RecoveredState state;
  for (const auto& [id, framework] : memory_.frameworks) state.frameworks.push_back(framework);
  for (const auto& [container, run] : memory_.runs) {
    pocket::RecoveredExecutor one{container, run.info, 0, {}};
    if (processes_.contains(container.container_id)) one.pid = run.pid;
    for (const auto& [id, task] : run.tasks) one.tasks.push_back(task);
    state.executors.push_back(std::move(one));
  }
  return state;
}

void Agent::remember(const pocket::Checkpoint& record) {
  Memory::Run* run = record.container.container_id.empty() ? nullptr : &memory_.runs[record.container];
  switch (record.kind) {
    case pocket::RecordKind::agent: {
      mv1::AgentInfo info;
      info.ParseFromString(record.bytes);
      memory_.agent_id = info.id().value();
      break;
    }
    case pocket::RecordKind::framework:
      memory_.frameworks[record.container.framework_id].ParseFromString(record.bytes);
      break;
    case pocket::RecordKind::executor: run->info.ParseFromString(record.bytes); break;
    case pocket::RecordKind::task: run->tasks[record.task_id].info.ParseFromString(record.bytes); break;
    case pocket::RecordKind::update:
      run->tasks[record.task_id].updates.emplace_back().ParseFromString(record.bytes);
      break;
    case pocket::RecordKind::acknowledgement:
      run->tasks[record.task_id].acknowledged.insert(record.bytes);
      break;
    default: break;  // no operations here
  }
}

void Agent::after_input() {
  while (model_ != nullptr) {
    const std::vector<pocket::AgentOutput> outputs = model_->take_outputs();
    if (outputs.empty()) break;
    for (const pocket::AgentOutput& output : outputs) carry_out(output);
  }
  arm();
}

void Agent::arm() {
  if (model_ == nullptr) return;
  const Instant wake = model_->wake_at();
  if (wake >= alarm_) return;
  alarm_ = wake;
  ground_.time.at(wake, [this, life = life_, wake] {
    if (life != life_ || alarm_ != wake) return;
    alarm_ = kNever;
    if (model_->wake_at() <= ground_.now()) model_->tick(ground_.now());
    after_input();
  });
}

void Agent::carry_out(const pocket::AgentOutput& output) {
  if (const auto* start = std::get_if<pocket::StartContainer>(&output)) {
    start_container(*start);
  } else if (const auto* killed = std::get_if<pocket::KillContainer>(&output)) {
    const auto found = processes_.find(killed->container.container_id);
    if (found == processes_.end()) return;
    ground_.time.after(ground_.between(1, 50), [process = found->second] { process->kill(); });
  } else if (const auto* event = std::get_if<pocket::ToExecutorStream>(&output)) {
    const auto found = subscribers_.find(event->stream);
    if (found == subscribers_.end()) return;
    found->second.connection->to_client(
        [listener = found->second.listener, one = event->event]() mutable { listener(one); });
  } else if (const auto* end = std::get_if<pocket::EndStream>(&output)) {
    const auto found = subscribers_.find(end->stream);
    if (found == subscribers_.end()) return;
    found->second.connection->close_by_server();
    subscribers_.erase(found);
  } else if (const auto* report = std::get_if<pocket::ToMaster>(&output)) {
    if (!up_) return;
    reports_.push_back(report->report);
    send_reports();
  } else if (const auto* record = std::get_if<pocket::Checkpoint>(&output)) {
    remember(*record);
  } else if (const auto* forget = std::get_if<pocket::ForgetContainer>(&output)) {
    memory_.runs.erase(forget->container);
  } else if (std::holds_alternative<pocket::ForgetAll>(output)) {
    memory_ = {};
  }
}

void Agent::start_container(const pocket::StartContainer& start) {
  ground_.note("start " + start.container.executor_id);
  for (const auto& [id, process] : processes_)
    if (process->container().executor_id == start.container.executor_id)
      ground_.broken("executor " + start.container.executor_id + " is started twice on " + info_.hostname());
  if (ground_.fault(10)) {
    ground_.hit("container does not start");
    ground_.time.after(ground_.between(1, 2'000), [this, life = life_, container = start.container] {
      if (life != life_) return;
      model_->start_failed(container, "no such file", ground_.now());
      after_input();
    });
    return;
  }
  const auto process = std::make_shared<Executor>(ground_, *this, start.container, ++next_pid_, is_service_);
  ground_.time.after(ground_.between(10, 800), [this, life = life_, process] {
    if (life != life_) return;  // the agent went before it forked
    processes_[process->container().container_id] = process;
    memory_.runs[process->container()].pid = process->pid();
    process->start();
    model_->started(process->container(), process->pid(), ground_.now());
    after_input();
  });
}

// --- executors

pocket::Answer Agent::subscribe(const ConnectionPtr& connection, const pocket::mexecutor::Call& call,
                                std::function<void(pocket::mexecutor::Event)> listener) {
  if (model_ == nullptr) return {503, ""};
  const std::uint64_t number = next_stream_++;
  subscribers_[number] = {connection, std::move(listener)};
  connection->server_ended = [this, number, life = life_] {
    if (life != life_ || subscribers_.erase(number) == 0) return;
    model_->stream_gone(number);
    after_input();
  };
  const pocket::Answer answer = model_->subscribe(number, call, ground_.now());
  if (answer.status != 200) subscribers_.erase(number);
  after_input();
  return answer;
}

pocket::Answer Agent::call(const pocket::mexecutor::Call& call) {
  if (model_ == nullptr) return {503, ""};
  const pocket::Answer answer = model_->call(call, ground_.now());
  after_input();
  return answer;
}

void Agent::ended(const pocket::ContainerRef& container, int wait_status) {
  processes_.erase(container.container_id);
  if (const auto run = memory_.runs.find(container); run != memory_.runs.end()) run->second.pid = 0;
  if (model_ == nullptr) return;
  model_->exited(container, wait_status, ground_.now());
  after_input();
}

// --- the link

void Agent::connect_soon() {
  if (std::exchange(connecting_, true)) return;
  const Instant when = std::max(ground_.now() + ground_.between(50, 1'000), partitioned_until_);
  ground_.time.at(when, [this, life = life_] {
    if (life != life_) return;
    connecting_ = false;
    connect();
  });
}

void Agent::connect() {
  const auto leader = masters_.leader();
  if (!leader || ground_.now() < partitioned_until_ || model_ == nullptr) return connect_soon();
  session_ = info_.hostname() + "-" + std::to_string(++sessions_);
  up_ = sending_ = false;
  reports_.clear();
  link_to_ = *leader;
  const auto link = std::make_shared<Connection>(ground_);
  link_ = link;
  link->client_ended = [this, ended = link.get()] {  // not the link itself: it would hold itself
    if (link_.get() == ended) link_lost(link_);
  };
  const auto hear = [this, link](const pocket::Command& command) { on_command(link, command); };
  link->to_server([this, link, hear, at = *leader, registration = model_->registration(session_)] {
    masters_.register_agent(at, link, registration, hear);
  });
  ground_.time.after(10'000, [this, link] {  // an answer's deadline
    if (link_ == link && !up_) link_lost(link);
  });
}

void Agent::link_lost(const ConnectionPtr& link) {
  if (link_ != link) return;
  std::exchange(link_, nullptr)->close_by_client();
  if (up_ && model_ != nullptr) model_->master_gone();
  up_ = sending_ = false;
  reports_.clear();
  connect_soon();
}

void Agent::on_command(const ConnectionPtr& link, const pocket::Command& command) {
  if (link_ != link || model_ == nullptr) return;
  if (const auto* registered = std::get_if<pocket::Registered>(&command)) {
    up_ = true;
    ping_ms_ = registered->ping_ms;
    ping(sessions_);
  }
  model_->command(command, ground_.now());
  after_input();
}

void Agent::ping(std::uint64_t session) {
  if (session != sessions_ || !up_) return;
  if (reports_.empty() && !sending_) {
    reports_.emplace_back(pocket::Ping{});
    send_reports();
  }
  ground_.time.after(ping_ms_, [this, life = life_, session] {
    if (life == life_) ping(session);
  });
}

// One POST at a time, on the link for simplicity's sake: what a cut takes, both ends learn of.
void Agent::send_reports() {
  if (sending_ || reports_.empty() || link_ == nullptr || !up_) return;
  sending_ = true;
  const std::vector<pocket::Report> batch(reports_.begin(), reports_.end());
  reports_.clear();
  const ConnectionPtr link = link_;
  link->to_server([this, link, batch, at = link_to_, session = session_] {
    const bool known = masters_.report(at, session, batch);
    link->to_client([this, link, known] {
      if (link_ != link) return;
      sending_ = false;
      if (!known) return link_lost(link);
      send_reports();
    });
  });
  ground_.time.after(20'000, [this, link, session = sessions_, life = life_] {
    if (life == life_ && link_ == link && session == sessions_ && link->is_half_open()) link_lost(link);
  });
}

// --- what befalls it

void Agent::cut_link() {
  if (link_ != nullptr) link_->cut();
}

void Agent::partition(std::int64_t ms) {
  ground_.hit("agent partitioned");
  partitioned_until_ = std::max(partitioned_until_, ground_.now() + ms);
  if (link_ != nullptr) link_->half_open();
}

void Agent::delay_updates(std::int64_t ms) {
  delay_updates_ms_ = ms;
  if (model_ != nullptr) model_->delay_updates(ms);
}

void Agent::repeat_updates(int times) {
  repeat_updates_ = times;
  if (model_ != nullptr) model_->repeat_updates(times);
}

void Agent::crash_an_executor() {
  if (processes_.empty()) return;
  auto at = processes_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(ground_.random.below(processes_.size())));
  const std::shared_ptr<Executor> victim = at->second;
  victim->crash();
}

void Agent::cut_executors() {
  for (const auto& [number, subscriber] : std::map(subscribers_)) subscriber.connection->cut();
}

void Agent::heal() {
  delay_updates(0);
  repeat_updates(0);
  partitioned_until_ = {};
  if (link_ != nullptr && link_->is_half_open()) link_lost(link_);
}

void Agent::check_room() const {
  if (model_ == nullptr) return;
  std::int64_t cpu_milli = 0;
  for (const auto& [framework_id, framework] : model_->frameworks()) {
    for (const auto& [executor_id, executor] : framework.executors) {
      if (executor.state == pocket::ExecutorState::terminated) continue;
      const auto add = [&](const auto& resources) {
        for (const mv1::Resource& resource : resources)
          if (resource.name() == "cpus") cpu_milli += std::llround(resource.scalar().value() * 1'000);
      };
      add(executor.info.resources());
      for (const auto& [task_id, task] : executor.tasks)
        if (!pocket::is_terminal(task.latest)) add(task.info.resources());
    }
  }
  if (cpu_milli > std::llround(info_.resources(0).scalar().value() * 1'000)) {
    ground_.broken("agent " + info_.hostname() + " runs more than it has");
  }
}

}  // namespace mimas::sim
