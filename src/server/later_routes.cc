// Paths that are part of the contract and that no code stands behind yet: they answer 501 and say what to do
// instead, so that nobody takes a wrong path for a missing feature or the other way round.
#include "server/answers.h"
#include "server/route_files.h"

namespace mimas::server {
namespace {

constexpr const char* kUpdates = "updates in steps";
constexpr const char* kUpdateInstead =
    "PATCH /v2/jobs/{id} changes what needs no new tasks; for the rest submit a job beside it and kill the "
    "old one";
constexpr const char* kPauseInstead = "POST /v2/jobs/setinstancecounts changes how many instances run";

}  // namespace

const std::vector<LaterRoute>& later_route_table() {
  static const std::vector<LaterRoute> kTable{
      {"GET", "/jobs/{id}/updates", kUpdates, "GET /v2/jobs/{id}/versions tells what a job was like"},
      {"POST", "/jobs/{id}/update", kUpdates, kUpdateInstead},
      {"POST", "/jobs/{id}/revert", kUpdates,
       "PUT /v2/jobs/{id} with a description of GET /v2/jobs/{id}/versions"},
      {"POST", "/jobs/{id}/restart", kUpdates,
       "POST /v2/tasks/kill, a few tasks at a time: each is started again"},
      {"POST", "/jobs/{id}/pause", kUpdates, kPauseInstead},
      {"POST", "/jobs/{id}/resume", kUpdates, kPauseInstead},
      {"POST", "/jobs/{id}/run", "runs of cron jobs", "submit a batch job with POST /v2/jobs"},
      {"GET", "/updates/{id}", kUpdates, kUpdateInstead},
      {"POST", "/updates/{id}/pause", kUpdates, kUpdateInstead},
      {"POST", "/updates/{id}/resume", kUpdates, kUpdateInstead},
      {"POST", "/updates/{id}/abort", kUpdates, kUpdateInstead},
      {"POST", "/updates/{id}/rollback", kUpdates, kUpdateInstead},
      {"POST", "/updates/{id}/pulse", kUpdates, kUpdateInstead},
      {"POST", "/updates/{id}/promote", kUpdates, kUpdateInstead},
      {"GET", "/tasks/{id}/exec", "terminals in tasks", "docker exec or nsenter on the task's host"},
  };
  return kTable;
}

void add_later_routes(Routes& routes) {
  for (const LaterRoute& later : later_route_table()) {
    const Role needs = std::string_view(later.method) == "GET" ? Role::viewer : Role::operator_;
    routes.add(needs, later.method, later.pattern, [later](const Call&) {
      return problem(make_error(Code::unimplemented,
                                std::string(later.what) + " are not part of this version", {},
                                std::string("for now: ") + later.instead));
    });
  }
}

}  // namespace mimas::server
