#include "executor/loop.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "executor/children.h"
#include "executor/guard.h"
#include "executor/process.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kEndAllMs =
    5'000;  // for what is left when we leave: containers go slowly on a busy disk

volatile std::sig_atomic_t child_ended = 0;
volatile std::sig_atomic_t asked_to_end = 0;

void on_signal(int signal) {
  if (signal == SIGCHLD) {
    child_ended = 1;
  } else {
    asked_to_end = 1;
  }
}

Instant mono() { return Instant{net::monotonic_ms()}; }
Now read_clocks() { return {mono(), net::wall_now()}; }

Part::Used used_by(const struct rusage& usage) {
  const auto ms = [](const struct timeval& time) {
    return std::int64_t{time.tv_sec} * 1000 + std::int64_t{time.tv_usec} / 1000;
  };
  return {ms(usage.ru_utime) + ms(usage.ru_stime), std::int64_t{usage.ru_maxrss} * 1024};
}

}  // namespace

void say(std::string_view text) {
  std::string line = "mimas-executor: ";
  line.append(text).append("\n");
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

Loop::Loop(const Surroundings& about, Parts parts, std::string version, std::string sandbox)
    : about_(about),
      core_(about.settings, {about.config.shared, about.config.idle_ms, std::move(version)},
            &net::random_bytes),
      link_(about.settings),
      parts_(std::move(parts)),
      sandboxes_(std::move(sandbox), about.config.shared) {}

// The signals arrive only inside ppoll, so no flag set between a look and a wait can be missed.
void Loop::catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigset_t caught;
  sigemptyset(&caught);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) {
    ::sigaction(signal, &action, nullptr);
    sigaddset(&caught, signal);
  }
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  ::sigprocmask(SIG_BLOCK, &caught, nullptr);
  sigemptyset(&waiting_mask_);
}

int Loop::run() {
  catch_signals();
  act(core_.start(read_clocks()));
  while (!done_) {
    wait();
    turn();
  }
  for (auto& runtime : runtimes_) {
    if (runtime) runtime->end_all(kEndAllMs);
  }
  return code_;
}

void Loop::turn() {
  guard_beat();
  if (asked_to_end) {
    asked_to_end = 0;
    act(core_.terminate(read_clocks()));
  }
  reap_all();
  if (!done_) pump_link();
  if (!done_) pump_runtimes();
  if (!done_) pump_parts();
  if (done_) return;
  const bool parts_busy = std::any_of(parts_.all.begin(), parts_.all.end(),
                                      [](const std::unique_ptr<Part>& part) { return part->busy(); });
  core_.set_busy(parts_busy || link_.has_messages());  // the last word about a task is often a message
  act(core_.timer(read_clocks()));
  if (!done_ && about_.config.shared) act(core_.idle(link_.quiet(), read_clocks()));
}

void Loop::wait() {
  std::vector<pollfd> polled;
  link_.add_to(polled);
  Instant wake = std::min(core_.wake_at(), link_.wake_at());
  for (const auto& runtime : runtimes_) {
    if (!runtime) continue;
    runtime->add_to(polled);
    wake = std::min(wake, runtime->wake_at());
  }
  for (const auto& part : parts_.all) {
    part->add_to(polled);
    wake = std::min(wake, part->wake_at());
  }
  struct timespec timeout {};
  if (wake != kNever) {
    const std::int64_t ms = std::clamp<std::int64_t>(wake - mono(), 0, 86'400'000);
    timeout.tv_sec = static_cast<time_t>(ms / 1000);
    timeout.tv_nsec = static_cast<long>(ms % 1000 * 1'000'000);
  }
  const int ready = ::ppoll(polled.data(), static_cast<nfds_t>(polled.size()),
                            wake == kNever ? nullptr : &timeout, &waiting_mask_);
  if (ready < 0 && errno != EINTR) say("poll failed");  // out of memory at most; the next round tries again
}

// --- the agent
// -----------------------------------------------------------------------------------------------------

