// The small notations: addresses, URLs, redirects, constraints, ids, durations, base64.
#include "base/assert.h"
#include "base/base64.h"
#include "base/ids.h"
#include "base/time.h"
#include "door.h"
#include "model/constraint.h"
#include "wire/endpoint.h"

using namespace mimas;

void try_bytes(std::string_view bytes) {
  (void)wire::parse_endpoints(bytes, 5050);
  (void)wire::parse_url(bytes);
  (void)wire::parse_redirect(bytes);
  (void)wire::percent_decode(bytes, true);
  (void)parse_mesos_duration_ms(bytes);
  ASSERT(*wire::percent_decode(wire::percent_encode(bytes), false) == bytes);
  ASSERT(*base64_decode(base64_encode(bytes)) == bytes);
  if (const auto constraint = parse_constraint(bytes); constraint.ok()) {
    ASSERT(*parse_constraint(constraint_text(*constraint)) == *constraint);
  }
  if (const auto task = parse_task_id(bytes); task.ok()) {
    ASSERT(make_task_id(task->job, task->index, task->number).value == bytes);
  }
}
FUZZ_DOOR
