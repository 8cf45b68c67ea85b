// A Container Network Interface plugin as its specification (versions 0.3 to 1.1) describes it from the
// caller's side: what it finds in its environment, reads from its standard input and prints. Pure. Tested in
// tests/executor/cni_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::executor {

// --network docker:NAME          containers join this Docker network
// --network cni:PLUGIN?config=FILE   processes get a network namespace that this executable sets up
struct NetworkOptions {
  enum class Driver { docker, cni };
  Driver driver = Driver::docker;
  std::string name;    // docker
  std::string plugin;  // cni: absolute path
  std::string config;  // cni: absolute path of its network configuration
  bool operator==(const NetworkOptions&) const = default;
};
Result<NetworkOptions> parse_network(std::string_view text);

enum class CniCommand { add, del };
// "NAME=value". `netns` is a path; `path` our own PATH, where plugins look for iptables and their like.
std::vector<std::string> cni_environment(CniCommand command, std::string_view container_id,
                                         const std::string& netns, const std::string& plugin,
                                         std::string_view path);
// A task's id in the alphabet that CNI allows: letters, digits, '_', '.', '-', the first a letter or digit.
std::string cni_container_id(std::string_view task_id);

// The configuration with a name of the network in it, or why it is none.
Status check_cni_config(std::string_view json);
// For DEL: with what ADD answered, as versions from 0.4 want it.
std::string cni_del_input(std::string_view config, std::string_view add_result);

struct CniAddress {
  std::string ip;  // without prefix length
};
Result<CniAddress> parse_cni_result(std::string_view json);
// What a plugin says on its output when it fails: {"code": 7, "msg": "…", "details": "…"}; else the text
// itself.
std::string cni_fault(std::string_view output);

}  // namespace mimas::executor
