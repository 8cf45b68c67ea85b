#include "placement/order.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "base/assert.h"

namespace mimas::placement {
namespace {

constexpr std::int64_t kTotalMax = std::int64_t{1} << 50;  // times the largest weight fits 64 bits

// a · b as two words. 32-bit machines have no type for it.
struct Product {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const Product&) const = default;
};

Product product(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t mask = 0xffff'ffff;
  const std::uint64_t low = (a & mask) * (b & mask);
  const std::uint64_t cross = (a >> 32) * (b & mask) + (low >> 32);
  const std::uint64_t other = (a & mask) * (b >> 32) + (cross & mask);
  return {(a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32), (other << 32) | (low & mask)};
}

// Both from 0 up, both divisors from 1.
bool is_less(std::uint64_t a, std::uint64_t of_a, std::uint64_t b, std::uint64_t of_b) {
  return product(a, of_b) < product(b, of_a);
}

ResourceRequest amounts(const Resources& of) {
  return {of.cpu_milli, of.mem_mib, of.disk_mib, of.gpus, 0, of.scalars};
}

// True for every pair of amounts of one kind that `wanted` has any of.
template <typename Test>
bool all_kinds(const ResourceRequest& wanted, const ResourceRequest& other, const Test& test) {
  auto holds = [&](std::int64_t a, std::int64_t b) { return a == 0 || test(a, b); };
  return holds(wanted.cpu_milli, other.cpu_milli) && holds(wanted.mem_mib, other.mem_mib) &&
         holds(wanted.disk_mib, other.disk_mib) && holds(wanted.gpus, other.gpus) &&
         std::all_of(wanted.scalars.begin(), wanted.scalars.end(), [&](const auto& named) {
           return holds(named.second, scalar(other.scalars, named.first));
         });
}

bool is_nothing(const ResourceRequest& amounts) {
  return all_kinds(amounts, {}, [](std::int64_t, std::int64_t) { return false; });
}

bool is_below(const ResourceRequest& used, const ResourceRequest& guarantee) {
  return !is_nothing(guarantee) &&
         all_kinds(guarantee, used, [](std::int64_t promised, std::int64_t now) { return now < promised; });
}

// Told of every kind that the quota bounds and the task asks for: what a task asks nothing of is no reason to
// hold it back, even if the quota was lowered below the use. False as soon as `each` is.
template <class Each>
bool of_bounded(const ResourceRequest& quota, const ResourceRequest& used, const ResourceRequest& more,
                Each each) {
  const auto one = [&](std::string_view what, std::int64_t limit, std::int64_t now, std::int64_t asked) {
    return limit == 0 || asked == 0 || each(what, asked, std::max<std::int64_t>(0, limit - now), limit);
  };
  return one("cpu", quota.cpu_milli, used.cpu_milli, more.cpu_milli) &&
         one("memory", quota.mem_mib, used.mem_mib, more.mem_mib) &&
         one("disk", quota.disk_mib, used.disk_mib, more.disk_mib) &&
         one("gpus", quota.gpus, used.gpus, more.gpus) &&
         std::all_of(quota.scalars.begin(), quota.scalars.end(), [&](const auto& named) {
           return one(named.first, named.second, scalar(used.scalars, named.first),
                      scalar(more.scalars, named.first));
         });
}

bool stays_within(const ResourceRequest& quota, const ResourceRequest& used, const ResourceRequest& more) {
  return of_bounded(
      quota, used, more,
      [](std::string_view, std::int64_t asked, std::int64_t left, std::int64_t) { return asked <= left; });
}

}  // namespace

ResourceRequest charge_at_most(const Demand& demand) {
  ResourceRequest charge = demand.spec->request;
  charge.ports = 0;
  add_amounts(charge, demand.share);
  // An agent without bandwidth to give charges none; a quota of it means tasks where it is given.
  const std::int64_t network = demand.spec->network_mbps * 1'000;
  if (network > 0) add_scalars(charge.scalars, {{std::string(kNetworkScalar), network}});
  return charge;
}

