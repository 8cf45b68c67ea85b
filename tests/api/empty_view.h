// A view of nothing, for tests that show a little of something: they say what differs.
#pragma once

#include "engine/view.h"

namespace mimas::api {

class EmptyView : public engine::View {
 public:
  JobPtr job(const JobId&) const override { return nullptr; }
  std::vector<JobPtr> jobs() const override { return {}; }
  TaskPtr task(const TaskId&) const override { return nullptr; }
  std::vector<TaskPtr> tasks_of(const JobId&) const override { return {}; }
  std::vector<AgentPtr> agents() const override { return {}; }
  std::string shortfall(const JobId&) const override { return {}; }
  ExplanationPtr explanation(const JobId&) const override { return nullptr; }
  std::vector<OrphanPtr> orphans() const override { return {}; }
  std::vector<ScalingGroupPtr> scaling() const override { return {}; }
  std::vector<CapacityGroupPtr> groups() const override { return {}; }
  std::map<std::string, std::string> alerts() const override { return {}; }
  OperationPtr operation(const OperationId&) const override { return nullptr; }
  std::vector<OperationPtr> operations() const override { return {}; }
  std::vector<JobVersionPtr> versions_of(const JobId&) const override { return {}; }
  std::vector<AuditPtr> audits(const JobId&, std::int64_t, std::size_t) const override { return {}; }
  engine::Connection connection() const override { return {}; }
};

}  // namespace mimas::api
