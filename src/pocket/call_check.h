// What can be wrong with a call or a FrameworkInfo by itself, in Mesos's own words (mesos-protocol §2.1,
// §2.2, §3.2). An empty text means nothing is wrong. Pure. Tested in tests/pocket/parts_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "pocket/protos.h"

namespace mimas::pocket {

// Texts that follow "Failed to validate scheduler::Call: ".
std::string check_call(const mscheduler::Call& call);
// Texts that follow "Failed to validate Executor::Call: ".
std::string check_call(const mexecutor::Call& call);

std::string check_framework(const mv1::FrameworkInfo& info);  // roles, id, failover_timeout; in Mesos's order
std::string check_role(std::string_view role);
std::string check_id(std::string_view id);  // "ID must not be empty", "'a/b' contains invalid characters", …

// Everything about a task that needs no cluster: id, kill policy, resources, command xor executor.
std::string check_task(const mv1::TaskInfo& task, bool in_group);

}  // namespace mimas::pocket
