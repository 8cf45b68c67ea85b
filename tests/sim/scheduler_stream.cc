// The driver's reading half: attempts, the event stream and its watchdog.
#include <utility>

#include "scheduler.h"

namespace mimas::sim {

void Scheduler::attempt() {
  const mesos::Attempt due = machine_.next_attempt(monotonic_ms());
  ground_.time.at(Instant{due.at_ms}, mine([this, due] {
                    if (machine_.generation() == due.generation) connect(due);
                  }));
}

void Scheduler::connect(const mesos::Attempt& due) {
  told_ = wanted_;
  mesos::scheduler::Call call = mesos::make_subscribe(options_, machine_.framework(), "host", told_);
  if (masters_.is_down(due.connect_to)) {
    ground_.time.after(ground_.delay_ms(), mine([this, due] {
                         carry_out(machine_.attempt_failed(due.generation, "refused", monotonic_ms()));
                       }));
    return;
  }
  auto connection = std::make_shared<Connection>(ground_);
  stream_ = connection;
  unanswered_.push_back(connection);
  connection->client_ended = mine([this, due] {
    if (machine_.phase() == mesos::Phase::connecting) {
      carry_out(machine_.attempt_failed(due.generation, "closed before an answer", monotonic_ms()));
    } else {
      carry_out(machine_.stream_ended(due.generation, "the stream ended", monotonic_ms()));
    }
  });
  Masters::Listener listener;
  listener.head = mine([this, due](const wire::ResponseHead& head, const std::string& body) {
    std::erase_if(unanswered_, [&](const auto& one) { return one.expired() || one.lock() == stream_; });
    carry_out(machine_.answered(due.generation, head, body, monotonic_ms()));
    watch();
  });
  listener.record = mine([this, due](const std::string& record) { take_record(due.generation, record); });
  ground_.note("SUBSCRIBE to " + due.to.text());
  connection->to_server([&masters = masters_, at = due.connect_to, connection, call, listener] {
    masters.subscribe(at, connection, call, listener);
  });
  // The head's deadline of the HTTP client.
  ground_.time.after(
      mesos::kHeadMs, mine([this, due] {
        if (machine_.generation() != due.generation || machine_.phase() != mesos::Phase::connecting) return;
        carry_out(machine_.attempt_failed(due.generation, "no head in time", monotonic_ms()));
      }));
}

// The reader waits for bytes no longer than the machine allows.
void Scheduler::watch() {
  const mesos::Phase phase = machine_.phase();
  if (phase != mesos::Phase::subscribing && phase != mesos::Phase::subscribed) return;
  const Instant due{machine_.deadline_ms()};
  if (read_at_ == due) return;
  read_at_ = due;
  ground_.time.at(due, mine([this, due] {
                    if (read_at_ != due || paused_) return;  // moved on, or blocked elsewhere than in reading
                    read_at_ = {};
                    carry_out(machine_.time_passed(monotonic_ms()));
                    watch();
                  }));
}

void Scheduler::carry_out(const mesos::Reaction& reaction) {
  if (reaction.constraints_refused) wanted_.drop_constraints();
  if (reaction.next == mesos::Reaction::Next::go_on) return;
  ground_.note("driver: " + reaction.text);
  if (stream_ != nullptr) stream_->close_by_client();
  stream_.reset();
  queue_.clear();
  book_.clear();
  drop_calls();
  if (reaction.disconnected) post(engine::Disconnected{reaction.text});
  if (reaction.next == mesos::Reaction::Next::reconnect) {
    attempt();
  } else {
    ground_.broken("the driver gave up: " + reaction.text);
  }
}

void Scheduler::take_record(std::uint64_t generation, const std::string& record) {
  if (machine_.generation() != generation || stream_ == nullptr) return;
  carry_out(machine_.bytes_came(generation, monotonic_ms()));
  take_event(generation, mesos::read_event(record, v1::MediaType::protobuf));
  watch();
}

void Scheduler::take_event(std::uint64_t generation, mesos::ReadEvent event) {
  if (const auto* subscribed = std::get_if<mesos::SubscribedEvent>(&event)) {
    const mesos::Reaction reaction = machine_.subscribed_event(generation, subscribed->framework,
                                                               subscribed->heartbeat_seconds, monotonic_ms());
    if (!reaction.subscribed) return carry_out(reaction);
    ground_.hit("subscribed");
    queue_.clear();
    book_.clear();
    return post(engine::Subscribed{subscribed->framework, "master"});
  }
  if (const auto* error = std::get_if<mesos::ErrorEvent>(&event)) {
    ground_.note("ERROR " + error->message);
    return carry_out(machine_.error_event(generation, error->message, monotonic_ms()));
  }
  if (!is_subscribed()) return;
  if (auto* offers = std::get_if<mesos::OffersEvent>(&event)) {
    for (const auto& offer : offers->offers) book_.insert_or_assign(OfferId(offer.id().value()), offer);
    post(std::move(offers->input));
  } else if (auto* input = std::get_if<engine::Input>(&event)) {
    if (const auto* rescinded = std::get_if<engine::OfferRescinded>(input)) {
      ground_.hit(book_.erase(rescinded->offer) > 0 ? "held offer rescinded" : "unknown offer rescinded");
    }
    if (const auto* update = std::get_if<engine::StatusUpdate>(input)) {
      if (!update->uuid.empty() && ledger_.committed_updates.contains(update->uuid)) {
        ground_.hit("update repeated after its commit");
      }
      if (update->reason == "INVALID_OFFERS") ground_.hit("invalid offers");
      if (update->reason == "RECONCILIATION") ground_.hit("reconciliation answered");
      if (update->state == engine::MesosState::unreachable) ground_.hit("task unreachable");
      if (update->reason == "AGENT_REREGISTERED") ground_.hit("task back from unreachable");
    }
    post(std::move(*input));
  } else if (const auto* skipped = std::get_if<mesos::Skipped>(&event)) {
    ground_.broken("an event of the master was skipped: " + skipped->why);
  }
}

// --- what befalls it

void Scheduler::cut_stream() {
  if (stream_ != nullptr) stream_->cut();
}
void Scheduler::cut_calls() {
  if (calls_ != nullptr) calls_->cut();
}
void Scheduler::half_open_stream() {
  if (stream_ != nullptr) stream_->half_open();
}

void Scheduler::pause_reader(std::int64_t ms) {
  if (paused_ || stream_ == nullptr) return;
  paused_ = true;
  stream_->pause_client();
  ground_.time.after(ms, mine([this, stream = stream_] {
                       paused_ = false;
                       stream->resume_client();
                       if (stream_ == stream && read_at_ <= ground_.now()) {
                         read_at_ = {};
                         watch();
                       }
                     }));
}

}  // namespace mimas::sim
