// How good an agent is for a task, 0..1000, out of weighted terms. Fenzo's packers and spreaders are terms
// here; weights are any positive integers, so that nothing has to sum to anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::placement {

enum class Term {
  pack_cpu,  // the share of the agent that is in use with the task on it: full agents first
  pack_memory,
  pack_disk,
  pack_network,   // of the scalar "network"; 1000 on agents that have none
  pack,           // the mean of cpu and memory
  pack_dominant,  // the largest of the shares
  spread_cpu,     // 1000 minus the packer of that name: empty agents first
  spread_memory,
  spread,
  worst_fit,  // 1000 minus pack_dominant
  first_fit,  // 1000 everywhere: the first agent by id that fits
  same_type,  // 1000 where only tasks of the job's type run, 500 on an empty agent, 0 beside other types:
              // services and batch apart, so that agents empty out and can be taken away
  same_job,    // 1000 where a task of the job runs
  same_image,  // 1000 where a task of the same image runs: it need not be pulled
  cheap,       // 1000 minus the agent's attribute "cost" (0..1000; 0 when it has none)
};
std::string_view term_name(Term term);  // "pack-cpu", …, as users write it

struct WeightedTerm {
  Term term = Term::pack;
  std::int64_t weight = 1;  // 1..1000
};

struct Fitness {
  std::vector<WeightedTerm> terms{{Term::pack, 80}, {Term::same_type, 20}};
  // An agent whose whole score is at least this is taken without looking for a better one: faster where
  // agents differ much, at the price of the order. 1001: never.
  std::int64_t good_enough = 1001;
};

// "pack=80, same-type=20": one to sixteen terms, each once.
Result<std::vector<WeightedTerm>> parse_fitness(std::string_view text);
std::string fitness_text(const std::vector<WeightedTerm>& terms);

// The whole score: soft constraints (by their own weights) weigh 60 against 40 of the fitness, where there
// are any.
inline constexpr std::int64_t kSoftPercent = 60;

}  // namespace mimas::placement
