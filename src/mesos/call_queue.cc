#include "mesos/call_queue.h"

#include <variant>

#include "base/assert.h"

namespace mimas::mesos {

void CallQueue::push(engine::Effect effect) {
  bool fresh = true;
  if (const auto* kill = std::get_if<engine::KillOnAgent>(&effect)) {
    fresh = kills_.insert(kill->task).second;
  } else if (const auto* one = std::get_if<engine::Acknowledge>(&effect)) {
    fresh = acknowledgements_.emplace(one->task, one->uuid).second;
  } else if (const auto* of = std::get_if<engine::AcknowledgeOperation>(&effect)) {
    fresh = of_operations_.emplace(of->operation, of->uuid).second;
  }
  if (fresh) effects_.push_back(std::move(effect));
}

engine::Effect CallQueue::pop() {
  ASSERT(!effects_.empty());
  engine::Effect effect = std::move(effects_.front());
  effects_.pop_front();
  if (const auto* kill = std::get_if<engine::KillOnAgent>(&effect)) {
    kills_.erase(kill->task);
  } else if (const auto* one = std::get_if<engine::Acknowledge>(&effect)) {
    acknowledgements_.erase({one->task, one->uuid});
  } else if (const auto* of = std::get_if<engine::AcknowledgeOperation>(&effect)) {
    of_operations_.erase({of->operation, of->uuid});
  }
  return effect;
}

void CallQueue::clear() {
  effects_.clear();
  kills_.clear();
  acknowledgements_.clear();
  of_operations_.clear();
}

}  // namespace mimas::mesos
