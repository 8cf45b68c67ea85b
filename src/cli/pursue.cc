#include "cli/pursue.h"

#include <algorithm>
#include <vector>

#include "base/time.h"
#include "cli/change_feed.h"
#include "cli/exit.h"
#include "cli/follow.h"
#include "cli/print.h"
#include "cli/request_parts.h"
#include "cli/terminal.h"
#include "net/clock.h"

namespace mimas::cli {
namespace {

constexpr int kFailuresMax = 120;  // in a row: outlasts a restart of the server by half a minute
constexpr std::int64_t kNoWaitMs =
    3'000;  // offers need a moment to arrive before "cannot be placed" is believed

class Deadline {
 public:
  explicit Deadline(std::int64_t secs) : secs_(secs), at_ms_(net::monotonic_ms() + secs * 1'000) {}
  std::int64_t left_ms() const {
    if (secs_ == 0) return ChangeFeed::kQuietMs;
    return std::max<std::int64_t>(1, at_ms_ - net::monotonic_ms());
  }
  Status check(const std::string& what) const {
    if (secs_ == 0 || net::monotonic_ms() < at_ms_) return Done{};
    return make_error(Code::timeout,
                      what + " after " + std::to_string(secs_) + " s, and goes on without being watched");
  }

 private:
  std::int64_t secs_;
  std::int64_t at_ms_;
};

// One look at the server; nothing while it is away for a moment.
Result<std::optional<json::Document>> look(Rest& rest, const std::string& target, int& failures) {
  const Result<std::string> body = rest.get(target);
  if (!body.ok()) {
    const bool may_return = body.error().code == Code::unavailable || body.error().code == Code::timeout;
    if (!may_return || ++failures >= kFailuresMax) return body.error();
    if (failures == 1) complain(body.error().message + "; trying again");
    return std::optional<json::Document>();
  }
  failures = 0;
  Result<json::Document> parsed = parse_answer(*body);
  if (!parsed.ok()) return std::move(parsed).error();
  return std::optional<json::Document>(*std::move(parsed));
}

// `with_output`: what the job writes goes to the same terminal, where a line that is written over would be in
// its way.
Status tell(Follower& follower, json::Value job, const Client& client, Progress& progress, bool with_output) {
  const std::string now = format_rfc3339(net::wall_now());
  for (const std::string& line : follower.update(job, client.json ? now : now.substr(11, 8), client.json)) {
    if (!client.json) {
      progress.line(line);
    } else if (Status printed = print(line + "\n"); !printed.ok()) {
      return printed;
    }
  }
  if (!client.json && !with_output) progress.summary(follower.summary());
  return Done{};
}

std::optional<int> reached(const Follower& follower, Goal goal) {
  if (goal == Goal::size && follower.settled()) return kExitOk;
  if (!follower.ended()) return std::nullopt;
  if (goal == Goal::end) return kExitOk;
  return follower.succeeded() ? kExitOk : kExitJobFailed;
}

}  // namespace

Result<int> pursue(Rest& rest, const Client& client, const Pursuit& pursuit) {
  std::string events;
  add_parameter(events, "job", pursuit.job);
  ChangeFeed feed(client, events);
  Follower follower;
  Progress progress;
  const Deadline deadline(pursuit.timeout_secs);
  const std::int64_t give_up_at = net::monotonic_ms() + kNoWaitMs;
  for (int failures = 0;;) {
    const auto job = look(rest, job_target(pursuit.job), failures);
    if (!job.ok()) return job.error();
    if (*job) {
      if (pursuit.look) pursuit.look((*job)->root());
      if (const Status told = tell(follower, (*job)->root(), client, progress, pursuit.look != nullptr);
          !told.ok())
        return told.error();
      if (const std::optional<int> code = reached(follower, pursuit.goal)) return *code;
      const bool stuck = follower.waiting_for_place() && net::monotonic_ms() >= give_up_at;
      if (!pursuit.wait_for_place && stuck) return kExitPending;
    }
    if (const Status time = deadline.check(pursuit.job + " is not there yet"); !time.ok())
      return time.error();
    feed.wait(pursuit.wait_for_place ? deadline.left_ms() : std::min(kNoWaitMs / 4, deadline.left_ms()));
  }
}

Result<int> await_end_of_tasks(Rest& rest, const Client& client, const std::vector<std::string>& tasks,
                               std::int64_t timeout_secs) {
  const Deadline deadline(timeout_secs);
  for (const std::string& task : tasks) {
    std::string events;
    add_parameter(events, "job", job_of_task(task));
    ChangeFeed feed(client, events);
    for (int failures = 0;;) {
      const auto answer = look(rest, task_target(task), failures);
      if (!answer.ok() && answer.error().code == Code::not_found) break;  // ended, and not kept
      if (!answer.ok()) return answer.error();
      const std::string_view state = *answer ? (*answer)->root().string_or("state", "") : "";
      if (state == "FINISHED" || state == "FAILED" || state == "STOPPED" || state == "CRASHED") break;
      if (const Status time = deadline.check(task + " has not ended"); !time.ok()) return time.error();
      feed.wait(deadline.left_ms());
    }
  }
  return kExitOk;
}

}  // namespace mimas::cli
