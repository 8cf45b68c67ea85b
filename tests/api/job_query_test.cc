#include <doctest/doctest.h>

#include "api/render.h"

namespace mimas::api {
namespace {

std::string fault_of(std::vector<Parameter> parameters) {
  const auto parsed = parse_job_query(parameters);
  REQUIRE(parsed.faults.size() == 1);
  return parsed.faults[0].pointer + ": " + parsed.faults[0].detail;
}

using Labels = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("no parameters ask for all live jobs") {
  const auto parsed = parse_job_query({});
  REQUIRE(parsed.ok());
  CHECK_FALSE(parsed.value.any_state);
  CHECK(parsed.value.limit == 0);
  CHECK(parsed.value.labels.empty());
}

TEST_CASE("labels come as names, names with a value, comma lists and repeated") {
  const auto parsed = parse_job_query({{"labels", " a , b= ,c=d=e"}, {"labels", "f"}, {"labels.op", "and"}});
  REQUIRE(parsed.ok());
  CHECK(parsed.value.labels == Labels{{"a", ""}, {"b", ""}, {"c", "d=e"}, {"f", ""}});
  CHECK(parsed.value.label_has_value == std::vector<bool>{false, true, true, false});
  CHECK(parsed.value.labels_all);
  CHECK(parse_job_query({{"labels", "name=a^b&c %"}}).value.labels == Labels{{"name", "a^b&c %"}});
  // A comma of a label's own is written with a backslash, and so is a backslash before one.
  CHECK(parse_job_query({{"labels", R"(c=x\,y,d=\\,e=a\b)"}}).value.labels ==
        Labels{{"c", "x,y"}, {"d", "\\"}, {"e", "a\\b"}});
  CHECK(fault_of({{"labels", "=x"}}) == "labels: a label must have a name: `name`, `name=` or `name=value`");
  CHECK(fault_of({{"labels.op", "xor"}}) == "labels.op: must be and or or");
}

TEST_CASE("every text filter lands in its member, an empty one is as if it were not there") {
  const auto parsed = parse_job_query({{"appName", "a"},
                                       {"applicationName", "b"},
                                       {"user", "c"},
                                       {"name", "d"},
                                       {"capacityGroup", "e"},
                                       {"jobGroupStack", "f"},
                                       {"jobGroupDetail", "g"},
                                       {"jobGroupSequence", ""},
                                       {"type", "service"}});
  REQUIRE(parsed.ok());
  const JobQuery& query = parsed.value;
  CHECK(query.app_name == "a");
  CHECK(query.application_name == "b");
  CHECK(query.user == "c");
  CHECK(query.name == "d");
  CHECK(query.capacity_group == "e");
  CHECK(query.group_stack == "f");
  CHECK(query.group_detail == "g");
  CHECK(query.group_sequence.empty());
  CHECK(query.type == "service");
}

TEST_CASE("task states are names, ANY and archived mean ended jobs too") {
  const auto parsed = parse_job_query({{"taskState", "RUNNING,QUEUED"}, {"taskState", "FAILED"}});
  REQUIRE(parsed.ok());
  CHECK(parsed.value.task_states ==
        std::vector<TaskState>{TaskState::running, TaskState::queued, TaskState::failed});
  CHECK_FALSE(parsed.value.any_state);
  CHECK(parse_job_query({{"taskState", "ANY"}}).value.any_state);
  CHECK(parse_job_query({{"archived", "true"}}).value.any_state);
  CHECK_FALSE(parse_job_query({{"archived", "false"}}).value.any_state);
  CHECK(fault_of({{"taskState", "ERROR"}}).starts_with("taskState: must be one of QUEUED"));
  CHECK(fault_of({{"archived", "yes"}}) == "archived: must be true or false");
}

TEST_CASE("a page has a limit and a cursor that comes back as it went out") {
  for (std::int64_t number :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{42}, std::int64_t{123'456}, std::int64_t{INT64_MAX}}) {
    const std::string cursor = write_cursor(kJobList, {number});
    CHECK(cursor.find_first_of("+/=&") == std::string::npos);
    const auto parsed = parse_job_query({{"limit", "10"}, {"cursor", cursor}});
    REQUIRE(parsed.ok());
    CHECK(parsed.value.limit == 10);
    CHECK(parsed.value.after_number == number);
  }
  for (const char* bad : {"5", "!!", "YWZ0ZXI6LTE", "YWZ0ZXI6", "bWltYXM"}) {
    CHECK(fault_of({{"cursor", bad}}).starts_with("cursor: is not a cursor of this list"));
  }
  for (const char* bad : {"-1", "5001", "x", "1.5", "99999999999999999999", "1 2"}) {
    CHECK(fault_of({{"limit", bad}}) == "limit: must be a whole number from 1 to 5000, or 0 for all");
  }
}

TEST_CASE("unknown and doubled parameters are faults, all in one answer") {
  CHECK(fault_of({{"appname", "x"}}) == "appname: unknown query parameter, did you mean `appName`?");
  CHECK(fault_of({{"colour", "x"}}) == "colour: unknown query parameter");
  CHECK(fault_of({{"type", "batch"}, {"type", "batch"}}) == "type: is given twice");
  CHECK(fault_of({{"type", "cron"}}) == "type: must be service or batch");
  CHECK(parse_job_query({{"x", "1"}, {"limit", "x"}, {"type", "y"}}).faults.size() == 3);
  std::string many = "f";
  for (int i = 0; i < 100; ++i) many += ",f";
  CHECK(fault_of({{"fields", many}}) == "fields: must not have more than 100 terms");
}

}  // namespace mimas::api
