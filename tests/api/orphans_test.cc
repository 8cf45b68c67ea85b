#include <doctest/doctest.h>

#include "api/commands.h"
#include "api/render_orphans.h"
#include "empty_view.h"

namespace mimas::api {
namespace {

template <class T>
std::string faults_of(const Checked<T>& checked) {
  std::string text;
  for (const Fault& fault : checked.faults) text += fault.pointer + ": " + fault.detail + "\n";
  return text;
}

class OrphanView : public EmptyView {
 public:
  std::vector<OrphanPtr> orphans() const override { return orphans_; }
  std::map<std::string, std::string> alerts() const override { return alerts_; }

  std::vector<OrphanPtr> orphans_;
  std::map<std::string, std::string> alerts_;
};

}  // namespace

TEST_CASE("orphans are chosen by their ids or all together, never both and never neither") {
  const auto named = parse_adopt_orphans(R"({"taskIds":["a","b","a"],"user":"ann"})");
  REQUIRE(named.ok());
  CHECK(named.value.tasks == std::vector<TaskId>{TaskId("a"), TaskId("b")});
  CHECK_FALSE(named.value.all);
  CHECK(named.value.user == "ann");
  const auto all = parse_kill_orphans(R"({"all":true})");
  REQUIRE(all.ok());
  CHECK(all.value.all);
  CHECK(all.value.tasks.empty());
  CHECK(parse_kill_orphans(R"({"taskId":"a"})").value.tasks.size() == 1);
  CHECK(faults_of(parse_adopt_orphans("{}")) == "/taskIds: `taskIds` or `all` is required\n");
  CHECK(faults_of(parse_kill_orphans(R"({"all":false})")) == "/taskIds: `taskIds` or `all` is required\n");
  CHECK(faults_of(parse_adopt_orphans(R"({"all":true,"taskIds":["a"]})")) ==
        "/all: give either `all` or `taskIds`, not both\n");
  CHECK(faults_of(parse_adopt_orphans(R"({"all":"yes"})")).starts_with("/all: expected true or false"));
  CHECK(faults_of(parse_adopt_orphans(R"({"taskIds":[5],"force":true})")).find("/taskIds/0") !=
        std::string::npos);
  CHECK(faults_of(parse_adopt_orphans(R"({"taskIds":["a"],"force":true})")).find("/force: unknown field") !=
        std::string::npos);
  CHECK(faults_of(parse_kill_orphans("")).find("the body is empty") != std::string::npos);
}

TEST_CASE("the list shows the alert, and each task with what is decided about it") {
  OrphanView view;
  CHECK(render_orphans(view) == R"({"alert":null,"orphans":[]})");
  view.alerts_ = {{"revived", "x"}, {"orphans", "many"}};
  view.orphans_ = {
      std::make_shared<const Orphan>(Orphan{TaskId("t1"), AgentId("a"), "h", "TASK_RUNNING",
                                            Instant{1'795'262'400'123}, OrphanDecision::leave, "no job"}),
      std::make_shared<const Orphan>(Orphan{TaskId("t2"), {}, "", "TASK_STAGING", {}, {}, ""})};
  CHECK(render_orphans(view) ==
        R"({"alert":"many","orphans":[{"taskId":"t1","agentId":"a","hostname":"h","state":"TASK_RUNNING",)"
        R"("firstSeenAt":"2026-11-21T12:00:00.123Z","adopted":false,"decision":"leave","reason":"no job"},)"
        R"({"taskId":"t2","agentId":null,"hostname":null,"state":"TASK_STAGING","firstSeenAt":null,)"
        R"("adopted":false,"decision":"undecided","reason":null}]})");
}

TEST_CASE("a decision is answered with what was done and what was left alone, with reasons") {
  engine::OrphansDecided decided;
  decided.done = {TaskId("t1")};
  decided.left = {{TaskId("t2"), "no job"}};
  CHECK(render_decided(decided, "adopted") ==
        R"({"adopted":["t1"],"leftAlone":[{"taskId":"t2","reason":"no job"}]})");
}

}  // namespace mimas::api
