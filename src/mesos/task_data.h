// TaskInfo.data: all that mimas-executor is told of a task (schema/executor/task.json), and the variables a
// task finds. Pure. Tested in tests/mesos/task_data_test.cc.
#pragma once

#include <map>
#include <string>

#include "engine/effect.h"

namespace mimas::mesos {

// What is not in the task's records.
struct LaunchFacts {
  std::map<std::string, std::string> secrets;  // by variable: values of JobSpec::secret_env
  std::string default_network = "host";        // of containers that name none and have no container ports
};
std::string task_data(const engine::Launch& launch, const LaunchFacts& facts = {});

// The job's variables and ours, which win: what a task reads there about itself is true. The table is in
// docs/executor.md.
std::map<std::string, std::string> task_environment(const engine::Launch& launch,
                                                    const LaunchFacts& facts = {});

// The Docker network: the job's own, or "bridge" if it has container ports, or the default.
std::string container_network(const JobSpec& spec, const LaunchFacts& facts);

// As `docker pull` takes it: name:tag, or name@digest.
std::string image_reference(const JobSpec& spec);

}  // namespace mimas::mesos
