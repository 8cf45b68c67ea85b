// JSON from anybody: no crash, and what was understood is written and read back the same.
#include "base/assert.h"
#include "door.h"
#include "json/value.h"

using namespace mimas;

void try_bytes(std::string_view bytes) {
  const auto document = json::parse(bytes);
  if (!document.ok()) return;
  const std::string text = document->root().dump();
  const auto again = json::parse(text);
  ASSERT(again.ok());
  ASSERT(again->root().dump() == text);
}
FUZZ_DOOR
