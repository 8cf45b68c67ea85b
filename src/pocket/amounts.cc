#include "pocket/amounts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mimas::pocket {
namespace {

constexpr double kScalarMax = 9e12;

// Sorted, overlapping and adjacent ones joined; careful at the top of uint64.
std::vector<Interval> coalesce(std::vector<Interval> list) {
  std::sort(list.begin(), list.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> joined;
  for (const Interval& next : list) {
    if (!joined.empty() && (joined.back().end == UINT64_MAX || next.begin <= joined.back().end + 1)) {
      joined.back().end = std::max(joined.back().end, next.end);
    } else {
      joined.push_back(next);
    }
  }
  return joined;
}

std::vector<Interval> without(const std::vector<Interval>& from, const std::vector<Interval>& taken) {
  std::vector<Interval> left = from;
  for (const Interval& hole : taken) {
    std::vector<Interval> next;
    for (const Interval& piece : left) {
      if (hole.end < piece.begin || piece.end < hole.begin) {
        next.push_back(piece);
        continue;
      }
      if (piece.begin < hole.begin) next.push_back({piece.begin, hole.begin - 1});
      if (hole.end < piece.end) next.push_back({hole.end + 1, piece.end});
    }
    left = std::move(next);
  }
  return left;
}

bool covers(const std::vector<Interval>& outer, const std::vector<Interval>& inner) {
  return std::all_of(inner.begin(), inner.end(), [&](const Interval& one) {
    return std::any_of(outer.begin(), outer.end(),
                       [&](const Interval& big) { return big.begin <= one.begin && one.end <= big.end; });
  });
}

Error bad(const mv1::Resource& resource, const std::string& why) {
  return make_error(Code::invalid_argument, "Invalid resource '" + resource.name() + "': " + why);
}

Status check_plain(const mv1::Resource& resource) {
  const bool reserved = resource.reservations_size() > 0 || resource.has_reservation() ||
                        (resource.has_role() && resource.role() != "*");
  if (reserved) return bad(resource, "reservations are not supported");
  if (resource.has_disk()) return bad(resource, "disk info is not supported");
  if (resource.has_shared() || resource.has_revocable())
    return bad(resource, "shared and revocable resources are not supported");
  return Done{};
}

Status read_scalar(const mv1::Resource& resource, Amounts& into) {
  if (!resource.has_scalar()) return bad(resource, "Expecting 'scalar' to be present");
  const double value = resource.scalar().value();
  if (!std::isfinite(value) || std::signbit(value) || value > kScalarMax)
    return bad(resource, "value out of range");
  const std::int64_t milli = std::llround(value * 1000.0);
  if (milli == 0 && value != 0) return bad(resource, "value rounds to 0.000");
  if (milli == 0) return Done{};
  std::int64_t& sum = into.scalars[resource.name()];
  if (sum > static_cast<std::int64_t>(kScalarMax * 1000.0) - milli)
    return bad(resource, "value out of range");
  sum += milli;
  return Done{};
}

Status read_ranges(const mv1::Resource& resource, Amounts& into) {
  if (!resource.has_ranges()) return bad(resource, "Expecting 'ranges' to be present");
  std::vector<Interval>& all = into.ranges[resource.name()];
  for (const auto& range : resource.ranges().range()) {
    if (range.begin() > range.end()) return bad(resource, "range begins after its end");
    const Interval one{range.begin(), range.end()};
    const bool overlaps = std::any_of(all.begin(), all.end(), [&](const Interval& have) {
      return have.begin <= one.end && one.begin <= have.end;
    });
    if (overlaps) return bad(resource, "overlapping ranges");
    all.push_back(one);
  }
  all = coalesce(std::move(all));
  if (all.empty()) into.ranges.erase(resource.name());
  return Done{};
}

Status read_set(const mv1::Resource& resource, Amounts& into) {
  if (!resource.has_set()) return bad(resource, "Expecting 'set' to be present");
  std::set<std::string>& all = into.sets[resource.name()];
  for (const auto& item : resource.set().item())
    if (!all.insert(item).second) return bad(resource, "duplicate item '" + item + "'");
  if (all.empty()) into.sets.erase(resource.name());
  return Done{};
}

mv1::Resource* begin_resource(const std::string& name, const Rendering& how, ResourceList* into) {
  mv1::Resource* resource = into->Add();
  resource->set_name(name);
  if (how.role_field) resource->set_role("*");
  if (how.allocation_info) resource->mutable_allocation_info()->set_role(how.role);
  return resource;
}

// cpus, mem, disk first: the order people expect.
std::vector<std::string> scalar_names(const Amounts& amounts) {
  std::vector<std::string> names;
  for (const char* first : {"cpus", "mem", "disk"})
    if (amounts.scalars.contains(first)) names.emplace_back(first);
  for (const auto& [name, milli] : amounts.scalars)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

double from_milli(std::int64_t milli) {
  return static_cast<double>(milli / 1000) + static_cast<double>(milli % 1000) / 1000.0;
}

std::string scalar_text(std::int64_t milli) {
  std::string text = std::to_string(milli / 1000);
  if (milli % 1000 == 0) return text;
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(milli % 1000));
  text += fraction;
  while (text.back() == '0') text.pop_back();
  return text;
}

}  // namespace

bool Amounts::contains(const Amounts& other) const {
  for (const auto& [name, milli] : other.scalars)
    if (scalar(name) < milli) return false;
  for (const auto& [name, list] : other.ranges) {
    const auto mine = ranges.find(name);
    if (mine == ranges.end() || !covers(mine->second, list)) return false;
  }
  for (const auto& [name, items] : other.sets) {
    const auto mine = sets.find(name);
    if (mine == sets.end()) return false;
    if (!std::includes(mine->second.begin(), mine->second.end(), items.begin(), items.end())) return false;
  }
  return true;
}

void Amounts::add(const Amounts& other) {
  for (const auto& [name, milli] : other.scalars) scalars[name] += milli;
  for (const auto& [name, list] : other.ranges) {
    std::vector<Interval>& mine = ranges[name];
    mine.insert(mine.end(), list.begin(), list.end());
    mine = coalesce(std::move(mine));
  }
  for (const auto& [name, items] : other.sets) sets[name].insert(items.begin(), items.end());
}

void Amounts::subtract(const Amounts& other) {
  for (const auto& [name, milli] : other.scalars) {
    const auto mine = scalars.find(name);
    if (mine == scalars.end()) continue;
    if ((mine->second -= milli) <= 0) scalars.erase(mine);
  }
  for (const auto& [name, list] : other.ranges) {
    const auto mine = ranges.find(name);
    if (mine == ranges.end()) continue;
    mine->second = without(mine->second, list);
    if (mine->second.empty()) ranges.erase(mine);
  }
  for (const auto& [name, items] : other.sets) {
    const auto mine = sets.find(name);
    if (mine == sets.end()) continue;
    for (const std::string& item : items) mine->second.erase(item);
    if (mine->second.empty()) sets.erase(mine);
  }
}

std::int64_t Amounts::scalar(const std::string& name) const {
  const auto found = scalars.find(name);
  return found == scalars.end() ? 0 : found->second;
}

Result<Amounts> read_amounts(const ResourceList& list) {
  Amounts amounts;
  for (const mv1::Resource& resource : list) {
    if (resource.name().empty()) return bad(resource, "a name is missing");
    if (Status plain = check_plain(resource); !plain) return plain.error();
    Status read = Done{};
    if (resource.type() == mv1::Value::SCALAR) {
      read = read_scalar(resource, amounts);
    } else if (resource.type() == mv1::Value::RANGES) {
      read = read_ranges(resource, amounts);
    } else if (resource.type() == mv1::Value::SET) {
      read = read_set(resource, amounts);
    } else {
      read = bad(resource, "type is not supported");
    }
    if (!read) return read.error();
  }
  return amounts;
}

void render_amounts(const Amounts& amounts, const Rendering& how, ResourceList* into) {
  for (const std::string& name : scalar_names(amounts)) {
    mv1::Resource* resource = begin_resource(name, how, into);
    resource->set_type(mv1::Value::SCALAR);
    resource->mutable_scalar()->set_value(from_milli(amounts.scalar(name)));
  }
  for (const auto& [name, list] : amounts.ranges) {
    mv1::Resource* resource = begin_resource(name, how, into);
    resource->set_type(mv1::Value::RANGES);
    for (const Interval& one : list) {
      auto* range = resource->mutable_ranges()->add_range();
      range->set_begin(one.begin);
      range->set_end(one.end);
    }
  }
  for (const auto& [name, items] : amounts.sets) {
    mv1::Resource* resource = begin_resource(name, how, into);
    resource->set_type(mv1::Value::SET);
    for (const std::string& item : items) resource->mutable_set()->add_item(item);
  }
}

std::string amounts_text(const Amounts& amounts, const std::string& role) {
  std::string text;
  const auto begin = [&](const std::string& name) {
    text += (text.empty() ? "" : "; ") + name + "(allocated: " + role + "):";
  };
  for (const std::string& name : scalar_names(amounts)) {
    begin(name);
    text += scalar_text(amounts.scalar(name));
  }
  for (const auto& [name, list] : amounts.ranges) {
    begin(name);
    text += "[";
    for (std::size_t i = 0; i < list.size(); ++i)
      text += (i == 0 ? "" : ", ") + std::to_string(list[i].begin) + "-" + std::to_string(list[i].end);
    text += "]";
  }
  for (const auto& [name, items] : amounts.sets) {
    begin(name);
    text += "{";
    for (const std::string& item : items) text += (text.back() == '{' ? "" : ", ") + item;
    text += "}";
  }
  return text.empty() ? "{}" : text;
}

}  // namespace mimas::pocket
