#include "executor/docker_task.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "wire/endpoint.h"

namespace mimas::executor {

using Kind = DockerAsk::Kind;

namespace {

constexpr std::int64_t kRetryMs = 200;

std::int64_t doubled(std::int64_t base_ms, int times, std::int64_t ms_max) {
  return std::min(ms_max, base_ms << std::clamp(times, 0, 20));
}

const char* method_of(Kind kind) {
  switch (kind) {
    case Kind::find:
    case Kind::who:
    case Kind::passwd:
    case Kind::users:
    case Kind::look:
    case Kind::record:
    case Kind::oom: return "GET";
    case Kind::remove: return "DELETE";
    default: return "POST";
  }
}

bool is_error(int status) { return status == 0 || status >= 500; }  // the outcome is not known

}  // namespace

ProcessEnd process_end(const ContainerState& container, const Limits& limits, bool killed_by_us) {
  ProcessEnd out;
  out.number = container.exit_code;
  if (container.exit_code > 128 && container.exit_code <= 128 + 31) {
    out.signalled = true;
    out.number = container.exit_code - 128;
  }
  out.memory_kill = container.oom_killed;
  out.memory_limit = container.oom_killed && out.signalled && out.number == SIGKILL && !killed_by_us;
  if (out.memory_limit && limits.memory_bytes > 0)
    out.memory_peak_bytes = std::max(limits.memory_bytes, kDockerMemoryMin);
  return out;
}

DockerTask::DockerTask(TaskOrder order, DockerWho who, int minor)
    : order_(std::move(order)),
      who_(std::move(who)),
      minor_(minor),
      name_(container_name(who_.framework_id, order_.task_id)) {}

const std::string& DockerTask::container() const { return id_.empty() ? name_ : id_; }

void DockerTask::ask(Kind kind, DockerActs& acts, std::string query) {
  const std::string path = "/containers/" + container();
  DockerRequest request;
  request.method = method_of(kind);
  switch (kind) {
    case Kind::pull: {
      const auto image = parse_image_name(order_.spec.container.image);
      if (!image.ok()) return;  // begin() has refused it
      request.target = "/images/create?fromImage=" + wire::percent_encode(image->name) +
                       "&tag=" + wire::percent_encode(image->tag);
      break;
    }
    case Kind::create:
      request.target = "/containers/create?name=" + name_;
      request.body = create_body(order_, who_, minor_);
      break;
    case Kind::find: request.target = "/containers/" + name_ + "/json"; break;
    case Kind::who: request.target = path + "/json"; break;
    case Kind::passwd: request.target = path + "/archive?path=%2Fetc%2Fpasswd"; break;
    case Kind::users: request.target = "/info"; break;
    case Kind::attach: request.target = path + "/attach?stream=1&stdout=1&stderr=1"; break;
    case Kind::start: request.target = path + "/start"; break;
    case Kind::look: request.target = path + "/json"; break;
    case Kind::wait: request.target = path + "/wait"; break;
    case Kind::record: request.target = path + "/logs?stdout=1&stderr=1&timestamps=1" + query; break;
    case Kind::oom:
      request.target = "/events?since=0&filters=" +
                       wire::percent_encode("{\"container\":[\"" + container() + "\"],\"event\":[\"oom\"]}");
      break;
    case Kind::signal: request.target = path + "/kill?signal=" + query; break;
    case Kind::remove: request.target = path + "?force=1&v=1"; break;
  }
  if (kind == Kind::look) looking_ = true;
  if (kind == Kind::wait) waiting_ = true;
  acts.push_back(DockerAsk{kind, std::move(request)});
}

void DockerTask::ask_later(Kind kind, Instant at) {
  due_kind_ = kind;
  due_ = at;
}

void DockerTask::begin(Instant now, DockerActs& acts) {
  if (auto checked = check_container(order_); !checked.ok()) {
    phase_ = Phase::over;
    return tell_failure(checked.error().text(), true, acts);
  }
  if (order_.spec.container.pull == Container::Pull::always) {
    phase_ = Phase::pulling;
    pulled("", now, acts);
    return ask(Kind::pull, acts);
  }
  phase_ = Phase::creating;
  ask(Kind::create, acts);
}

void DockerTask::tell_failure(std::string message, bool final, DockerActs& acts) {
  told_ = true;
  acts.push_back(RuntimeNews(StartFailed{order_.task_id, std::move(message), final}));
}

// Says so, and removes what was created.
void DockerTask::fail(std::string message, bool final, Instant now, DockerActs& acts) {
  tell_failure(std::move(message), final, acts);
  if (output_ == Output::open) acts.push_back(DockerDrop{Kind::attach});
  output_ = Output::over;
  due_ = kNever;
  const bool nothing = phase_ == Phase::pulling || phase_ == Phase::finding || phase_ == Phase::clearing;
  if (nothing) {
    phase_ = Phase::over;
  } else {
    remove(now, acts);
  }
}

void DockerTask::pulled(std::string_view progress, Instant now, DockerActs& acts) {
  if (phase_ != Phase::pulling || now < progress_from_) return;
  progress_from_ = now + kPullProgressMs;
  std::string text = "pulling " + order_.spec.container.image;
  if (!progress.empty()) text.append(": ").append(progress);
  acts.push_back(RuntimeNews(Progress{order_.task_id, std::move(text)}));
}

void DockerTask::answered(Kind kind, int status, std::string_view body, Instant now, DockerActs& acts) {
  switch (kind) {
    case Kind::pull: return pull_answered(status, body, now, acts);
    case Kind::create: return create_answered(status, body, now, acts);
    case Kind::find: return find_answered(status, body, now, acts);
    case Kind::who:
    case Kind::passwd:
    case Kind::users: return owner_answered(kind, status, body, acts);
    case Kind::attach:
    case Kind::record:
      if (phase_ >= Phase::running) return record_answered(kind, status, now, acts);
      if (phase_ != Phase::attaching) return;
      if (status != 200)
        return fail("cannot attach to the container: " + docker_message(body), false, now, acts);
      output_ = Output::open;
      phase_ = Phase::starting;
      tries_ = 0;
      return ask(Kind::start, acts);
    case Kind::start: return start_answered(status, body, now, acts);
    case Kind::look: looking_ = false; return looked(status, body, now, acts);
    case Kind::wait:
      waiting_ = false;
      if (phase_ != Phase::running) return;
      if (status != 200) wait_lost_ = true;
      return doubt(status == 200 ? std::string() : docker_message(body), now, acts);
    case Kind::oom:
      if (phase_ != Phase::running || !oom_asked_) return;
      oom_asked_->oom_killed = status == 200 && body.find("oom") != body.npos;
      return ended(process_end(*oom_asked_, order_.spec.limits, kill_), now, acts);
    case Kind::signal:
      if (phase_ == Phase::running && !is_error(status) && status >= 400) doubt({}, now, acts);
      return;
    case Kind::remove:
      if (phase_ == Phase::clearing) {
        phase_ = Phase::creating;
        return ask_later(Kind::create, now + kRetryMs);
      }
      if (phase_ != Phase::removing) return;
      if (status == 204 || status == 404 || now >= remove_by_) phase_ = Phase::over;
      else ask_later(Kind::remove, now + doubled(kRetryMs, tries_++, kLookPauseMsMax));
  }
}

void DockerTask::pull_answered(int status, std::string_view body, Instant now, DockerActs& acts) {
  if (phase_ != Phase::pulling) return;
  if (status == 200) {
    pulled_ = true;
    phase_ = Phase::creating;
    tries_ = 0;
    return ask(Kind::create, acts);
  }
  std::string why = docker_message(body);
  const bool final = pull_fault_is_final(status, why);
  if (final || ++tries_ >= kPullTries)
    return fail("cannot pull the image '" + order_.spec.container.image + "': " + why, final, now, acts);
  progress_from_ = Instant{0};
  pulled("", now, acts);
  ask_later(Kind::pull, now + doubled(kPullPauseMs, tries_ - 1, 60'000));
}

void DockerTask::created(Instant now, DockerActs& acts) {
  tries_ = 0;
  phase_ = Phase::owning;
  if (told_) return remove(now, acts);
  if (!who_.hands_over) return attach(acts);
  user_ = order_.spec.command.user;
  if (user_.empty()) return ask(Kind::who, acts);
  find_owner(acts);
}

// The sandbox is its user's, as a process's is. Whoever runs in the image as root needs nothing, and what
// cannot be found out is left to Docker to complain about at the start.
void DockerTask::find_owner(DockerActs& acts) {
  if (user_.empty()) return attach(acts);
  if (!is_numeric_user(user_) && passwd_.empty()) return ask(Kind::passwd, acts);
  if (!find_container_user(user_, passwd_)) return attach(acts);
  ask(Kind::users, acts);
}

void DockerTask::owner_answered(Kind kind, int status, std::string_view body, DockerActs& acts) {
  if (phase_ != Phase::owning) return;
  if (kind == Kind::who) {
    const auto container = parse_container(body);
    user_ = status == 200 && container.ok() ? container->user : std::string();
    return find_owner(acts);
  }
  if (kind == Kind::passwd) {
    passwd_ = status == 200 ? file_in_tar(body) : std::string_view();
    return passwd_.empty() ? attach(acts) : find_owner(acts);
  }
  if (status == 200 && !remaps_users(body)) {
    acts.push_back(HandOver{*find_container_user(user_, passwd_)});
  } else {
    acts.push_back(
        RuntimeNews(Lines{"the sandbox of " + order_.task_id +
                          " is not handed over: its user has another number outside the container"}));
  }
  attach(acts);
}

void DockerTask::attach(DockerActs& acts) {
  phase_ = Phase::attaching;
  ask(Kind::attach, acts);
}

void DockerTask::create_answered(int status, std::string_view body, Instant now, DockerActs& acts) {
  if (phase_ != Phase::creating) return;
  const Container& container = order_.spec.container;
  if (status == 201) {
    id_ = parse_created(body);
    return created(now, acts);
  }
  const std::string why = docker_message(body);
  ++tries_;
  if (status == 409 || (is_error(status) && told_)) return find(acts);
  if (told_) return nothing_left();
  if (status == 404 && why.find("image") != why.npos && !pulled_) {
    if (container.pull != Container::Pull::never) {
      phase_ = Phase::pulling;
      tries_ = 0;
      pulled("", now, acts);
      return ask(Kind::pull, acts);
    }
    nothing_left();
    return tell_failure(
        "the image '" + container.image + "' is not on this machine, and it is never to be pulled", true,
        acts);
  }
  const bool final = !is_error(status) || start_fault_is_final(status, why);
  if (!final && tries_ < kCreateTries)
    return ask_later(Kind::create, now + doubled(kRetryMs, tries_, kLookPauseMsMax));
  tell_failure("cannot create the container: " + why, final, acts);
  if (is_error(status)) find(acts);  // it may have been created all the same
  else nothing_left();
}

void DockerTask::nothing_left() {
  phase_ = Phase::over;
  due_ = kNever;
}

void DockerTask::find(DockerActs& acts) {
  phase_ = Phase::finding;
  due_ = kNever;
  ask(Kind::find, acts);
}

void DockerTask::find_answered(int status, std::string_view body, Instant now, DockerActs& acts) {
  if (phase_ != Phase::finding) return;
  if (status == 404 && told_) return nothing_left();
  if (status == 404 && tries_ < kCreateTries) {  // gone again
    phase_ = Phase::creating;
    return ask_later(Kind::create, now + kRetryMs);
  }
  if (++tries_ < 2 * kCreateTries) return ask_later(Kind::find, now + kRetryMs);
  if (told_) return nothing_left();
  fail("cannot inspect the container '" + name_ + "': " + docker_message(body), false, now, acts);
}

void DockerTask::judged(Owner owner, const ContainerState& container, Instant now, DockerActs& acts) {
  if (phase_ != Phase::finding) return;
  if (owner == Owner::self && container.label("mimas.task") == order_.task_id) {
    id_ = container.id;  // the answer to our own create was lost
    if (told_ || container.is == ContainerState::Is::created) return created(now, acts);
    owner = Owner::dead;  // a former life of the same task in this executor: over
  }
  if (told_) return nothing_left();
  if (owner == Owner::dead && tries_ < kCreateTries) {
    phase_ = Phase::clearing;
    id_.clear();
    return ask(Kind::remove, acts);
  }
  const std::string name = "a container '" + name_ + "' exists already";
  fail(owner == Owner::foreign
           ? name + ", and was not made by mimas; remove it"
           : name + ", of the executor with pid " + std::string(container.label("mimas.executor.pid")),
       owner == Owner::foreign, now, acts);
}

void DockerTask::start_answered(int status, std::string_view body, Instant now, DockerActs& acts) {
  if (phase_ != Phase::starting) return;
  if (status == 204 || status == 304 || status == 0) {  // without an answer it may have been started
    phase_ = Phase::looking;
    doubt_since_ = now;
    doubt_why_ = docker_message(body);
    return ask(Kind::look, acts);
  }
  std::string why = docker_message(body);
  fail("cannot start the container: " + why, start_fault_is_final(status, why), now, acts);
}

// The container is looked at until it is known how it is.
void DockerTask::doubt(std::string why, Instant now, DockerActs& acts) {
  if (doubt_since_ == kNever) {
    doubt_since_ = now;
    tries_ = 0;
  }
  if (!why.empty()) doubt_why_ = std::move(why);
  if (!looking_) ask(Kind::look, acts);
}

void DockerTask::looked(int status, std::string_view body, Instant now, DockerActs& acts) {
  if (phase_ != Phase::looking && phase_ != Phase::running) return;
  if (status == 404) {
    if (phase_ == Phase::looking) return fail("somebody removed the container", false, now, acts);
    ProcessEnd end;
    end.unknown = "somebody removed its container";
    return ended(std::move(end), now, acts);
  }
  auto container = parse_container(body);
  if (status == 200 && container.ok()) return see(*container, now, acts);
  if (doubt_since_ == kNever) doubt_since_ = now;
  doubt_why_ = status == 200 ? container.error().text() : docker_message(body);
  if (now - doubt_since_ < kDoubtMs)
    return ask_later(Kind::look, now + doubled(kRetryMs, tries_++, kLookPauseMsMax));
  const std::string why =
      "Docker has not said for " + std::to_string(kDoubtMs / 1000) + " s how it is: " + doubt_why_;
  if (phase_ == Phase::looking) return fail(why, false, now, acts);
  if (facts_.pid > 0) acts.push_back(KillPid{facts_.pid, id_});
  ProcessEnd end;
  end.unknown = why;
  ended(std::move(end), now, acts);
}

void DockerTask::see(const ContainerState& container, Instant now, DockerActs& acts) {
  id_ = container.id;
  stop_signal_ = container.stop_signal;
  const auto is = container.is;
  if (phase_ == Phase::looking && is == ContainerState::Is::created) {
    if (++tries_ >= kCreateTries)
      return fail("cannot start the container: " + (container.error.empty() ? doubt_why_ : container.error),
                  false, now, acts);
    phase_ = Phase::starting;
    return ask_later(Kind::start, now + kRetryMs);
  }
  if (phase_ == Phase::looking && is == ContainerState::Is::exited && !container.error.empty())
    return fail("cannot start the container: " + container.error, start_fault_is_final(0, container.error),
                now, acts);
  if (phase_ == Phase::looking) begin_running(container, now, acts);
  doubt_since_ = kNever;
  due_ = kNever;
  tries_ = 0;
  if (is != ContainerState::Is::running) {
    if (ask_for_oom(container, acts)) return;
    return ended(process_end(container, order_.spec.limits, kill_), now, acts);
  }
  if (!waiting_) {
    wait_lost_ = false;
    ask(Kind::wait, acts);
  }
  if (output_ == Output::lost) follow_output(acts);
}

// Docker loses sight of the kernel's kill when it hears of it after the end (moby's libcontainerd keeps the
// two apart): its list of events has it all the same.
bool DockerTask::ask_for_oom(const ContainerState& container, DockerActs& acts) {
  const bool suspect = order_.spec.limits.memory_bytes > 0 && container.exit_code == 128 + SIGKILL &&
                       !container.oom_killed && !kill_ && !oom_asked_;
  if (!suspect) return false;
  oom_asked_ = container;
  ask(Kind::oom, acts);
  return true;
}

void DockerTask::begin_running(const ContainerState& container, Instant now, DockerActs& acts) {
  phase_ = Phase::running;
  facts_.container_id = container.id;
  facts_.pid = container.pid;
  facts_.ip = container.ip;
  acts.push_back(RuntimeNews(Started{order_.task_id, facts_}));
  if (kill_ && container.is == ContainerState::Is::running) kill_running(now, acts);
}

// From Docker's record, after the attachment was lost.
void DockerTask::follow_output(DockerActs& acts) {
  output_ = Output::open;
  ask(Kind::record, acts, phase_ == Phase::running ? "&follow=1" : "&follow=0");
}

void DockerTask::record_answered(Kind kind, int status, Instant now, DockerActs& acts) {
  if ((phase_ != Phase::running && phase_ != Phase::draining) || status == 200) return;
  const bool draining = phase_ == Phase::draining;
  output_ = Output::lost;
  if (++record_tries_ >= kCreateTries || (kind == Kind::record && !is_error(status)) || status == 501) {
    acts.push_back(RuntimeNews(
        Lines{"output of " + order_.task_id + " is missing: Docker was away, and has no record of it"}));
    output_ = Output::over;
    if (!draining && record_tries_ < kCreateTries) {  // of a log driver that cannot be read
      output_ = Output::open;
      ask(Kind::attach, acts);
    }
  }
  if (draining) return conclude(now, acts);
  if (output_ == Output::lost) ask_later(Kind::look, now + doubled(kRetryMs, record_tries_, kLookPauseMsMax));
}

void DockerTask::output_moved(Instant now) {
  if (phase_ == Phase::draining && !kill_) drain_by_ = std::max(drain_by_, now + kDrainMs);
}

void DockerTask::output_over(Instant now, DockerActs& acts) {
  if (output_ != Output::open) return;
  output_ = Output::lost;
  if (phase_ == Phase::draining) {
    output_ = Output::over;
    return conclude(now, acts);
  }
  // Most often the end of the task, which the answer to wait is about to say.
  if (phase_ == Phase::running && !looking_ && due_ == kNever) ask_later(Kind::look, now + kLostOutputMs);
}

void DockerTask::signal(int number, Instant now, DockerActs& acts) {
  if (number == SIGKILL || phase_ < Phase::starting) return kill(now, acts);  // nothing can react to it yet
  const std::string asked = number > 0             ? std::to_string(number)
                            : stop_signal_.empty() ? std::to_string(SIGTERM)
                                                   : wire::percent_encode(stop_signal_);
  if (phase_ == Phase::running) ask(Kind::signal, acts, asked);
}

void DockerTask::kill(Instant now, DockerActs& acts) {
  if (std::exchange(kill_, true)) return;
  switch (phase_) {
    case Phase::fresh:
    case Phase::pulling:
      phase_ = Phase::pulling;
      acts.push_back(DockerDrop{Kind::pull});
      return fail("killed before its image was there", true, now, acts);
    case Phase::clearing: return fail("killed before its container was created", true, now, acts);
    case Phase::owning:
    case Phase::attaching: return fail("killed before its container was started", true, now, acts);
    case Phase::running: return kill_running(now, acts);
    case Phase::draining: drain_by_ = std::min(drain_by_, now + kDrainKilledMs); return;
    case Phase::creating:
    case Phase::finding:  // the answer on its way says whether there is something to remove
      if (told_) return;
      tell_failure("killed before its container was created", true, acts);
      if (due_ != kNever) find(acts);
      return;
    case Phase::starting:  // their answers look at kill_
    case Phase::looking:
    case Phase::removing:
    case Phase::over: return;
  }
}

void DockerTask::kill_running(Instant now, DockerActs& acts) {
  kill_due_ = now + kKillAgainMs;
  ask(Kind::signal, acts, "9");
}

void DockerTask::ended(ProcessEnd end, Instant now, DockerActs& acts) {
  end_ = std::move(end);
  phase_ = Phase::draining;
  due_ = kill_due_ = kNever;
  drain_by_ = now + (kill_ ? kDrainKilledMs : kDrainMs);
  if (!end_.unknown.empty()) return conclude(now, acts);
  // The end of the attachment is the end of the output, unless Docker was away.
  if (output_ == Output::lost && !wait_lost_) output_ = Output::over;
  if (output_ == Output::lost) return follow_output(acts);
  if (output_ != Output::open) conclude(now, acts);
}

void DockerTask::conclude(Instant now, DockerActs& acts) {
  told_ = true;
  if (output_ == Output::open) {
    acts.push_back(DockerDrop{Kind::attach});
    acts.push_back(DockerDrop{Kind::record});
  }
  output_ = Output::over;
  acts.push_back(RuntimeNews(TaskEnded{order_.task_id, end_, false}));
  remove(now, acts);
}

void DockerTask::remove(Instant now, DockerActs& acts) {
  phase_ = Phase::removing;
  tries_ = 0;
  due_ = kill_due_ = drain_by_ = kNever;
  remove_by_ = now + kRemoveMs;
  ask(Kind::remove, acts);
}

// Docker loses the end of a container now and then, or hangs before it has told it: nobody waits for that.
void DockerTask::process_gone(Instant now) {
  if (gone_since_ == kNever) gone_since_ = now;
}

Instant DockerTask::wake_at() const { return std::min({due_, kill_due_, drain_by_}); }

void DockerTask::timer(Instant now, DockerActs& acts) {
  if (due_ <= now) {
    due_ = kNever;
    if (due_kind_ != Kind::look || !looking_) ask(due_kind_, acts);
  }
  if (phase_ == Phase::running && gone_since_ != kNever && now - gone_since_ >= kGoneMs) {
    ProcessEnd end;
    end.unknown =
        "its process is gone, and Docker has not noticed for " + std::to_string(kGoneMs / 1000) + " s";
    return ended(std::move(end), now, acts);
  }
  if (kill_due_ <= now && phase_ == Phase::running) {
    kill_due_ = now + kKillAgainMs;
    if (facts_.pid > 0) acts.push_back(KillPid{facts_.pid, id_});
    ask(Kind::signal, acts, "9");
    doubt({}, now, acts);
  }
  if (drain_by_ <= now && phase_ == Phase::draining) conclude(now, acts);
}

}  // namespace mimas::executor
