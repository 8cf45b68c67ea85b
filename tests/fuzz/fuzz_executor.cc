// What an agent tells the executor, and what the server's task data says.
#include "door.h"
#include "executor/messages.h"

using namespace mimas;

void try_bytes(std::string_view bytes) {
  (void)executor::parse_event(bytes);
  (void)executor::parse_command(bytes);
}
FUZZ_DOOR
