#include "executor/docker_runtime.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "executor/docker_mark.h"
#include "executor/guard.h"
#include "files/folder.h"
#include "net/clock.h"

namespace mimas::executor {

using Kind = DockerAsk::Kind;

namespace {

constexpr std::int64_t kHelloMs = 10'000;
constexpr std::int64_t kHelloPauseMs = 200;  // doubled
constexpr std::int64_t kRefusedMs = 10;      // until the same bytes are offered again
constexpr std::size_t kSignalsOpenMax = 4;
constexpr std::size_t kClientConfigMax = 1u << 20;

// Until the next byte; creating and starting are slow on a busy disk, and wait for each other in Docker.
std::int64_t patience_ms(Kind kind) {
  switch (kind) {
    case Kind::pull: return 300'000;
    case Kind::create:
    case Kind::start: return 120'000;
    default: return 60'000;
  }
}

bool is_output(Kind kind) { return kind == Kind::attach || kind == Kind::record; }

std::string credentials_for(const std::string& image) {
  const char* home = ::getenv("HOME");
  const auto name = parse_image_name(image);
  if (home == nullptr || !name.ok()) return {};
  return registry_auth(read_small_file(std::string(home) + "/.docker/config.json", kClientConfigMax),
                       name->registry);
}

int open_output(const std::string& sandbox, bool error_stream) {
  const auto folder = files::Folder::at(sandbox);
  auto file = folder.ok()
                  ? folder->open_or_create(error_stream ? "stderr" : "stdout", files::Use::append, 0644)
                  : files::File();
  return file.ok() ? file->release() : -1;
}

}  // namespace

DockerRuntime::DockerRuntime(const Config& config, std::string framework_id, std::string agent_id,
                             OutputSink* sink)
    : sink_(sink) {
  auto place = parse_docker_place(config.docker);
  if (place.ok()) place_ = std::move(place).value();
  else wrong_place_ = place.error().text();
  who_.mark = own_mark();
  who_.framework_id = std::move(framework_id);
  who_.agent_id = std::move(agent_id);
  who_.hands_over = ::geteuid() == 0 && place_.local();
}

DockerRuntime::~DockerRuntime() {
  for (const auto& held : tasks_) {
    for (const int fd : held->files) {
      if (fd >= 0) ::close(fd);
    }
  }
}

// --- the version, once

void DockerRuntime::start(TaskOrder order, Instant now) {
  if (!wrong_place_.empty()) return tell(StartFailed{order.task_id, wrong_place_, true});
  if (minor_ != 0) return begin(std::move(order), now);
  waiting_.push_back(std::move(order));
  if (hello_ || hello_due_ != kNever) return;
  hello_tries_ = 0;
  greet(now);
}

void DockerRuntime::greet(Instant now) {
  hello_due_ = kNever;
  hello_ = std::make_unique<DockerCall>(place_, docker_request_text({"GET", "/version", "", ""}, 0), kHelloMs,
                                        false, now);
}

void DockerRuntime::greeted(Instant now) {
  const auto call = std::move(hello_);
  const bool answered = call->failure().empty() && call->status() == 200;
  if (!answered) {
    if (++hello_tries_ < kDockerHelloTries) {
      hello_due_ = now + (kHelloPauseMs << (hello_tries_ - 1));
      return;
    }
    return nobody_there("Docker does not answer: " +
                            (call->failure().empty() ? docker_message(call->body()) : call->failure()),
                        false);
  }
  const auto minor = choose_docker_version(call->body());
  if (!minor.ok()) return nobody_there(minor.error().text(), true);
  minor_ = *minor;
  if (!std::exchange(reaped_, true))
    reaper_ = std::make_unique<DockerReaper>(place_, minor_, who_.mark, false, now);
  for (TaskOrder& order : std::exchange(waiting_, {})) begin(std::move(order), now);
}

void DockerRuntime::nobody_there(const std::string& why, bool final) {
  for (const TaskOrder& order : std::exchange(waiting_, {})) tell(StartFailed{order.task_id, why, final});
}

// --- tasks

void DockerRuntime::begin(TaskOrder order, Instant now) {
  tasks_.push_back(std::make_unique<Held>(DockerTask(std::move(order), who_, minor_)));
  DockerActs acts;
  tasks_.back()->task.begin(now, acts);
  act(*tasks_.back(), std::move(acts), now);
}

// The one that has not told its end; a former one may still be removed under the same id.
DockerRuntime::Held* DockerRuntime::find(std::string_view task_id) {
  for (const auto& held : tasks_) {
    if (held->task.task_id() == task_id && !held->task.told()) return held.get();
  }
  return nullptr;
}

void DockerRuntime::signal(std::string_view task_id, int signal, Instant now) {
  Held* held = find(task_id);
  if (held == nullptr) return kill(task_id, now);  // if it waits, nothing can react to a signal yet
  DockerActs acts;
  held->task.signal(signal, now, acts);
  act(*held, std::move(acts), now);
}

void DockerRuntime::kill(std::string_view task_id, Instant now) {
  const auto waits = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const TaskOrder& order) { return order.task_id == task_id; });
  if (waits != waiting_.end()) {
    tell(StartFailed{std::string(task_id), "killed before Docker answered", true});
    waiting_.erase(waits);
  }
  Held* held = find(task_id);
  if (held == nullptr) return;
  DockerActs acts;
  held->task.kill(now, acts);
  act(*held, std::move(acts), now);
}

