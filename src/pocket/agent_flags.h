// Mesos's own notations for what an agent is: "cpus:4;mem:1024;ports:[31000-32000]", "stack:pi3;arch:arm"
// (mesos-protocol §4.4, §4.5, §5.4). Pure but for the defaults, which look at this machine.
// Tested in tests/pocket/parts_test.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "pocket/amounts.h"
#include "pocket/pocket.h"
#include "pocket/protos.h"

namespace mimas::pocket {

Result<Amounts> parse_resources(const std::string& text);
Result<::google::protobuf::RepeatedPtrField<mv1::Attribute>> parse_attributes(const std::string& text);

// This machine's, divided by `agents`: cpus, memory less 1 GB or half, free disk less 5 GB or half. No ports:
// see pocket/agent_ports.h.
Amounts default_resources(int agents, const std::string& disk_path);

// hostname, resources, attributes; neither id nor port yet. `number` is its place from 0.
Result<mv1::AgentInfo> make_agent_info(const AgentOptions& options, int number, int agents,
                                       const std::string& disk_path);

}  // namespace mimas::pocket
