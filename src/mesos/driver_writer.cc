#include <utility>
#include <variant>

#include "mesos/driver_impl.h"
#include "net/clock.h"

namespace mimas::mesos {
void Driver::Impl::write_loop() {
  Session session;
  while (auto outgoing = next_outgoing(session)) {
    if (outgoing->teardown) send_teardown(session);
    for (const std::string& line : outgoing->log) hooks.log(line);
    for (engine::Input& update : outgoing->refused) hooks.post(std::move(update));
    for (const auto& call : outgoing->calls) {
      if (!send_call(call, session)) break;
    }
  }
}

// The next effect as calls; none when it is time to stop. A new subscription gets a new connection.
std::optional<Driver::Impl::Outgoing> Driver::Impl::next_outgoing(Session& session) {
  Lock lock(mutex);
  changed.wait(lock, [this] {
    const bool work = !queue.empty() || teardown_asked;
    return stopping || (machine.phase() == Phase::subscribed && work);
  });
  if (stopping) return std::nullopt;
  if (session.client == nullptr || session.generation != machine.generation()) {
    session.generation = machine.generation();
    session.stream_id = machine.stream_id();
    session.attempt = machine.attempt();
    session.client = make_client(session.attempt, kCallAnswerMs);
    calls = session.client;
  }
  Outgoing outgoing;
  if (teardown_asked) {  // nothing that waits matters any more
    outgoing.teardown = tearing_down = true;
    return outgoing;
  }
  const engine::Effect effect = queue.pop();
  if (queue.answers() < kAnswersQueuedMax) changed.notify_all();  // the reader may wait for that
  if (const auto* accept = std::get_if<engine::AcceptOffers>(&effect)) {
    LaunchOptions launch{
        machine.framework(), options.executor_base_url,  options.executor_version, options.default_arch,
        options.principal,   options.executor_arguments, options.executor_sha256,  options.secret};
    if (options.default_network) launch.default_network = options.default_network();
    AcceptCall made = make_accept(*accept, launch, book);
    if (made.call.accept().offer_ids_size() > 0) outgoing.calls.push_back(std::move(made.call));
    for (auto& update : made.refused) {
      outgoing.log.push_back("task " + update.task.value + " was not launched: " + update.message);
      outgoing.refused.emplace_back(std::move(update));
    }
    for (auto& update : made.refused_operations) {
      outgoing.log.push_back("operation " + update.operation.value + " was not sent: " + update.message);
      outgoing.refused.emplace_back(std::move(update));
    }
    return outgoing;
  }
  if (std::holds_alternative<engine::ConstrainOffers>(effect)) {
    outgoing.calls.push_back(make_update_framework(options, machine.framework(), hostname, wanted));
    return outgoing;
  }
  if (const auto* decline = std::get_if<engine::DeclineOffers>(&effect)) {
    for (const OfferId& id : decline->offers) book.erase(id);
  }
  outgoing.calls = make_calls(effect, machine.framework());
  return outgoing;
}

// False when the subscription the call belongs to is over. ACCEPT is never repeated: a second one would be
// answered with DROPPED for tasks that run (mesos-protocol §1.4); everything else may be, once.
bool Driver::Impl::send_call(const scheduler::Call& call, Session& session) {
  const bool repeatable = call.type() != scheduler::Call::ACCEPT;
  wire::Request request = request_of(call, session.attempt);
  request.headers.push_back({"Mesos-Stream-Id", session.stream_id});
  for (int tries = repeatable ? 2 : 1;; --tries) {
    {
      const Lock lock(mutex);
      if (!is_current(lock, session.generation)) return false;
    }
    const auto response = session.client->exchange(request, repeatable);
    if (response.ok() && (response->head.status == 200 || response->head.status == 202)) return true;
    const bool passes = !response.ok() || response->head.status >= 500;
    if (passes && tries > 1) continue;
    Lock lock(mutex);
    Reaction reaction = judge(response, session);
    if (reaction.next == Reaction::Next::go_on) {
      lock.unlock();
      if (!reaction.text.empty()) call_was_refused(call, reaction.text);
      return true;
    }
    pass_verdict(lock, std::move(reaction));
    return false;
  }
}

void Driver::Impl::call_was_refused(const scheduler::Call& call, const std::string& why) {
  if (call.type() == scheduler::Call::UPDATE_FRAMEWORK) {
    // With them, the next SUBSCRIBE might be refused as well.
    const Lock lock(mutex);
    wanted.drop_constraints();
  }
  hooks.log(scheduler::Call::Type_Name(call.type()) + " refused: " + why);
}

// Twice, if the first answer is lost. The second time "cannot be found" is what success looks like.
void Driver::Impl::send_teardown(Session& session) {
  FrameworkId framework;
  {
    const Lock lock(mutex);
    framework = machine.framework();
  }
  wire::Request request = request_of(make_teardown(framework), session.attempt);
  request.headers.push_back({"Mesos-Stream-Id", session.stream_id});
  auto response = session.client->exchange(request, false);
  const bool again = !response.ok();
  if (again) response = session.client->exchange(request, false);
  Lock lock(mutex);
  const bool gone = again && response.ok() && response->head.status == 400 &&
                    response->body.find("Framework cannot be found") != std::string::npos;
  if (gone || (response.ok() && response->head.status == 202)) {
    stopping = true;
    machine.stop();
    if (stream != nullptr) stream->interrupt();
    end_teardown(lock, Done{});
    return;
  }
  const Reaction reaction = judge(response, session);
  end_teardown(lock, make_error(Code::unavailable, "TEARDOWN was not confirmed: " + reaction.text, {},
                                "look whether tasks still run, then try again"));
  pass_verdict(lock, reaction);
}

void Driver::Impl::end_teardown(const Lock&, Status outcome) {
  teardown_outcome = std::move(outcome);
  teardown_asked = tearing_down = false;
  changed.notify_all();
}

Reaction Driver::Impl::judge(const Result<net::Response>& response, const Session& session) {
  const std::int64_t now = net::monotonic_ms();
  if (response.ok()) return machine.call_refused(session.generation, response->head, response->body, now);
  return machine.calls_lost(session.generation, "a call was not answered: " + response.error().text(), now);
}

void Driver::Impl::enqueue(const Lock&, engine::Effect effect) {
  queue.push(std::move(effect));
  changed.notify_all();
}

}  // namespace mimas::mesos
