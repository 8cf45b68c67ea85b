#include "pocket/master_face.h"

#include <utility>

#include "net/clock.h"
#include "pocket/access.h"
#include "pocket/call_check.h"
#include "pocket/face.h"

namespace mimas::pocket {
namespace {

constexpr std::int64_t kPeerCheckMs = 100;
const char* const kStopping = "Master is shutting down";

}  // namespace

std::string plain_path(std::string path) {
  if (path.starts_with("/master/")) path.erase(0, 7);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Reach master_reach(const std::string& path) {
  for (const char* known : {"/health", "/version", "/flags", "/metrics/snapshot"})
    if (path == known) return Reach::any_master;
  for (const char* known : {"/api/v1/scheduler", "/api/v1", "/pocket/agent", "/redirect", "/state",
                            "/state-summary", "/slaves", "/frameworks", "/tasks", "/roles", "/teardown"})
    if (path == known) return Reach::leader;
  return Reach::nothing;
}

http::Reply MasterFace::stopping() const {
  http::Reply reply = plain(503, kStopping);
  reply.lost = crashed_;
  return reply;
}

MasterFace::MasterFace(MasterOptions options, std::function<void(const std::vector<std::string>&)> remember)
    : options_(std::move(options)), remember_(std::move(remember)), model_(options_, net::wall_now()) {}

void MasterFace::start() {
  loop_.start([this](Instant now) { return turn(now); });
}

void MasterFace::stop() {
  loop_.stop();
  for (auto& [number, subscriber] : subscribers_) subscriber.stream->close();
  subscribers_.clear();
}

void MasterFace::crash() {
  crashed_ = true;
  loop_.stop();
  for (auto& [number, subscriber] : subscribers_) subscriber.stream->drop();
  subscribers_.clear();
}

// The face lives until its last stream has ended, if it is shared.
std::function<void()> MasterFace::ended(std::uint64_t stream,
                                        void (MasterModel::*gone)(std::uint64_t, Instant)) {
  return [this, self = weak_from_this().lock(), stream, gone] {
    loop_.post([this, stream, gone](Instant now) {
      subscribers_.erase(stream);
      (model_.*gone)(stream, now);
    });
  };
}

Instant MasterFace::turn(Instant now) {
  if (model_.wake_at() <= now) model_.tick(now);
  for (const MasterOutput& output : model_.take_outputs()) carry_out(output);
  return model_.wake_at();
}

void MasterFace::carry_out(const MasterOutput& output) {
  const auto subscriber = [&](std::uint64_t number) -> Subscriber* {
    const auto found = subscribers_.find(number);
    return found == subscribers_.end() ? nullptr : &found->second;
  };
  if (const auto* event = std::get_if<ToScheduler>(&output)) {
    if (Subscriber* to = subscriber(event->stream)) to->stream->push(v1::encode(event->event, to->type));
  } else if (const auto* command = std::get_if<ToAgent>(&output)) {
    if (Subscriber* to = subscriber(command->stream)) to->stream->push(encode_command(command->command));
  } else if (const auto* end = std::get_if<EndStream>(&output)) {
    if (Subscriber* to = subscriber(end->stream)) {
      to->stream->close();
      subscribers_.erase(end->stream);
    }
  } else if (const auto* changed = std::get_if<AgentsChanged>(&output)) {
    remember_(changed->ids);
  }
}

std::shared_ptr<EventStream> MasterFace::open(std::uint64_t* number, v1::MediaType type) {
  auto stream = std::make_shared<EventStream>();
  *number = next_stream_++;
  subscribers_[*number] = Subscriber{stream, type};
  return stream;
}

http::Reply MasterFace::handle(const http::Request& request) {
  const std::string path = plain_path(request.path);
  if (path == "/api/v1/scheduler") return scheduler(request);
  if (path == "/api/v1") return operate(request);
  if (path == "/teardown") return teardown(request);
  if (path == "/pocket/agent") return agent(request);
  return get(request, path);
}

http::Reply MasterFace::scheduler(const http::Request& request) {
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  mscheduler::Call call;
  Decoded decoded = decode_body(request, &call);
  if (decoded.refusal) return *std::move(decoded.refusal);
  if (const std::string why = check_call(call); !why.empty())
    return plain(400, "Failed to validate scheduler::Call: " + why);
  const std::string principal = principal_of(request);
  if (options_.authenticates && call.has_subscribe()) {
    auto* framework = call.mutable_subscribe()->mutable_framework_info();
    if (!framework->has_principal()) framework->set_principal(principal);
    if (const std::string why = principal_mismatch(principal, framework->principal()); !why.empty())
      return plain(400, "Failed to validate scheduler::Call: " + why);
  }
  const bool subscribing = call.type() == mscheduler::Call::SUBSCRIBE;
  const auto type = negotiate(request.header("Accept"));
  if (!type && (subscribing || call.type() == mscheduler::Call::RECONCILE_OPERATIONS))
    return not_acceptable();
  std::optional<std::string> stream_id;
  for (const wire::Header& header : request.headers)
    if (wire::equals_ignoring_case(header.name, "Mesos-Stream-Id")) stream_id = header.value;
  if (subscribing && stream_id)
    return plain(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
  return obey(call, principal, stream_id, type.value_or(v1::MediaType::json));
}

http::Reply MasterFace::obey(const mscheduler::Call& call, const std::string& principal,
                             const std::optional<std::string>& stream_id, v1::MediaType type) {
  const CallFaults::Verdict verdict = verdict_on(mscheduler::Call::Type_Name(call.type()));
  if (verdict.delay_ms > 0) loop_.rest(verdict.delay_ms);
  if (verdict.refuse) {
    http::Reply reply = plain(verdict.refuse->status, verdict.refuse->text);
    if (!verdict.refuse->location.empty()) reply.headers.push_back({"Location", verdict.refuse->location});
    return reply;
  }
  http::Reply reply;
  if (call.type() == mscheduler::Call::SUBSCRIBE) {
    reply = subscribe(call, type);
  } else {
    const std::optional<Answer> answer = loop_.call<Answer>([&](Instant now) -> Answer {
      // Between "is it known" and "is it subscribed", as Mesos asks.
      const auto owner = model_.principal_of(call.framework_id().value());
      if (options_.authenticates && owner && *owner != principal)
        return {400, principal_mismatch(principal, *owner)};
      return model_.call(call, stream_id, now);
    });
    reply = answer ? plain(answer->status, answer->text) : stopping();
  }
  reply.lost = reply.lost || verdict.lose_reply;
  return reply;
}

http::Reply MasterFace::subscribe(const mscheduler::Call& call, v1::MediaType type) {
  std::uint64_t number = 0;
  std::shared_ptr<EventStream> stream;
  const auto stream_id = loop_.call<std::string>([&](Instant now) {
    stream = open(&number, type);
    return model_.subscribe(number, call, now);
  });
  if (!stream_id) return stopping();
  http::Reply reply = stream_reply(stream, type, kPeerCheckMs, ended(number, &MasterModel::scheduler_gone));
  reply.headers.push_back({"Mesos-Stream-Id", *stream_id});
  return reply;
}

// The private door (pocket/link.h): with a session a list of reports, without one a registration and its
// stream.
http::Reply MasterFace::agent(const http::Request& request) {
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  const std::string session(request.header("Pocket-Session"));
  if (session.empty()) return agent_stream(request);
  const Result<std::vector<Report>> reports = decode_reports(request.body);
  if (!reports) return plain(400, reports.error().text());
  const auto known = loop_.call<bool>([&](Instant now) { return model_.report(session, *reports, now); });
  if (!known) return stopping();
  return *known ? accepted() : plain(404, "Agent is not registered");
}

http::Reply MasterFace::agent_stream(const http::Request& request) {
  const Result<Registration> registration = decode_registration(request.body);
  if (!registration) return plain(400, registration.error().text());
  std::uint64_t number = 0;
  std::shared_ptr<EventStream> stream;
  const auto opened = loop_.call<bool>([&](Instant now) {
    stream = open(&number, v1::MediaType::json);
    model_.register_agent(number, *registration, now);
    return true;
  });
  if (!opened) return stopping();
  return stream_reply(stream, v1::MediaType::json, kPeerCheckMs, ended(number, &MasterModel::agent_gone));
}

}  // namespace mimas::pocket
