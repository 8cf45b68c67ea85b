#include "executor/cni.h"

#include <algorithm>
#include <cstddef>

#include "json/value.h"
#include "json/writer.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kNameMax = 128;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_path(std::string_view text) { return text.size() > 1 && text.front() == '/'; }

}  // namespace

Result<NetworkOptions> parse_network(std::string_view text) {
  NetworkOptions options;
  constexpr std::string_view kDocker = "docker:";
  constexpr std::string_view kCni = "cni:";
  constexpr std::string_view kConfig = "?config=";
  if (text.starts_with(kDocker)) {
    options.name = text.substr(kDocker.size());
    const bool plain = std::all_of(options.name.begin(), options.name.end(), [](char c) {
      return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
    });
    if (plain && !options.name.empty() && options.name.size() <= kNameMax) return options;
  } else if (text.starts_with(kCni)) {
    const std::size_t question = text.find(kConfig);
    options.driver = NetworkOptions::Driver::cni;
    if (question != std::string_view::npos) {
      options.plugin = text.substr(kCni.size(), question - kCni.size());
      options.config = text.substr(question + kConfig.size());
    }
    if (is_path(options.plugin) && is_path(options.config)) return options;
  }
  return make_error(
      Code::invalid_argument, "'" + std::string(text) + "' is not understood", "--network",
      "write docker:NAME, the name of a Docker network, or cni:/path/of/plugin?config=/path/of/file");
}

std::vector<std::string> cni_environment(CniCommand command, std::string_view container_id,
                                         const std::string& netns, const std::string& plugin,
                                         std::string_view path) {
  std::vector<std::string> out;
  out.push_back(std::string("CNI_COMMAND=") + (command == CniCommand::add ? "ADD" : "DEL"));
  out.push_back("CNI_CONTAINERID=" + std::string(container_id));
  out.push_back("CNI_NETNS=" + netns);
  out.push_back("CNI_IFNAME=eth0");
  out.push_back("CNI_PATH=" + plugin.substr(0, plugin.rfind('/')));
  out.push_back("PATH=" + std::string(path));
  return out;
}

std::string cni_container_id(std::string_view task_id) {
  std::string id;
  for (const char c : task_id) id += is_alphanumeric(c) || c == '_' || c == '.' || c == '-' ? c : '_';
  if (id.empty() || !is_alphanumeric(id.front())) id.insert(id.begin(), 'm');
  return id;
}

Status check_cni_config(std::string_view text) {
  const auto document = json::parse(text);
  if (!document.ok()) return document.error();
  const json::Value root = document->root();
  for (const char* name : {"cniVersion", "name", "type"}) {
    const auto member = root.member(name);
    if (!member.ok()) return member.error();
    const auto value = member->string();
    if (!value.ok()) return value.error();
  }
  return Done{};
}

std::string cni_del_input(std::string_view config, std::string_view add_result) {
  const auto document = json::parse(config);
  const auto result = json::parse(add_result);
  if (!document.ok() || !result.ok()) return std::string(config);
  const json::Value root = document->root();
  json::Writer writer;
  writer.begin_object();
  for (std::size_t i = 0; i < root.size(); ++i) writer.member_raw(root.name(i), root.at(i).dump());
  writer.member_raw("prevResult", result->root().dump());
  writer.end_object();
  return writer.take();
}

Result<CniAddress> parse_cni_result(std::string_view text) {
  const auto document = json::parse(text);
  if (!document.ok()) return document.error();
  const json::Value root = document->root();
  const auto ips = root.find("ips");
  if (!ips || !ips->is_array() || ips->size() == 0)
    return make_error(Code::protocol, "the plugin names no address", "/ips");
  const std::string_view address = ips->at(0).string_or("address", {});
  const std::size_t slash = address.find('/');
  if (slash == 0 || slash == std::string_view::npos)
    return make_error(Code::protocol, "is not an address with the length of its prefix", "/ips/0/address");
  return CniAddress{std::string(address.substr(0, slash))};
}

std::string cni_fault(std::string_view output) {
  const auto document = json::parse(output);
  if (!document.ok()) return std::string(output.substr(0, 512));
  const json::Value root = document->root();
  std::string text(root.string_or("msg", {}));
  const std::string_view details = root.string_or("details", {});
  if (!details.empty()) text += ": " + std::string(details);
  return text.empty() ? std::string(output.substr(0, 512)) : text;
}

}  // namespace mimas::executor
