#include "pocket/agent_order.h"

#include <cstdint>
#include <cstdio>
#include <utility>

#include "json/value.h"
#include "pocket/agent_flags.h"

namespace mimas::pocket {
namespace {

constexpr std::size_t kOrderBytesMax = 1u << 20;
constexpr double kAmountMax = 1e9;

Error wrong(std::string where, std::string why) {
  return make_error(Code::invalid_argument, std::move(why), std::move(where));
}

void append(std::string& list, const std::string& part) {
  if (!list.empty()) list += ';';
  list += part;
}

// "cpus:1.5"; amounts of 0 are none.
Status take_amount(const json::Value& agent, const char* member, const char* name, std::string& into) {
  const auto value = agent.find(member);
  if (!value) return Done{};
  const auto amount = value->number();
  if (!amount) return amount.error();
  if (!(*amount >= 0 && *amount <= kAmountMax)) return wrong(value->pointer(), "must be 0 to 1000000000");
  if (*amount == 0) return Done{};
  char text[64];
  std::snprintf(text, sizeof text, "%s:%.3f", name, *amount);
  append(into, text);
  return Done{};
}

Status take_attributes(const json::Value& agent, std::string& into) {
  const auto value = agent.find("attributes");
  if (!value) return Done{};
  const auto object = value->object();
  if (!object) return object.error();
  for (std::size_t i = 0; i < object->size(); ++i) {
    const auto text = object->at(i).string();
    if (!text) return text.error();
    const std::string part = std::string(object->name(i)) + ":" + std::string(*text);
    if (part.find(';') != std::string::npos)
      return wrong(object->at(i).pointer(), "must not contain ';', which separates attributes");
    append(into, part);
  }
  return Done{};
}

Status take_agent(const json::Value& agent, AgentOptions& options) {
  if (const auto object = agent.object(); !object) return object.error();
  for (const auto& [member, name] :
       {std::pair{"cpu", "cpus"}, {"memory", "mem"}, {"disk", "disk"}, {"gpu", "gpus"}}) {
    if (Status taken = take_amount(agent, member, name, options.resources); !taken) return taken;
  }
  if (Status taken = take_attributes(agent, options.attributes); !taken) return taken;
  return check_agent(options);
}

Result<std::string> named(const json::Value& one) {
  if (one.is_object()) {
    std::string name(one.string_or("id", ""));
    if (name.empty()) name = one.string_or("hostname", "");
    if (name.empty()) return wrong(one.pointer(), "has neither id nor hostname");
    return name;
  }
  const auto text = one.string();
  if (!text) return text.error();
  return std::string(*text);
}

}  // namespace

Result<AgentOrder> parse_agent_order(std::string_view text) {
  const auto document = json::parse(text, {.bytes_max = kOrderBytesMax});
  if (!document) return document.error();
  const json::Value root = document->root();
  if (const auto object = root.object(); !object) return object.error();
  AgentOrder order;
  if (const auto add = root.find("add")) {
    const auto count = add->int64();
    if (!count) return count.error();
    if (*count < 0 || *count > kPocketAgentsMax)
      return wrong("/add", "must be 0 to " + std::to_string(kPocketAgentsMax));
    order.add = static_cast<int>(*count);
  }
  if (const auto agent = root.find("agent"); agent && !agent->is_null()) {
    if (Status taken = take_agent(*agent, order.agent); !taken) return std::move(taken).error();
  }
  if (const auto remove = root.find("remove")) {
    const auto list = remove->array();
    if (!list) return list.error();
    for (std::size_t i = 0; i < list->size(); ++i) {
      auto name = named(list->at(i));
      if (!name) return std::move(name).error();
      order.remove.push_back(*std::move(name));
    }
  }
  if (order.add == 0 && order.remove.empty()) return wrong({}, "asks for nothing: give add or remove");
  return order;
}

std::string agent_text(const AgentOptions& options) {
  std::string text;
  if (!options.hostname.empty()) append(text, "hostname=" + options.hostname);
  if (!options.attributes.empty()) append(text, "attributes=" + options.attributes);
  if (!options.resources.empty()) append(text, "resources=" + options.resources);
  return text;
}

}  // namespace mimas::pocket