void Loop::pump_link() {
  std::vector<LinkNews> news;
  link_.pump(mono(), news);
  for (LinkNews& item : news) {
    if (done_) return;
    if (auto* record = std::get_if<Record>(&item)) {
      auto event = parse_event(record->text);
      if (event.ok()) {
        act(core_.event(std::move(event).value(), read_clocks()));
      } else {
        say("an event was not understood: " + event.error().text());
      }
    } else if (auto* refused = std::get_if<Refused>(&item)) {
      act(refusal(*refused));
    } else if (auto* lost = std::get_if<Lost>(&item)) {
      act(core_.lost(lost->why, read_clocks()));
    }
  }
}

Actions Loop::refusal(const Refused& refused) {
  switch (refused.what) {
    case Refused::What::subscribe:
      return core_.subscribe_refused(refused.status, refused.text, read_clocks());
    case Refused::What::heartbeat: return core_.heartbeat_refused(refused.status);
    case Refused::What::message: return core_.message_refused(refused.status, refused.text);
    case Refused::What::update: break;
  }
  return core_.call_refused(refused.status, refused.text, read_clocks());
}

// --- children, runtimes and parts
// ----------------------------------------------------------------------------------

void Loop::reap_all() {
  if (!child_ended) return;
  child_ended = 0;
  for (;;) {
    int status = 0;
    struct rusage usage {};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return;
    helper_ended(pid);
    for (const auto& part : parts_.all) part->child_used(pid, used_by(usage), mono());
    for (const auto& runtime : runtimes_) {
      if (runtime) runtime->child_ended(pid, status, mono());
    }
    for (const auto& part : parts_.all) part->child_ended(pid, status, mono());
  }
}

void Loop::pump_runtimes() {
  for (const auto& runtime : runtimes_) {
    if (!runtime) continue;
    std::vector<RuntimeNews> news;
    runtime->pump(mono(), news);
    for (RuntimeNews& item : news) {
      if (!done_) take(item);
    }
  }
}

void Loop::take(RuntimeNews& news) {
  if (auto* progress = std::get_if<Progress>(&news)) {
    act(core_.progress(progress->task_id, progress->text, read_clocks()));
  } else if (auto* started = std::get_if<Started>(&news)) {
    Running* running = find(started->task_id);
    if (running == nullptr || running->started) return;
    running->started = true;
    const TaskOrder order = std::exchange(running->order, {});
    act(core_.started(started->task_id, started->facts, read_clocks()));
    for (const auto& part : parts_.all) part->started(order, started->facts, mono());
  } else if (auto* failed = std::get_if<StartFailed>(&news)) {
    act(core_.start_failed(std::move(*failed), read_clocks()));
  } else if (auto* ended = std::get_if<TaskEnded>(&news)) {
    act(core_.ended(ended->task_id, std::move(ended->end), ended->others, read_clocks()));
  } else if (auto* gone = std::get_if<TaskGone>(&news)) {
    act(core_.gone(gone->task_id, read_clocks()));
  } else if (auto* probe = std::get_if<ProbeEnded>(&news)) {
    for (const auto& part : parts_.all) part->probe_ended(*probe, mono());
  } else if (auto* lines = std::get_if<Lines>(&news)) {
    say(lines->text);
  }
}

void Loop::pump_parts() {
  for (const auto& part : parts_.all) {
    std::vector<PartNews> news;
    part->pump(mono(), news);
    for (PartNews& item : news) {
      if (!done_) take(item);
    }
  }
}

void Loop::take(PartNews& news) {
  if (auto* health = std::get_if<HealthNews>(&news)) {
    act(core_.health(std::move(*health), read_clocks()));
  } else if (auto* message = std::get_if<MessageNews>(&news)) {
    act(core_.message(message->json, read_clocks()));
  } else if (auto* wanted = std::get_if<ProbeWanted>(&news)) {
    probe(*wanted);
  } else if (auto* lines = std::get_if<Lines>(&news)) {
    say(lines->text);
  }
}

