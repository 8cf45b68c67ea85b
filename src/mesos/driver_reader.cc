#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "mesos/driver_impl.h"
#include "net/clock.h"
#include "wire/recordio.h"

namespace mimas::mesos {
namespace {

constexpr std::size_t kRefusalBytesMax = 4'096;  // of the body of an answer that is no stream
constexpr std::int64_t kRefusalBodyMs = 1'000;

Error lost_before_teardown() {
  return make_error(Code::unavailable, "the subscription was lost before the TEARDOWN left", {},
                    "try again when it stands");
}

}  // namespace

void Driver::Impl::read_loop() {
  {
    Lock lock(mutex);
    if (stopping) return;
    plan_attempt(lock);
    const std::string line = whereto(lock);
    lock.unlock();
    hooks.log(line);
  }
  for (;;) {
    Attempt due;
    const Client client = open_client(due);
    if (client == nullptr) return;
    const Reaction reaction = follow(due, *client);
    client->close();
    if (!carry_out(reaction)) return;
  }
}

void Driver::Impl::plan_attempt(const Lock&) { attempt = machine.next_attempt(net::monotonic_ms()); }

// What comes next, for people.
std::string Driver::Impl::whereto(const Lock&) const {
  if (attempt.at_ms == kUntilMastersChange) return "waiting until a leading master is known";
  const std::int64_t wait = std::max<std::int64_t>(0, attempt.at_ms - net::monotonic_ms());
  std::string text = "connecting to " + attempt.to.text();
  if (attempt.connect_to != attempt.to) text += " (at " + attempt.connect_to.text() + ")";
  return wait == 0 ? text : text + " in " + std::to_string(wait) + " ms";
}

// Waits until the planned attempt is due; null when it is time to stop. A verdict (other masters were
// detected) plans another.
Driver::Impl::Client Driver::Impl::open_client(Attempt& due) {
  Lock lock(mutex);
  for (;;) {
    if (stopping) return nullptr;
    if (verdict) {
      const Reaction reaction = *std::exchange(verdict, std::nullopt);
      plan_attempt(lock);
      const std::string line = reaction.text + "; " + whereto(lock);
      lock.unlock();
      hooks.log(line);
      lock.lock();
      continue;
    }
    const std::int64_t wait = attempt.at_ms - net::monotonic_ms();
    if (attempt.at_ms == kUntilMastersChange) {
      changed.wait(lock);
    } else if (wait > 0) {
      changed.wait_for(lock, std::chrono::milliseconds(wait));
    } else {
      break;
    }
  }
  due = attempt;
  stream = make_client(due, kHeadMs);
  return stream;
}

std::optional<Reaction> Driver::Impl::verdict_or_stop() {
  const Lock lock(mutex);
  if (verdict) return std::exchange(verdict, std::nullopt);
  if (!stopping) return std::nullopt;
  Reaction reaction;
  reaction.next = Reaction::Next::stop;
  return reaction;
}

Reaction Driver::Impl::follow(const Attempt& due, net::HttpClient& client) {
  scheduler::Call subscribe;
  {
    const Lock lock(mutex);
    told = wanted;
    subscribe = make_subscribe(options, machine.framework(), hostname, told);
  }
  wire::Request request = request_of(subscribe, due);
  request.headers.push_back({"Connection", "close"});
  const auto head = client.open_stream(std::move(request));
  if (auto over = verdict_or_stop()) return *over;
  if (!head.ok()) {
    const Lock lock(mutex);
    const bool sent = head.error().code != Code::unavailable;  // else no connection came to be
    return machine.attempt_failed(due.generation, head.error().text(), net::monotonic_ms(), sent);
  }
  std::string body;
  const std::int64_t until = net::monotonic_ms() + kRefusalBodyMs;
  while (head->status != 200 && body.size() < kRefusalBytesMax && net::monotonic_ms() < until) {
    const auto more = client.read_stream(body, until - net::monotonic_ms());
    if (!more.ok() || !*more) break;
  }
  {
    const Lock lock(mutex);
    const Reaction reaction = machine.answered(due.generation, *head, body, net::monotonic_ms());
    if (reaction.next != Reaction::Next::go_on) return reaction;
  }
  return read_events(due, client);
}

Reaction Driver::Impl::read_events(const Attempt& due, net::HttpClient& client) {
  wire::RecordReader framing_reader;
  for (;;) {
    std::int64_t wait = 0;
    {
      const Lock lock(mutex);
      wait = std::max<std::int64_t>(0, machine.deadline_ms() - net::monotonic_ms());
    }
    std::string bytes;
    const auto more = client.read_stream(bytes, wait);
    if (auto over = verdict_or_stop()) return *over;
    std::vector<std::string> records;
    Status framing = Done{};
    Reaction reaction;
    {
      const Lock lock(mutex);
      const std::int64_t now = net::monotonic_ms();
      if (!more.ok() && more.error().code == Code::timeout) {
        reaction = machine.time_passed(now);
      } else if (!more.ok()) {
        reaction = machine.stream_ended(due.generation, more.error().text(), now);
      } else if (!*more) {
        reaction = machine.stream_ended(due.generation, "the master ended the event stream", now);
      } else {
        reaction = machine.bytes_came(due.generation, now);
        framing = framing_reader.feed(bytes, records);
      }
    }
    if (reaction.next == Reaction::Next::go_on) reaction = take_records(due, records);
    if (reaction.next == Reaction::Next::go_on && !framing.ok()) {
      const Lock lock(mutex);
      reaction = machine.stream_ended(due.generation, framing.error().text(), net::monotonic_ms());
    }
    if (reaction.next != Reaction::Next::go_on) return reaction;
  }
}

// What is read makes calls, so a writer that is behind is given time: the master keeps its events meanwhile.
// The writer waits for the loop now and then, and the loop for nobody.
void Driver::Impl::wait_for_writer() {
  Lock lock(mutex);
  changed.wait(lock,
               [this] { return stopping || verdict.has_value() || queue.answers() < kAnswersQueuedMax; });
}

Reaction Driver::Impl::take_records(const Attempt& due, std::vector<std::string>& records) {
  for (std::string& record : records) {
    ReadEvent event = consume_record(std::move(record), options.codec);
    wait_for_writer();
    if (auto over = verdict_or_stop()) return *over;
    const Reaction reaction = take_event(due, std::move(event));
    if (reaction.next != Reaction::Next::go_on) return reaction;
    if (auto over = verdict_or_stop()) return *over;
  }
  return {};
}

Reaction Driver::Impl::take_event(const Attempt& due, ReadEvent event) {
  Lock lock(mutex);
  const std::int64_t now = net::monotonic_ms();
  if (const auto* subscribed = std::get_if<SubscribedEvent>(&event)) {
    const Reaction reaction =
        machine.subscribed_event(due.generation, subscribed->framework, subscribed->heartbeat_seconds, now);
    if (!reaction.subscribed) return reaction;
    queue.clear();
    book.clear();
    lock.unlock();
    hooks.post(engine::Subscribed{subscribed->framework, due.to.text()});
    return reaction;
  }
  if (const auto* error = std::get_if<ErrorEvent>(&event)) {
    const Reaction reaction = machine.error_event(due.generation, error->message, now);
    if (reaction.constraints_refused) wanted.drop_constraints();
    return reaction;
  }
  const bool live = is_current(lock, due.generation);
  if (auto* offers = std::get_if<OffersEvent>(&event); offers != nullptr && live) {
    for (pb::Offer& offer : offers->offers) {
      const OfferId id(offer.id().value());
      book.insert_or_assign(id, std::move(offer));
    }
    lock.unlock();
    if (offers->malformed > 0) log_skipped(std::to_string(offers->malformed) + " offers without usable ids");
    if (!offers->input.offers.empty()) hooks.post(std::move(offers->input));
    return {};
  }
  if (auto* input = std::get_if<engine::Input>(&event); input != nullptr && live) {
    if (const auto* rescinded = std::get_if<engine::OfferRescinded>(input)) book.erase(rescinded->offer);
    lock.unlock();
    hooks.post(std::move(*input));
    return {};
  }
  lock.unlock();
  if (const auto* said = std::get_if<MessageEvent>(&event); said != nullptr && live && hooks.message) {
    hooks.message(said->agent, said->executor, said->data);
  }
  if (const auto* skip = std::get_if<Skipped>(&event)) log_skipped(skip->why);
  return {};
}

// A peer that keeps talking nonsense gets a line for the 1st, 2nd, 4th, 8th … time only.
void Driver::Impl::log_skipped(const std::string& why) {
  ++skipped;
  if ((skipped & (skipped - 1)) == 0) {
    hooks.log("skipped: " + why + " (" + std::to_string(skipped) + " so far)");
  }
}

// True when another attempt is to follow.
bool Driver::Impl::carry_out(const Reaction& reaction) {
  std::string text = reaction.text;
  {
    Lock lock(mutex);
    // The stream ends with the framework, and may do so before the answer to TEARDOWN is read.
    changed.wait(lock, [this] { return stopping || !tearing_down; });
    queue.clear();
    book.clear();
    stream.reset();
    if (calls != nullptr) calls->interrupt();
    verdict.reset();
    if (teardown_asked) end_teardown(lock, lost_before_teardown());
    if (stopping) return false;
    if (reaction.next == Reaction::Next::reconnect) {
      plan_attempt(lock);
      text += "; " + whereto(lock);
    }
  }
  // The loop tells of a lost subscription, on_fatal's hearer of the end; what never became one is told here.
  if (reaction.disconnected) {
    hooks.post(engine::Disconnected{text});
  } else if (reaction.next == Reaction::Next::reconnect) {
    hooks.log(text);
  }
  if (reaction.next == Reaction::Next::reconnect) return true;
  if (reaction.fatal != Fatal::none) hooks.on_fatal(reaction.fatal, reaction.text);
  return false;
}

}  // namespace mimas::mesos
