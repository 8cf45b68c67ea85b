#include "disk.h"

#include <utility>
#include <variant>

namespace mimas::sim {

Result<engine::Recovered> Disk::open() {
  if (directory_.empty()) return recovered();
  auto opened = store::Store::open(directory_);
  if (!opened.ok()) return opened.error();
  store_ = std::move(*opened);
  auto loaded = store_->load();
  if (!loaded.ok()) return loaded.error();
  engine::Recovered found{loaded->framework, loaded->next_job_number, std::move(loaded->jobs),
                          std::move(loaded->tasks)};
  found.audits = std::move(loaded->audits);
  found.next_audit_number = loaded->next_audit_number;
  found.versions = std::move(loaded->versions);
  found.receipts = std::move(loaded->receipts);
  found.groups = std::move(loaded->groups);
  found.agent_orders = std::move(loaded->agent_orders);
  if (engine::State({}, found).digest() != engine::State({}, recovered()).digest()) {
    return make_error(Code::internal, "the store reads back something else than was committed");
  }
  return found;
}

Status Disk::commit(const std::vector<engine::Change>& changes) {
  if (store_ != nullptr) {
    if (Status committed = store_->commit(changes); !committed.ok()) return committed;
  }
  for (const engine::Change& change : changes) {
    std::visit([this](const auto& one) { keep(one); }, change);
  }
  return Done{};
}

void Disk::keep(const engine::RemoveJob& gone) {
  jobs_.erase(parse_job_number(gone.job.value));
  std::erase_if(tasks_, [&](const auto& one) { return one.second->job == gone.job; });
  std::erase_if(versions_, [&](const auto& one) { return one.second->job == gone.job; });
}

TaskPtr Disk::task(const std::string& id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : found->second;
}

JobPtr Disk::job(std::int64_t number) const {
  const auto found = jobs_.find(number);
  return found == jobs_.end() ? nullptr : found->second;
}

engine::Recovered Disk::recovered() const {
  engine::Recovered all{framework_, next_job_number_, {}, {}};
  for (const auto& [number, job] : jobs_) all.jobs.push_back(*job);
  for (const auto& [id, task] : tasks_) all.tasks.push_back(*task);
  for (const auto& [number, audit] : audits_) all.audits.push_back(*audit);
  if (!audits_.empty()) all.next_audit_number = audits_.rbegin()->first + 1;
  for (const auto& [place, version] : versions_) all.versions.push_back(*version);
  for (const auto& [key, receipt] : receipts_) all.receipts.push_back(receipt);
  for (const auto& [name, group] : groups_) all.groups.push_back(*group);
  for (const auto& [agent, order] : agent_orders_) all.agent_orders.push_back(*order);
  return all;
}

}  // namespace mimas::sim
