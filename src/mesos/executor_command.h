// The command with which an agent starts our executor: what is fetched, checked and run. Pure. Tested in
// tests/mesos/executor_command_test.cc.
//
// Without more, an agent fetches the build for its architecture from us (and keeps it in its cache) and
// starts it through /bin/sh, which first compares the file's SHA-256 with the one in the command: the file
// came over plain HTTP, the command through the master. Another sum is said on stderr and ends with
// kWrongFileStatus. Where nothing can tell a sum (sha256sum, busybox, openssl, shasum), that is said and ends
// with kUncheckedStatus: a file that checks itself would prove nothing, and unchecked it is whatever came.
// The shell replaces itself, so the process that the agent watches is the executor.
//
// An agent with the text attribute `mimas_executor:/path` has the executor installed there: nothing is
// fetched, nothing is checked, and the architecture does not matter.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "mesos/launch_options.h"
#include "mesos/protos.h"
#include "model/constraint.h"

namespace mimas::mesos {

inline constexpr int kWrongFileStatus = 96;
inline constexpr int kUncheckedStatus = 97;
inline constexpr std::string_view kInstalledAttribute = "mimas_executor";

// The executor build for an agent: by its `arch` attribute in the spellings people use, default_arch without
// one; empty for a text nobody knows.
std::string executor_arch(const Attributes& attributes, std::string_view default_arch);

// The same bytes for the same attributes, options and `shared` (the executor is told --shared), as Mesos
// wants of tasks that share an executor. Errors: unsupported for an architecture that no executor is built
// for, or that the server has none for; invalid_argument for an installed one whose path is not absolute.
Result<pb::CommandInfo> executor_command(const Attributes& attributes, const LaunchOptions& options,
                                         bool shared = false);

}  // namespace mimas::mesos
