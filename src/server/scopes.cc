#include "server/scopes.h"

#include "server/lookup.h"

namespace mimas::server {
namespace {

Status of_job(const engine::View& view, const Call& call, const JobId& id) {
  if (call.who.may_change_all()) return Done{};
  const JobPtr job = view.job(id);
  if (!job) return no_such_job(id.value);
  return may_change(call, job->spec->app_name);
}

}  // namespace

Status in_scope(const engine::View&, const Call& call, const engine::SubmitJob& command) {
  return may_change(call, command.spec->app_name);
}
Status in_scope(const engine::View& view, const Call& call, const engine::KillJob& command) {
  return of_job(view, call, command.job);
}
Status in_scope(const engine::View& view, const Call& call, const engine::SetInstanceCounts& command) {
  return of_job(view, call, command.job);
}
Status in_scope(const engine::View& view, const Call& call, const engine::SetInService& command) {
  return of_job(view, call, command.job);
}
Status in_scope(const engine::View& view, const Call& call, const engine::SetJobProcesses& command) {
  return of_job(view, call, command.job);
}

Status in_scope(const engine::View& view, const Call& call, const engine::ChangeJob& command) {
  // Into another application only where both are the caller's.
  if (Status before = of_job(view, call, command.job); !before) return before;
  return may_change(call, command.spec->app_name);
}

Status in_scope(const engine::View& view, const Call& call, const engine::KillTasks& command) {
  if (call.who.may_change_all()) return Done{};
  Status known = Done{};
  for (const TaskId& id : command.tasks) {  // one of another's is told before one that nobody has
    const TaskPtr task = view.task(id);
    const JobPtr job = task ? view.job(task->job) : nullptr;
    if (!job) {
      if (known) known = no_such_task(id.value);
    } else if (Status allowed = may_change(call, job->spec->app_name); !allowed) {
      return allowed;
    }
  }
  return known;
}

Status in_scope(const engine::View&, const Call& call, const engine::RequestOperation&) {
  return may_change_cluster(call);
}
Status in_scope(const engine::View&, const Call& call, const engine::AdoptOrphans&) {
  return may_change_cluster(call);
}
Status in_scope(const engine::View&, const Call& call, const engine::KillOrphans&) {
  return may_change_cluster(call);
}
Status in_scope(const engine::View&, const Call& call, const engine::OrderAgent&) {
  return may_change_cluster(call);
}
Status in_scope(const engine::View&, const Call& call, const engine::SetGroup&) {
  return may_change_cluster(call);
}
Status in_scope(const engine::View&, const Call& call, const engine::DeleteGroup&) {
  return may_change_cluster(call);
}
Status in_scope(const engine::View&, const Call& call, const engine::CollectGarbage&) {
  return may_change_cluster(call);
}

}  // namespace mimas::server
