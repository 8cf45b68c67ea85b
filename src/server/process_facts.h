// What the kernel says of this process, for the metrics that every program of the field has (process_*).
// Linux: read from /proc/self; what cannot be read is absent. Any thread. Tested in
// tests/server/metrics_test.cc.
#pragma once

#include <optional>

namespace mimas::server {

struct ProcessFacts {
  double cpu_secs = 0;
  double resident_bytes = 0, virtual_bytes = 0;
  double threads = 0;
  double descriptors = 0, descriptors_max = 0;
};
std::optional<ProcessFacts> process_facts();

}  // namespace mimas::server
