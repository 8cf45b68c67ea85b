// What an agent tells the executor, and what the server's task data says.
#include "door.h"
#include "executor/messages.h"
#include "executor/spec.h"

using namespace mimas;

void try_bytes(std::string_view bytes) {
  (void)executor::parse_event(bytes);
  (void)executor::parse_spec(bytes);
}
FUZZ_DOOR
