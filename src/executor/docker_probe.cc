#include "executor/docker_probe.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "executor/docker_mark.h"
#include "json/value.h"
#include "json/writer.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kLookAgainMs = 50;

}  // namespace

DockerProbe::DockerProbe(const DockerPlace& place, int minor, std::string task_id, std::string container_id,
                         std::uint64_t number, const std::vector<std::string>& argv, std::int64_t timeout_ms,
                         Instant now)
    : place_(place),
      minor_(minor),
      container_id_(std::move(container_id)),
      timeout_ms_(timeout_ms),
      deadline_(now + timeout_ms) {
  ended_.task_id = std::move(task_id);
  ended_.probe = number;
  json::Writer writer;
  writer.begin_object().member("AttachStdout", true).member("AttachStderr", true).key("Cmd").begin_array();
  for (const std::string& word : argv) writer.string(word);
  writer.end_array().end_object();
  ask(Phase::create, "POST", "/containers/" + container_id_ + "/exec", writer.take(), now);
}

void DockerProbe::ask(Phase phase, std::string method, std::string target, std::string body, Instant now) {
  phase_ = phase;
  const DockerRequest request{std::move(method), std::move(target), std::move(body), {}};
  call_ = std::make_unique<DockerCall>(place_, docker_request_text(request, minor_),
                                       timeout_ms_ + kProbeEndMs, false, now);
}

void DockerProbe::add_to(std::vector<pollfd>& polled) const {
  if (!over_) call_->add_to(polled);
}

Instant DockerProbe::wake_at() const {
  if (over_) return Instant{0};
  if (again_ != kNever) return std::min(again_, deadline_);
  return call_->over() ? Instant{0} : deadline_;
}

void DockerProbe::fail(std::string why) {
  ended_.status = -1;
  ended_.message = std::move(why);
  over_ = true;
}

void DockerProbe::pump(Instant now) {
  if (over_) return;
  if (again_ <= now) {
    again_ = kNever;
    ask(Phase::look, "GET", "/exec/" + exec_id_ + "/json", "", now);
  }
  call_->pump(now);
  if (phase_ == Phase::run && call_->status() == 200) read_output();
  if (over_) return;
  if (call_->over() && again_ == kNever) {
    if (!call_->failure().empty()) return fail(call_->failure());
    answered(call_->status(), now);
  }
  if (over_ || now < deadline_) return;
  const std::string late = "no answer within " + std::to_string(timeout_ms_) + " ms";
  if (late_ || exec_id_.empty()) return fail(late + "; it may go on in the container");
  late_ = true;
  again_ = kNever;
  deadline_ = now + kProbeEndMs;
  ask(Phase::look, "GET", "/exec/" + exec_id_ + "/json", "", now);
}

void DockerProbe::read_output() {
  std::string_view input = call_->body();
  FrameReader::Piece piece;
  for (;;) {
    const auto got = frames_.next(input, piece);
    if (!got.ok()) return fail(got.error().message);
    if (!*got) break;
    output_.append(piece.bytes);
    if (output_.size() > kProbeTextMax) output_.erase(0, output_.size() - kProbeTextMax);
  }
  call_->body().clear();
}

void DockerProbe::answered(int status, Instant now) {
  if (phase_ == Phase::create) {
    exec_id_ = parse_created(call_->body());
    if (status != 201 || exec_id_.empty()) return fail(docker_message(call_->body()));
    return ask(Phase::run, "POST", "/exec/" + exec_id_ + "/start", R"({"Detach":false,"Tty":false})", now);
  }
  if (status != 200) return fail(docker_message(call_->body()));
  if (phase_ == Phase::run) return ask(Phase::look, "GET", "/exec/" + exec_id_ + "/json", "", now);
  looked(now);
}

void DockerProbe::looked(Instant now) {
  const auto document = json::parse(call_->body(), {.replace_bad_utf8 = true});
  if (!document.ok()) return fail("Docker's answer cannot be read");
  const json::Value root = document->root();
  if (late_) {
    const std::int64_t pid = root.int64_or("Pid", 0);
    const bool ours = !container_cgroup(pid, container_id_).empty();
    if (ours) (void)::kill(static_cast<pid_t>(pid), SIGKILL);
    return fail("no answer within " + std::to_string(timeout_ms_) + " ms" +
                (ours || !root.bool_or("Running", true) ? "" : "; it goes on in the container"));
  }
  // The output may have ended before the command.
  if (root.bool_or("Running", false)) {
    again_ = now + kLookAgainMs;
    return;
  }
  ended_.status = static_cast<int>(root.int64_or("ExitCode", -1));
  ended_.message = std::move(output_);
  over_ = true;
}

}  // namespace mimas::executor