void Loop::probe(const ProbeWanted& wanted) {
  Running* running = find(wanted.task_id);
  if (running != nullptr && running->started)
    return running->runtime->probe(wanted.task_id, wanted.probe, wanted.argv, wanted.timeout_ms, mono());
  const ProbeEnded answer{wanted.task_id, wanted.probe, -1, "the task does not run"};
  for (const auto& part : parts_.all) part->probe_ended(answer, mono());
}

Loop::Running* Loop::find(std::string_view task_id) {
  const auto at =
      std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.id == task_id; });
  return at == running_.end() ? nullptr : &*at;
}

// --- actions
// -------------------------------------------------------------------------------------------------------

// Actions may bring new ones; all are done in the order they were decided.
void Loop::act(Actions actions) {
  for (Action& action : actions) todo_.push_back(std::move(action));
  if (std::exchange(acting_, true)) return;
  while (!todo_.empty() && !done_) {
    Action action = std::move(todo_.front());
    todo_.pop_front();
    perform(action);
  }
  acting_ = false;
}

void Loop::perform(Action& action) {
  if (auto* subscribe = std::get_if<Subscribe>(&action)) {
    link_.subscribe(subscribe->body, mono());
  } else if (auto* post = std::get_if<Post>(&action)) {
    link_.post(std::move(post->body), post->kind, mono());
  } else if (std::holds_alternative<Disconnect>(action)) {
    link_.disconnect();
  } else if (auto* order = std::get_if<StartTask>(&action)) {
    start(order->order);
  } else if (auto* signal = std::get_if<SignalTask>(&action)) {
    if (Running* running = find(signal->task_id))
      running->runtime->signal(running->id, signal->signal, mono());
  } else if (auto* kill = std::get_if<KillTask>(&action)) {
    if (Running* running = find(kill->task_id)) running->runtime->kill(running->id, mono());
  } else if (auto* ended = std::get_if<TaskOver>(&action)) {
    over(*ended);
  } else if (auto* end = std::get_if<SelfDestruct>(&action)) {
    self_destruct_in(end->in_ms);
  } else if (auto* line = std::get_if<Say>(&action)) {
    say(line->text);
  } else if (auto* exit = std::get_if<Exit>(&action)) {
    done_ = true;
    code_ = exit->code;
  }
}

Result<Runtime*> Loop::runtime_for(RuntimeKind kind) {
  std::unique_ptr<Runtime>& runtime = runtimes_[static_cast<std::size_t>(kind)];
  if (!runtime) {
    auto made = make_runtime(kind, about_, parts_.sink);
    if (!made.ok()) return made.error();
    runtime = std::move(made).value();
  }
  return runtime.get();
}

void Loop::start(TaskOrder& order) {
  const auto fail = [&](const Error& error) {  // of this machine, not of the task
    act(core_.start_failed({order.task_id, error.text(), false}, read_clocks()));
  };
  auto sandbox = sandboxes_.make(order.task_id, order.spec);
  if (!sandbox.ok()) return fail(sandbox.error());
  auto runtime = runtime_for(order.spec.runtime);
  if (!runtime.ok()) return fail(runtime.error());
  order.sandbox = std::move(sandbox).value();
  // A container gets its job's variables alone.
  const bool container = order.spec.runtime == RuntimeKind::docker;
  order.environment = task_environment(container ? nullptr : about_.environment, order.spec.command.env);
  for (const auto& part : parts_.all) part->starting(order, mono());
  running_.push_back({order.task_id, *runtime, order});
  (*runtime)->start(std::move(order), mono());
}

void Loop::over(const TaskOver& over) {
  for (const auto& part : parts_.all) part->ended(over.task_id, over.end, mono());
  sandboxes_.ended(over.task_id);
  std::erase_if(running_, [&](const Running& running) { return running.id == over.task_id; });
}

}  // namespace mimas::executor
