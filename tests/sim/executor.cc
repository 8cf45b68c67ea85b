#include "executor.h"

#include <algorithm>

#include "base/uuid.h"

namespace mimas::sim {
namespace {

using Call = pocket::mexecutor::Call;
using Event = pocket::mexecutor::Event;
namespace mv1 = pocket::mv1;

constexpr std::int64_t kRecoveryMs = 900'000;  // mesos-protocol §0.3
constexpr std::int64_t kRepostMs = 30'000;
constexpr int kKilled = 9;  // wait(2) words
constexpr int kExitedOne = 1 << 8;

}  // namespace

Executor::Executor(Ground& ground, ExecutorHost& host, pocket::ContainerRef container, std::int64_t pid,
                   IsService is_service)
    : ground_(ground),
      host_(host),
      container_(std::move(container)),
      pid_(pid),
      is_service_(std::move(is_service)) {}

void Executor::start() {
  if (ground_.fault(15)) {
    ground_.hit("executor that never subscribes");
    return;
  }
  ground_.time.after(ground_.between(20, 500), mine([this] { connect(); }));
  if (ground_.fault(60)) ground_.time.after(ground_.between(1, 120'000), mine([this] { crash(); }));
}

void Executor::kill() { end(kKilled); }

void Executor::crash() {
  ground_.hit("executor crashed");
  end(kExitedOne);
}

void Executor::end(int wait_status) {
  if (!std::exchange(alive_, false)) return;
  if (connection_ != nullptr) connection_->close_by_client();
  // The agent holds the last reference, and may let go of it within the call.
  ground_.time.after(ground_.between(0, 20), [self = shared_from_this(), wait_status] {
    self->host_.ended(self->container_, wait_status);
  });
}

bool Executor::has_open_task(const std::string& task_id) const {
  const auto found = tasks_.find(task_id);
  return alive_ && found != tasks_.end() && !pocket::is_terminal(found->second.state);
}

std::string Executor::next_uuid() {
  RandomBytes random{};
  for (std::size_t i = 0; i < random.size(); i += 8) {
    const std::uint64_t word = ground_.random.next();
    for (std::size_t k = 0; k < 8; ++k) random[i + k] = static_cast<std::uint8_t>(word >> (8 * k));
  }
  return uuid_v4_bytes(random);
}

Call Executor::begin(Call::Type type) const {
  Call call;
  call.mutable_executor_id()->set_value(container_.executor_id);
  call.mutable_framework_id()->set_value(container_.framework_id);
  call.set_type(type);
  return call;
}

void Executor::connect() {
  if (lost_since_ != kNever && ground_.now() - lost_since_ > kRecoveryMs) return kill();
  if (!host_.is_listening()) return reconnect();
  Call call = begin(Call::SUBSCRIBE);
  call.mutable_subscribe();
  for (const auto& [id, task] : tasks_)
    if (!task.heard) *call.mutable_subscribe()->add_unacknowledged_tasks() = task.info;
  for (const mv1::TaskStatus& status : unacknowledged_)
    *call.mutable_subscribe()->add_unacknowledged_updates()->mutable_status() = status;
  const auto connection = std::make_shared<Connection>(ground_);
  connection_ = connection;
  connection->client_ended = mine([this, ended = connection.get()] {
    if (connection_.get() == ended) reconnect();
  });
  auto hear = mine([this, connection](const Event& event) {
    if (connection_ == connection) on_event(event);
  });
  auto refused = mine([this, connection] {
    if (connection_ == connection) connection->close_by_client(), reconnect();
  });
  connection->to_server([&host = host_, connection, call, hear, refused]() mutable {
    const pocket::Answer answer = host.subscribe(connection, call, hear);
    if (answer.status != 200) connection->to_client(refused);
  });
}

void Executor::reconnect() {
  subscribed_ = false;
  connection_.reset();
  if (lost_since_ == kNever) lost_since_ = ground_.now();
  ground_.time.after(ground_.between(100, 2'000), mine([this] {
                       if (connection_ == nullptr) connect();
                     }));
}

void Executor::on_event(const Event& event) {
  switch (event.type()) {
    case Event::SUBSCRIBED:
      subscribed_ = true;
      lost_since_ = kNever;
      end_when_done();
      break;
    case Event::LAUNCH: launch(event.launch().task()); break;
    case Event::KILL:
      kill_task(event.kill().task_id().value(),
                event.kill().kill_policy().grace_period().nanoseconds() / 1'000'000);
      break;
    case Event::ACKNOWLEDGED:
      std::erase_if(unacknowledged_,
                    [&](const mv1::TaskStatus& one) { return one.uuid() == event.acknowledged().uuid(); });
      if (const auto task = tasks_.find(event.acknowledged().task_id().value()); task != tasks_.end())
        task->second.heard = true;
      end_when_done();
      break;
    case Event::SHUTDOWN:
      for (const auto& [id, task] : tasks_)
        if (!pocket::is_terminal(task.state)) say(id, mv1::TASK_KILLED);
      ground_.time.after(ground_.between(50, 4'000), mine([this] { end(0); }));
      break;
    default: break;
  }
}

void Executor::launch(const mv1::TaskInfo& info) {
  const std::string id = info.task_id().value();
  const auto [at, fresh] = tasks_.try_emplace(id);
  if (!fresh) return;
  at->second.info = info;
  if (!ground_.fault(50)) say(id, mv1::TASK_STARTING);
  ground_.time.after(ground_.between(10, 3'000), mine([this, id] {
                       if (!has_open_task(id) || tasks_.at(id).state == mv1::TASK_KILLING) return;
                       if (is_service_(id) || !ground_.fault(20)) say(id, mv1::TASK_RUNNING);
                     }));
  if (is_service_(id)) {
    if (ground_.fault(100)) {
      ground_.time.after(ground_.between(5'000, 600'000), mine([this, id] {
                           if (ground_.faults && has_open_task(id)) say(id, mv1::TASK_FAILED);
                         }));
    }
    return;
  }
  ground_.time.after(ground_.between(3'100, 120'000), mine([this, id] {
                       if (!has_open_task(id)) return;
                       say(id, ground_.fault(150) ? mv1::TASK_FAILED : mv1::TASK_FINISHED);
                     }));
}

void Executor::kill_task(const std::string& id, std::int64_t grace_ms) {
  if (!tasks_.contains(id)) {
    say(id, mv1::TASK_KILLED);
    return;
  }
  if (!has_open_task(id)) return;
  if (tasks_.at(id).state != mv1::TASK_KILLING) say(id, mv1::TASK_KILLING);
  const std::int64_t grace = std::max<std::int64_t>(grace_ms, 100);
  ground_.time.after(ground_.between(20, grace), mine([this, id] {
                       if (has_open_task(id)) say(id, mv1::TASK_KILLED);
                     }));
}

void Executor::say(const std::string& id, mv1::TaskState state) {
  LocalTask& task = tasks_[id];
  task.state = state;
  mv1::TaskStatus status;
  status.mutable_task_id()->set_value(id);
  status.set_state(state);
  status.set_source(mv1::TaskStatus::SOURCE_EXECUTOR);
  status.mutable_executor_id()->set_value(container_.executor_id);
  status.set_uuid(next_uuid());
  status.set_timestamp(static_cast<double>(ground_.now().ms) / 1'000.0);
  unacknowledged_.push_back(status);
  post(status);
  if (ground_.fault(20)) {
    ground_.hit("executor says it twice");
    post(status);
  }
  if (pocket::is_terminal(state) && ground_.fault(50)) lie();
}

// After an end another one, and life.
void Executor::lie() {
  for (const auto& [id, task] : tasks_) {
    mv1::TaskStatus status;
    status.mutable_task_id()->set_value(id);
    status.set_state(ground_.chance(500) ? mv1::TASK_FAILED : mv1::TASK_RUNNING);
    status.set_source(mv1::TaskStatus::SOURCE_EXECUTOR);
    status.mutable_executor_id()->set_value(container_.executor_id);
    status.set_uuid(next_uuid());
    ground_.hit("executor lies");
    unacknowledged_.push_back(status);
    post(status);
    return;
  }
}

// Posted, and posted again until the agent has recorded it.
void Executor::post(const mv1::TaskStatus& status) {
  ground_.time.after(kRepostMs, mine([this, status] {
                       const bool open =
                           std::any_of(unacknowledged_.begin(), unacknowledged_.end(),
                                       [&](const auto& one) { return one.uuid() == status.uuid(); });
                       if (open) post(status);
                     }));
  if (connection_ == nullptr || !subscribed_) return;  // the next SUBSCRIBE brings it along
  Call call = begin(Call::UPDATE);
  *call.mutable_update()->mutable_status() = status;
  connection_->to_server([&host = host_, call] { host.call(call); });
}

void Executor::end_when_done() {
  if (tasks_.empty() || !unacknowledged_.empty()) return;
  for (const auto& [id, task] : tasks_)
    if (!pocket::is_terminal(task.state)) return;
  ground_.time.after(ground_.between(0, 1'000), mine([this] { end(0); }));
}

}  // namespace mimas::sim
