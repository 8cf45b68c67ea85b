// The record of changes, by values.
#include "api/render_audit.h"

#include <doctest/doctest.h>

#include "json/value.h"

namespace mimas::api {
namespace {

AuditPtr record(std::int64_t number) {
  auto audit = std::make_shared<Audit>();
  audit->number = number;
  audit->at = Instant{1'795'262'400'123};
  audit->action = "job.scale";
  return audit;
}

std::vector<std::string> fault_names(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Fault& fault : parse_audit_query(parameters).faults) names.push_back(fault.pointer);
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("a record says who, from where, what and what it was before") {
  Audit audit = *record(7);
  audit.user = "ci";
  audit.address = "10.0.0.1";
  audit.job = JobId("mimas-3");
  audit.detail = "from 1 to 3 instances";
  audit.fields = {{"instancesDesired", "1", "3"}, {"inService", "true", "false"}, {"env", "", ""}};
  CHECK(
      render_audits({std::make_shared<const Audit>(audit)}, 10).body ==
      R"([{"number":7,"at":"2026-11-21T12:00:00.123Z","user":"ci","address":"10.0.0.1","action":"job.scale",)"
      R"("jobId":"mimas-3","taskId":null,"detail":"from 1 to 3 instances","changes":[)"
      R"({"field":"instancesDesired","before":1,"after":3},{"field":"inService","before":true,"after":false},)"
      R"({"field":"env"}]}])");
  CHECK(render_audits({}, 10).body == "[]");
}

TEST_CASE("pages follow one another and the last one has no cursor") {
  const std::vector<AuditPtr> records = {record(5), record(4), record(3)};
  const List first = render_audits(records, 2);
  CHECK(json::parse(first.body)->root().size() == 2);
  REQUIRE_FALSE(first.cursor.empty());
  const auto next = parse_audit_query({{"cursor", first.cursor}, {"limit", "2"}});
  REQUIRE(next.ok());
  CHECK(next.value.before == 4);
  CHECK(next.value.limit == 2);
  CHECK(render_audits(records, 3).cursor.empty());
  CHECK(render_audits({}, 1).cursor.empty());
}

TEST_CASE("every wrong parameter is named, and bounds hold on both sides") {
  const auto plain = parse_audit_query({});
  CHECK(plain.ok());
  CHECK(plain.value.limit == kAuditPage);
  CHECK(plain.value.before == 0);
  CHECK(plain.value.job.empty());
  CHECK(parse_audit_query({{"job", "mimas-1"}}).value.job == JobId("mimas-1"));
  CHECK(fault_names({{"limit", "1"}}).empty());
  CHECK(fault_names({{"limit", "1000"}}).empty());
  CHECK(fault_names({{"limit", "0"}, {"before", "0"}, {"job", "a\nb"}}) == Names{"limit", "before", "job"});
  CHECK(fault_names({{"limit", "1001"}}) == Names{"limit"});
  CHECK(fault_names({{"limit", "-1"}}) == Names{"limit"});
  CHECK(fault_names({{"before", "x"}}) == Names{"before"});
  CHECK(fault_names({{"cursor", "x"}}) == Names{"cursor"});
  CHECK(fault_names({{"cursor", write_cursor("event", {4})}}) == Names{"cursor"});
  CHECK(fault_names({{"cursor", write_cursor(kAuditList, {4})}, {"before", "4"}}) == Names{"cursor"});
}

}  // namespace
}  // namespace mimas::api
