// What was done and what became of it → tables for people. Pure; a field that is missing or of another type
// shows as a blank. Tested in tests/cli/history_text_test.cc.
#pragma once

#include <string>

#include "json/value.h"

namespace mimas::cli {

std::string history_table(json::Value answer, bool colour);
std::string versions_table(json::Value answer, bool colour);
std::string diff_text(json::Value answer, bool colour);
std::string audit_table(json::Value answer, bool colour);

// One event of GET /v2/events: "mimas-7-worker-0-3  RUNNING  on pi1".
std::string event_line(const std::string& kind, json::Value data, bool colour);

}  // namespace mimas::cli
