// How good an agent is for a task, 0..1000, out of weighted terms. Fenzo's packers and spreaders are terms
// here; weights are any positive integers, so that nothing has to sum to anything. Tested in
// tests/placement/fitness_test.cc.
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
  pack_dominant,  // the largest of the shares of cpu, memory and disk
  spread_cpu,     // 1000 minus the packer of that name: empty agents first
  spread_memory,
  spread,
  worst_fit,  // 1000 minus pack_dominant
  first_fit,  // 1000 everywhere: the first agent by id that fits
  same_type,  // 1000 where only tasks of the job's type run, 500 on an empty agent, 0 beside other types:
              // services and batch apart, so that agents empty out and can be taken away
  same_job,   // 1000 where a task of the job runs
  spread_services,  // of services alone, batch jobs leave it out: 1000 / (1 + tasks of the job there)
  same_image,       // 1000 where a task of the same image runs: it need not be pulled
  cheap,            // 1000 minus the agent's attribute "cost" (0..1000; 0 when it has none)
};
std::string_view term_name(Term term);  // "pack-cpu", …, as users write it

struct WeightedTerm {
  Term term = Term::pack;
  std::int64_t weight = 1;  // 1..1000
};

struct Fitness {
  // By default an agent without a task of a service is better for it than any that has one, however well the
  // others speak for that: 500 · 250 is more than 1000 · 100.
  std::vector<WeightedTerm> terms{{Term::pack, 80}, {Term::same_type, 20}, {Term::spread_services, 250}};
  // Once an agent is found whose whole score is at least this, agents that were never ranked for tasks of
  // this kind are left aside: the first of its kind is placed faster where agents differ much. Which of the
  // good ones is taken may then depend on what was asked before. 1001: never.
  std::int64_t good_enough = 1001;
};

// "pack=80, same-type=20": one to sixteen terms, each once.
Result<std::vector<WeightedTerm>> parse_fitness(std::string_view text);
std::string fitness_text(const std::vector<WeightedTerm>& terms);

// An agent as a task would leave it, were it put there. Amounts as in Resources; used: with the task.
struct Outlook {
  std::int64_t cpu_used = 0, cpu_total = 0, mem_used = 0, mem_total = 0, disk_used = 0, disk_total = 0;
  std::int64_t network_used = 0, network_total = 0;
  bool own_type = false, other_type = false;  // tasks of the job's type, of the other type run there
  bool service = false;                       // the job is one
  std::int64_t of_job = 0;                    // how many tasks of the job run there
  bool same_image = false;
  std::int64_t cost = 0;
};

bool has_term(const Fitness& fitness, Term term);
// 0..1000: the weighted mean of the terms, rounded down as each term is. A kind that the agent has none of
// counts as used up, so that it speaks neither for nor against filling the agent.
std::int64_t fitness_of(const Fitness& fitness, const Outlook& outlook);

// The whole score: soft constraints (by their own weights) weigh 60 against 40 of the fitness, where there
// are any.
inline constexpr std::int64_t kSoftPercent = 60;

}  // namespace mimas::placement
