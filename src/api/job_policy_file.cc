#include "api/job_policy_file.h"

#include <algorithm>
#include <array>

#include "api/faults.h"
#include "api/field_reader.h"
#include "api/job_limits.h"

namespace mimas::api {
namespace {

// What an entry of a list must look like; a sentence about what is wrong with it, or nothing.
using Wrong = std::string (*)(std::string_view entry);

std::string nothing_wrong(std::string_view) { return {}; }

std::string wrong_runtime(std::string_view entry) {
  const bool known = entry == kAnything || entry == "process" || entry == "docker";
  return known ? std::string() : "must be process, docker or *" + guess(entry, {"process", "docker"});
}

// "https://repo.example" would let https://repo.example.evil.org in.
std::string wrong_artifact(std::string_view entry) {
  if (entry == kAnything) return {};
  const std::size_t scheme = entry.find("://");
  const bool known =
      entry.starts_with("http://") || entry.starts_with("https://") || entry.starts_with("file://");
  if (!known) return "must begin with http://, https:// or file://, or be *";
  if (!entry.ends_with('/')) return "must end with '/': what is below it is allowed";
  const bool file = entry.starts_with("file://") && entry.size() > scheme + 3;
  return file && entry[scheme + 3] != '/' ? "must be file:/// and a folder's absolute path" : std::string();
}

std::string wrong_volume(std::string_view entry) {
  if (entry.ends_with(":ro")) entry.remove_suffix(3);
  const bool climbs = entry.find("/../") != std::string_view::npos || entry.ends_with("/..");
  if (!entry.starts_with('/') || climbs || entry.find(':') != std::string_view::npos)
    return "must be an absolute path of the agents without `..`, with :ro after it where it is for reading "
           "alone";
  return {};
}

std::string wrong_capability(std::string_view entry) {
  const bool fits = std::ranges::all_of(
      entry, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
  if (entry != kAnything && !fits) return "must be a capability such as NET_ADMIN, ALL or *";
  return entry.starts_with("CAP_") ? "is said without CAP_" : std::string();
}

struct ListRule {
  std::string_view name;
  std::vector<std::string> JobRules::*list;
  Wrong wrong;
};
constexpr std::array<ListRule, 10> kLists{{
    {"runtimes", &JobRules::runtimes, wrong_runtime},
    {"users", &JobRules::users, nothing_wrong},
    {"containerUsers", &JobRules::container_users, nothing_wrong},
    {"images", &JobRules::images, nothing_wrong},
    {"artifacts", &JobRules::artifacts, wrong_artifact},
    {"networks", &JobRules::networks, nothing_wrong},
    {"hostVolumes", &JobRules::host_volumes, wrong_volume},
    {"capabilities", &JobRules::capabilities, wrong_capability},
    {"capacityGroups", &JobRules::capacity_groups, nothing_wrong},
    {"secrets", &JobRules::secrets, nothing_wrong},
}};

struct FlagRule {
  std::string_view name;
  bool JobRules::*flag;
};
constexpr std::array<FlagRule, 3> kFlags{{
    {"privileged", &JobRules::privileged},
    {"production", &JobRules::production},
    {"readEnv", &JobRules::read_env},
}};
constexpr std::string_view kPriorityMax = "priorityMax";

void read_list(const json::Value& value, const ListRule& rule, JobRules& rules, Faults& faults) {
  const auto list = bounded_list(value, kRuleEntriesMax, faults);
  if (!list) return;
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto entry = plain_text(list->at(i), kPathBytesMax, false, faults);
    if (!entry) continue;
    if (entry->empty()) {
      faults.at(list->at(i), "must not be empty (* stands for anything)");
    } else if (const std::string wrong = rule.wrong(*entry); !wrong.empty()) {
      faults.at(list->at(i), wrong);
    }
    entries.push_back(*std::move(entry));
  }
  rules.*(rule.list) = std::move(entries);
}

// What the object says, over what the rules are already.
void read_rules(const json::Value& value, JobRules& rules, Faults& faults) {
  if (!value.is_object()) return faults.at(value, type_fault("an object of rules", value));
  FieldReader in(value, faults);
  for (const ListRule& rule : kLists) {
    if (const auto found = in.take(rule.name)) read_list(*found, rule, rules, faults);
  }
  for (const FlagRule& rule : kFlags) rules.*(rule.flag) = in.flag(rule.name, rules.*(rule.flag));
  rules.priority_max = in.count(kPriorityMax, kPriority.most).value_or(rules.priority_max);
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
}

JobPolicy read_base(FieldReader& in, const PolicyGround& ground) {
  const std::string base = in.text("base");
  if (!base.empty() && base != "safe" && base != "open")
    in.faults().at(*in.find("base"), "must be safe or open" + guess(base, {"safe", "open"}), "safe, open");
  JobPolicy policy = base == "open" ? open_policy(ground.process_user)
                                    : safe_policy(ground.process_user, ground.own_network);
  policy.own_network = ground.own_network;
  return policy;
}

void write_rules(json::Writer& out, const JobRules& rules) {
  out.begin_object();
  for (const ListRule& rule : kLists) {
    out.key(rule.name).begin_array();
    for (const std::string& entry : rules.*(rule.list)) out.string(entry);
    out.end_array();
  }
  out.member(kPriorityMax, rules.priority_max);
  for (const FlagRule& rule : kFlags) out.member(rule.name, rules.*(rule.flag));
  out.end_object();
}

}  // namespace

Checked<JobPolicy> parse_policy(std::string_view text, const std::string& name, const PolicyGround& ground) {
  Faults faults;
  const auto document = parse_body(text, faults);
  if (!document) return {{}, faults.take()};
  FieldReader in(document->root(), faults);
  JobPolicy policy = read_base(in, ground);
  policy.name = name;
  const auto everybody = in.take("everybody");
  bool first = true;
  for (const auto& [role, rules] : {std::pair<std::string_view, JobRules*>{"viewer", &policy.viewer},
                                    {"operator", &policy.operator_rules},
                                    {"admin", &policy.admin}}) {
    Faults repeated;  // what is wrong with everybody's rules is told once
    if (everybody) read_rules(*everybody, *rules, std::exchange(first, false) ? faults : repeated);
    if (const auto own = in.take(role)) read_rules(*own, *rules, faults);
  }
  std::vector<std::string> ignored;
  in.refuse_unknown(false, ignored);
  return {std::move(policy), faults.take()};
}

void write_policy(json::Writer& out, const JobPolicy& policy) {
  out.begin_object().member("name", policy.name);
  for (const auto& [role, rules] : {std::pair<std::string_view, const JobRules*>{"viewer", &policy.viewer},
                                    {"operator", &policy.operator_rules},
                                    {"admin", &policy.admin}}) {
    out.key(role);
    write_rules(out, *rules);
  }
  out.member("processUser", policy.process_user).member("defaultNetwork", default_network(policy));
  out.end_object();
}

}  // namespace mimas::api
