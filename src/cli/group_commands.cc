// `mimas groups`: what is promised to those who share the cluster, and what they use of it.
#include <array>
#include <optional>
#include <string>

#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/job_text.h"
#include "cli/request_parts.h"
#include "cli/rest.h"
#include "cli/show.h"
#include "json/writer.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::array<std::string_view, 5> kOwnNames{"cpu", "memory", "disk", "gpu", "networkMbps"};

Error not_an_amount(const char* flag, const std::string& text) {
  return make_error(Code::invalid_argument, "not an amount: " + text, flag,
                    "write cpu=8, memory=4096, disk=, gpu=, networkMbps= or the name of another resource");
}

bool is_own(std::string_view name) {
  return std::find(kOwnNames.begin(), kOwnNames.end(), name) != kOwnNames.end();
}

// {"cpu=8", "fpga=2"} → {"cpu":8,"resources":{"fpga":2}}.
Status write_amounts(json::Writer& body, std::string_view name, const char* flag,
                     const std::vector<std::string>& amounts) {
  for (const std::string& text : amounts) {
    const auto is = text.find('=');
    const auto number = json::parse(is == std::string::npos ? std::string() : text.substr(is + 1));
    if (is == 0 || !number.ok() || !number->root().is_number()) return not_an_amount(flag, text);
  }
  const auto write = [&](bool own) {
    for (const std::string& text : amounts) {
      const auto is = text.find('=');
      if (is_own(text.substr(0, is)) == own) body.member_raw(text.substr(0, is), text.substr(is + 1));
    }
  };
  body.key(name).begin_object();
  write(true);
  body.key("resources").begin_object();
  write(false);
  body.end_object().end_object();
  return Done{};
}

Result<int> set_group(const Groups& command, Rest& rest, const std::string& target) {
  const Result<std::string> body = group_body(command);
  if (!body.ok()) return body.error();
  const Result<std::string> answer = rest.ask("PUT", target, *body, if_match(command.if_version));
  if (!answer.ok()) return answer.error();
  return kExitOk;
}

}  // namespace

Result<std::string> group_body(const Groups& command) {
  json::Writer body;
  body.begin_object().member("user", own_user());
  if (!command.tier.empty()) body.member("tier", command.tier);
  if (command.weight) body.member("weight", *command.weight);
  if (Status written = write_amounts(body, "guarantee", "--guarantee", command.guarantee); !written.ok()) {
    return written.error();
  }
  if (!command.quota.empty()) {
    if (Status written = write_amounts(body, "quota", "--quota", command.quota); !written.ok()) {
      return written.error();
    }
  }
  body.end_object();
  return body.take();
}

Result<int> groups(const Groups& command) {
  const std::string target = "/v2/groups/" + wire::percent_encode(command.name);
  const auto table = [](json::Value list, Look look) { return groups_table(list, look.colour); };
  if (command.what == "list") return show(command.client, "/v2/groups", table);
  if (command.what == "show") return show(command.client, target, table);
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  if (command.what == "set") return set_group(command, *rest, target);
  const Result<std::string> answer = rest->ask("DELETE", target, {}, if_match(command.if_version));
  if (!answer.ok()) return answer.error();
  return kExitOk;
}

}  // namespace mimas::cli
