#include "json/members.h"

#include <algorithm>

#include "json/walked.h"

namespace mimas::json {

constinit thread_local std::uint64_t walked = 0;

std::uint64_t nodes_walked() { return walked; }

Members::Members(const Value& object) : object_(object) {
  if (!object.is_object()) return;
  const std::size_t size = object.size();
  walked += size;
  members_.reserve(size);
  for (std::size_t i = 0; i < size; ++i) members_.push_back({object.name(i), i, false});
  std::sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) {
    return a.name != b.name ? a.name < b.name : a.place < b.place;
  });
  // Of several of one name the last stays.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const bool again = kept > 0 && members_[kept - 1].name == members_[i].name;
    if (again) {
      members_[kept - 1] = {members_[i].name, members_[i].place, true};
    } else {
      members_[kept++] = members_[i];
    }
  }
  members_.resize(kept);
}

std::optional<Value> Members::find(std::string_view name) const {
  const auto at = std::lower_bound(members_.begin(), members_.end(), name,
                                   [](const Member& member, std::string_view wanted) {
                                     ++walked;
                                     return member.name < wanted;
                                   });
  if (at == members_.end() || at->name != name) return std::nullopt;
  return object_.at(at->place);
}

}  // namespace mimas::json
