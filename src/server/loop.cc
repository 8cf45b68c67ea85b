#include "server/loop.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <variant>

#include "net/clock.h"

namespace mimas::server {
namespace {

constexpr std::int64_t kSleepMaxMs = 60'000;

bool is_acknowledgement(const engine::Effect& effect) {
  return std::holds_alternative<engine::Acknowledge>(effect) ||
         std::holds_alternative<engine::AcknowledgeOperation>(effect);
}
bool is_for_master(const engine::Effect& effect) {
  return !std::holds_alternative<engine::Reply>(effect) &&
         !std::holds_alternative<engine::ScaleAgents>(effect);
}

}  // namespace

Loop::Loop(engine::State state, SteadyWall clock, store::Store& store, Mailbox& mailbox, PublishedView& view,
           Hooks hooks)
    : state_(std::move(state)),
      store_(store),
      mailbox_(mailbox),
      view_(view),
      hooks_(std::move(hooks)),
      clock_(clock) {}

Instant Loop::now() { return clock_.at(net::wall_now(), net::monotonic_ms()); }

void Loop::step(const engine::Input& input, Instant now, Batch& batch) {
  engine::Step step = engine::step(state_, input, now);
  std::move(step.changes.begin(), step.changes.end(), std::back_inserter(batch.changes));
  std::move(step.effects.begin(), step.effects.end(), std::back_inserter(batch.effects));
  for (const std::string& reason : step.reasons) hooks_.log(reason);
  if (std::holds_alternative<engine::Settle>(input)) wake_at_ = step.wake_at;
}

void Loop::release(const std::vector<engine::Effect>& effects) {
  for (const engine::Effect& effect : effects) {
    if (is_for_master(effect) && !is_acknowledgement(effect)) hooks_.call_master(effect);
  }
  for (const engine::Effect& effect : effects) {
    if (is_acknowledgement(effect)) hooks_.call_master(effect);
  }
  for (const engine::Effect& effect : effects) {
    const auto* scale = std::get_if<engine::ScaleAgents>(&effect);
    if (scale != nullptr && hooks_.scale) hooks_.scale(*scale);
  }
  for (const engine::Effect& effect : effects) {
    if (const auto* reply = std::get_if<engine::Reply>(&effect)) hooks_.reply(*reply);
  }
}

void Loop::tell_audits(const std::vector<engine::Change>& changes) {
  for (const engine::Change& change : changes) {
    if (const auto* put = std::get_if<engine::PutAudit>(&change)) hooks_.audited(*put->audit);
  }
}

bool Loop::run_errands() {
  for (Errand& errand : mailbox_.take_errands()) errands_.push_back(std::move(errand));
  std::erase_if(errands_, [](Errand& errand) { return errand(); });
  return !errands_.empty();
}

Status Loop::run() {
  std::vector<engine::Input> inputs;  // the first round settles what was recovered
  while (!mailbox_.closed()) {
    Batch batch;
    const Instant now = this->now();
    for (const engine::Input& input : inputs) step(input, now, batch);
    step(engine::Settle{}, now, batch);
    const auto began = std::chrono::steady_clock::now();
    if (Status committed = store_.commit(batch.changes); !committed.ok()) return committed;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (hooks_.committed) hooks_.committed(inputs.size(), batch.changes.size(), took.count());
    if (hooks_.audited) tell_audits(batch.changes);
    view_.apply(batch.changes);
    release(batch.effects);
    std::int64_t wait_ms = wake_at_ == kNever ? kSleepMaxMs : wake_at_ - this->now();
    if (run_errands()) wait_ms = 0;
    inputs = mailbox_.take(std::clamp<std::int64_t>(wait_ms, 0, kSleepMaxMs));
  }
  return Done{};
}

}  // namespace mimas::server
