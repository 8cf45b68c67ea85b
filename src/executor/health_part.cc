#include "executor/health_part.h"

#include <algorithm>
#include <utility>

namespace mimas::executor {
namespace {

// Of what a command printed, the line that people look at first.
std::string_view last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const std::size_t before = text.rfind('\n');
  return before == std::string_view::npos ? text : text.substr(before + 1);
}

}  // namespace

void HealthPart::started(const TaskOrder& order, const RunFacts& facts, Instant now) {
  if (order.spec.checks.empty()) return;
  Watched task;
  task.task_id = order.task_id;
  for (const HealthCheck& check : order.spec.checks) {
    task.checks.emplace_back(check, now, prng_.next());
    task.questions.push_back({target_of(check, order.spec, facts), nullptr, 0});
  }
  tasks_.push_back(std::move(task));
}

void HealthPart::ended(std::string_view task_id, const ProcessEnd&, Instant) {
  std::erase_if(tasks_, [&](const Watched& task) { return task.task_id == task_id; });
}

void HealthPart::probe_ended(const ProbeEnded& answer, Instant now) {
  for (Watched& task : tasks_) {
    if (task.task_id != answer.task_id) continue;
    for (std::size_t i = 0; i < task.questions.size(); ++i) {
      if (task.questions[i].command == 0 || task.questions[i].command != answer.probe) continue;
      task.questions[i].command = 0;
      std::string what = answer.status < 0 ? std::string("could not be run, or took too long")
                                           : "exit status " + std::to_string(answer.status);
      if (const std::string_view printed = last_line(answer.message); !printed.empty()) {
        what.append(": ").append(printed);
      }
      task.checks[i].answered(answer.status == 0, what, now);
    }
  }
}

void HealthPart::add_to(std::vector<pollfd>& polled) const {
  for (const Watched& task : tasks_) {
    for (const Question& question : task.questions) {
      if (question.network) question.network->add_to(polled);
    }
  }
}

// Answers that came by probe_ended() are told in the same round of the loop, by the pump() that follows.
Instant HealthPart::wake_at() const {
  Instant wake = kNever;
  for (const Watched& task : tasks_) {
    for (std::size_t i = 0; i < task.checks.size(); ++i) {
      const bool over = task.questions[i].network && task.questions[i].network->over();
      wake = std::min(wake, over ? Instant{0} : task.checks[i].wake_at());
    }
    const HealthVerdict verdict = verdict_of(task.checks);
    if (verdict.same_as(task.said)) continue;
    wake = std::min(wake, verdict.judges_as(task.said) ? task.remark_at : Instant{0});
  }
  return wake;
}

void HealthPart::ask(Watched& task, std::size_t at, Instant now, std::vector<PartNews>& news) {
  CheckRun& run = task.checks[at];
  Question& question = task.questions[at];
  const HealthCheck& check = run.check();
  run.asked(now);
  if (check.kind == HealthCheck::Kind::command) {
    question.command = ++probes_;
    news.push_back(ProbeWanted{task.task_id, question.command, check.argv, check.timeout_ms});
  } else {
    question.network = std::make_unique<NetworkProbe>(check, question.target);
  }
}

void HealthPart::look(Watched& task, std::size_t at, Instant now, std::vector<PartNews>& news) {
  CheckRun& run = task.checks[at];
  Question& question = task.questions[at];
  if (run.due(now)) ask(task, at, now, news);
  if (question.network) {
    question.network->pump();
    if (question.network->over()) {
      run.answered(question.network->good(), question.network->message(), now);
      question.network.reset();
    }
  }
  if (run.asking() && run.wake_at() <= now) {
    run.overdue(now);
    question.network.reset();
  }
}

void HealthPart::pump(Instant now, std::vector<PartNews>& news) {
  for (Watched& task : tasks_) {
    for (std::size_t i = 0; i < task.checks.size(); ++i) look(task, i, now, news);
    HealthVerdict verdict = verdict_of(task.checks);
    if (verdict.same_as(task.said)) continue;
    if (verdict.judges_as(task.said) && now < task.remark_at) continue;
    task.remark_at = now + kRemarkMs;
    news.push_back(HealthNews{task.task_id, verdict.healthy, verdict.ready, verdict.message});
    task.said = std::move(verdict);
  }
}

}  // namespace mimas::executor
