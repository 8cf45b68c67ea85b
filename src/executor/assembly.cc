#include "executor/assembly.h"

#include <utility>

#include "executor/process_runtime.h"

namespace mimas::executor {

Result<Parts> make_parts(const Surroundings&) { return Parts{}; }

Result<std::unique_ptr<Runtime>> make_runtime(RuntimeKind kind, const Surroundings&, OutputSink* sink) {
  switch (kind) {
    case RuntimeKind::process: return std::unique_ptr<Runtime>(new ProcessRuntime(sink));
    case RuntimeKind::docker: break;
  }
  return make_error(Code::unsupported, "this mimas-executor runs no Docker containers");
}

}  // namespace mimas::executor
