// Answers of GET /v2/tasks/{id}/why, /v2/jobs/{id}/why, of a dry run's `placement` and of GET /v2/cluster for
// people: plain sentences first, then tables. Pure; a member that is missing shows as a blank. Tested in
// tests/cli/why_text_test.cc.
#pragma once

#include <string>

#include "json/value.h"

namespace mimas::cli {

std::string task_why_text(json::Value why, bool colour);
std::string job_why_text(json::Value why, bool colour);
std::string plan_text(json::Value preview, bool colour);
bool fits_whole(json::Value preview);  // every task of the dry run would have a place now
std::string cluster_text(json::Value cluster, bool colour);

}  // namespace mimas::cli
