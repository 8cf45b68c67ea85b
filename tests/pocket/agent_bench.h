// An agent on a bench: the model by values, with a hand-cranked clock, and what it said and did to look at.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "pocket/agent_model.h"
#include "scheduler_client.h"

namespace mimas::pocket {

using ECall = mexecutor::Call;
using Event = mexecutor::Event;

inline mv1::FrameworkInfo framework() {
  mv1::FrameworkInfo info;
  info.set_user("u");
  info.set_name("n");
  info.mutable_id()->set_value("F");
  info.set_checkpoint(true);
  info.add_capabilities()->set_type(mv1::FrameworkInfo::Capability::PARTITION_AWARE);
  return info;
}

inline mv1::TaskInfo task(const std::string& id) {
  mv1::TaskInfo info = simple_task(id, "A");
  info.mutable_executor()->mutable_executor_id()->set_value("e");
  info.mutable_executor()->mutable_framework_id()->set_value("F");
  info.mutable_executor()->mutable_command()->set_value("./x");
  return info;
}

inline std::string uuid(char letter) {
  return std::string(6, letter) + "\x40" + std::string(1, letter) + "\x80" + std::string(7, letter);
}

inline ECall call(ECall::Type type) {
  ECall call;
  call.set_type(type);
  call.mutable_framework_id()->set_value("F");
  call.mutable_executor_id()->set_value("e");
  if (type == ECall::SUBSCRIBE) call.mutable_subscribe();
  return call;
}

inline ECall update(const std::string& id, mv1::TaskState state, char letter) {
  ECall out = call(ECall::UPDATE);
  auto* status = out.mutable_update()->mutable_status();
  status->mutable_task_id()->set_value(id);
  status->set_state(state);
  status->set_source(mv1::TaskStatus::SOURCE_EXECUTOR);
  status->set_uuid(uuid(letter));
  return out;
}

struct World {
  explicit World(RecoveredState recovered = {}) : model(options(), std::move(recovered), now) {
    if (!model.recovering()) command(Registered{"A", 750});
  }
  static AgentModelOptions options() {
    AgentModelOptions options;
    options.info.set_hostname("h");
    options.info.mutable_id()->set_value("A");
    auto* disk = options.info.add_resources();
    disk->set_name("disk");
    disk->set_type(mv1::Value::SCALAR);
    disk->mutable_scalar()->set_value(1'000);
    return options;
  }
  void turn() {
    for (auto& output : model.take_outputs()) {
      if (const auto* start = std::get_if<StartContainer>(&output)) container = start->container;
      if (const auto* killed = std::get_if<KillContainer>(&output)) kills.push_back(killed->container);
      if (const auto* event = std::get_if<ToExecutorStream>(&output)) events.push_back(event->event);
      if (const auto* end = std::get_if<EndStream>(&output)) ended.push_back(end->stream);
      if (const auto* report = std::get_if<ToMaster>(&output)) {
        if (const auto* one = std::get_if<UpdateReport>(&report->report)) updates.push_back(one->status);
        if (const auto* one = std::get_if<ExecutorExited>(&report->report)) exits.push_back(*one);
      }
      if (const auto* report = std::get_if<ToMaster>(&output))
        if (const auto* one = std::get_if<OperationReport>(&report->report)) operations.push_back(*one);
      if (const auto* volume = std::get_if<VolumeChange>(&output)) volumes.push_back(*volume);
      if (const auto* record = std::get_if<Checkpoint>(&output)) records.push_back(*record);
      if (std::holds_alternative<ForgetContainer>(output)) ++forgotten;
    }
  }
  void command(const Command& one) {
    model.command(one, now);
    turn();
  }
  void run(const std::string& id) { command(RunTasks{framework(), false, {}, {task(id)}}); }
  Answer subscribe(const ECall& with = call(ECall::SUBSCRIBE)) {
    const Answer answer = model.subscribe(++streams, with, now);
    turn();
    return answer;
  }
  Answer say(const ECall& what) {
    const Answer answer = model.call(what, now);
    turn();
    return answer;
  }
  void acknowledge(const std::string& id, const std::string& with) {
    command(AcknowledgeUpdate{"F", id, with});
  }
  void advance(std::int64_t ms) {
    const Instant end = now + ms;
    while (model.wake_at() <= end) {
      now = std::max(now, model.wake_at());
      model.tick(now);
      turn();
    }
    now = end;
  }
  void started() {
    model.started(container, 4242, now);
    turn();
  }
  void exited(int status) {
    model.exited(container, status, now);
    turn();
  }

  Instant now{5'000'000};
  AgentModel model;
  std::uint64_t streams = 0;
  ContainerRef container;
  std::vector<ContainerRef> kills;
  std::vector<Event> events;
  std::vector<std::uint64_t> ended;
  std::vector<mv1::TaskStatus> updates;
  std::vector<ExecutorExited> exits;
  std::vector<OperationReport> operations;
  std::vector<VolumeChange> volumes;
  std::vector<Checkpoint> records;
  int forgotten = 0;
};

inline RecoveredState recovered(std::int64_t pid, std::vector<RecoveredTask> tasks) {
  RecoveredState state;
  state.frameworks.push_back(framework());
  state.executors.push_back({{"F", "e", "c"}, task("x").executor(), pid, std::move(tasks)});
  return state;
}

inline RecoveredTask running(const std::string& id) {
  RecoveredTask one{task(id), {}, {uuid('r')}};
  one.updates.push_back(update(id, mv1::TASK_RUNNING, 'r').update().status());
  return one;
}

}  // namespace mimas::pocket
