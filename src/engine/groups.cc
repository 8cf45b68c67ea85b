// What is promised to capacity groups (model/group.h). The promise is on disk before it is answered;
// placement looks at it from the next Settle on, and nothing that runs is ended for it.
#include <string>
#include <utility>

#include "engine/checks.h"
#include "engine/history.h"
#include "engine/parts.h"

namespace mimas::engine {
namespace {

Status check_group_version(const std::string& name, const CapacityGroupPtr& group,
                           std::optional<std::int64_t> wanted) {
  const std::int64_t version = group == nullptr ? 0 : group->version;
  if (!wanted || *wanted == version) return Done{};
  return make_error(Code::conflict,
                    "capacity group " + name + " has version " + std::to_string(version) +
                        ", and the command is for version " + std::to_string(*wanted),
                    {}, "look at the group again, and send the command for what it is like now");
}

CapacityGroupPtr described(const State::Data& data, const std::string& name) {
  const auto found = data.groups_described.find(name);
  return found == data.groups_described.end() ? nullptr : found->second;
}

bool says_the_same(const CapacityGroup& left, const CapacityGroup& right) {
  return left.tier == right.tier && left.weight == right.weight && left.guarantee == right.guarantee &&
         left.quota == right.quota;
}

// The order of what waits may be another one now.
void place_again(State::Data& data) { data.placement_stale = data.place_all = true; }

Result<Answer> set_group(Turn& turn, const SetGroup& command) {
  using Expects = SetGroup::Expects;
  State::Data& data = turn.data;
  const std::string& name = command.group.name;
  const CapacityGroupPtr before = described(data, name);
  if (command.expects == Expects::present && before == nullptr) {
    return make_error(Code::not_found, "nobody has described a capacity group " + name);
  }
  if (command.expects == Expects::absent && before != nullptr) {
    return make_error(Code::conflict, "there is a capacity group " + name + " already", {},
                      "change it instead");
  }
  if (Status version = check_group_version(name, before, command.if_version); !version.ok()) {
    return version.error();
  }
  if (before != nullptr && says_the_same(*before, command.group)) return Answer{Done{}};
  if (before == nullptr &&
      static_cast<std::int64_t>(data.groups_described.size()) >= data.policy.groups_max) {
    return make_error(Code::resource_exhausted,
                      "there are already " + std::to_string(data.policy.groups_max) + " capacity groups", {},
                      "delete those that are not needed");
  }
  auto group = std::make_shared<CapacityGroup>(command.group);
  group->version = before == nullptr ? 1 : before->version + 1;
  group->updated_at = turn.now;
  group->updated_by = command.user;
  data.groups_described[name] = group;
  turn.change(PutGroup{group});
  put_audit(turn, command.user, command.address,
            {"group.set",
             "capacity group " + name + " is " + std::string(tier_name(group->tier)) + ", its weight " +
                 std::to_string(group->weight),
             {},
             {},
             {}});
  turn.reason("capacity group " + name + " " + by("set", command.user));
  place_again(data);
  return Answer{Done{}};
}

Result<Answer> delete_group(Turn& turn, const DeleteGroup& command) {
  State::Data& data = turn.data;
  const CapacityGroupPtr before = described(data, command.name);
  if (before == nullptr) {
    return make_error(Code::not_found, "nobody has described a capacity group " + command.name);
  }
  if (Status version = check_group_version(command.name, before, command.if_version); !version.ok()) {
    return version.error();
  }
  data.groups_described.erase(command.name);
  turn.change(RemoveGroup{command.name});
  put_audit(turn, command.user, command.address,
            {"group.delete", "capacity group " + command.name, {}, {}, {}});
  turn.reason("capacity group " + command.name + " " + by("deleted", command.user));
  place_again(data);
  return Answer{Done{}};
}

}  // namespace

void on_input(Turn& turn, const SetGroup& command) { turn.reply(command.request, set_group(turn, command)); }
void on_input(Turn& turn, const DeleteGroup& command) {
  turn.reply(command.request, delete_group(turn, command));
}

}  // namespace mimas::engine
