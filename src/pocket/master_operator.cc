// The master's face towards operators and viewers: POST /api/v1, the older documents, /teardown
// (mesos-protocol §5.6).
#include <charconv>

#include "json/writer.h"
#include "pocket/face.h"
#include "pocket/master_face.h"

namespace mimas::pocket {
namespace {

using Call = mmaster::Call;

constexpr std::size_t kTasksLimit = 100;  // of /tasks, when not asked for another

std::optional<std::size_t> number_of(const http::Request& request, std::string_view name,
                                     std::size_t otherwise) {
  const std::string_view text = request.parameter(name);
  if (text.empty()) return otherwise;
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string metrics_text(const std::map<std::string, double>& metrics) {
  json::Writer out;
  out.begin_object();
  for (const auto& [name, value] : metrics) out.member(name, value);
  out.end_object();
  return out.take();
}

std::string version_text() { return R"({"version":")" + std::string(kMesosVersion) + R"("})"; }

std::optional<http::Reply> refuse_reading(const http::Request& request) {
  if (request.method == "HEAD") return std::nullopt;
  return refuse_method(request, "GET");
}

}  // namespace

http::Reply answer_anywhere(const http::Request& request, const std::string& path) {
  if (auto refusal = refuse_reading(request)) return *std::move(refusal);
  if (path == "/health") return plain(200, "");
  if (path == "/metrics/snapshot") return json_reply(metrics_text({{"master/elected", 0.0}}));
  if (path == "/flags") return json_reply(R"({"flags":{}})");
  return json_reply(version_text());
}

http::Reply MasterFace::get(const http::Request& request, const std::string& path) {
  if (master_reach(path) == Reach::nothing) return not_found();
  if (auto refusal = refuse_reading(request)) return *std::move(refusal);
  if (path == "/health" || path == "/version") return answer_anywhere(request, path);
  if (path == "/redirect") {
    http::Reply reply = plain(307, "");
    reply.headers.push_back({"Location", "//" + options_.address.text()});
    return reply;
  }
  const auto limit = number_of(request, "limit", kTasksLimit);
  if (!limit) return plain(400, "Failed to parse limit: it is not a number");
  const auto offset = number_of(request, "offset", 0);
  if (!offset) return plain(400, "Failed to parse offset: it is not a number");
  const auto document = loop_.call<std::string>([&](Instant now) {
    return path == "/metrics/snapshot" ? metrics_text(model_.metrics(now))
                                       : model_.document(path, *limit, *offset);
  });
  return document ? json_reply(*document) : stopping();
}

// Carries a changing call out; nullopt with `missing` empty: stopping. The type is one of those listed in
// operate().
std::optional<Answer> MasterFace::change(const Call& call, std::string* missing) {
  const auto need = [&](bool present, const char* member) {
    if (!present) *missing = member;
    return present;
  };
  const auto run = [&](auto what) { return loop_.call<Answer>(what); };
  switch (call.type()) {
    case Call::TEARDOWN:
      if (!need(call.has_teardown(), "teardown")) return std::nullopt;
      return run([&](Instant now) { return model_.teardown(call.teardown().framework_id().value(), now); });
    case Call::MARK_AGENT_GONE:
      if (!need(call.has_mark_agent_gone(), "mark_agent_gone")) return std::nullopt;
      return run(
          [&](Instant now) { return model_.mark_gone(call.mark_agent_gone().agent_id().value(), now); });
    case Call::DEACTIVATE_AGENT:
      if (!need(call.has_deactivate_agent(), "deactivate_agent")) return std::nullopt;
      return run([&](Instant now) {
        return model_.deactivate(call.deactivate_agent().agent_id().value(), true, now);
      });
    case Call::REACTIVATE_AGENT:
      if (!need(call.has_reactivate_agent(), "reactivate_agent")) return std::nullopt;
      return run([&](Instant now) {
        return model_.deactivate(call.reactivate_agent().agent_id().value(), false, now);
      });
    case Call::UPDATE_MAINTENANCE_SCHEDULE:
      if (!need(call.has_update_maintenance_schedule(), "update_maintenance_schedule")) return std::nullopt;
      return run([&](Instant now) {
        return model_.update_schedule(call.update_maintenance_schedule().schedule(), now);
      });
    case Call::START_MAINTENANCE:
      if (!need(call.has_start_maintenance(), "start_maintenance")) return std::nullopt;
      return run(
          [&](Instant now) { return model_.start_maintenance(call.start_maintenance().machines(), now); });
    case Call::STOP_MAINTENANCE:
      if (!need(call.has_stop_maintenance(), "stop_maintenance")) return std::nullopt;
      return run(
          [&](Instant now) { return model_.stop_maintenance(call.stop_maintenance().machines(), now); });
    default: return Answer{501, ""};
  }
}

http::Reply MasterFace::operate(const http::Request& request) {
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  Call call;
  Decoded decoded = decode_body(request, &call);
  if (decoded.refusal) return *std::move(decoded.refusal);
  const auto invalid = [](const std::string& what) {
    return plain(400, "Failed to validate master::Call: Expecting '" + what + "' to be present");
  };
  if (!call.has_type() || call.type() == Call::UNKNOWN) return invalid("type");
  if (call.type() == Call::GET_METRICS && !call.has_get_metrics()) return invalid("get_metrics");
  const auto type = negotiate(request.header("Accept"));
  if (!type) return not_acceptable();
  const bool reads = Call::Type_Name(call.type()).starts_with("GET_");
  if (!reads) {
    std::string missing;
    const std::optional<Answer> answer = change(call, &missing);
    if (!missing.empty()) return invalid(missing);
    return answer ? plain(answer->status, answer->text) : stopping();
  }
  const auto response = loop_.call<std::optional<mmaster::Response>>(
      [&](Instant now) { return model_.view(call.type(), now); });
  if (!response) return stopping();
  if (!*response) return plain(501, "");
  http::Reply reply = json_reply(v1::encode(**response, *type));
  reply.content_type = std::string(v1::media_type_text(*type));
  return reply;
}

// POST /teardown with "frameworkId=…" as a form.
http::Reply MasterFace::teardown(const http::Request& request) {
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  constexpr std::string_view kName = "frameworkId=";
  const std::size_t at = request.body.find(kName);
  const bool starts_member = at != std::string::npos && (at == 0 || request.body[at - 1] == '&');
  if (!starts_member) return plain(400, "Missing 'frameworkId' query parameter");
  const std::string_view rest = std::string_view(request.body).substr(at + kName.size());
  const Result<std::string> id = wire::percent_decode(rest.substr(0, rest.find('&')), true);
  if (!id || id->empty()) return plain(400, "Empty 'frameworkId' query parameter");
  const auto answer = loop_.call<Answer>([&](Instant now) { return model_.teardown(*id, now); });
  if (!answer) return stopping();
  return answer->status == 400 ? plain(400, "No framework found with specified ID")
                               : plain(answer->status, answer->text);
}

}  // namespace mimas::pocket
