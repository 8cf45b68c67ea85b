#include "model/resources.h"

#include <algorithm>

namespace mimas {
namespace {

constexpr std::int32_t kPortMax = 65'535;

// Sorted by first; overlapping and touching ranges become one.
void normalize(std::vector<PortRange>& ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::size_t kept = 0;
  for (const PortRange& range : ranges) {
    if (kept > 0 && range.first <= ranges[kept - 1].last + 1) {
      ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
}

}  // namespace

Result<Ports> Ports::from_ranges(std::vector<PortRange> ranges) {
  for (const PortRange& range : ranges) {
    if (range.first < 0 || range.last > kPortMax) {
      return make_error(Code::invalid_argument, "ports must be between 0 and 65535", "ports");
    }
    if (range.first > range.last) {
      return make_error(Code::invalid_argument, "a port range must not end before it begins", "ports");
    }
  }
  Ports ports;
  ports.ranges_ = std::move(ranges);
  normalize(ports.ranges_);
  return ports;
}

std::int64_t Ports::count() const {
  std::int64_t sum = 0;
  for (const PortRange& range : ranges_) sum += range.last - range.first + 1;
  return sum;
}

bool Ports::contains(std::int32_t port) const {
  for (const PortRange& range : ranges_) {
    if (port >= range.first && port <= range.last) return true;
  }
  return false;
}

bool Ports::contains(const Ports& other) const {
  // Ranges never touch, so each of the other's lies within one of ours or is not contained.
  std::size_t at = 0;
  for (const PortRange& wanted : other.ranges_) {
    while (at < ranges_.size() && ranges_[at].last < wanted.first) ++at;
    if (at == ranges_.size() || ranges_[at].first > wanted.first || ranges_[at].last < wanted.last)
      return false;
  }
  return true;
}

void Ports::add(const Ports& other) {
  if (other.ranges_.empty()) return;
  std::vector<PortRange> more = other.ranges_;  // a copy first: `other` may be *this
  ranges_.insert(ranges_.end(), more.begin(), more.end());
  normalize(ranges_);
}

void Ports::subtract(const Ports& other) {
  std::vector<PortRange> left;
  for (PortRange range : ranges_) {
    for (const PortRange& hole : other.ranges_) {
      if (hole.last < range.first) continue;
      if (hole.first > range.last) break;
      if (hole.first > range.first) left.push_back({range.first, hole.first - 1});
      range.first = hole.last + 1;
      if (range.first > range.last) break;
    }
    if (range.first <= range.last) left.push_back(range);
  }
  ranges_ = std::move(left);
}

Ports Ports::take_lowest(std::int64_t how_many) const {
  ASSERT(how_many <= count());
  Ports taken;
  for (const PortRange& range : ranges_) {
    if (how_many <= 0) break;
    std::int64_t here = std::min<std::int64_t>(how_many, range.last - range.first + 1);
    taken.ranges_.push_back({range.first, static_cast<std::int32_t>(range.first + here - 1)});
    how_many -= here;
  }
  return taken;
}

std::vector<std::int32_t> Ports::list() const {
  std::vector<std::int32_t> all;
  all.reserve(static_cast<std::size_t>(count()));
  for (const PortRange& range : ranges_) {
    for (std::int32_t port = range.first; port <= range.last; ++port) all.push_back(port);
  }
  return all;
}

std::string Ports::text() const {
  std::string text = "[";
  for (const PortRange& range : ranges_) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(range.first) + "-" + std::to_string(range.last);
  }
  return text + "]";
}

namespace {

void add_scalar(Scalars& to, const std::string& name, std::int64_t amount) {
  auto at = std::lower_bound(to.begin(), to.end(), name,
                             [](const auto& one, const std::string& key) { return one.first < key; });
  if (at == to.end() || at->first != name) at = to.insert(at, {name, 0});
  at->second += amount;
  if (at->second == 0) to.erase(at);
}

}  // namespace

void add_scalars(Scalars& to, const Scalars& more) {
  for (const auto& [name, amount] : more) add_scalar(to, name, amount);
}

void subtract_scalars(Scalars& from, const Scalars& less) {
  for (const auto& [name, amount] : less) add_scalar(from, name, -amount);
}

std::int64_t scalar(const Scalars& of, std::string_view name) {
  auto at = std::lower_bound(of.begin(), of.end(), name,
                             [](const auto& one, std::string_view key) { return one.first < key; });
  return at == of.end() || at->first != name ? 0 : at->second;
}

Resources& Resources::operator+=(const Resources& other) {
  cpu_milli += other.cpu_milli;
  mem_mib += other.mem_mib;
  disk_mib += other.disk_mib;
  gpus += other.gpus;
  ports.add(other.ports);
  add_scalars(scalars, other.scalars);
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  cpu_milli -= other.cpu_milli;
  mem_mib -= other.mem_mib;
  disk_mib -= other.disk_mib;
  gpus -= other.gpus;
  ports.subtract(other.ports);
  subtract_scalars(scalars, other.scalars);
  return *this;
}

bool Resources::fits(const Resources& within) const {
  return cpu_milli <= within.cpu_milli && mem_mib <= within.mem_mib && disk_mib <= within.disk_mib &&
         gpus <= within.gpus && within.ports.contains(ports) &&
         std::all_of(scalars.begin(), scalars.end(),
                     [&](const auto& one) { return one.second <= scalar(within.scalars, one.first); });
}

}  // namespace mimas
