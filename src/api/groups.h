// Capacity groups over REST: /v2/groups in our own words, and Titus's /v2/management/applications, where a
// guarantee is that of one instance times a count (titus §1.5). Pure functions; all faults of a body at once.
// A rendering walks the live jobs and their tasks. Tested in tests/api/groups_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "api/problem.h"
#include "engine/input.h"
#include "engine/view.h"

namespace mimas::api {

inline constexpr std::int64_t kGroupCpusMax = 1'000'000;
inline constexpr std::int64_t kGroupAmountMax = 1'000'000'000;  // MiB, GPUs, Mbit/s; instances of Titus's
inline constexpr std::int64_t kGroupWeightMax = 10'000;

// {"tier": "critical", "weight": 200, "guarantee": {"cpu": 8, "memory": 4096}, "quota": null}: the whole of
// it, what is left out has its default.
Checked<engine::SetGroup> parse_group(const std::string& name, std::string_view body);
// {"appName": "web", "tier": "Critical", "instanceCPU": 1, "instanceMemoryMB": 512, "instanceCount": 8, …}.
// Titus knows neither weight nor quota: those that the group has stay. `name`: of the path;
// empty: the body's own.
Checked<engine::SetGroup> parse_application(const std::string& name, std::string_view body,
                                            const engine::View& view);

std::string render_groups(const engine::View& view);                          // described ones and used ones
std::string render_group(const engine::View& view, const std::string& name);  // empty: nobody knows it
std::string render_applications(const engine::View& view);                    // described ones, and DEFAULT
std::string render_application(const engine::View& view, const std::string& name);  // empty: there is none

}  // namespace mimas::api