void DockerRuntime::act(Held& held, DockerActs acts, Instant now) {
  for (DockerAct& act : acts) {
    if (auto* wanted = std::get_if<DockerAsk>(&act)) {
      ask(held, std::move(*wanted), now);
    } else if (const auto* drop = std::get_if<DockerDrop>(&act)) {
      for (const auto& open : held.open) open->done = open->done || open->kind == drop->kind;
    } else if (const auto* pid = std::get_if<KillPid>(&act)) {
      if (!container_cgroup(pid->pid, pid->container_id).empty())
        (void)::kill(static_cast<pid_t>(pid->pid), SIGKILL);
      else if (held.pid_seen) held.task.process_gone(now);
    } else if (const auto* over = std::get_if<HandOver>(&act)) {
      if (const Status given = give_away(held.task.order().sandbox, over->to); !given.ok())
        tell(Lines{"task " + held.task.task_id() + ": " + given.error().text()});
    } else {
      if (const auto* started = std::get_if<Started>(&std::get<RuntimeNews>(act)))
        held.pid_seen =
            place_.local() && !container_cgroup(started->facts.pid, started->facts.container_id).empty();
      tell(std::move(std::get<RuntimeNews>(act)));
    }
  }
}

void DockerRuntime::ask(Held& held, DockerAsk ask, Instant now) {
  const auto same = [&](const auto& open) { return open->kind == ask.kind && !open->done; };
  if (ask.kind == Kind::signal &&
      std::count_if(held.open.begin(), held.open.end(), same) >= static_cast<std::ptrdiff_t>(kSignalsOpenMax))
    (*std::find_if(held.open.begin(), held.open.end(), same))->done = true;
  if (ask.kind == Kind::pull) ask.request.auth = credentials_for(held.task.order().spec.container.image);
  if (ask.kind == Kind::record) {
    ask.request.target += "&since=" + held.place.since();
    held.place.begin_record();
  }
  // Until a second from now: what Docker hears late is in it, too.
  if (ask.kind == Kind::oom) ask.request.target += "&until=" + std::to_string(net::wall_now().ms / 1000 + 2);
  if (is_output(ask.kind)) held.frames = {};
  const bool endless = is_output(ask.kind) || ask.kind == Kind::wait;
  // Docker says nothing at all to a wait until it is over, in versions that hold its head back.
  const std::int64_t patience = ask.kind == Kind::wait ? INT64_MAX : patience_ms(ask.kind);
  held.open.push_back(std::unique_ptr<Open>(
      new Open{ask.kind,
               DockerCall(place_, docker_request_text(ask.request, minor_), patience, endless, now),
               {},
               false,
               false}));
}

void DockerRuntime::tell(RuntimeNews news) {
  if (auto* started = std::get_if<Started>(&news)) {
    RunFacts& facts = started->facts;
    facts.cgroup = place_.local() ? container_cgroup(facts.pid, facts.container_id) : std::string();
    if (facts.cgroup.empty()) facts.pid = 0;  // a pid of somewhere else
  }
  news_.push_back(std::move(news));
}

