#include "executor/loop.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "executor/children.h"
#include "executor/process.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

volatile std::sig_atomic_t child_ended = 0;
volatile std::sig_atomic_t asked_to_end = 0;

void on_signal(int signal) {
  if (signal == SIGCHLD) {
    child_ended = 1;
  } else {
    asked_to_end = 1;
  }
}

Now read_clocks() { return {Instant{net::monotonic_ms()}, net::wall_now()}; }

}  // namespace

void say(std::string_view text) {
  std::string line = "mimas-executor: ";
  line.append(text).append("\n");
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

Loop::Loop(Settings settings, const char* const* environment)
    : core_(settings, &net::random_bytes), link_(std::move(settings)), environment_(environment) {}

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
  adopt_orphans();
  act(core_.start(read_clocks()));
  while (!done_) {
    wait();
    if (asked_to_end) {
      asked_to_end = 0;
      act(core_.terminate(read_clocks()));
    }
    reap_all();
    if (!done_) take_news();
    if (!done_) act(core_.timer(read_clocks()));
  }
  for (const std::int64_t pid : std::vector<std::int64_t>(leaders_)) kill(pid);
  kill_tree(0, {});
  return code_;
}

void Loop::wait() {
  std::vector<pollfd> polled;
  link_.add_to(polled);
  const Instant wake = std::min(core_.wake_at(), link_.wake_at());
  struct timespec timeout {};
  if (wake != kNever) {
    const std::int64_t ms = std::clamp<std::int64_t>(wake.ms - net::monotonic_ms(), 0, 86'400'000);
    timeout.tv_sec = static_cast<time_t>(ms / 1000);
    timeout.tv_nsec = static_cast<long>(ms % 1000 * 1'000'000);
  }
  const int ready = ::ppoll(polled.data(), static_cast<nfds_t>(polled.size()),
                            wake == kNever ? nullptr : &timeout, &waiting_mask_);
  if (ready < 0 && errno != EINTR) say("poll failed");  // out of memory at most; the next round tries again
}

void Loop::take_news() {
  std::vector<LinkNews> news;
  link_.pump(Instant{net::monotonic_ms()}, news);
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
  if (refused.what == Refused::What::heartbeat) return core_.heartbeat_refused(refused.status);
  if (refused.what == Refused::What::subscribe)
    return core_.subscribe_refused(refused.status, refused.text, read_clocks());
  return core_.call_refused(refused.status, refused.text, read_clocks());
}

void Loop::reap_all() {
  if (!child_ended) return;
  child_ended = 0;
  Reaped reaped;
  while (reap(reaped)) {
    helper_ended(reaped.pid);
    const auto leader = std::find(leaders_.begin(), leaders_.end(), reaped.pid);
    if (leader == leaders_.end()) continue;  // an orphan
    leaders_.erase(leader);
    act(core_.exited(reaped.pid, {reaped.signalled, reaped.number}, group_alive(reaped.pid), read_clocks()));
  }
  for (const std::int64_t pid : core_.lingering_groups()) {
    if (!group_alive(pid)) act(core_.group_gone(pid, read_clocks()));
  }
}

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
    link_.subscribe(subscribe->body, Instant{net::monotonic_ms()});
  } else if (auto* post = std::get_if<Post>(&action)) {
    link_.post(std::move(post->body), post->heartbeat, Instant{net::monotonic_ms()});
  } else if (std::holds_alternative<Disconnect>(action)) {
    link_.disconnect();
  } else if (auto* order = std::get_if<StartProcess>(&action)) {
    start(*order);
  } else if (auto* signal = std::get_if<SignalGroup>(&action)) {
    signal_group(signal->pid, signal->signal);
  } else if (auto* tree = std::get_if<KillTree>(&action)) {
    kill(tree->pid);
  } else if (auto* end = std::get_if<SelfDestruct>(&action)) {
    self_destruct_in(end->in_ms);
  } else if (auto* line = std::get_if<Say>(&action)) {
    say(line->text);
  } else if (auto* exit = std::get_if<Exit>(&action)) {
    done_ = true;
    code_ = exit->code;
  }
}

void Loop::start(StartProcess& order) {
  auto pid = start_process(order.command, task_environment(environment_, order.command.env));
  if (pid.ok()) {
    leaders_.push_back(*pid);
    act(core_.started(order.task_id, *pid, read_clocks()));
  } else {
    act(core_.start_failed(order.task_id, pid.error().message, read_clocks()));
  }
}

void Loop::kill(std::int64_t pid) {
  std::vector<std::int64_t> others;
  for (const std::int64_t leader : leaders_) {
    if (leader != pid) others.push_back(leader);
  }
  for (const std::int64_t leader : core_.lingering_groups()) {
    if (leader != pid) others.push_back(leader);
  }
  kill_tree(pid, others);
}

}  // namespace mimas::executor
