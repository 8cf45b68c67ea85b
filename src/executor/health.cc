#include "executor/health.h"

#include <algorithm>
#include <utility>

namespace mimas::executor {

CheckRun::CheckRun(HealthCheck check, Instant started, std::uint64_t seed)
    : check_(std::move(check)), started_(started), prng_(seed), asked_at_(started) {
  const std::int64_t within = std::min(check_.interval_ms, kFirstQuestionMs);
  next_at_ = started + static_cast<std::int64_t>(
                           prng_.below(static_cast<std::uint64_t>(std::max<std::int64_t>(within, 1))));
}

std::int64_t CheckRun::pause_ms(Instant now) {
  std::int64_t pause = check_.interval_ms;
  const bool eager = !good_ && now < started_ + check_.grace_ms && check_.kind != HealthCheck::Kind::command;
  if (eager) pause = std::min(pause, kEagerMs);
  const std::int64_t spread = pause / 5;
  return pause - spread / 2 +
         static_cast<std::int64_t>(
             prng_.below(static_cast<std::uint64_t>(std::max<std::int64_t>(spread, 1))));
}

void CheckRun::asked(Instant now) {
  asking_ = true;
  asked_at_ = now;
  give_up_at_ = now + check_.timeout_ms;
  if (check_.kind == HealthCheck::Kind::command) give_up_at_ = give_up_at_ + kCommandSlackMs;
}

void CheckRun::answered(bool good, std::string_view what, Instant now) {
  if (!asking_) return;
  asking_ = false;
  if (good) {
    good_ = true;
    failures_ = 0;
    message_.clear();
  } else {
    failed(what, now);
  }
  next_at_ = std::max(now, asked_at_ + pause_ms(now));
}

void CheckRun::overdue(Instant now) {
  if (!asking_) return;
  if (check_.kind == HealthCheck::Kind::command) {
    failed("no answer, and the command has not ended", now);
    give_up_at_ = now + check_.interval_ms;
  } else {
    answered(false, "no answer within " + std::to_string(check_.timeout_ms) + " ms", now);
  }
}

void CheckRun::failed(std::string_view what, Instant now) {
  if (!good_ && now < started_ + check_.grace_ms) return;
  ++failures_;
  message_ = name_of(check_);
  message_.append(": ").append(what.substr(0, kHealthMessageMax));
  if (failures_ > 1) message_ += " (failure " + std::to_string(failures_) + " in a row)";
  if (failures_ >= std::max<std::int64_t>(check_.failures, 1)) good_ = false;
}

namespace {

enum class Remark : char { nothing = '-', failing = 'f', told_well = 'w', told_failing = 'i' };

Remark remark_of(const CheckRun& run) {
  if (run.check().purpose != HealthCheck::Purpose::informational)
    return run.failing() && run.good() != false ? Remark::failing : Remark::nothing;
  return run.failing() ? Remark::told_failing : run.good() == true ? Remark::told_well : Remark::nothing;
}

std::string text_of(Remark remark, const CheckRun& run) {
  switch (remark) {
    case Remark::nothing: break;
    case Remark::failing:
      return "failing, and bad after " + std::to_string(run.check().failures) + " in a row: " + run.message();
    case Remark::told_well: return "for information: " + name_of(run.check()) + ": well";
    case Remark::told_failing: return "for information: " + run.message();
  }
  return {};
}

void add_remarks(HealthVerdict& verdict, const std::vector<CheckRun>& checks) {
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const CheckRun& run = checks[i];
    const Remark remark = remark_of(run);
    if (remark == Remark::nothing) continue;
    verdict.remarked.append(std::to_string(i)).push_back(static_cast<char>(remark));
    verdict.message.append(verdict.message.empty() ? "" : "; ").append(text_of(remark, run));
  }
  verdict.message = verdict.message.substr(0, kHealthTextMax);
}

// The judgement and its reason; remarks come behind it.
HealthVerdict judgement_of(const std::vector<CheckRun>& checks) {
  HealthVerdict verdict;
  const CheckRun* bad = nullptr;
  const CheckRun* unready = nullptr;
  bool all_good = true;
  bool any = false;
  for (const CheckRun& run : checks) {
    if (run.check().purpose == HealthCheck::Purpose::informational) continue;
    if (run.check().purpose == HealthCheck::Purpose::readiness) {
      verdict.ready = run.good();
      if (run.good() == false) unready = &run;
      continue;
    }
    any = true;
    if (run.good() == false && bad == nullptr) bad = &run;
    all_good = all_good && run.good() == true;
  }
  if (bad != nullptr) {
    verdict.healthy = false;
    verdict.message = bad->message();
    return verdict;
  }
  if (any && all_good) verdict.healthy = true;
  if (unready != nullptr) {
    verdict.message = "not ready: " + unready->message();
  } else if (verdict.ready == true) {
    verdict.message = verdict.healthy == true ? "healthy and ready" : "ready";
  } else if (verdict.healthy == true) {
    verdict.message = "healthy";
  }
  return verdict;
}

}  // namespace

HealthVerdict verdict_of(const std::vector<CheckRun>& checks) {
  HealthVerdict verdict = judgement_of(checks);
  add_remarks(verdict, checks);
  return verdict;
}

std::string name_of(const HealthCheck& check) {
  switch (check.kind) {
    case HealthCheck::Kind::http: return "http check of port " + std::to_string(check.port) + check.path;
    case HealthCheck::Kind::tcp: return "tcp check of port " + std::to_string(check.port);
    case HealthCheck::Kind::command: break;
  }
  return "check by command " + (check.argv.empty() ? std::string() : check.argv.front());
}

}  // namespace mimas::executor
