// A master played by values: drives engine::step with a hand-cranked clock, keeps the emitted records as the
// store would, and can restart the engine from them. For the scenario, rule and property tests.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/state.h"
#include "engine/step.h"

namespace mimas::engine {

inline std::shared_ptr<JobSpec> batch_spec() {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "night";
  spec->request = {490, 96, 0, 0, 0};  // with the executor's share: half a CPU, 100 MiB
  return spec;
}

inline std::shared_ptr<JobSpec> service_spec() {
  std::shared_ptr<JobSpec> spec = batch_spec();
  spec->type = JobType::service;
  spec->name = "web";
  return spec;
}

class Play {
 public:
  explicit Play(Policy the_policy = {}) : policy(the_policy), state(the_policy) {}

  Policy policy;
  State state;
  Instant now{1'000'000'000};
  Step last;

  // the store
  std::map<std::int64_t, Job> jobs;
  std::map<std::string, Task> tasks;
  std::map<std::string, Orphan> orphans;
  std::map<std::int64_t, Operation> operations;
  std::map<std::int64_t, Audit> audits;
  std::map<std::pair<std::int64_t, std::int64_t>, JobVersion> versions;  // by (job number, version)
  std::map<std::string, Receipt> receipts;
  std::map<std::string, AgentOrder> agent_orders;
  std::map<std::string, CapacityGroup> groups;
  FrameworkId framework;
  std::int64_t next_job_number = 1;
  // the view
  std::map<std::string, Agent> agents;
  std::map<std::string, std::string> shortfalls;
  std::map<std::string, std::string> alerts;
  std::map<std::string, ScalingGroup> scaling;

  const Step& feed(const Input& input) {
    last = step(state, input, now);
    for (const Change& change : last.changes) std::visit([&](const auto& one) { keep(one); }, change);
    return last;
  }
  const Step& settle() { return feed(Settle{}); }
  void after(std::int64_t ms) { now = now + ms; }

  Recovered recovered() const {
    Recovered all{framework, next_job_number, {}, {}, {}};
    for (const auto& [id, orphan] : orphans) {
      if (orphan.decision != OrphanDecision::undecided) all.orphans.push_back(orphan);
    }
    for (const auto& [number, job] : jobs) all.jobs.push_back(job);
    for (const auto& [id, task] : tasks) all.tasks.push_back(task);
    for (const auto& [number, operation] : operations) all.operations.push_back(operation);
    for (const auto& [number, audit] : audits) all.audits.push_back(audit);
    if (!audits.empty()) all.next_audit_number = audits.rbegin()->first + 1;
    for (const auto& [place, version] : versions) all.versions.push_back(version);
    for (const auto& [key, receipt] : receipts) all.receipts.push_back(receipt);
    for (const auto& [agent, order] : agent_orders) all.agent_orders.push_back(order);
    for (const auto& [name, group] : groups) all.groups.push_back(group);
    return all;
  }
  void restart() { state = State(policy, recovered()); }

  // The step of the subscription; the master has shown everything that runs when it returns.
  const Step& subscribe() {
    Step first = feed(Subscribed{FrameworkId("F"), "master:5050"});
    end_listing();
    last = std::move(first);
    return last;
  }
  const Step& end_listing() {
    StatusUpdate end;
    end.task = TaskId(std::string(kListingEnd));
    end.reason = "RECONCILIATION";
    end.source = "MASTER";
    return feed(end);
  }
  // What the last step asks about tasks, but for the list of everything and its end.
  std::vector<Reconcile> questions() const {
    std::vector<Reconcile> found;
    for (const Reconcile* one : all<Reconcile>()) {
      bool listing = one->tasks.empty() || one->tasks[0].task.value == kListingEnd ||
                     one->tasks[0].task.value == kAgentProbe;
      if (!listing) found.push_back(*one);
    }
    return found;
  }

  JobId submit(std::shared_ptr<const JobSpec> spec, std::int64_t instances = 1) {
    SubmitJob command;
    command.request = 1;
    command.spec = std::move(spec);
    command.instances_desired = instances;
    command.instances_min = 0;
    command.instances_max = instances + 100;
    feed(command);
    auto* answer = only<Reply>();
    REQUIRE(answer->answer.ok());
    return std::get<JobAccepted>(*answer->answer).job;
  }

  Offer offer(const std::string& id, const std::string& agent, std::int64_t cpu_milli = 1'000,
              std::int64_t mem_mib = 1'024, const std::string& role = "*") {
    Offer one;
    one.id = OfferId(id);
    one.agent = AgentId(agent);
    one.hostname = "host-" + agent;
    one.endpoint = "127.0.0.1:5051";
    one.role = role;
    one.resources.cpu_milli = cpu_milli;
    one.resources.mem_mib = mem_mib;
    return one;
  }
  // A fresh offer and the settling that uses it.
  const Step& offer_and_settle(const std::string& agent, std::int64_t cpu_milli = 1'000) {
    feed(OffersReceived{{offer("o" + std::to_string(++offers_), agent, cpu_milli)}});
    return settle();
  }

  StatusUpdate update(const std::string& task, MesosState state_now, const std::string& reason = {},
                      const std::string& source = "EXECUTOR") {
    StatusUpdate one;
    one.task = TaskId(task);
    one.state = state_now;
    one.agent = tasks.contains(task) ? tasks.at(task).agent : AgentId("a1");
    if (source != "MASTER") one.uuid = "uuid-" + std::to_string(++uuids_);
    one.reason = reason;
    one.source = source;
    return one;
  }
  const Step& says(const std::string& task, MesosState state_now, const std::string& reason = {},
                   const std::string& source = "EXECUTOR") {
    return feed(update(task, state_now, reason, source));
  }
  const Step& master_says(const std::string& task, MesosState state_now, const std::string& reason) {
    return says(task, state_now, reason, "MASTER");
  }

  const Task& task(const std::string& id) const {
    REQUIRE(tasks.contains(id));
    return tasks.at(id);
  }
  const Job& job(const JobId& id) const { return jobs.at(parse_job_number(id.value)); }

  // The effects of one kind in the last step.
  template <class Kind>
  std::vector<const Kind*> all() const {
    std::vector<const Kind*> found;
    for (const Effect& effect : last.effects) {
      if (auto* one = std::get_if<Kind>(&effect)) found.push_back(one);
    }
    return found;
  }
  template <class Kind>
  const Kind* only() const {
    std::vector<const Kind*> found = all<Kind>();
    REQUIRE(found.size() == 1);
    return found.front();
  }
  template <class Kind>
  bool none() const {
    return all<Kind>().empty();
  }

  // "mimas-1-worker-0-0" subscribed, placed on agent a1 and running.
  JobId running(std::shared_ptr<const JobSpec> spec, std::int64_t instances = 1) {
    subscribe();
    JobId id = submit(std::move(spec), instances);
    settle();
    offer_and_settle("a1", 500 * instances);
    for (std::int64_t i = 0; i < instances; ++i) says(make_task_id(id, i, i).value, MesosState::running);
    settle();
    return id;
  }

 private:
  void keep(const PutJob& put) { jobs[put.job->number] = *put.job; }
  void keep(const PutTask& put) { tasks[put.task->id.value] = *put.task; }
  void keep(const RemoveJob& gone) {
    jobs.erase(parse_job_number(gone.job.value));
    std::erase_if(tasks, [&](const auto& one) { return one.second.job == gone.job; });
    std::erase_if(versions, [&](const auto& one) { return one.second.job == gone.job; });
  }
  void keep(const RemoveTask& gone) { tasks.erase(gone.task.value); }
  void keep(const PutFramework& put) { framework = put.framework; }
  void keep(const PutNextJobNumber& put) { next_job_number = put.number; }
  void keep(const PutOperation& put) { operations[put.operation->number] = *put.operation; }
  void keep(const RemoveOperation& gone) { operations.erase(parse_operation_number(gone.operation.value)); }
  void keep(const PutAgent& put) { agents[put.agent->id.value] = *put.agent; }
  void keep(const RemoveAgent& gone) { agents.erase(gone.agent.value); }
  void keep(const PutShortfall& put) { shortfalls[put.job.value] = put.text; }
  void keep(const PutConnection&) {}
  void keep(const PutAudit& put) { audits[put.audit->number] = *put.audit; }
  void keep(const RemoveAudit& gone) { audits.erase(gone.number); }
  void keep(const PutJobVersion& put) {
    versions[{parse_job_number(put.version->job.value), put.version->version}] = *put.version;
  }
  void keep(const RemoveJobVersion& gone) {
    versions.erase({parse_job_number(gone.job.value), gone.version});
  }
  void keep(const PutGroup& put) { groups[put.group->name] = *put.group; }
  void keep(const RemoveGroup& gone) { groups.erase(gone.name); }
  void keep(const PutAgentOrder& put) { agent_orders[put.order->agent.value] = *put.order; }
  void keep(const RemoveAgentOrder& gone) { agent_orders.erase(gone.agent.value); }
  void keep(const PutReceipt& put) { receipts[put.receipt.key] = put.receipt; }
  void keep(const RemoveReceipt& gone) { receipts.erase(gone.key); }
  void keep(const PutOrphan& put) { orphans[put.orphan->task.value] = *put.orphan; }
  void keep(const RemoveOrphan& gone) { orphans.erase(gone.task.value); }
  void keep(const PutScaling& put) { scaling[put.group->rule.name] = *put.group; }
  void keep(const PutAlert& put) { alerts[put.name] = put.text; }

  int offers_ = 0;
  int uuids_ = 0;
};

}  // namespace mimas::engine
