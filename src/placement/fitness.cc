#include "placement/fitness.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mimas::placement {
namespace {

struct NamedTerm {
  Term term;
  std::string_view name;
};

constexpr std::array<NamedTerm, 16> kTerms{{{Term::pack_cpu, "pack-cpu"},
                                            {Term::pack_memory, "pack-memory"},
                                            {Term::pack_disk, "pack-disk"},
                                            {Term::pack_network, "pack-network"},
                                            {Term::pack, "pack"},
                                            {Term::pack_dominant, "pack-dominant"},
                                            {Term::spread_cpu, "spread-cpu"},
                                            {Term::spread_memory, "spread-memory"},
                                            {Term::spread, "spread"},
                                            {Term::worst_fit, "worst-fit"},
                                            {Term::first_fit, "first-fit"},
                                            {Term::same_type, "same-type"},
                                            {Term::same_job, "same-job"},
                                            {Term::spread_services, "spread-services"},
                                            {Term::same_image, "same-image"},
                                            {Term::cheap, "cheap"}}};

constexpr std::size_t kTermsMax = 16;
constexpr std::int64_t kWeightMax = 1'000;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error bad(const std::string& why) {
  return make_error(Code::invalid_argument, "the fitness " + why, {},
                    "write terms and weights from 1 to 1000, as in \"pack=80, same-type=20\"");
}

Result<WeightedTerm> parse_term(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view name = trim(text.substr(0, equals));
  auto known = std::find_if(kTerms.begin(), kTerms.end(), [&](const NamedTerm& t) { return t.name == name; });
  if (known == kTerms.end()) {
    std::string names;
    for (const NamedTerm& term : kTerms) names += (names.empty() ? "" : ", ") + std::string(term.name);
    return make_error(Code::invalid_argument, "the fitness has no term \"" + std::string(name) + "\"", {},
                      "the terms are " + names);
  }
  if (equals == std::string_view::npos) return bad("gives \"" + std::string(name) + "\" no weight");
  const std::string_view number = trim(text.substr(equals + 1));
  std::int64_t weight = 0;
  auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), weight);
  if (failure != std::errc{} || end != number.data() + number.size() || weight < 1 || weight > kWeightMax) {
    return bad("gives \"" + std::string(name) + "\" a weight that is no number from 1 to 1000");
  }
  return WeightedTerm{known->term, weight};
}

// In thousandths. What an agent has none of is never scarce there.
std::int64_t share(std::int64_t used, std::int64_t total) {
  if (total <= 0 || used >= total) return 1'000;
  return used <= 0 ? 0 : used * 1'000 / total;
}

std::int64_t dominant_share(const Outlook& o) {
  std::int64_t largest = 0;
  if (o.cpu_total > 0) largest = std::max(largest, share(o.cpu_used, o.cpu_total));
  if (o.mem_total > 0) largest = std::max(largest, share(o.mem_used, o.mem_total));
  if (o.disk_total > 0) largest = std::max(largest, share(o.disk_used, o.disk_total));
  return largest;
}

std::int64_t value(Term term, const Outlook& o) {
  switch (term) {
    case Term::pack_cpu: return share(o.cpu_used, o.cpu_total);
    case Term::pack_memory: return share(o.mem_used, o.mem_total);
    case Term::pack_disk: return share(o.disk_used, o.disk_total);
    case Term::pack_network: return share(o.network_used, o.network_total);
    case Term::pack: return (share(o.cpu_used, o.cpu_total) + share(o.mem_used, o.mem_total)) / 2;
    case Term::pack_dominant: return dominant_share(o);
    case Term::spread_cpu: return 1'000 - value(Term::pack_cpu, o);
    case Term::spread_memory: return 1'000 - value(Term::pack_memory, o);
    case Term::spread: return 1'000 - value(Term::pack, o);
    case Term::worst_fit: return 1'000 - dominant_share(o);
    case Term::first_fit: return 1'000;
    case Term::same_type: return o.other_type ? 0 : (o.own_type ? 1'000 : 500);
    case Term::same_job: return o.of_job > 0 ? 1'000 : 0;
    case Term::spread_services: return 1'000 / (1 + o.of_job);
    case Term::same_image: return o.same_image ? 1'000 : 0;
    case Term::cheap: return 1'000 - std::clamp<std::int64_t>(o.cost, 0, 1'000);
  }
  return 0;
}

}  // namespace

std::string_view term_name(Term term) {
  for (const NamedTerm& one : kTerms) {
    if (one.term == term) return one.name;
  }
  return {};
}

Result<std::vector<WeightedTerm>> parse_fitness(std::string_view text) {
  std::vector<WeightedTerm> terms;
  while (true) {
    const std::size_t comma = text.find(',');
    Result<WeightedTerm> term = parse_term(trim(text.substr(0, comma)));
    if (!term) return term.error();
    const bool twice = std::any_of(terms.begin(), terms.end(),
                                   [&](const WeightedTerm& other) { return other.term == term->term; });
    if (twice) return bad("names \"" + std::string(term_name(term->term)) + "\" twice");
    if (terms.size() == kTermsMax) return bad("has more than 16 terms");
    terms.push_back(*term);
    if (comma == std::string_view::npos) return terms;
    text.remove_prefix(comma + 1);
  }
}

std::string fitness_text(const std::vector<WeightedTerm>& terms) {
  std::string text;
  for (const WeightedTerm& one : terms) {
    if (!text.empty()) text += ", ";
    text += std::string(term_name(one.term)) + "=" + std::to_string(one.weight);
  }
  return text;
}

bool has_term(const Fitness& fitness, Term term) {
  return std::any_of(fitness.terms.begin(), fitness.terms.end(),
                     [&](const WeightedTerm& one) { return one.term == term; });
}

std::int64_t fitness_of(const Fitness& fitness, const Outlook& outlook) {
  std::int64_t sum = 0;
  std::int64_t weights = 0;
  for (const WeightedTerm& one : fitness.terms) {
    if (one.term == Term::spread_services && !outlook.service) continue;
    sum += one.weight * value(one.term, outlook);
    weights += one.weight;
  }
  return weights == 0 ? 1'000 : sum / weights;
}

}  // namespace mimas::placement
