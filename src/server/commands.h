// How a request becomes a command: checked, allowed, handed to the loop, waited for. Shared by the files of
// routes. On http workers.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/render.h"
#include "server/answers.h"
#include "server/lookup.h"
#include "server/policy_gate.h"
#include "server/routes.h"
#include "server/scopes.h"

namespace mimas::server {

// What became of a command: the engine's answer, an error, or what the policy refuses.
class Outcome : public Result<engine::Answer> {
 public:
  Outcome(engine::Answer answer) : Result(std::move(answer)) {}
  Outcome(Error error) : Result(std::move(error)) {}
  Outcome(Result<engine::Answer> answer) : Result(std::move(answer)) {}
  explicit Outcome(std::vector<api::Fault> refused)
      : Result(make_error(Code::permission_denied, "the policy does not allow it")),
        refused_(std::move(refused)) {}

  // Why there is no answer; `status`: of an error, instead of its code's own.
  http::Reply refusal(int status = 0) const {
    return refused_.empty() ? problem(error(), status) : faults(refused_);
  }

 private:
  std::vector<api::Fault> refused_;
};

// Hands a command to the loop and waits until it is on disk. What the engine answered, or why there is no
// answer.
template <class Command>
Outcome carry_out(const RouteContext& context, const Call& call, Command command) {
  if (Status allowed = in_scope(context.view, call, command); !allowed.ok())
    return std::move(allowed).error();
  if (auto faults = forbidden(context, call, command); !faults.empty()) return Outcome(std::move(faults));
  command.user = sender_of(call, command.user);
  command.address = call.request.remote;
  const engine::RequestId request = context.replies.open();
  command.request = request;
  if (!context.mailbox.offer(std::move(command))) {
    context.replies.cancel(request);
    return make_error(Code::resource_exhausted, "too many commands are waiting", {}, "try again in a second");
  }
  auto answer = context.replies.wait(request, context.command_timeout_ms);
  if (answer) return *std::move(answer);
  return make_error(Code::unavailable, "the command was not confirmed in time; it may still be carried out",
                    {}, "look before you send it again");
}

// The version that If-Match asks a job to have: "3" with or without its quotes, or W/"3". Nothing without the
// header and for `*`, which any job that is there matches. Errors: invalid_argument.
Result<std::optional<std::int64_t>> if_match(const http::Request& request);
std::string entity_tag(const Job& job);  // "3" in quotes: Job::version

// A change of one job, which the command calls by its id or its name, and that may have been told a version:
// 412 when it has another one. To kill a job that retention has removed is to have killed it: what is not on
// record goes to the engine, which knows by the number whether it was ever there.
template <class Command>
http::Reply change_reply(const RouteContext& context, const Call& call, Command command) {
  const std::string called = command.job.value;
  const auto job = find_job(context.view, call.who, called);
  if (job.ok()) {
    command.job = (*job)->id;
    if (Status allowed = may_change(call, (*job)->spec->app_name); !allowed.ok())
      return problem(allowed.error());
  } else if (!std::is_same_v<Command, engine::KillJob> || parse_job_number(called) < 0) {
    return problem(job.error());
  }
  const JobId id = command.job;
  const auto version = if_match(call.request);
  if (!version.ok()) return problem(version.error());
  if (*version) command.if_version = *version;
  const auto answer = carry_out(context, call, std::move(command));
  if (answer.ok()) return no_content();
  if (answer.error().code == Code::not_found) return problem(no_such_job(called));
  const JobPtr now = context.view.job(id);
  const bool passed = *version && answer.error().code == Code::conflict && now && now->version != **version;
  return answer.refusal(passed ? 412 : 0);
}

// Idempotency-Key of a request: at most so many bytes of printable ASCII.
inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;
struct ReceiptKey {
  std::string key;          // with the caller's name before it; empty: none was sent
  std::string fingerprint;  // of the body
};
Result<ReceiptKey> receipt_key(const Call& call);

// A parameter that is true, false, or absent, which is false. Errors: invalid_argument.
Result<bool> flag_parameter(const http::Request& request, std::string_view name);

http::Reply list_reply(http::Reply reply,
                       const std::string& cursor);  // with X-Next-Cursor unless it is empty
http::Reply task_list(const engine::View& view, api::TaskQuery query, api::Sight sight);

}  // namespace mimas::server