// --- what comes from Docker

void DockerRuntime::pump_task(Held& held, Instant now) {
  retry_refused(held, now);
  for (std::size_t i = 0; i < held.open.size(); ++i) {  // answers bring new requests
    if (!held.open[i]->done) pump_call(held, *held.open[i], now);
  }
  std::erase_if(held.open, [](const auto& open) { return open->done; });
  if (held.task.wake_at() > now) return;
  DockerActs acts;
  held.task.timer(now, acts);
  act(held, std::move(acts), now);
}

void DockerRuntime::pump_call(Held& held, Open& open, Instant now) {
  open.call.pump(now);
  if (open.kind == Kind::pull && open.call.status() == 200) return pump_pull(held, open, now);
  if (is_output(open.kind) && open.call.status() == 200) return pump_output(held, open, now);
  if (open.call.over()) answer(held, open, now);
}

void DockerRuntime::pump_pull(Held& held, Open& open, Instant now) {
  open.pull.feed(open.call.body());
  open.call.body().clear();
  DockerActs acts;
  if (open.call.over()) {
    open.done = true;
    const std::string why = open.pull.error().empty() ? open.call.failure() : open.pull.error();
    held.task.answered(Kind::pull, why.empty() ? 200 : open.pull.error().empty() ? 0 : 500, why, now, acts);
  } else if (const std::string text = open.pull.text(); !text.empty()) {
    held.task.pulled(text, now, acts);
  }
  act(held, std::move(acts), now);
}

void DockerRuntime::answer(Held& held, Open& open, Instant now) {
  open.done = true;
  const bool whole = open.call.failure().empty();
  const int status = whole ? open.call.status() : 0;
  const std::string& body = whole ? open.call.body() : open.call.failure();
  DockerActs acts;
  if (open.kind == Kind::find && status == 200) {
    if (const auto container = parse_container(body); container.ok()) {
      const Owner owner = owner_of(mark_of(*container), who_.mark, place_.local());
      held.task.judged(owner, *container, now, acts);
      return act(held, std::move(acts), now);
    }
  }
  held.task.answered(open.kind, status, body, now, acts);
  act(held, std::move(acts), now);
}

void DockerRuntime::pump_output(Held& held, Open& open, Instant now) {
  DockerActs acts;
  if (!std::exchange(open.head_told, true)) held.task.answered(open.kind, 200, {}, now, acts);
  move_output(held, open, now);
  open.call.pause(!held.refused.empty());
  if (open.call.over() && held.refused.empty()) {
    open.done = true;
    held.task.output_over(now, acts);
  }
  act(held, std::move(acts), now);
}

void DockerRuntime::move_output(Held& held, Open& open, Instant now) {
  if (open.call.body().empty()) return;
  const Instant wall = net::wall_now();
  std::string_view input = open.call.body();
  FrameReader::Piece piece;
  for (;;) {
    const auto got = held.frames.next(input, piece);
    if (!got.ok()) {  // nothing more can be made of it
      tell(Lines{"output of " + held.task.task_id() + " cannot be read: " + got.error().message});
      open.done = true;
      break;
    }
    if (!*got) break;
    std::string_view bytes = piece.bytes;
    if (open.kind == Kind::record) bytes = held.place.from_record(piece, wall);
    else held.place.delivered(piece, wall);
    if (bytes.empty()) continue;
    if (!held.refused.empty() || !write_output(held, piece.error_stream, bytes))
      held.refused.emplace_back(piece.error_stream, bytes);
  }
  open.call.body().clear();
  held.task.output_moved(now);
}

