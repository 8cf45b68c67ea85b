// The answers of GET /v2/tasks/{id}/stats and GET /v2/jobs/{id}/stats → a table for people, as of `top`: a
// row per task, of a job their sum, and below it why there is nothing to show. Pure; what is null is a blank.
// Tested in tests/cli/stats_text_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "json/value.h"

namespace mimas::cli {

std::string stats_table(json::Value answer, bool colour);
std::string bytes_text(double bytes);  // "512", "1.5K", "24M", "3.2G", "1.1T"

}  // namespace mimas::cli
