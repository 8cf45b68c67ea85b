// A core on a bench: a hand-cranked clock, made-up processes, and everything the core asked for, to look at.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/base64.h"
#include "executor/core.h"
#include "json/value.h"

namespace mimas::executor {
inline std::uint8_t next_random = 0;
inline RandomBytes counting() {
  RandomBytes bytes;
  bytes.fill(++next_random);
  return bytes;
}

inline Settings checkpointing() {
  Settings s;
  s.framework_id = "f";
  s.executor_id = "e";
  s.checkpoint = true;
  s.recovery_timeout_ms = 60'000;
  s.subscription_backoff_ms_max = 2'000;
  s.shutdown_grace_ms = 5'000;
  return s;
}

inline Settings not_checkpointing() {
  Settings s = checkpointing();
  s.checkpoint = false;
  return s;
}

struct Posted {
  std::string task, state, reason, message, uuid, data;
  std::optional<bool> healthy;
};

// A core with a hand-cranked clock, whose tasks start at once with the pids 100, 101, … Calls append to
// `seen`; the getters pick from it by kind.
struct Bench {
  Core core;
  std::int64_t ms = 1'000'000;
  Actions seen;
  std::vector<std::string> pids;  // from 100 on: whose
  bool exec_works = true;
  bool starts_slowly = false;  // started() is called by hand

  explicit Bench(const Settings& settings = checkpointing(), const Options& options = {})
      : core(settings, options, &counting) {
    add(core.start(now()));
  }

  Now now() const { return {Instant{ms}, Instant{1'700'000'000'000 + ms}}; }

  void add(Actions actions) {
    for (Action& action : actions) {
      std::string start;
      if (auto* order = std::get_if<StartTask>(&action)) start = order->order.task_id;
      seen.push_back(std::move(action));
      if (start.empty()) continue;
      if (starts_slowly) continue;
      if (exec_works) {
        started(start);
      } else {
        add(core.start_failed({start, "cannot run 'x'", true}, now()));
      }
    }
  }
  void started(const std::string& id) {
    RunFacts facts;
    facts.pid = 100 + static_cast<std::int64_t>(pids.size());
    pids.push_back(id);
    add(core.started(id, facts, now()));
  }
  void event(Event e) { add(core.event(std::move(e), now())); }
  void subscribed(bool killing = false) { event(Subscribed{killing}); }
  // Lets time pass the way the loop does: from deadline to deadline.
  void pass(std::int64_t by) {
    const std::int64_t until = ms + by;
    while (core.wake_at().ms <= until && !core.exiting()) {
      ms = std::max(ms, core.wake_at().ms);
      add(core.timer(now()));
    }
    ms = until;
  }
  void launch(const std::string& id, std::optional<std::int64_t> grace = {},
              std::optional<std::int64_t> longest = {}, const TaskSpec& spec = {}) {
    Launch order;
    order.tasks.push_back({id, R"({"task_id":{"value":")" + id + R"("}})", grace, longest, spec});
    event(std::move(order));
  }
  std::string whose(std::int64_t pid) const {
    const auto at = static_cast<std::size_t>(pid - 100);
    return at < pids.size() ? pids[at] : "nobody";
  }
  void ended(const std::string& id, ProcessEnd end, bool others = false) {
    add(core.ended(id, std::move(end), others, now()));
  }
  void exit(std::int64_t pid, int status, bool others = false) {
    ProcessEnd end;
    end.number = status;
    ended(whose(pid), end, others);
  }
  void die(std::int64_t pid, int signal) {
    ProcessEnd end;
    end.signalled = true;
    end.number = signal;
    ended(whose(pid), end);
  }
  void acknowledge(const Posted& update) { event(Acknowledged{update.task, update.uuid}); }
  void acknowledge_all() {
    for (const Posted& update : posts()) acknowledge(update);
  }

  static Posted read(const json::Value& status) {
    const auto id = status.find("task_id");
    return {std::string(id->string_or("value", "")),
            std::string(status.string_or("state", "")),
            std::string(status.string_or("reason", "")),
            std::string(status.string_or("message", "")),
            base64_decode(status.string_or("uuid", "")).value(),
            base64_decode(status.string_or("data", "")).value(),
            status.find("healthy") ? std::optional<bool>(status.bool_or("healthy", false)) : std::nullopt};
  }
  std::vector<Posted> posts() const {
    std::vector<Posted> out;
    for (const Action& action : seen) {
      const auto* post = std::get_if<Post>(&action);
      if (post == nullptr || post->kind != CallKind::update) continue;
      const auto document = json::parse(post->body);
      out.push_back(read(*document->root().find("update")->find("status")));
    }
    return out;
  }
  std::string states() const {  // "a:TASK_RUNNING a:TASK_FINISHED"
    std::string out;
    for (const Posted& post : posts()) out += (out.empty() ? "" : " ") + post.task + ":" + post.state;
    return out;
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const Action& action : seen) {
      if (const auto* one = std::get_if<T>(&action)) out.push_back(*one);
    }
    return out;
  }
  template <class T>
  std::size_t count() const {
    return all<T>().size();
  }
  int exit_code() const { return count<Exit>() == 1 ? all<Exit>()[0].code : -1; }
};

}  // namespace mimas::executor