Order::Order(const Queue& queue, const Resources& total, Successor successor)
    : queue_(&queue),
      successor_(std::move(successor)),
      total_(amounts(total)),
      over_quota_(queue.demands.size()) {
  for (const Group& group : queue.groups) used_.push_back(group.used);
  std::vector<std::size_t> waiting;
  for (const Demand& demand : queue.demands) {
    ASSERT(demand.group < queue.groups.size());
    waiting.push_back(left_.size());
    left_.push_back(demand.count);
  }
  line_up(std::move(waiting));
}

void Order::line_up(std::vector<std::size_t> demands) {
  waiting_ = std::move(demands);
  std::erase_if(waiting_, [&](std::size_t demand) { return left_[demand] <= 0; });
  std::sort(waiting_.begin(), waiting_.end(),
            [&](std::size_t a, std::size_t b) { return waits_before(a, b); });
  for (std::size_t at = 0; at < waiting_.size(); ++at) {
    const std::size_t group = queue_->demands[waiting_[at]].group;
    if (line_.empty() || line_.back().group != group) {
      line_.push_back({group, false, 0, 1, at, at});
      weigh(line_.back());
    }
    ++line_.back().end;
  }
  std::make_heap(line_.begin(), line_.end(),
                 [&](const Standing& a, const Standing& b) { return goes_before(b, a); });
}

std::optional<std::size_t> Order::next() {
  for (;;) {
    if (line_.empty()) {
      if (again_.empty()) return std::nullopt;
      line_up({again_.begin(), again_.end()});
      again_.clear();
      continue;
    }
    const Standing& first = line_.front();
    const std::size_t demand = waiting_[first.front];
    const Group& group = queue_->groups[first.group];
    if (!group.quota ||
        stays_within(*group.quota, used_[first.group], charge_at_most(queue_->demands[demand])))
      return demand;
    over_quota_[demand] = true;  // what its group uses only grows in a round
    drop_demand();
  }
}

std::vector<Lack> Order::quota_lacks(std::size_t demand) const {
  std::vector<Lack> lacks;
  const std::size_t group = queue_->demands[demand].group;
  if (!queue_->groups[group].quota) return lacks;
  of_bounded(*queue_->groups[group].quota, used_[group], charge_at_most(queue_->demands[demand]),
             [&](std::string_view what, std::int64_t asked, std::int64_t left, std::int64_t total) {
               if (asked > left) lacks.push_back({std::string(what), asked, left, total});
               return true;
             });
  return lacks;
}

void Order::placed(const Resources& allocated, bool charged) {
  ASSERT(!line_.empty());
  Standing& first = line_.front();
  const std::size_t demand = waiting_[first.front];
  add_amounts(used_[first.group], amounts(allocated));
  give_another_turn(queue_->demands[demand], charged);
  if (--left_[demand] == 0) return next_in_line(demand);
  if (line_.size() == 1) return;
  weigh(first);
  settle_first();
}

// It waits no earlier than the one before it did, so its place is further back in the same group.
void Order::next_in_line(std::size_t demand) {
  if (!successor_ || !successor_(demand)) return drop_demand();
  const std::size_t next = left_.size();
  ASSERT(queue_->demands.size() == next + 1 && queue_->demands[next].group == queue_->demands[demand].group);
  left_.push_back(queue_->demands[next].count);
  over_quota_.push_back(false);
  Standing& first = line_.front();
  const auto begin = waiting_.begin() + static_cast<std::ptrdiff_t>(first.front);
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(first.end);
  *begin = next;
  const auto place = std::lower_bound(begin + 1, end, next,
                                      [&](std::size_t a, std::size_t b) { return waits_before(a, b); });
  std::rotate(begin, begin + 1, place);
  weigh(first);
  settle_first();
}

