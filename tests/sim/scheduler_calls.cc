// The driver's writing half: one call in flight, in order, on a connection of its own; what may be repeated
// is repeated once (mesos-protocol §1.4). Every call is checked as it leaves: nothing that is not on disk has
// an effect.
#include <utility>

#include "engine/state.h"
#include "scheduler.h"

namespace mimas::sim {
namespace {

using Call = mesos::scheduler::Call;

constexpr std::int64_t kCallAnswerMs = 15'000;  // as the driver's

}  // namespace

// As mesos::Driver::send.
void Scheduler::send(const engine::Effect& effect) {
  if (setup_.planted == Planted::never_reconciles && std::holds_alternative<engine::Reconcile>(effect))
    return;
  if (setup_.planted == Planted::never_acknowledges && std::holds_alternative<engine::Acknowledge>(effect))
    return;
  const bool behind = wanted_ != told_;
  const mesos::Standing before = wanted_;
  wanted_.note(effect);
  const bool news = wanted_ != before;
  if (!is_subscribed()) return;
  if (std::exchange(caught_up_in_, machine_.generation()) != machine_.generation() && behind) {
    queue_.push_back(engine::ConstrainOffers{});
  }
  if (!std::holds_alternative<engine::ConstrainOffers>(effect) || news) queue_.push_back(effect);
  pump();
}

void Scheduler::drop_calls() {
  outgoing_.clear();
  in_flight_ = false;
  ++call_number_;
  if (calls_ != nullptr) calls_->close_by_client();
  calls_.reset();
}

void Scheduler::pump() {
  while (!in_flight_ && is_subscribed()) {
    if (outgoing_.empty()) {
      if (queue_.empty()) return;
      fill_outgoing();
      continue;
    }
    tries_ = outgoing_.front().type() == Call::ACCEPT ? 1 : 2;
    send_call();
  }
}

// The next effect as calls.
void Scheduler::fill_outgoing() {
  const engine::Effect effect = std::move(queue_.front());
  queue_.pop_front();
  if (const auto* accept = std::get_if<engine::AcceptOffers>(&effect)) {
    const mesos::LaunchOptions launch{machine_.framework(), options_.executor_base_url,
                                      options_.executor_version, options_.default_arch};
    mesos::AcceptCall made = mesos::make_accept(*accept, launch, book_);
    if (made.call.accept().offer_ids_size() > 0) outgoing_.push_back(std::move(made.call));
    for (auto& update : made.refused) {
      ground_.hit("launch refused by the driver");
      post(std::move(update));
    }
    return;
  }
  if (std::holds_alternative<engine::ConstrainOffers>(effect)) {
    outgoing_.push_back(mesos::make_update_framework(options_, machine_.framework(), "host", wanted_));
    return;
  }
  if (const auto* decline = std::get_if<engine::DeclineOffers>(&effect)) {
    for (const OfferId& id : decline->offers) book_.erase(id);
  }
  for (Call& call : mesos::make_calls(effect, machine_.framework())) outgoing_.push_back(std::move(call));
}

void Scheduler::send_call() {
  const Call call = outgoing_.front();
  check_call(call);
  if (calls_ == nullptr || calls_->is_over() || calls_generation_ != machine_.generation()) {
    if (calls_ != nullptr) calls_->close_by_client();
    calls_ = std::make_shared<Connection>(ground_);
    calls_generation_ = machine_.generation();
    if (ground_.fault(5)) calls_->cut();
  }
  in_flight_ = true;
  const std::uint64_t number = ++call_number_;
  const ConnectionPtr connection = calls_;
  connection->client_ended = mine([this, ended = connection.get()] {
    if (in_flight_ && calls_.get() == ended) call_ended(call_number_, std::nullopt);
  });
  auto answered = mine([this, number](const Masters::HttpAnswer& answer) { call_ended(number, answer); });
  connection->to_server([&masters = masters_, at = machine_.attempt().connect_to, connection, call,
                         stream = machine_.stream_id(), answered]() mutable {
    const Masters::HttpAnswer answer = masters.call(at, call, stream);
    connection->to_client([answered, answer]() mutable { answered(answer); });
  });
  if (call.type() == Call::ACCEPT && ground_.fault(10)) {
    ground_.hit("connection cut during an ACCEPT");
    ground_.time.after(ground_.between(0, 40), [connection] { connection->cut(); });
  }
  if (call.type() == Call::ACCEPT && ground_.fault(30))
    masters_.cut_agents();  // their offers are void on arrival
  ground_.time.after(kCallAnswerMs, mine([this, number] {
                       if (in_flight_ && number == call_number_) call_ended(number, std::nullopt);
                     }));
  boundary();  // killed when a call has left
}

// As Driver::Impl::send_call and judge.
void Scheduler::call_ended(std::uint64_t number, std::optional<Masters::HttpAnswer> answer) {
  if (!in_flight_ || number != call_number_) return;
  in_flight_ = false;
  const int status = answer ? answer->head.status : 0;
  if (status == 200 || status == 202) {
    outgoing_.pop_front();
    return pump();
  }
  if (!answer) {
    calls_->close_by_client();
    calls_.reset();
  }
  const bool passes = !answer || status >= 500;
  if (passes && --tries_ > 0) {
    ground_.hit("call repeated");
    return send_call();
  }
  const mesos::Reaction reaction =
      answer ? machine_.call_refused(calls_generation_, answer->head, answer->body, monotonic_ms())
             : machine_.calls_lost(calls_generation_, "a call was not answered", monotonic_ms());
  if (reaction.next != mesos::Reaction::Next::go_on) return carry_out(reaction);
  if (!reaction.text.empty()) {
    ground_.broken(Call::Type_Name(outgoing_.front().type()) + " refused: " + reaction.text);
  }
  outgoing_.pop_front();
  pump();
}

void Scheduler::check_call(const Call& call) {
  if (disk_.framework().value != call.framework_id().value()) {
    ground_.broken(Call::Type_Name(call.type()) + " leaves before the framework id is on disk");
  }
  if (call.type() == Call::ACKNOWLEDGE && !ledger_.committed_updates.contains(call.acknowledge().uuid())) {
    ground_.broken("an update of " + call.acknowledge().task_id().value() +
                   " is acknowledged before its commit");
  }
  if (call.type() != Call::ACCEPT) return;
  for (const auto& operation : call.accept().operations()) {
    for (const auto& info : operation.launch().task_infos()) {
      const std::string& id = info.task_id().value();
      const TaskPtr stored = disk_.task(id);
      if (stored == nullptr || stored->state == TaskState::queued ||
          stored->agent.value != info.agent_id().value()) {
        ground_.broken("task " + id + " leaves before its launch is on disk");
      }
      const bool fresh = ledger_.launched.insert(id).second;
      if (!fresh) ground_.broken("task id " + id + " is launched twice");
    }
  }
}

}  // namespace mimas::sim
