#include "engine/executors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace mimas::engine {
namespace {

// FNV-1a: ids must be alike on every platform and in every life of the server, and nobody attacks them.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0);
  }
  std::string text() const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<char, 16> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = kDigits[(hash_ >> (60 - 4 * i)) & 15];
    return {out.data(), out.size()};
  }

 private:
  void add_byte(unsigned char byte) {
    hash_ ^= byte;
    hash_ *= 0x100000001b3ULL;
  }
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

// Artifacts are fetched into the executor's sandbox. Tasks of one job find them there by links, unless they
// are unpacked to names that nobody knows beforehand, or are looked for from within a container.
bool may_share_artifacts(Sharing sharing, const JobSpec& spec) {
  if (spec.artifacts.empty()) return true;
  if (sharing != Sharing::job || spec.runtime == Runtime::docker) return false;
  return std::none_of(spec.artifacts.begin(), spec.artifacts.end(),
                      [](const Artifact& one) { return one.extract; });
}

}  // namespace

std::string shared_executor(const Policy& policy, const JobEntry& job, const Task& task) {
  const JobSpec& spec = *job.record->spec;
  if (policy.sharing == Sharing::task || task.launch_failures > 0) return {};
  if (!may_share_artifacts(policy.sharing, spec)) return {};
  Digest digest;
  digest.add(policy.executor_stamp);
  digest.add(job.role);
  for (const Artifact& one : spec.artifacts) {
    digest.add(one.uri);
    digest.add(one.executable ? "x" : "");
    digest.add(one.cache ? "c" : "");
  }
  const bool by_job = policy.sharing == Sharing::job;
  return (by_job ? job.record->id.value : std::string("mimas-shared")) + "-" + digest.text();
}

}  // namespace mimas::engine
