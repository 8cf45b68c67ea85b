#include "mesos/driver.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#include "mesos/calls.h"
#include "mesos/event_reader.h"
#include "mesos/launch.h"
#include "mesos/standing.h"
#include "mesos/subscription.h"
#include "net/clock.h"
#include "net/http_client.h"
#include "net/socket.h"
#include "wire/recordio.h"

namespace mimas::mesos {
namespace {

constexpr std::string_view kPath = "/api/v1/scheduler";
constexpr std::size_t kEffectsQueuedMax =
    10'000;                                      // more than this waiting: the connection is as good as lost
constexpr std::size_t kRefusalBytesMax = 4'096;  // of the body of an answer that is no stream
constexpr std::int64_t kRefusalBodyMs = 1'000;
constexpr std::int64_t kCallAnswerMs = 15'000;

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string();
}

wire::Request post_request(v1::MediaType codec, std::string body) {
  wire::Request request;
  request.method = "POST";
  request.target = std::string(kPath);
  request.headers = {{"Content-Type", std::string(v1::media_type_text(codec))},
                     {"Accept", std::string(v1::media_type_text(codec))}};
  request.body = std::move(body);
  return request;
}

SubscriptionOptions subscription_options(const DriverOptions& options) {
  return {.masters = options.masters,
          .framework = options.framework,
          .codec = options.codec,
          .tls = options.tls,
          .authenticates = !options.authorization.empty(),
          .credential_hosts = options.credential_hosts,
          .rewrite = options.rewrite};
}

bool is_for_master(const engine::Effect& effect) { return !std::holds_alternative<engine::Reply>(effect); }

}  // namespace

// `mutex` guards the machine, the book, the queue and the pointers to the clients; hooks are called without
// it. The reader carries out every Reaction, also those the writer or send() brought about: they leave it in
// `verdict` and interrupt the stream. So the engine hears Subscribed and Disconnected in order, from one
// thread.
struct Driver::Impl {
  Impl(DriverOptions driver_options, Hooks driver_hooks)
      : options(std::move(driver_options)),
        hooks(std::move(driver_hooks)),
        machine(subscription_options(options), Prng(net::random_seed())),
        wanted(options.roles),
        told(options.roles) {}

  using Lock = std::unique_lock<std::mutex>;
  using Client = std::shared_ptr<net::HttpClient>;

  Client make_client(const Attempt& attempt, std::int64_t answer_ms) const;
  void authorize(wire::Request& request, const Attempt& attempt) const;

  // --- reader thread
  void read_loop();
  Client open_client(Attempt& attempt);
  Reaction follow(const Attempt& attempt, net::HttpClient& client);
  Reaction read_events(const Attempt& attempt, net::HttpClient& client);
  Reaction take_records(const Attempt& attempt, std::vector<std::string>& records);
  Reaction take_event(const Attempt& attempt, ReadEvent event);
  bool carry_out(const Reaction& reaction);
  void plan_attempt(const Lock&);
  std::string whereto(const Lock&) const;
  std::optional<Reaction> verdict_or_stop();
  void log_skipped(const std::string& why);

  // --- writer thread
  struct Session {  // what a call needs of the subscription it belongs to
    std::uint64_t generation = 0;
    std::string stream_id;
    Attempt attempt;
    Client client;
  };
  struct Outgoing {
    std::vector<scheduler::Call> calls;
    std::vector<engine::StatusUpdate> refused;  // launches that do not leave, answered by ourselves
  };
  void write_loop();
  std::optional<Outgoing> next_outgoing(Session& session);
  bool send_call(const scheduler::Call& call, Session& session);
  void call_was_refused(const scheduler::Call& call, const std::string& why);
  Reaction judge(const Result<net::Response>& response, const Session& session);

  void enqueue(const Lock&, engine::Effect effect);
  void pass_verdict(const Lock&, Reaction reaction);
  bool is_current(const Lock&, std::uint64_t generation) const {
    return !stopping && machine.phase() == Phase::subscribed && machine.generation() == generation;
  }

  DriverOptions options;
  Hooks hooks;
  const std::string hostname = host_name();

  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  bool started = false;
  Subscription machine;
  Attempt attempt;  // the machine's, under way or waited for
  OfferBook book;
  Standing wanted;                 // of the master
  Standing told;                   // by the last SUBSCRIBE
  std::uint64_t caught_up_in = 0;  // generation in which `told` was compared with `wanted`
  std::deque<engine::Effect> queue;
  std::optional<Reaction> verdict;
  Client stream;
  Client calls;

  std::uint64_t skipped = 0;  // reader thread only
  std::thread reader;
  std::thread writer;
};

// ---- reader

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

Driver::Impl::Client Driver::Impl::make_client(const Attempt& to, std::int64_t answer_ms) const {
  return std::make_shared<net::HttpClient>(to.connect_to, net::Timeouts{kConnectMs, answer_ms},
                                           net::resolve_by_name);
}

