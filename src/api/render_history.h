// What became of a job over time: its versions, how two of them differ, and what happened to it and its
// tasks. Pure. Tested in tests/server/routes_test.cc. (The audit as a whole: api/render_audit.h.)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/problem.h"
#include "api/query.h"
#include "api/render.h"
#include "engine/view.h"

namespace mimas::api {

// Newest first, each with its whole description.
std::string render_versions(const engine::View& view, const JobId& job, const Sight& sight = {});

// The query of …/diff: `to` is 0 for the newest version, `from` 0 for the one before `to`.
struct DiffQuery {
  std::int64_t from = 0, to = 0;
};
Checked<DiffQuery> parse_diff_query(const std::vector<Parameter>& parameters);
// Errors: not_found, naming the versions that are kept.
Result<std::string> render_diff(const engine::View& view, const JobId& job, const DiffQuery& query,
                                const Sight& sight = {});

// What people asked of a job and every state its tasks entered, by time, newest last. A page ends where the
// next one begins also when something happened in between.
inline constexpr std::string_view kEventList = "event";  // in cursors, which have kEventNumbers
inline constexpr std::size_t kEventNumbers = 4;
List render_job_events(const engine::View& view, const JobId& job, const Page& page);

}  // namespace mimas::api