bool Order::waits_before(std::size_t a, std::size_t b) const {
  const Demand& x = queue_->demands[a];
  const Demand& y = queue_->demands[b];
  return std::tuple(x.group, -x.priority, x.since, x.job, a) <
         std::tuple(y.group, -y.priority, y.since, y.job, b);
}

void Order::failed() {
  ASSERT(!line_.empty());
  const std::size_t at = waiting_[line_.front().front];
  const Demand& demand = queue_->demands[at];
  for (JobNumber job : demand.with) hope_for_job_[job].push_back(at);
  const auto& constraints = demand.spec->hard_constraints;
  if (std::any_of(constraints.begin(), constraints.end(),
                  [](const Constraint& c) { return c.kind == Constraint::Kind::group_by; }))
    hope_for_job_[demand.job].push_back(at);
  if (!demand.executor.empty()) hope_for_executor_[demand.executor].push_back(at);
  const bool others_may = demand.restricted || (demand.personal && left_[at] < demand.count);
  others_may ? next_in_line(at) : drop_demand();
}

void Order::give_another_turn(const Demand& placed, bool charged) {
  auto wake = [&](auto& hopes, const auto& by) {
    auto found = hopes.find(by);
    if (found == hopes.end()) return;
    again_.insert(found->second.begin(), found->second.end());
    hopes.erase(found);
  };
  if (!hope_for_job_.empty()) wake(hope_for_job_, placed.job);
  // Only where an executor is started can the next task do without its share.
  if (charged && !hope_for_executor_.empty()) wake(hope_for_executor_, placed.executor);
}

bool Order::goes_before(const Standing& a, const Standing& b) const {
  const Group& x = queue_->groups[a.group];
  const Group& y = queue_->groups[b.group];
  if (x.tier != y.tier) return x.tier == Tier::critical;
  if (a.below_guarantee != b.below_guarantee) return a.below_guarantee;
  if (is_less(a.used, a.of, b.used, b.of)) return true;
  if (is_less(b.used, b.of, a.used, a.of)) return false;
  return std::tie(x.name, a.group) < std::tie(y.name, b.group);
}

void Order::weigh(Standing& standing) const {
  const Group& group = queue_->groups[standing.group];
  const ResourceRequest& used = used_[standing.group];
  const auto weight = static_cast<std::uint64_t>(std::max<std::int64_t>(1, group.weight));
  standing.below_guarantee = is_below(used, group.guarantee);
  standing.used = 0;
  standing.of = 1;
  auto look = [&](std::int64_t part, std::int64_t whole) {
    if (part <= 0 || whole <= 0) return;
    const auto of = static_cast<std::uint64_t>(std::min(whole, kTotalMax)) * weight;
    if (!is_less(standing.used, standing.of, static_cast<std::uint64_t>(part), of)) return;
    standing.used = static_cast<std::uint64_t>(part);
    standing.of = of;
  };
  look(used.cpu_milli, total_.cpu_milli);
  look(used.mem_mib, total_.mem_mib);
  look(used.disk_mib, total_.disk_mib);
  look(used.gpus, total_.gpus);
  for (const auto& [name, amount] : total_.scalars) look(scalar(used.scalars, name), amount);
}

// The line is a heap but for its first, which goes later than before.
void Order::settle_first() {
  std::size_t at = 0;
  for (;;) {
    std::size_t least = at;
    for (std::size_t child = 2 * at + 1; child <= 2 * at + 2 && child < line_.size(); ++child) {
      if (goes_before(line_[child], line_[least])) least = child;
    }
    if (least == at) return;
    std::swap(line_[at], line_[least]);
    at = least;
  }
}

void Order::drop_demand() {
  Standing& first = line_.front();
  if (++first.front < first.end) {
    weigh(first);
  } else {
    first = line_.back();
    line_.pop_back();
  }
  if (!line_.empty()) settle_first();
}

}  // namespace mimas::placement
