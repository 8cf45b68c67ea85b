// The agent's HTTP face: the v1 executor API, sandbox files, and the two operator calls that read them
// (mesos-protocol §3.2, §5.6).
#include <memory>
#include <utility>

#include "pocket/agent_life.h"
#include "pocket/agent_view.h"
#include "pocket/call_check.h"
#include "pocket/face.h"
#include "pocket/jwt.h"

namespace mimas::pocket {
namespace {

// Mesos does not look for dead executor streams (mesos-protocol §3.5); here a worker thread is freed in time.
constexpr std::int64_t kPeerCheckMs = 2'000;
const char* const kRealm = R"(Bearer realm="mesos-agent-executor")";
const char* const kNotReady = "Agent has not finished recovery";

std::string plain_path(std::string path) {
  if (path.starts_with("/slave(1)/")) path.erase(0, 9);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

namespace {

http::Reply unauthorized(const std::string& why) {
  http::Reply reply = plain(401, "401 Unauthorized.");
  std::string challenge = kRealm;
  if (!why.empty()) challenge += R"(, error="invalid_token", error_description=")" + why + '"';
  reply.headers.push_back({"WWW-Authenticate", challenge});
  return reply;
}

// Who the caller is by its token.
Result<ContainerRef> claims_of(const http::Request& request, const std::string& secret) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view header = request.header("Authorization");
  if (!header.starts_with(kBearer)) return make_error(Code::unauthenticated, "");
  return read_token(secret, header.substr(kBearer.size()));
}

}  // namespace

// By the unix socket only these two, by their long names (mesos-protocol §1.1).
http::Reply AgentLife::handle_domain(const http::Request& request) {
  const bool served = request.path == "/slave(1)/api/v1/executor" || request.path == "/slave(1)/api/v1";
  return served ? handle(request) : plain(403, "");
}

http::Reply AgentLife::handle(const http::Request& request) {
  const std::string path = plain_path(request.path);
  if (path == "/api/v1/executor") return executor(request);
  if (path == "/api/v1") return operate(request);
  const bool file = path == "/files/read" || path == "/files/browse" || path == "/files/download";
  const bool viewed = path == "/state" || path == "/containers" || path == "/version";
  if (path != "/health" && !file && !viewed) return not_found();
  if (request.method != "HEAD")
    if (auto refusal = refuse_method(request, "GET")) return *std::move(refusal);
  if (path == "/health") return plain(200, "");
  if (viewed) return view(path);
  http::Request local = request;
  local.path = path;
  return files([&](const Files& folder) { return folder.handle(local); });
}

http::Reply AgentLife::view(const std::string& path) {
  if (path == "/version") return json_reply(R"({"version":"1.12.0"})");
  std::optional<std::string> body;
  if (path == "/state") {
    body = loop_.call<std::string>(
        [this](Instant) { return model_ ? agent_state_json(*model_, shared_dir_) : std::string(); });
  } else {
    std::map<std::string, pid_t> pids;
    loop_.call<bool>([&](Instant) {
      for (const auto& [key, process] : processes_) pids[process.container.container_id] = process.pid;
      return true;
    });
    std::vector<pid_t> leaders;
    for (const auto& [container, pid] : pids) leaders.push_back(pid);
    const std::map<pid_t, SessionUse> measured = session_use(leaders);  // here, not on the loop
    std::map<std::string, SessionUse> used;
    for (const auto& [container, pid] : pids) used[container] = measured.at(pid);
    body = loop_.call<std::string>(
        [&](Instant now) { return model_ ? containers_json(*model_, used, now) : std::string(); });
  }
  return body && !body->empty() ? json_reply(*body) : plain(503, kNotReady);
}

http::Reply AgentLife::files(const std::function<http::Reply(const Files&)>& use) {
  const auto id = loop_.call<std::string>(
      [this](Instant) { return model_ ? model_->info().id().value() : std::string(); });
  if (!id || id->empty()) return plain(503, kNotReady);
  return use(Files(shared_dir_ + "/slaves/" + *id));
}

http::Reply AgentLife::executor(const http::Request& request) {
  std::optional<ContainerRef> claims;
  if (!secret_.empty()) {
    const Result<ContainerRef> caller = claims_of(request, secret_);
    if (!caller) return unauthorized(caller.error().message);
    claims = *caller;
  }
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  mexecutor::Call call;
  Decoded decoded = decode_body(request, &call);
  if (decoded.refusal) return *std::move(decoded.refusal);
  if (const std::string why = check_call(call); !why.empty())
    return plain(400, "Failed to validate Executor::Call: " + why);
  if (call.type() == mexecutor::Call::SUBSCRIBE) {
    const auto type = negotiate(request.header("Accept"));
    return type ? subscribe(call, *type, claims) : not_acceptable();
  }
  if (!wait_while_frozen(call.framework_id().value(), call.executor_id().value()))
    return plain(503, kNotReady);  // to nobody: that connection was given up
  const auto answer = loop_.call<Answer>([&](Instant now) {
    return model_ ? model_->call(call, now, claims) : Answer{503, kNotReady};
  });
  return answer ? plain(answer->status, answer->text) : plain(503, kNotReady);
}

// On a half-open connection bytes arrive and nobody reads them: the call waits until its executor has come
// back by another one, and is then lost. False: it was lost.
bool AgentLife::wait_while_frozen(const std::string& framework_id, const std::string& executor_id) {
  const std::pair key(framework_id, executor_id);
  std::unique_lock lock(frozen_mutex_);
  if (!frozen_.contains(key)) return true;
  thawed_.wait(lock, [&] { return !frozen_.contains(key); });
  return false;
}

void AgentLife::thaw(const std::string& framework_id, const std::string& executor_id) {
  const std::lock_guard lock(frozen_mutex_);
  if (frozen_.erase({framework_id, executor_id}) > 0) thawed_.notify_all();
}

http::Reply AgentLife::subscribe(const mexecutor::Call& call, v1::MediaType type,
                                 const std::optional<ContainerRef>& claims) {
  thaw(call.framework_id().value(), call.executor_id().value());
  std::uint64_t number = 0;
  auto stream = std::make_shared<EventStream>();
  const auto answer = loop_.call<Answer>([&](Instant now) {
    if (!model_) return Answer{503, kNotReady};
    number = next_stream_++;
    subscribers_[number] = {stream, type};
    Answer made = model_->subscribe(number, call, now, claims);
    if (made.status != 200) subscribers_.erase(number);
    return made;
  });
  if (!answer) return plain(503, kNotReady);
  if (answer->status != 200) return plain(answer->status, answer->text);
  return stream_reply(stream, type, kPeerCheckMs, [this, number] {
    loop_.post([this, number](Instant) {
      subscribers_.erase(number);
      if (model_) model_->stream_gone(number);
    });
  });
}

http::Reply AgentLife::operate(const http::Request& request) {
  using Call = magent::Call;
  if (auto refusal = refuse_method(request, "POST")) return *std::move(refusal);
  Call call;
  Decoded decoded = decode_body(request, &call);
  if (decoded.refusal) return *std::move(decoded.refusal);
  const auto type = negotiate(request.header("Accept"));
  if (!type) return not_acceptable();
  const auto invalid = [](const char* what) {
    return plain(400, std::string("Failed to validate agent::Call: Expecting '") + what + "' to be present");
  };
  if (!call.has_type() || call.type() == Call::UNKNOWN) return invalid("type");
  if (call.type() == Call::READ_FILE && !call.has_read_file()) return invalid("read_file");
  if (call.type() == Call::LIST_FILES && !call.has_list_files()) return invalid("list_files");
  magent::Response response;
  const auto reply = [&] {
    http::Reply out;
    out.content_type = std::string(v1::media_type_text(*type));
    out.body = v1::encode(response, *type);
    return out;
  };
  if (call.type() == Call::GET_HEALTH) {
    response.set_type(magent::Response::GET_HEALTH);
    response.mutable_get_health()->set_healthy(true);
    return reply();
  }
  if (call.type() == Call::READ_FILE) {
    return files([&](const Files& folder) {
      const auto& wanted = call.read_file();
      const bool limited = wanted.has_length() && wanted.length() < static_cast<std::uint64_t>(kReadBytesMax);
      const auto piece = folder.read(wanted.path(), wanted.offset(),
                                     limited ? static_cast<std::int64_t>(wanted.length()) : -1);
      if (!piece) return file_error(piece.error());
      response.set_type(magent::Response::READ_FILE);
      response.mutable_read_file()->set_size(piece->size);
      response.mutable_read_file()->set_data(piece->data);
      return reply();
    });
  }
  if (call.type() != Call::LIST_FILES) return plain(501, "");
  return files([&](const Files& folder) {
    const auto entries = folder.list(call.list_files().path());
    if (!entries) return file_error(entries.error());
    response.set_type(magent::Response::LIST_FILES);
    for (const FileEntry& entry : *entries) {
      auto* info = response.mutable_list_files()->add_file_infos();
      info->set_path(entry.path);
      info->set_nlink(static_cast<std::int32_t>(entry.links));
      info->set_size(entry.size);
      info->mutable_mtime()->set_nanoseconds(static_cast<std::int64_t>(entry.mtime) * 1'000'000'000);
      info->set_mode(entry.mode);
    }
    return reply();
  });
}

}  // namespace mimas::pocket
