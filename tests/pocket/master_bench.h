// The master's model on a bench for tests: a hand-cranked clock, one scheduler's stream id, one agent's
// session, and everything the model put out. Framework "F", agent "M-S0" unless said otherwise.
#pragma once

#include <algorithm>

#include "pocket/master_model.h"
#include "scheduler_client.h"

namespace mimas::pocket {

using Call = mscheduler::Call;
using Event = mscheduler::Event;
using Capability = mv1::FrameworkInfo::Capability;

struct MasterWorld {
  explicit MasterWorld(MasterOptions options = defaults()) : model(std::move(options), now) {}

  static MasterOptions defaults() {
    MasterOptions options;
    options.master_id = "M";
    return options;
  }

  std::uint64_t subscribe(const std::string& id, const std::vector<std::string>& roles = {"*"},
                          double failover = 60, bool aware = true) {
    Call call;
    call.set_type(Call::SUBSCRIBE);
    auto* info = call.mutable_subscribe()->mutable_framework_info();
    info->set_user("u");
    info->set_name("n");
    info->set_principal("p");
    info->set_checkpoint(true);
    info->set_failover_timeout(failover);
    for (const auto& role : roles) info->add_roles(role);
    info->add_capabilities()->set_type(Capability::MULTI_ROLE);
    if (aware) info->add_capabilities()->set_type(Capability::PARTITION_AWARE);
    if (!id.empty()) {
      info->mutable_id()->set_value(id);
      call.mutable_framework_id()->set_value(id);
    }
    return subscribe(call);
  }
  std::uint64_t subscribe(const Call& call) {
    stream_id = model.subscribe(++streams, call, now);
    turn();
    return streams;
  }
  Registration agent_info(const std::string& id = "", double cpus = 4) {
    Registration registration;
    registration.session = "session" + std::to_string(++sessions);
    registration.ip = "127.0.0.1";
    registration.info.set_hostname("h");
    if (!id.empty()) registration.info.mutable_id()->set_value(id);
    const mv1::TaskInfo sizes = simple_task("", "", cpus, 1000);
    *registration.info.mutable_resources() = sizes.resources();
    return registration;
  }
  void join(const Registration& registration) {
    session = registration.session;
    agent_stream = ++streams;
    model.register_agent(agent_stream, registration, now);
    turn();
  }
  Answer call(const Call& call) {
    const Answer answer = model.call(call, stream_id, now);
    turn();
    return answer;
  }
  Call make(Call::Type type, const std::string& id = "F") {
    Call call;
    call.set_type(type);
    call.mutable_framework_id()->set_value(id);
    return call;
  }
  void advance(std::int64_t ms) {
    const Instant end = now + ms;
    while (model.wake_at() <= end) {
      now = std::max(now, model.wake_at());
      if (session_alive) model.report(session, {Ping{}}, now);
      model.tick(now);
      turn();
    }
    now = end;
  }
  void turn() {
    if (model.wake_at() <= now) model.tick(now);
    for (auto& output : model.take_outputs()) {
      if (auto* event = std::get_if<ToScheduler>(&output)) events.push_back(*event);
      if (auto* command = std::get_if<ToAgent>(&output)) commands.push_back(command->command);
      if (auto* end = std::get_if<EndStream>(&output)) ended.push_back(end->stream);
    }
  }
  Call accept(const std::vector<std::string>& offers, const std::vector<mv1::TaskInfo>& tasks,
              double refuse = 0) {
    Call call = make(Call::ACCEPT);
    for (const auto& id : offers) call.mutable_accept()->add_offer_ids()->set_value(id);
    call.mutable_accept()->mutable_filters()->set_refuse_seconds(refuse);
    auto* operation = call.mutable_accept()->add_operations();
    operation->set_type(mv1::Offer::Operation::LAUNCH);
    for (const auto& task : tasks) *operation->mutable_launch()->add_task_infos() = task;
    return call;
  }
  std::string offer() const { return model.offers().empty() ? "" : model.offers().begin()->first; }
  void update(const std::string& task, mv1::TaskState state, const std::string& uuid = "0123456789abcdef") {
    UpdateReport report{"F", {}, state};
    report.status.mutable_task_id()->set_value(task);
    report.status.set_state(state);
    report.status.set_uuid(uuid);
    report.status.mutable_agent_id()->set_value("M-S0");
    model.report(session, {report}, now);
    turn();
  }
  std::vector<Event::Type> types(std::uint64_t stream) const {
    std::vector<Event::Type> list;
    for (const auto& one : events)
      if (one.stream == stream) list.push_back(one.event.type());
    return list;
  }
  const mv1::TaskStatus* last_status() const {
    for (auto at = events.rbegin(); at != events.rend(); ++at)
      if (at->event.type() == Event::UPDATE) return &at->event.update().status();
    return nullptr;
  }
  std::size_t count(Event::Type type) const {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(),
                                                  [&](const auto& one) { return one.event.type() == type; }));
  }

  Instant now{1'000'000};
  MasterModel model;
  std::string stream_id;
  std::string session;
  bool session_alive = true;
  std::uint64_t streams = 0;
  std::uint64_t agent_stream = 0;
  int sessions = 0;
  std::vector<ToScheduler> events;
  std::vector<Command> commands;
  std::vector<std::uint64_t> ended;
};

inline mv1::TaskInfo command_task(const std::string& id, double cpus = 1) {
  mv1::TaskInfo task = simple_task(id, "M-S0", cpus);
  task.mutable_command()->set_value("true");
  return task;
}

inline mv1::TaskInfo executor_task(const std::string& id, const std::string& command = "./x") {
  mv1::TaskInfo task = simple_task(id, "M-S0", 1);
  task.mutable_executor()->mutable_executor_id()->set_value("e");
  task.mutable_executor()->mutable_command()->set_value(command);
  auto* cpus = task.mutable_executor()->add_resources();
  cpus->set_name("cpus");
  cpus->set_type(mv1::Value::SCALAR);
  cpus->mutable_scalar()->set_value(0.5);
  return task;
}

}  // namespace mimas::pocket
