// Tasks that run unknown to the records, and what was decided about them, as REST JSON. Tested in
// tests/api/orphans_test.cc.
#pragma once

#include <string>

#include "engine/effect.h"
#include "engine/view.h"

namespace mimas::api {

// GET /v2/orphans: {"alert": text or null, "orphans": [...]}, by task id.
std::string render_orphans(const engine::View& view);

// The answer of POST /v2/orphans/adopt and /kill: what is done under `done_name`, then "leftAlone" with
// reasons.
std::string render_decided(const engine::OrphansDecided& decided, std::string_view done_name);

}  // namespace mimas::api
