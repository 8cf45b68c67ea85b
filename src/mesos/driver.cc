#include "mesos/driver.h"

#include <unistd.h>

#include <utility>
#include <variant>

#include "base/assert.h"
#include "mesos/driver_impl.h"
#include "net/clock.h"
#include "net/socket.h"

namespace mimas::mesos {
namespace {

constexpr std::string_view kPath = "/api/v1/scheduler";

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string();
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

bool is_for_master(const engine::Effect& effect) {
  return !std::holds_alternative<engine::Reply>(effect) &&
         !std::holds_alternative<engine::ScaleAgents>(effect);
}

}  // namespace

Driver::Impl::Impl(DriverOptions driver_options, Hooks driver_hooks)
    : options(std::move(driver_options)),
      hooks(std::move(driver_hooks)),
      hostname(host_name()),
      machine(subscription_options(options), Prng(net::random_seed())),
      wanted(options.roles),
      told(options.roles) {}

Driver::Impl::Client Driver::Impl::make_client(const Attempt& to, std::int64_t answer_ms) const {
  return std::make_shared<net::HttpClient>(to.to, net::Timeouts{kConnectMs, answer_ms}, net::resolve_by_name,
                                           options.tls ? options.security : nullptr, to.connect_to);
}

wire::Request Driver::Impl::request_of(const scheduler::Call& call, const Attempt& to) const {
  wire::Request request;
  request.method = "POST";
  request.target = std::string(kPath);
  request.host = to.to.text();
  request.headers = {{"Content-Type", std::string(v1::media_type_text(options.codec))},
                     {"Accept", std::string(v1::media_type_text(options.codec))}};
  if (to.credentials && !options.authorization.empty()) {
    request.headers.push_back({"Authorization", options.authorization});
  }
  request.body = v1::encode(call, options.codec);
  return request;
}

// The reader carries it out; it waits in read_stream() or for the next attempt to be due.
void Driver::Impl::pass_verdict(const Lock&, Reaction reaction) {
  if (reaction.next == Reaction::Next::go_on) return;  // the reader was faster
  if (verdict) reaction.disconnected = reaction.disconnected || verdict->disconnected;
  verdict = std::move(reaction);
  if (stream != nullptr) stream->interrupt();
  changed.notify_all();
}

Driver::Driver(DriverOptions options, Hooks hooks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hooks))) {
  ASSERT(!impl_->options.tls || impl_->options.security != nullptr);  // never plain where TLS is wanted
}

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

Status Driver::teardown() {
  Impl::Lock lock(impl_->mutex);
  if (impl_->teardown_asked) return make_error(Code::conflict, "the framework is being torn down already");
  if (impl_->stopping || impl_->machine.phase() != Phase::subscribed) {
    return make_error(Code::unavailable, "not subscribed to a master", {}, "try again when it is");
  }
  impl_->teardown_asked = true;
  impl_->teardown_outcome.reset();
  impl_->changed.notify_all();
  impl_->changed.wait(lock, [this] { return impl_->stopping || impl_->teardown_outcome.has_value(); });
  if (impl_->teardown_outcome) return *impl_->teardown_outcome;
  return make_error(Code::unavailable, "stopped before the master confirmed the TEARDOWN");
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
