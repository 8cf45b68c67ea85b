// Who changed what, when and from where, as REST JSON: GET /v2/audit. Newest first, in pages: a page begins
// below a record's number, so that what is added meanwhile moves nothing. Pure. Tested in
// tests/api/audit_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "api/problem.h"
#include "api/query.h"
#include "api/render.h"
#include "base/ids.h"
#include "json/writer.h"
#include "model/history.h"

namespace mimas::api {

inline constexpr std::int64_t kAuditPage = 100;  // without `limit`
inline constexpr std::int64_t kAuditPageMax = 1'000;
inline constexpr std::string_view kAuditList = "audit";  // in cursors, which hold one number

struct AuditQuery {
  JobId job;                // empty: of all
  std::int64_t before = 0;  // records numbered below; 0: all
  std::int64_t limit = kAuditPage;
};
// `job`, `before` or `cursor`, `limit`; all that is wrong at once.
Checked<AuditQuery> parse_audit_query(const std::vector<Parameter>& parameters);

void write_audit(json::Writer& out, const Audit& audit);  // one record, here and in the event stream

// `found`: newest first, one more than `limit` if there are as many. The cursor leads to what follows.
List render_audits(const std::vector<AuditPtr>& found, std::int64_t limit);

}  // namespace mimas::api