void Driver::Impl::authorize(wire::Request& request, const Attempt& to) const {
  request.host = to.to.text();
  if (to.credentials && !options.authorization.empty()) {
    request.headers.push_back({"Authorization", options.authorization});
  }
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
  wire::Request request = post_request(options.codec, v1::encode(subscribe, options.codec));
  request.headers.push_back({"Connection", "close"});
  authorize(request, due);
  const auto head = client.open_stream(std::move(request));
  if (auto over = verdict_or_stop()) return *over;
  if (!head.ok()) {
    const Lock lock(mutex);
    return machine.attempt_failed(due.generation, head.error().text(), net::monotonic_ms());
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

Reaction Driver::Impl::take_records(const Attempt& due, std::vector<std::string>& records) {
  for (std::string& record : records) {
    ReadEvent event = read_event(record, options.codec);
    record = {};  // a batch of offers may be large, and what follows may block
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
    const Lock lock(mutex);
    queue.clear();
    book.clear();
    stream.reset();
    if (calls != nullptr) calls->interrupt();
    verdict.reset();
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

// ---- writer

void Driver::Impl::write_loop() {
  Session session;
  while (auto outgoing = next_outgoing(session)) {
    for (auto& update : outgoing->refused) {
      hooks.log("task " + update.task.value + " was not launched: " + update.message);
      hooks.post(std::move(update));
    }
    for (const auto& call : outgoing->calls) {
      if (!send_call(call, session)) break;
    }
  }
}

// The next effect as calls; none when it is time to stop. A new subscription gets a new connection.
std::optional<Driver::Impl::Outgoing> Driver::Impl::next_outgoing(Session& session) {
  Lock lock(mutex);
  changed.wait(lock, [this] { return stopping || (machine.phase() == Phase::subscribed && !queue.empty()); });
  if (stopping) return std::nullopt;
  if (session.client == nullptr || session.generation != machine.generation()) {
    session.generation = machine.generation();
    session.stream_id = machine.stream_id();
    session.attempt = machine.attempt();
    session.client = make_client(session.attempt, kCallAnswerMs);
    calls = session.client;
  }
  const engine::Effect effect = std::move(queue.front());
  queue.pop_front();
  Outgoing outgoing;
  if (const auto* accept = std::get_if<engine::AcceptOffers>(&effect)) {
    const LaunchOptions launch{machine.framework(), options.executor_base_url, options.executor_version,
                               options.default_arch};
    AcceptCall made = make_accept(*accept, launch, book);
    if (made.call.accept().offer_ids_size() > 0) outgoing.calls.push_back(std::move(made.call));
    outgoing.refused = std::move(made.refused);
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
  wire::Request request = post_request(options.codec, v1::encode(call, options.codec));
  request.headers.push_back({"Mesos-Stream-Id", session.stream_id});
  authorize(request, session.attempt);
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

Reaction Driver::Impl::judge(const Result<net::Response>& response, const Session& session) {
  const std::int64_t now = net::monotonic_ms();
  if (response.ok()) return machine.call_refused(session.generation, response->head, response->body, now);
  return machine.calls_lost(session.generation, "a call was not answered: " + response.error().text(), now);
}

// The reader carries it out; it waits in read_stream() or for the next attempt to be due.
void Driver::Impl::pass_verdict(const Lock&, Reaction reaction) {
  if (reaction.next == Reaction::Next::go_on) return;  // the reader was faster
  if (verdict) reaction.disconnected = reaction.disconnected || verdict->disconnected;
  verdict = std::move(reaction);
  if (stream != nullptr) stream->interrupt();
  changed.notify_all();
}

void Driver::Impl::enqueue(const Lock& lock, engine::Effect effect) {
  if (queue.size() >= kEffectsQueuedMax) {
    pass_verdict(
        lock, machine.calls_lost(machine.generation(), "the queue of calls ran over", net::monotonic_ms()));
    return;
  }
  queue.push_back(std::move(effect));
  changed.notify_all();
}

// ---- the public face

Driver::Driver(DriverOptions options, Hooks hooks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hooks))) {}

Driver::~Driver() { stop(); }

void Driver::start() {
  const Impl::Lock lock(impl_->mutex);
  if (impl_->started || impl_->stopping) return;
  impl_->started = true;
  impl_->reader = std::thread([impl = impl_.get()] { impl->read_loop(); });
  impl_->writer = std::thread([impl = impl_.get()] { impl->write_loop(); });
}

void Driver::stop() {
  {
    const Impl::Lock lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->stream != nullptr) impl_->stream->interrupt();
    if (impl_->calls != nullptr) impl_->calls->interrupt();
    impl_->changed.notify_all();
  }
  if (impl_->reader.joinable()) impl_->reader.join();
  if (impl_->writer.joinable()) impl_->writer.join();
}

void Driver::set_masters(std::vector<wire::Endpoint> masters) {
  const Impl::Lock lock(impl_->mutex);
  if (impl_->stopping) return;
  impl_->pass_verdict(lock, impl_->machine.masters_changed(std::move(masters), net::monotonic_ms()));
}

void Driver::send(const engine::Effect& effect) {
  if (!is_for_master(effect)) return;
  const Impl::Lock lock(impl_->mutex);
  // What was wished for between this subscription's SUBSCRIBE and its answer; the engine's first effect after
  // it shows that the answer is on disk, so that a call may leave (rule 25).
  const bool behind = impl_->wanted != impl_->told;
  const bool news = [&] {
    const Standing before = impl_->wanted;
    impl_->wanted.note(effect);
    return impl_->wanted != before;
  }();
  if (impl_->stopping || impl_->machine.phase() != Phase::subscribed) return;
  if (std::exchange(impl_->caught_up_in, impl_->machine.generation()) != impl_->machine.generation() &&
      behind) {
    impl_->enqueue(lock, engine::ConstrainOffers{});  // UPDATE_FRAMEWORK says all of it
  }
  if (std::holds_alternative<engine::ConstrainOffers>(effect) && !news) return;
  impl_->enqueue(lock, effect);
}

}  // namespace mimas::mesos
