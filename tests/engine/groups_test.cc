// Capacity groups: commands, what is counted for them, and what a restart keeps.
#include <doctest/doctest.h>

#include "asked.h"
#include "play.h"

namespace mimas::engine {
namespace {

SetGroup setting(const std::string& name, std::int64_t weight = 100) {
  SetGroup command;
  command.request = 1;
  command.group.name = name;
  command.group.weight = weight;
  command.user = "ann";
  return command;
}

Code code_of(Play& play, const Input& input) { return refusal(play, input).code; }

std::shared_ptr<const JobSpec> in_group(const std::string& name) {
  auto spec = batch_spec();
  spec->capacity_group = name;
  return spec;
}

}  // namespace

TEST_CASE("a group is set, changed and deleted, with a version, an audit, and no change for nothing") {
  Play play;
  accepted(play, setting("web"));
  CHECK(play.groups.at("web").version == 1);
  CHECK(play.groups.at("web").updated_by == "ann");
  CHECK(play.audits.rbegin()->second.action == "group.set");
  const std::size_t audits = play.audits.size();
  accepted(play, setting("web"));
  CHECK(play.groups.at("web").version == 1);
  CHECK(play.audits.size() == audits);
  accepted(play, setting("web", 7));
  CHECK(play.groups.at("web").version == 2);
  DeleteGroup gone;
  gone.request = 1;
  gone.name = "web";
  accepted(play, gone);
  CHECK(play.groups.empty());
  CHECK(play.audits.rbegin()->second.action == "group.delete");
  CHECK(code_of(play, gone) == Code::not_found);
}

TEST_CASE("a version or an expectation that does not hold refuses the command") {
  Play play;
  SetGroup command = setting("web");
  command.expects = SetGroup::Expects::present;
  CHECK(code_of(play, command) == Code::not_found);
  command.expects = SetGroup::Expects::absent;
  accepted(play, command);
  command.group.weight = 5;
  CHECK(code_of(play, command) == Code::conflict);
  command.expects = SetGroup::Expects::anything;
  command.if_version = 2;
  CHECK(code_of(play, command) == Code::conflict);
  command.if_version = 1;
  accepted(play, command);
  DeleteGroup gone;
  gone.request = 1;
  gone.name = "web";
  gone.if_version = 1;
  CHECK(code_of(play, gone) == Code::conflict);
}

TEST_CASE("there is a limit to how many groups are described") {
  Policy policy;
  policy.groups_max = 2;
  Play play(policy);
  accepted(play, setting("a"));
  accepted(play, setting("b"));
  CHECK(code_of(play, setting("c")) == Code::resource_exhausted);
  accepted(play, setting("b", 9));
}

TEST_CASE("what live tasks hold is counted by group, moves with their job, and survives a restart") {
  Play play;
  const JobId job = play.running(in_group("web"), 2);
  const auto use = [&](const std::string& group) {
    const auto& all = play.state.data().group_use;
    return all.contains(group) ? all.at(group).cpu_milli : 0;
  };
  const std::int64_t each = play.job(job).spec->request.cpu_milli + kExecutorCpuMilli;
  CHECK(use("web") == 2 * each);
  play.restart();
  CHECK(use("web") == 2 * each);
  accepted(play, changed(play, job, [](JobSpec& spec) { spec.capacity_group.clear(); }));
  CHECK(use("web") == 0);
  CHECK(use("DEFAULT") == 2 * each);
  play.subscribe();
  play.says("mimas-1-worker-0-0", MesosState::finished);
  CHECK(use("DEFAULT") == each);
}

}  // namespace mimas::engine
