// A request on its way through the routes: who sent it, what it captured, and what that one may do. Titus-api
// §4.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/job_policy.h"
#include "base/result.h"
#include "http/router.h"

namespace mimas::server {

// Each may do what those before it may.
enum class Role { none, viewer, operator_, admin };
std::string_view role_name(Role role);  // "none", "viewer", "operator", "admin"

inline constexpr std::size_t kSenderBytesMax = 64;  // of X-Mimas-User; longer says nothing

struct Identity {
  std::string name;  // empty: nobody was asked who they are
  Role role = Role::none;
  std::vector<std::string> apps;  // the appNames whose jobs it may change; empty: all
  api::Grants grants = {};        // what its credentials narrow the policy to
  bool may_change(std::string_view app_name) const;
  bool may_change_all() const { return apps.empty(); }
};

struct Call {
  const http::Request& request;
  const http::Captures& captures;
  const Identity& who;

  const std::string& capture(std::string_view name) const { return captures.find(name)->second; }
};
using CallHandler = std::function<http::Reply(const Call&)>;

// Whether the caller may change jobs of this appName; whoever may change all may change those without one.
// Errors: permission_denied, naming the caller and the appNames that are theirs. Routes ask before every
// command about a job or a task, once they know whose it is, and after the look-up: an unknown id is
// not_found for everybody.
Status may_change(const Call& call, std::string_view app_name);
// The same for what belongs to no application: orphans, reservations, agents.
Status may_change_cluster(const Call& call);
// Whether the caller may read what jobs of this appName write and use: logs, files, statistics.
Status may_read(const Call& call, std::string_view app_name);

// Who sends it, for the records: as proven, else as the body says (`said`), else as the header X-Mimas-User
// says.
std::string sender_of(const Call& call, const std::string& said);

// How long whoever gets resource_exhausted from Authenticate shall stay away.
inline constexpr int kAuthenticationRetrySecs = 10;

// Who sends this request. Errors: unauthenticated, permission_denied, resource_exhausted. Thread-safe.
using Authenticate = std::function<Result<Identity>(const http::Request&)>;
Authenticate everybody_is(Role role);

// Adds routes whose callers must have a role. Every pattern under /v2 answers under /api/v2 too, and those of
// jobs, tasks and logs without either, as Titus's gateway had it (spinnaker §1.2). What carries a body must
// say that it is JSON (server/takes.h). `log` gets a line for each request that may have changed something,
// refused ones too: who, from where, method, path, status. What was sent along, credentials above all, is not
// in it.
class Routes {
 public:
  using LogLine = std::function<void(const std::string& line)>;
  explicit Routes(Authenticate authenticate, LogLine log = {})
      : authenticate_(std::move(authenticate)), log_(std::move(log)) {}

  // Of every request from now on: its method, the pattern it matched (of both prefixes as "/v2/…"), the
  // status and how long the answer took to make. Before the first route.
  using Answered =
      std::function<void(const std::string& method, const std::string& pattern, int status, double seconds)>;
  void watch(Answered answered) { answered_ = std::move(answered); }

  void add(Role needs, const std::string& method, const std::string& pattern,
           CallHandler handler);  // "/jobs"
  // Of exactly this path, outside /v2. Role::none: for everybody, unasked.
  void add_bare(Role needs, const std::string& method, const std::string& path, CallHandler handler);
  http::Router take() { return std::move(router_); }

 private:
  Authenticate authenticate_;
  LogLine log_;
  Answered answered_;
  http::Router router_;
};

}  // namespace mimas::server