bool DockerRuntime::write_output(Held& held, bool error_stream, std::string_view bytes) {
  if (sink_ != nullptr) return sink_->write(held.task.task_id(), error_stream, bytes);
  int& fd = held.files[error_stream ? 1 : 0];
  if (fd < 0) fd = open_output(held.task.order().sandbox, error_stream);
  while (fd >= 0 && !bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;  // a full disk: a task does not wait for it
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

void DockerRuntime::retry_refused(Held& held, Instant now) {
  if (held.refused.empty()) return;
  while (!held.refused.empty() &&
         write_output(held, held.refused.front().first, held.refused.front().second)) {
    held.refused.pop_front();
    held.task.output_moved(now);
  }
  for (const auto& open : held.open) {
    if (is_output(open->kind)) open->call.pause(!held.refused.empty());
  }
}

// --- probes

void DockerRuntime::probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>& argv,
                          std::int64_t timeout_ms, Instant now) {
  const Held* held = find(task_id);
  if (held == nullptr || !held->task.running() || probes_.size() >= kDockerProbesMax)
    return tell(ProbeEnded{std::string(task_id), probe, -1, "its container does not run"});
  probes_.push_back(std::make_unique<DockerProbe>(place_, minor_, std::string(task_id),
                                                  held->task.container(), probe, argv, timeout_ms, now));
}

void DockerRuntime::pump_probes(Instant now) {
  for (const auto& probe : probes_) {
    probe->pump(now);
    if (probe->over()) tell(probe->take());
  }
  std::erase_if(probes_, [](const auto& probe) { return probe->over(); });
}

// --- the loop's side

void DockerRuntime::add_to(std::vector<pollfd>& polled) const {
  if (hello_) hello_->add_to(polled);
  if (reaper_) reaper_->add_to(polled);
  for (const auto& held : tasks_) {
    for (const auto& open : held->open) open->call.add_to(polled);
  }
  for (const auto& probe : probes_) probe->add_to(polled);
}

Instant DockerRuntime::wake_at() const {
  if (!news_.empty()) return Instant{0};
  Instant out = hello_due_;
  if (hello_) out = std::min(out, hello_->over() ? Instant{0} : hello_->wake_at());
  if (reaper_) out = std::min(out, reaper_->wake_at());
  for (const auto& held : tasks_) {
    out = std::min(out, held->task.wake_at());
    if (!held->refused.empty()) out = std::min(out, Instant{net::monotonic_ms()} + kRefusedMs);
    for (const auto& open : held->open) {
      const bool waits_for_sink = is_output(open->kind) && !held->refused.empty();
      if (open->call.over() && !waits_for_sink) return Instant{0};  // it failed where it was made
      out = std::min(out, open->call.wake_at());
    }
  }
  for (const auto& probe : probes_) out = std::min(out, probe->wake_at());
  return out;
}

void DockerRuntime::pump(Instant now, std::vector<RuntimeNews>& news) {
  if (hello_due_ <= now) greet(now);
  if (hello_) hello_->pump(now);
  if (hello_ && hello_->over()) greeted(now);
  if (reaper_) {
    std::vector<std::string> lines;
    reaper_->pump(now, lines);
    for (std::string& line : lines) tell(Lines{std::move(line)});
    if (reaper_->over()) reaper_.reset();
  }
  for (std::size_t i = 0; i < tasks_.size(); ++i) pump_task(*tasks_[i], now);
  std::erase_if(tasks_, [](const auto& held) {
    if (!held->task.over()) return false;
    for (const int fd : held->files) {
      if (fd >= 0) ::close(fd);
    }
    return true;
  });
  pump_probes(now);
  for (RuntimeNews& item : std::exchange(news_, {})) news.push_back(std::move(item));
}

void DockerRuntime::end_all(std::int64_t ms) {
  const Instant until = Instant{net::monotonic_ms()} + ms;
  waiting_.clear();
  hello_.reset();
  hello_due_ = kNever;
  reaper_.reset();
  probes_.clear();
  for (const auto& held : tasks_) {
    DockerActs acts;
    held->task.kill(Instant{net::monotonic_ms()}, acts);
    act(*held, std::move(acts), Instant{net::monotonic_ms()});
  }
  std::vector<RuntimeNews> unheard;
  std::vector<pollfd> polled;
  for (Instant now{net::monotonic_ms()}; !tasks_.empty() && now < until; now = Instant{net::monotonic_ms()}) {
    guard_beat();
    polled.clear();
    add_to(polled);
    const std::int64_t wait = std::clamp<std::int64_t>(std::min(wake_at(), until) - now, 0, 1000);
    (void)::poll(polled.data(), static_cast<nfds_t>(polled.size()), static_cast<int>(wait));
    pump(Instant{net::monotonic_ms()}, unheard);
    unheard.clear();
  }
}

}  // namespace mimas::executor
