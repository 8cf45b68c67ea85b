// Faults as the leading master's face plays them: on its schedulers' streams, on their calls, and through the
// model (pocket/fault.h).
#include "pocket/master_face.h"

namespace mimas::pocket {
namespace {

const std::string* framework_of(const Fault& fault) {
  if (const auto* drop = std::get_if<DropStreams>(&fault)) return &drop->framework_id;
  if (const auto* cut = std::get_if<CutRecord>(&fault)) return &cut->framework_id;
  if (const auto* drip = std::get_if<DripStreams>(&fault)) return &drip->framework_id;
  if (const auto* half = std::get_if<HalfOpenStreams>(&fault)) return &half->framework_id;
  return nullptr;
}

void play_on(EventStream& stream, const Fault& fault) {
  if (std::holds_alternative<DropStreams>(fault)) stream.drop();
  if (const auto* cut = std::get_if<CutRecord>(&fault)) stream.cut_next(static_cast<std::size_t>(cut->bytes));
  if (const auto* drip = std::get_if<DripStreams>(&fault)) stream.drip(drip->bytes_per_second);
  if (std::holds_alternative<HalfOpenStreams>(fault)) stream.freeze(true);
  if (std::holds_alternative<Heal>(fault)) {
    stream.drip(0);
    stream.freeze(false);
  }
}

}  // namespace

// The streams of the schedulers meant; false when there is none.
bool MasterFace::play_on_streams(const Fault& fault) {
  const std::string* wanted = framework_of(fault);
  bool found = false;
  for (const auto& [id, framework] : model_.frameworks()) {
    if (!framework.connected || (wanted != nullptr && !wanted->empty() && *wanted != id)) continue;
    const auto subscriber = subscribers_.find(framework.stream);
    if (subscriber == subscribers_.end()) continue;
    play_on(*subscriber->second.stream, fault);
    found = true;
  }
  return found;
}

bool MasterFace::play_on_model(const Fault& fault, Instant now) {
  if (const auto* withhold = std::get_if<WithholdHeartbeats>(&fault)) {
    model_.withhold_heartbeats(now + withhold->ms);
    return true;
  }
  if (const auto* rescind = std::get_if<RescindOffers>(&fault))
    return model_.rescind_offers(rescind->framework_id, now);
  if (const auto* forget = std::get_if<ForgetFramework>(&fault))
    return model_.forget_framework(forget->framework_id, now);
  if (const auto* maintain = std::get_if<Maintain>(&fault))
    return model_.maintain(maintain->agent, now + maintain->in_ms, maintain->ms, now);
  if (!std::holds_alternative<Heal>(fault)) return play_on_streams(fault);
  model_.withhold_heartbeats(now);
  play_on_streams(fault);
  return true;
}

Status MasterFace::play(const Fault& fault) {
  {
    const std::lock_guard lock(faults_mutex_);
    const auto* refuse = std::get_if<RefuseCalls>(&fault);
    const auto* lose = std::get_if<LoseReplies>(&fault);
    const auto* delay = std::get_if<DelayReplies>(&fault);
    if (refuse != nullptr) faults_.order(*refuse);
    if (lose != nullptr) faults_.order(*lose);
    if (delay != nullptr) faults_.order(*delay);
    if (refuse != nullptr || lose != nullptr || delay != nullptr) return Done{};
    if (std::holds_alternative<Heal>(fault)) faults_.heal();
  }
  const auto played = loop_.call<bool>([&](Instant now) { return play_on_model(fault, now); });
  if (!played) return make_error(Code::unavailable, "the master is stopping", fault_name(fault));
  if (*played) return Done{};
  return make_error(Code::not_found,
                    "nobody here to play it on: no such framework or agent, or none connected",
                    fault_name(fault));
}

CallFaults::Verdict MasterFace::verdict_on(const std::string& call_type) {
  const std::lock_guard lock(faults_mutex_);
  return faults_.next(call_type);
}

}  // namespace mimas::pocket
