// What jobs may ask for: the operator's policy, as rules for each role, and what a single caller's
// credentials narrow it to. One object for everything that gives a job power over agents or over other
// people's work. It is looked at in one place, at the border (server/policy_gate.h): running jobs are never
// ended for it. Pure, plain values. Text form: job_policy_file.h; docs/security.md "What jobs may ask for".
// Tested in tests/api/job_policy_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "model/job.h"

namespace mimas::api {

inline constexpr std::size_t kRuleEntriesMax = 200;  // of one list
inline constexpr std::string_view kAnything = "*";

// Allow-lists: what is not listed is refused, so an empty list allows nothing. "*" alone allows everything,
// but never root: that is said by its name.
struct JobRules {
  std::vector<std::string> runtimes;         // "process", "docker"
  std::vector<std::string> users;            // whom processes run as, as `runAs` spells it
  std::vector<std::string> container_users;  // … and containers; one whose image decides counts as root
  std::vector<std::string> images;           // beginnings of applicationName
  // Beginnings of addresses: a scheme ("https://"), or one that ends with '/'. A path of the agent is
  // "file:///…", however the job writes it.
  std::vector<std::string> artifacts;
  std::vector<std::string> networks;      // of containers: "bridge", "none", "host", names
  std::vector<std::string> host_volumes;  // folders of agents, with all below; "/srv:ro": for reading alone
  bool privileged = false;                // containers that have every power over their agent
  std::vector<std::string> capabilities;  // beyond those that Docker gives by itself
  std::vector<std::string> capacity_groups;
  std::int64_t priority_max = 100;
  bool production = true;
  std::vector<std::string> secrets;  // beginnings of names that belong to no application (model/secret.h)
  bool read_env = true;              // sees the values of `env`, not its names alone
  bool operator==(const JobRules&) const = default;
};

struct JobPolicy {
  std::string name = "open";  // "open", "safe" or the file, for people
  JobRules viewer, operator_rules, admin;
  std::string process_user = "root";  // whom processes without runAs run as (--user)
  bool own_network = false;  // containers that name none are given the operator's network by executors
  bool operator==(const JobPolicy&) const = default;
};

// Everything, for `mimas dev`; and what does not hand agents to whoever may submit a job, for `mimas serve`.
JobPolicy open_policy(const std::string& process_user);
JobPolicy safe_policy(const std::string& process_user, bool own_network);

// Which network a container gets that names none and has no container ports: the host's where operators may
// use that, else the bridge.
std::string_view default_network(const JobPolicy& policy);

// What the credentials of one caller narrow the rules to; unset: they say nothing about it.
struct Grants {
  std::optional<std::vector<std::string>> groups, secrets;
  std::optional<std::int64_t> priority_max;
  std::optional<bool> production;
  bool operator==(const Grants&) const = default;
};
// What credentials that are bound to applications have as long as they say nothing else: the groups of these
// names, the ordinary priority, nothing of production and no shared secrets.
Grants grants_of(Grants said, const std::vector<std::string>& apps);

// On whose behalf: the rules of the role, and who narrows them.
struct Claim {
  const JobPolicy& policy;
  const JobRules& rules;
  std::string_view role;
  std::string_view caller;  // may be empty
  const Grants& grants;
};

// Every member of the description that is not allowed: its pointer, the rule, who may change it and how.
std::vector<Fault> policy_faults(const JobSpec& spec, const Claim& claim);

}  // namespace mimas::api
