#include "model/explanation.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace mimas {
namespace {

struct Sentence {
  std::string_view reason, one, many;
};

constexpr std::array<Sentence, 8> kSentences{
    {{"UniqueHost", "runs the job already (UniqueHost)", "run the job already (UniqueHost)"},
     {"ExclusiveHost", "is not for this job alone (ExclusiveHost)",
      "are not for this job alone (ExclusiveHost)"},
     {"maintenance", "is about to be taken down for maintenance",
      "are about to be taken down for maintenance"},
     {"drained", "is being drained", "are being drained"},
     {"disabled", "is disabled", "are disabled"},
     {"quarantined", "is in quarantine after failures", "are in quarantine after failures"},
     {"launching", "is busy with launches", "are busy with launches"},
     {"no offer", "makes no offer now", "make no offer now"}}};

std::string sentence(const std::string& reason, std::int64_t agents) {
  const bool one = agents == 1;
  for (const Sentence& known : kSentences) {
    if (known.reason == reason) return std::string(one ? known.one : known.many);
  }
  auto after = [&](std::string_view prefix) { return reason.substr(prefix.size()); };
  if (reason.starts_with("constraint ")) return (one ? "fails " : "fail ") + reason;
  if (reason.starts_with("dedicated ")) {
    return (one ? "is kept for jobs that ask for " : "are kept for jobs that ask for ") + after("dedicated ");
  }
  if (reason.starts_with("GroupBy(")) {
    return std::string(one ? "has" : "have") + " more of the job than others already (" + reason + ")";
  }
  if (reason.starts_with("MaxPer(")) {
    return std::string(one ? "has" : "have") + " enough of the job already (" + reason + ")";
  }
  if (reason.starts_with("with ")) return (one ? "runs no task of " : "run no task of ") + after("with ");
  if (reason.starts_with("apart ")) return (one ? "runs a task of " : "run a task of ") + after("apart ");
  const std::string what = reason.starts_with("scalar ") ? after("scalar ") : reason;
  const bool countable = reason == "gpus" || reason == "ports";
  return std::string(one ? "has too " : "have too ") + (countable ? "few " : "little ") + what;
}

// "0.5 of 2 cpu, 900 of 512 MiB of memory": of the quota as a whole, for what is left of it changes all the
// time.
std::string asked_of_quota(const std::vector<Lack>& lacks) {
  const auto amount = [](const Lack& lack, std::int64_t number) {
    if (lack.what == "memory" || lack.what == "disk" || lack.what == "gpus") return std::to_string(number);
    std::string text = std::to_string(number / 1'000);
    if (number % 1'000 == 0) return text;
    text += "." + std::to_string(1'000 + number % 1'000).substr(1);
    return text.substr(0, text.find_last_not_of('0') + 1);
  };
  std::string text;
  for (const Lack& lack : lacks) {
    const bool mib = lack.what == "memory" || lack.what == "disk";
    text += (text.empty() ? "" : ", ") + amount(lack, lack.asked) + " of " + amount(lack, lack.total) +
            (mib ? " MiB of " : " ") + lack.what;
  }
  return text;
}

std::string quota_text(const std::string& group, const std::vector<Lack>& lacks) {
  const std::string quota = "the quota of group " + group;
  if (lacks.empty()) return quota + " is used up";
  std::vector<Lack> never;
  std::ranges::copy_if(lacks, std::back_inserter(never),
                       [](const Lack& lack) { return lack.asked > lack.total; });
  if (never.empty()) return quota + " is used up: a task asks for " + asked_of_quota(lacks);
  return quota + " is less than one task asks for: " + asked_of_quota(never);
}

}  // namespace

std::string Explanation::text() const {
  if (!group.empty()) return quota_text(group, quota);
  if (agents == 0) return "no agent offers anything";
  std::vector<std::pair<std::string, std::int64_t>> ranked(reasons.begin(), reasons.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text = "no agent fits: ";
  bool first = true;
  for (const auto& [reason, count] : ranked) {
    if (!first) text += ", ";
    text += std::to_string(count);
    if (first) text += " of " + std::to_string(agents);
    text += " " + sentence(reason, count);
    first = false;
  }
  return text;
}

bool Explanation::operator==(const Explanation& other) const {
  auto equal_lacks = [](const Lack& a, const Lack& b) {
    return a.what == b.what && a.asked == b.asked && a.free == b.free && a.total == b.total;
  };
  auto equal_misses = [&](const NearestMiss& a, const NearestMiss& b) {
    return a.agent == b.agent && a.hostname == b.hostname && a.reason == b.reason &&
           std::equal(a.lacks.begin(), a.lacks.end(), b.lacks.begin(), b.lacks.end(), equal_lacks);
  };
  return tasks == other.tasks && agents == other.agents && reasons == other.reasons && group == other.group &&
         std::equal(quota.begin(), quota.end(), other.quota.begin(), other.quota.end(), equal_lacks) &&
         too_large == other.too_large && help == other.help &&
         nearest.has_value() == other.nearest.has_value() &&
         (!nearest || equal_misses(*nearest, *other.nearest));
}

}  // namespace mimas
