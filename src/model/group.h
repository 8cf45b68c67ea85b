// A capacity group: jobs that name it (capacityGroup; by default their appName) share what it is promised and
// may use. One that nobody has described is flex, has no guarantee and no quota, and the weight of every
// other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/job.h"
#include "model/resources.h"
#include "model/task.h"

namespace mimas {

// Critical groups are served before flex ones.
enum class Tier { critical, flex };
std::string_view tier_name(Tier tier);                  // "critical", "flex"
std::optional<Tier> parse_tier(std::string_view text);  // by its name, in any case

inline constexpr std::int64_t kGroupWeightDefault = 100;

// Amounts' ports are not looked at: they belong to one agent.
struct CapacityGroup {
  std::string name;
  Tier tier = Tier::flex;
  std::int64_t weight = kGroupWeightDefault;  // 1..10,000: of its dominant share against the others'
  ResourceRequest guarantee;                  // while it uses less, it goes before groups that have theirs
  std::optional<ResourceRequest> quota;       // never above; a kind that is 0 is not bounded
  std::int64_t version = 1;                   // grows with every change
  Instant updated_at;
  std::string updated_by;
  bool operator==(const CapacityGroup&) const = default;
};
using CapacityGroupPtr = std::shared_ptr<const CapacityGroup>;

// Of jobs that name none; nobody can take its description away for good, for it always is there.
inline constexpr std::string_view kDefaultGroup = "DEFAULT";
std::string_view group_of(const JobSpec& spec);

// What a live task counts for in its group: what was allocated to it, the executor's share included.
ResourceRequest held_by(const Task& task);
void add_amounts(ResourceRequest& to, const ResourceRequest& more);
void subtract_amounts(ResourceRequest& from, const ResourceRequest& less);  // may go negative

}  // namespace mimas
