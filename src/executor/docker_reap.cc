#include "executor/docker_reap.h"

#include <algorithm>
#include <utility>

#include "executor/docker_api.h"
#include "executor/docker_mark.h"
#include "json/value.h"
#include "net/clock.h"
#include "wire/endpoint.h"

namespace mimas::executor {
namespace {

std::unique_ptr<DockerCall> call(const DockerPlace& place, int minor, DockerRequest request, Instant now) {
  return std::make_unique<DockerCall>(place, docker_request_text(request, minor), kReapAnswerMs, false, now);
}

ContainerState listed_container(json::Value item) {
  ContainerState out;
  out.id = item.string_or("Id", "");
  const auto labels = item.find("Labels");
  for (std::size_t i = 0; labels && labels->is_object() && i < labels->size(); ++i) {
    if (const auto value = labels->at(i).string(); value.ok())
      out.labels.emplace_back(labels->name(i), *value);
  }
  return out;
}

}  // namespace

DockerReaper::DockerReaper(DockerPlace place, int minor, ExecutorMark here, bool dry_run, Instant now)
    : place_(std::move(place)), minor_(minor), here_(std::move(here)), dry_run_(dry_run) {
  const std::string filter = wire::percent_encode(R"({"label":["mimas.executor.pid"]})");
  call_ = call(place_, minor_, {"GET", "/containers/json?all=1&filters=" + filter, "", ""}, now);
}

void DockerReaper::add_to(std::vector<pollfd>& polled) const {
  if (call_) call_->add_to(polled);
}

Instant DockerReaper::wake_at() const {
  if (over_ || !call_) return kNever;
  return call_->over() ? Instant{0} : call_->wake_at();
}

void DockerReaper::take_list(std::string_view json) {
  const auto document = json::parse(json, {.replace_bad_utf8 = true});
  if (!document.ok() || !document->root().is_array()) {
    failure_ = "Docker's list of containers cannot be read";
    return;
  }
  for (std::size_t i = 0; i < document->root().size() && left_.size() < kReapMax; ++i) {
    const ContainerState container = listed_container(document->root().at(i));
    const ExecutorMark mark = mark_of(container);
    if (container.id.empty() || owner_of(mark, here_, place_.local()) != Owner::dead) continue;
    left_.push_back({container.id, "container " + container.id.substr(0, 12) + " of task " +
                                       std::string(container.label("mimas.task")) +
                                       ", left by the executor with pid " + std::to_string(mark.pid)});
  }
}

void DockerReaper::next(Instant now, std::vector<std::string>& lines) {
  for (; dry_run_ && !left_.empty(); left_.pop_back()) lines.push_back("would remove " + left_.back().what);
  call_.reset();
  over_ = left_.empty();
  if (!over_)
    call_ = call(place_, minor_, {"DELETE", "/containers/" + left_.back().id + "?force=1&v=1", "", ""}, now);
}

void DockerReaper::pump(Instant now, std::vector<std::string>& lines) {
  if (over_ || !call_) return;
  call_->pump(now);
  if (!call_->over()) return;
  const int status = call_->failure().empty() ? call_->status() : 0;
  const std::string why = status == 0 ? call_->failure() : docker_message(call_->body());
  if (!std::exchange(listed_, true)) {
    if (status == 200) take_list(call_->body());
    else failure_ = why;
    if (!failure_.empty()) left_.clear();
    return next(now, lines);
  }
  const bool gone = status == 204 || status == 404;
  lines.push_back(gone ? "removed " + left_.back().what : "cannot remove " + left_.back().what + ": " + why);
  left_.pop_back();
  next(now, lines);
}

namespace {

// Until `done` of what is polled, or the deadline.
template <class Step>
bool run(std::int64_t deadline_ms, std::vector<pollfd>& polled, Step step) {
  for (;;) {
    polled.clear();
    if (step(Instant{net::monotonic_ms()})) return true;
    const std::int64_t left = deadline_ms - net::monotonic_ms();
    if (left <= 0) return false;
    (void)::poll(polled.data(), static_cast<nfds_t>(polled.size()),
                 static_cast<int>(std::min<std::int64_t>(left, 200)));
  }
}

}  // namespace

Result<std::vector<std::string>> reap_containers(const Config& config, bool dry_run, std::int64_t ms) {
  const auto place = parse_docker_place(config.docker);
  if (!place.ok()) return place.error();
  const std::int64_t deadline = net::monotonic_ms() + ms;
  std::vector<pollfd> polled;
  const auto late = make_error(Code::timeout, "Docker takes too long", config.docker);
  auto version = call(*place, 0, {"GET", "/version", "", ""}, Instant{net::monotonic_ms()});
  const bool answered = run(deadline, polled, [&](Instant now) {
    version->pump(now);
    version->add_to(polled);
    return version->over();
  });
  if (!answered) return late;
  if (!version->failure().empty()) return make_error(Code::unavailable, version->failure(), config.docker);
  const auto minor = choose_docker_version(version->body());
  if (!minor.ok()) return minor.error();

  std::vector<std::string> lines;
  DockerReaper reaper(*place, *minor, own_mark(), dry_run, Instant{net::monotonic_ms()});
  const bool done = run(deadline, polled, [&](Instant now) {
    reaper.pump(now, lines);
    reaper.add_to(polled);
    return reaper.over();
  });
  if (!reaper.failure().empty()) return make_error(Code::unavailable, reaper.failure(), config.docker);
  if (!done) lines.push_back("Docker takes too long; the rest is left for the next time");
  return lines;
}

}  // namespace mimas::executor
