#include "server/scaling_rules.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"
#include "json/value.h"

namespace mimas::server {
namespace {

constexpr std::int64_t kAmountMax = std::int64_t{1} << 40;  // of a template, in our units
constexpr std::size_t kAttributesMax = 100;

Error wrong(std::string where, std::string why, std::string hint = {}) {
  return make_error(Code::invalid_argument, std::move(why), std::move(where), std::move(hint));
}

Status take_text(std::string_view name, const json::Value& value, std::string& into) {
  const auto text = value.string();
  if (!text) return text.error();
  const bool plain =
      std::ranges::all_of(*text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  if (text->empty() || text->size() > kScalingTextBytesMax || !plain)
    return wrong(std::string(name), "must be 1 to 255 bytes without control characters");
  into = *text;
  return Done{};
}

Status take_count(std::string_view name, const json::Value& value, std::int64_t most, std::int64_t& into) {
  const auto number = value.int64();
  if (!number) return number.error();
  if (*number < 0 || *number > most) return wrong(std::string(name), "must be 0 to " + std::to_string(most));
  into = *number;
  return Done{};
}

Status take_duration(std::string_view name, const json::Value& value, std::int64_t& into) {
  const auto text = value.string();
  if (!text) return text.error();
  const auto ms = parse_mesos_duration_ms(*text);
  if (!ms) return wrong(std::string(name), ms.error().message, "as in 90secs or 5mins");
  if (*ms < 0 || *ms > kScalingWaitMsMax) return wrong(std::string(name), "must be 0secs to 1days");
  into = *ms;
  return Done{};
}

Status take_attributes(const json::Value& value, Attributes& into) {
  const auto object = value.object();
  if (!object) return object.error();
  if (object->size() > kAttributesMax) return wrong("agent.attributes", "are more than 100");
  for (std::size_t i = 0; i < object->size(); ++i) {
    std::string text;
    if (Status taken = take_text("agent.attributes." + std::string(object->name(i)), object->at(i), text);
        !taken)
      return taken;
    if (!into.emplace(std::string(object->name(i)), std::move(text)).second)
      return wrong("agent.attributes." + std::string(object->name(i)), "stands there twice");
  }
  return Done{};
}

Status take_cpu(const json::Value& value, std::int64_t& into) {
  const auto cpu = value.number();
  if (!cpu) return cpu.error();
  if (!(*cpu > 0 && *cpu <= 1e6)) return wrong("agent.cpu", "must be more than 0 and at most 1000000");
  into = std::llround(*cpu * 1'000);
  return Done{};
}

Result<ScalingTemplate> template_of(const json::Value& value) {
  if (const auto object = value.object(); !object) return object.error();
  ScalingTemplate agent;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string_view name = value.name(i);
    Status taken = Done{};
    if (name == "cpu") {
      taken = take_cpu(value.at(i), agent.total.cpu_milli);
    } else if (name == "memory") {
      taken = take_count("agent.memory", value.at(i), kAmountMax, agent.total.mem_mib);
    } else if (name == "disk") {
      taken = take_count("agent.disk", value.at(i), kAmountMax, agent.total.disk_mib);
    } else if (name == "gpu") {
      taken = take_count("agent.gpu", value.at(i), kAmountMax, agent.total.gpus);
    } else if (name == "attributes") {
      taken = take_attributes(value.at(i), agent.attributes);
    } else {
      taken = wrong("agent." + std::string(name.substr(0, kScalingTextBytesMax)), "is not known",
                    "there are cpu, memory, disk, gpu and attributes");
    }
    if (!taken) return taken.error();
  }
  if (agent.total.cpu_milli == 0) return wrong("agent.cpu", "is missing");
  if (agent.total.mem_mib == 0) return wrong("agent.memory", "is missing", "in MiB");
  return agent;
}

Status take_member(ScalingRule& rule, std::string_view name, const json::Value& value) {
  if (name == "name") return take_text(name, value, rule.name);
  if (name == "attribute") return take_text(name, value, rule.attribute);
  if (name == "value") return take_text(name, value, rule.value);
  if (name == "minIdle") return take_count(name, value, kScalingSizeMax, rule.min_idle);
  if (name == "maxIdle") return take_count(name, value, kScalingSizeMax, rule.max_idle);
  if (name == "minSize") return take_count(name, value, kScalingSizeMax, rule.min_size);
  if (name == "maxSize") return take_count(name, value, kScalingSizeMax, rule.max_size);
  if (name == "coolDown") return take_duration(name, value, rule.cool_down_ms);
  if (name == "patience") return take_duration(name, value, rule.patience_ms);
  if (name == "arrival") return take_duration(name, value, rule.arrival_ms);
  if (name == "agent") {
    auto agent = template_of(value);
    if (!agent) return std::move(agent).error();
    rule.agent = *std::move(agent);
    return Done{};
  }
  return wrong(std::string(name.substr(0, kScalingTextBytesMax)), "is not a member of a rule",
               "there are name, attribute, value, minIdle, maxIdle, minSize, maxSize, coolDown, patience, "
               "arrival and agent");
}

// What no single field can tell.
Status check_rule(const ScalingRule& rule, const std::set<std::string_view>& given) {
  for (const char* needed : {"name", "attribute", "value", "maxIdle", "maxSize"}) {
    if (!given.contains(needed)) return wrong(needed, "is missing");
  }
  if (rule.min_idle > rule.max_idle) return wrong("minIdle", "must not be above maxIdle");
  if (rule.min_size > rule.max_size) return wrong("minSize", "must not be above maxSize");
  if (rule.max_size == 0) return wrong("maxSize", "must be at least 1");
  if (rule.min_idle > rule.max_size) return wrong("minIdle", "must not be above maxSize");
  if (rule.arrival_ms < 1'000) return wrong("arrival", "must be at least 1secs");
  if (rule.min_size == 0 && !rule.agent) {
    return wrong("agent", "is missing: in a group that may be empty there is nobody to learn it from",
                 R"(as in {"cpu": 4, "memory": 4096, "disk": 20000}, or a minSize of at least 1)");
  }
  if (!rule.agent) return Done{};
  const auto own = rule.agent->attributes.find(rule.attribute);
  if (own != rule.agent->attributes.end() && own->second != rule.value)
    return wrong("agent.attributes." + rule.attribute, "must be the group's own value, " + rule.value);
  return Done{};
}

Result<ScalingRule> rule_of(const json::Value& value) {
  if (const auto object = value.object(); !object) return object.error();
  ScalingRule rule;
  std::set<std::string_view> given;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!given.insert(value.name(i)).second) return wrong(std::string(value.name(i)), "stands there twice");
    if (Status taken = take_member(rule, value.name(i), value.at(i)); !taken) return std::move(taken).error();
  }
  if (Status fits = check_rule(rule, given); !fits) return std::move(fits).error();
  return rule;
}

Error in_group(std::size_t index, const std::string& name, Error error) {
  std::string where = "group " + std::to_string(index + 1);
  if (!name.empty()) where += " (" + name + ")";
  error.where = error.where.empty() ? std::move(where) : where + ", " + error.where;
  return error;
}

}  // namespace

Result<std::vector<ScalingRule>> parse_scaling_rules(std::string_view text) {
  const auto document = json::parse(text, {.bytes_max = kScalingRulesBytesMax});
  if (!document) return document.error();
  const auto list = document->root().member("groups");
  if (!list) return list.error();
  const auto array = list->array();
  if (!array) return array.error();
  if (document->root().size() != 1) return wrong({}, R"(must hold nothing beside "groups")");
  if (static_cast<std::int64_t>(array->size()) > kScalingGroupsMax)
    return wrong("groups", "are more than " + std::to_string(kScalingGroupsMax));
  std::vector<ScalingRule> rules;
  std::set<std::string> names;
  std::set<std::pair<std::string, std::string>> members;
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto rule = rule_of(array->at(i));
    if (!rule) return in_group(i, std::string(array->at(i).string_or("name", "")), std::move(rule).error());
    if (!names.insert(rule->name).second) return in_group(i, rule->name, wrong("name", "stands there twice"));
    if (!members.insert({rule->attribute, rule->value}).second)
      return in_group(i, rule->name, wrong("value", "of this attribute is another group's already"));
    rules.push_back(*std::move(rule));
  }
  return rules;
}

}  // namespace mimas::server
