// Records that a step changed. Durable ones are committed by `store`; all of them, after the commit, replace
// what the published view shows. Applying a Change twice is the same as once.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/ids.h"
#include "model/agent.h"
#include "model/explanation.h"
#include "model/group.h"
#include "model/history.h"
#include "model/job.h"
#include "model/operation.h"
#include "model/orphan.h"
#include "model/scaling.h"
#include "model/task.h"

namespace mimas::engine {

// durable
struct PutJob {
  JobPtr job;
};
struct PutTask {
  TaskPtr task;
};
struct RemoveJob {
  JobId job;
};  // with all its tasks
struct RemoveTask {
  TaskId task;
};
struct PutFramework {
  FrameworkId framework;
};
struct PutNextJobNumber {
  std::int64_t number = 1;
};
struct PutOrphan {
  OrphanPtr orphan;
};  // on disk unless undecided: those are found again
struct RemoveOrphan {
  TaskId task;
};
struct PutOperation {
  OperationPtr operation;
};
struct RemoveOperation {
  OperationId operation;
};
struct PutAudit {
  AuditPtr audit;
};
struct RemoveAudit {
  std::int64_t number = 0;
};
struct PutJobVersion {
  JobVersionPtr version;
};  // removed with its job
struct RemoveJobVersion {
  JobId job;
  std::int64_t version = 1;
};
struct PutGroup {
  CapacityGroupPtr group;
};
struct RemoveGroup {
  std::string name;
};  // nobody describes it any more
struct PutReceipt {
  Receipt receipt;
};  // not shown
struct RemoveReceipt {
  std::string key;
};
struct PutAgentOrder {
  AgentOrderPtr order;
};  // shown as part of its agent
struct RemoveAgentOrder {
  AgentId agent;
};

// published only: rebuilt from Mesos after a restart
struct PutAgent {
  AgentPtr agent;
};
struct RemoveAgent {
  AgentId agent;
};
struct PutShortfall {
  JobId job;
  std::string text;
  ExplanationPtr why;  // null: no agent was looked at
};                     // why queued tasks of the job wait; empty: they do not
struct PutConnection {
  bool subscribed = false;
  std::string master;
};
struct PutAlert {
  std::string name;  // "orphans", "revived"
  std::string text;  // for a person; empty: all is well again
};
struct PutScaling {
  ScalingGroupPtr group;
};  // never removed: groups are as many as there are rules

using Change =
    std::variant<PutJob, PutTask, RemoveJob, RemoveTask, PutFramework, PutNextJobNumber, PutOperation,
                 RemoveOperation, PutAgent, RemoveAgent, PutShortfall, PutConnection, PutOrphan, RemoveOrphan,
                 PutAlert, PutAudit, RemoveAudit, PutJobVersion, RemoveJobVersion, PutGroup, RemoveGroup,
                 PutReceipt, RemoveReceipt, PutAgentOrder, RemoveAgentOrder, PutScaling>;

bool is_durable(const Change& change);

}  // namespace mimas::engine
