// What a configuration is made of: the one place where every part and every runtime is named. What is
// switched off is never made. Tested through tests/executor/executor_test.py.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "executor/config.h"
#include "executor/environment.h"
#include "executor/log_archive.h"
#include "executor/part.h"
#include "executor/runtime.h"

namespace mimas::executor {

// What parts and runtimes may refer to; outlives them.
struct Surroundings {
  Settings settings;
  Config config;
  const char* const* environment = nullptr;  // our own
  ArchiveEnvironment archive;
};

struct Parts {
  std::vector<std::unique_ptr<Part>> all;  // pumped in this order
  OutputSink* sink = nullptr;              // one of them; nullptr: tasks inherit our stdout and stderr
};

// Errors: an option whose value is wrong, the flag in `where`.
Result<Parts> make_parts(const Surroundings& about);

// At the first task of its kind. Errors are the task's: it cannot be started here.
Result<std::unique_ptr<Runtime>> make_runtime(RuntimeKind kind, const Surroundings& about, OutputSink* sink);

}  // namespace mimas::executor
