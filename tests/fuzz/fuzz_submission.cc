// Request bodies of the REST API: a job that passes keeps every promise the rest of the program relies on.
#include "api/commands.h"
#include "base/assert.h"
#include "door.h"

using namespace mimas;

void try_bytes(std::string_view bytes) {
  for (const bool lenient : {false, true}) {
    const auto checked = api::parse_submission(bytes, lenient);
    if (!checked.ok()) continue;
    const engine::SubmitJob& command = checked.value.command;
    ASSERT(command.spec != nullptr);
    ASSERT(command.spec->request.cpu_milli > 0 && command.spec->request.mem_mib > 0);
    ASSERT(command.instances_min >= 0 && command.instances_min <= command.instances_desired);
    ASSERT(command.instances_desired <= command.instances_max);
  }
  (void)api::parse_kill_job(bytes, "application/json");
  (void)api::parse_kill_job(bytes, "text/plain");
  (void)api::parse_kill_tasks(bytes);
  (void)api::parse_set_instance_counts(bytes);
}
FUZZ_DOOR
