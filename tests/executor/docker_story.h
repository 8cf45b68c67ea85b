// A Docker task's machine, fed step by step, and what it does as words.
#pragma once

#include <doctest/doctest.h>

#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "executor/docker_task.h"

namespace mimas::executor {

using Kind = DockerAsk::Kind;

inline const char* kRunning = R"({"Id":"4f4f","State":{"Status":"running","Running":true,"Pid":77}})";
inline const char* kExited0 = R"({"Id":"4f4f","State":{"Status":"exited","ExitCode":0}})";

inline const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::pull: return "pull";
    case Kind::create: return "create";
    case Kind::find: return "find";
    case Kind::who: return "who";
    case Kind::passwd: return "passwd";
    case Kind::users: return "users";
    case Kind::attach: return "attach";
    case Kind::start: return "start";
    case Kind::look: return "look";
    case Kind::wait: return "wait";
    case Kind::record: return "record";
    case Kind::oom: return "oom";
    case Kind::signal: return "signal";
    case Kind::remove: return "remove";
  }
  return "";
}

// Feeds a machine and writes down what it does, as words.
struct Story {
  explicit Story(Container container = {}, Limits limits = {}) {
    make(std::move(container), limits, {}, false);
  }
  // Of a user, in an executor that may give it the sandbox.
  static Story of_user(std::string user) {
    Story story;
    story.make({}, {}, std::move(user), true);
    return story;
  }
  void make(Container container, Limits limits, std::string user, bool hands_over) {
    TaskOrder order;
    order.spec.command.user = std::move(user);
    order.task_id = "t";
    order.sandbox = "/s";
    order.spec.runtime = RuntimeKind::docker;
    order.spec.container = std::move(container);
    if (order.spec.container.image.empty()) order.spec.container.image = "app:1";
    order.spec.limits = limits;
    task = std::make_unique<DockerTask>(std::move(order),
                                        DockerWho{{42, "9000", "boot", "pid:[1]"}, "f", "a", hands_over}, 41);
  }

  std::string begin() {
    task->begin(now, acts);
    return told();
  }
  std::string answer(Kind kind, int status, std::string_view body = {}) {
    task->answered(kind, status, body, now, acts);
    return told();
  }
  std::string kill() {
    task->kill(now, acts);
    return told();
  }
  std::string output_over() {
    task->output_over(now, acts);
    return told();
  }
  std::string later() {  // to the next deadline
    REQUIRE(task->wake_at() != kNever);
    now = std::max(now, task->wake_at());
    task->timer(now, acts);
    return told();
  }
  void run(std::string_view running = kRunning) {
    CHECK(begin() == "create");
    CHECK(answer(Kind::create, 201, R"({"Id":"4f4f"})") == "attach");
    CHECK(answer(Kind::attach, 200) == "start");
    CHECK(answer(Kind::start, 204) == "look");
    CHECK(answer(Kind::look, 200, running) == "started wait");
  }

  std::string told() {
    std::string out;
    for (const DockerAct& act : acts) {
      if (!out.empty()) out += ' ';
      if (const auto* ask = std::get_if<DockerAsk>(&act)) {
        out += name_of(ask->kind);
        last = ask->request;
      } else if (const auto* drop = std::get_if<DockerDrop>(&act)) {
        out += std::string("-") + name_of(drop->kind);
      } else if (const auto* over = std::get_if<HandOver>(&act)) {
        out += "to" + std::to_string(over->to.uid);
      } else if (std::holds_alternative<KillPid>(act)) {
        out += "killpid";
      } else {
        out += news(std::get<RuntimeNews>(act));
      }
    }
    acts.clear();
    return out;
  }
  std::string news(const RuntimeNews& item) {
    if (const auto* failed = std::get_if<StartFailed>(&item)) {
      ++ends;
      message = failed->message;
      return failed->final ? "failed!" : "failed?";
    }
    if (const auto* ended = std::get_if<TaskEnded>(&item)) {
      ++ends;
      end = ended->end;
      return "ended";
    }
    if (std::holds_alternative<Started>(item)) return "started";
    if (const auto* progress = std::get_if<Progress>(&item)) {
      message = progress->text;
      return "progress";
    }
    return "line";
  }

  std::unique_ptr<DockerTask> task;
  DockerActs acts;
  Instant now{1'000'000};
  DockerRequest last;
  std::string message;
  ProcessEnd end;
  int ends = 0;
};

}  // namespace mimas::executor
