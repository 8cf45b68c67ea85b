// Amounts of what an agent offers and a task asks for. All integers: thousandths of a CPU, whole MiB, whole
// GPUs, port numbers. Mesos computes scalars in thousandths too (mesos-protocol §4.4); offers are rounded
// down to our units, so we never ask for more than was offered. Limits: cpu_milli, mem_mib, disk_mib ≤ 2^50,
// ports 0..65535.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mimas {

struct PortRange {
  std::int32_t first = 0;
  std::int32_t last = 0;  // inclusive
  auto operator<=>(const PortRange&) const = default;
};

// A set of ports as sorted, disjoint, non-adjacent ranges.
class Ports {
 public:
  Ports() = default;
  static Result<Ports> from_ranges(
      std::vector<PortRange> ranges);  // any order, may overlap; begin > end refused

  bool empty() const { return ranges_.empty(); }
  std::int64_t count() const;
  bool contains(std::int32_t port) const;
  bool contains(const Ports& other) const;
  void add(const Ports& other);
  void subtract(const Ports& other);
  Ports take_lowest(std::int64_t how_many) const;  // ASSERTs how_many ≤ count()
  std::vector<std::int32_t> list() const;          // ascending
  const std::vector<PortRange>& ranges() const { return ranges_; }
  std::string text() const;  // "[31000-31002, 31005-31005]", Mesos's own form
  bool operator==(const Ports&) const = default;

 private:
  std::vector<PortRange> ranges_;
};

// Amounts of what Mesos calls custom scalars ("fpga", "network"), in thousandths, by name; no zeros.
using Scalars = std::vector<std::pair<std::string, std::int64_t>>;
void add_scalars(Scalars& to, const Scalars& more);
void subtract_scalars(Scalars& from, const Scalars& less);      // may go negative
std::int64_t scalar(const Scalars& of, std::string_view name);  // 0 when it is not there
inline constexpr std::string_view kNetworkScalar = "network";   // Mbit/s; charged where an agent has it

struct Resources {
  std::int64_t cpu_milli = 0;
  std::int64_t mem_mib = 0;
  std::int64_t disk_mib = 0;
  std::int64_t gpus = 0;
  Ports ports;
  Scalars scalars;

  Resources& operator+=(const Resources& other);
  Resources& operator-=(const Resources& other);  // may go negative in scalars; callers check fits() first
  bool fits(const Resources& within) const;       // every amount, and every port, is there
  bool operator==(const Resources&) const = default;
};

// What a task asks for: amounts, and how many ports (which ones is placement's choice).
struct ResourceRequest {
  std::int64_t cpu_milli = 0;
  std::int64_t mem_mib = 0;
  std::int64_t disk_mib = 0;
  std::int64_t gpus = 0;
  std::int64_t ports = 0;
  Scalars scalars;
  bool operator==(const ResourceRequest&) const = default;
};

// The executor's own share of every task: 0.01 CPU and 4 MiB, asked for beside the task's resources.
inline constexpr std::int64_t kExecutorCpuMilli = 10;
inline constexpr std::int64_t kExecutorMemMib = 4;

}  // namespace mimas
