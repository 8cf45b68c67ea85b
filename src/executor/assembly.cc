#include "executor/assembly.h"

#include <cstdlib>
#include <utility>

#include "executor/docker_runtime.h"
#include "executor/process_runtime.h"

namespace mimas::executor {

Result<Parts> make_parts(const Surroundings&) { return Parts{}; }

Result<std::unique_ptr<Runtime>> make_runtime(RuntimeKind kind, const Surroundings& about, OutputSink* sink) {
  switch (kind) {
    case RuntimeKind::process: return std::unique_ptr<Runtime>(new ProcessRuntime(sink));
    case RuntimeKind::docker: break;
  }
  const char* agent = std::getenv("MESOS_SLAVE_ID");
  return std::unique_ptr<Runtime>(new DockerRuntime(about.config, about.settings.framework_id,
                                                    agent == nullptr ? std::string() : agent, sink));
}

}  // namespace mimas::executor
