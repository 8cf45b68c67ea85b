// The cells' half of Hosts.
#include <algorithm>

#include "placement/hosts.h"

namespace mimas::placement {
namespace {

constexpr std::size_t kEmptyCellsSpare = 256;  // kept beyond as many as are in use
constexpr std::size_t kNewsSpare = 4'096;

}  // namespace

CellKey Hosts::key_of(const Host& host, JobNumber job) const {
  CellKey key;
  key.attributes = host.attributes;
  const Resources& total = host.facts.total;
  key.cpu_total = total.cpu_milli;
  key.mem_total = total.mem_mib;
  key.disk_total = total.disk_mib;
  key.gpus_total = total.gpus;
  key.ports_total = total.ports.count();
  key.scalars_total = total.scalars;
  const std::optional<Resources> less = host.holds.empty() ? std::nullopt : std::optional(host.free_for(job));
  const Resources& free = less ? *less : host.free;
  key.cpu = free.cpu_milli;
  key.mem = free.mem_mib;
  key.disk = free.disk_mib;
  key.gpus = free.gpus;
  key.ports = free.ports.count();
  key.scalars = free.scalars;
  key.standing = host.standing;
  key.offered = host.offered;
  for (const WorkThere& work : host.works) {
    (work.type == JobType::batch ? key.batch : key.service) = true;
    key.exclusive = key.exclusive || work.exclusive;
    if (work.executor != 0 && shared_.contains(work.executor)) key.executors.push_back(work.executor);
  }
  for (const Hold& hold : host.holds) {
    if (hold.job == job || hold.amounts == ResourceRequest()) continue;
    key.held = true;
    key.exclusive = key.exclusive || hold.exclusive;
  }
  if (key.executors.size() > 1) {
    std::sort(key.executors.begin(), key.executors.end());
    key.executors.erase(std::unique(key.executors.begin(), key.executors.end()), key.executors.end());
  }
  return key;
}

const CellKey& Hosts::key_on(const Host& host, JobNumber job, std::optional<CellKey>& own) const {
  if (!host.holds_for(job)) return cells_[host.cell].key;
  return own.emplace(key_of(host, job));
}

void Hosts::settle() {
  for (HostIndex index : changed_) {
    Host& host = hosts_[index];
    if (!host.changed) continue;
    host.changed = false;
    if (!host.known) continue;
    const CellKey key = key_of(host, kNoJob);
    if (host.cell != kNoCell && cells_[host.cell].key == key) continue;
    if (host.cell != kNoCell) leave(index);
    enter(index, cell_for(key));
  }
  changed_.clear();
  if (empty_cells_ > by_key_.size() / 2 + kEmptyCellsSpare) sweep();
  if (news_.size() > 4 * by_key_.size() + kNewsSpare) {
    news_begin_ += news_.size();
    news_.clear();
  }
}

CellId Hosts::cell_for(const CellKey& key) {
  auto [at, fresh] = by_key_.try_emplace(key, 0);
  if (!fresh) return at->second;
  if (spare_cells_.empty()) {
    at->second = static_cast<CellId>(cells_.size());
    cells_.emplace_back();
  } else {
    at->second = spare_cells_.back();
    spare_cells_.pop_back();
  }
  Cell& cell = cells_[at->second];
  cell.key = key;
  cell.used = true;
  ++cell.generation;
  ++empty_cells_;
  return at->second;
}

void Hosts::enter(HostIndex index, CellId id) {
  Cell& cell = cells_[id];
  if (cell.hosts.empty()) --empty_cells_;
  auto at = cell.hosts.emplace(hosts_[index].order, index).first;
  if (at == cell.hosts.begin()) news_.push_back(id);
  hosts_[index].cell = id;
}

void Hosts::leave(HostIndex index) {
  Host& host = hosts_[index];
  Cell& cell = cells_[host.cell];
  cell.hosts.erase({host.order, index});
  if (cell.hosts.empty()) ++empty_cells_;
  host.cell = kNoCell;
}

void Hosts::sweep() {
  for (CellId id = 0; id < cells_.size(); ++id) {
    Cell& cell = cells_[id];
    if (!cell.used || !cell.hosts.empty()) continue;
    by_key_.erase(cell.key);
    cell.used = false;
    cell.key = {};
    spare_cells_.push_back(id);
  }
  empty_cells_ = 0;
}

}  // namespace mimas::placement
