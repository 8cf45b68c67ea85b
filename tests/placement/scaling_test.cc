// Sizes of groups by values: one look after the other, with a hand-cranked clock.
#include "placement/scaling.h"

#include <doctest/doctest.h>

#include <set>

namespace mimas::placement {
namespace {

constexpr std::int64_t kMinute = 60'000;

ScalingRule rule_of(std::int64_t min_idle, std::int64_t max_idle, std::int64_t min_size,
                    std::int64_t max_size) {
  ScalingRule rule;
  rule.name = "small";
  rule.attribute = "pool";
  rule.value = "small";
  rule.min_idle = min_idle;
  rule.max_idle = max_idle;
  rule.min_size = min_size;
  rule.max_size = max_size;
  rule.cool_down_ms = 5 * kMinute;
  rule.arrival_ms = 15 * kMinute;
  return rule;
}

// A group that does what it is told when the test says so.
struct Play {
  ScalingRule rule;
  ScalingMemory memory;
  Instant now{1'000'000'000};
  Instant since{1'000'000'000};
  std::map<std::string, bool> agents;  // id → empty
  std::map<std::string, std::string> zones;
  std::int64_t needed = 0;
  std::int64_t number = 0;
  bool obeys = false;  // removes at once whom it is told to
  ScalingLook last;

  ScalingSight sight() const {
    ScalingSight seen;
    seen.since = since;
    seen.needed = seen.needed_tasks = needed;
    for (const auto& [id, empty] : agents) {
      ScalingMember member;
      member.agent = AgentId(id);
      member.hostname = "host-" + id;
      member.empty = empty;
      const auto zone = zones.find(id);
      if (zone != zones.end()) member.zone = zone->second;
      seen.members.push_back(member);
    }
    return seen;
  }
  const std::optional<ScalingDecision>& look_now() {
    last = look(rule, memory, sight(), ++number, now);
    return last.decision;
  }
  const std::optional<ScalingDecision>& after(std::int64_t ms) {
    now = now + ms;
    return look_now();
  }
  // Past the time in which agents are still to be heard of.
  void settle() {
    look_now();
    CHECK_FALSE(after(2 * kMinute));
  }
  // Looks whenever a look is asked for; the decisions on the way.
  std::vector<ScalingDecision> run_until(Instant end) {
    std::vector<ScalingDecision> all;
    for (int looks = 0; looks < 1'000 && last.look_at <= end; ++looks) {
      now = std::max(last.look_at, now + 1);
      if (!look_now()) continue;
      all.push_back(*last.decision);
      for (const ScalingAgent& agent : last.decision->remove) {
        if (obeys) agents.erase(agent.id.value);
      }
    }
    now = end;
    return all;
  }
};

TEST_CASE("A shortfall is answered at once, and those who come for it are counted until they are there") {
  Play play{rule_of(0, 1, 0, 10)};
  play.look_now();
  play.needed = 2;
  const auto& up = play.after(1'000);
  REQUIRE(up);
  CHECK(up->add == 2);
  CHECK(up->cause == ScalingCause::shortfall);
  CHECK(up->group == "small");
  CHECK(up->why == "2 tasks wait that 2 more of these agents would run");
  // The trial counts those who are coming, so that it asks for nothing more.
  play.needed = 0;
  CHECK_FALSE(play.after(1'000));
  // In the cool-down, but work that nobody on the way can take is no matter of waiting.
  play.needed = 1;
  REQUIRE(play.after(1'000));
  CHECK(play.last.decision->add == 1);
  CHECK(play.last.decision->why == "1 task waits that 1 more of these agents would run, 2 more asked for");
  CHECK(play.memory.awaited.size() == 3);
  play.needed = 0;
  play.agents = {{"a", false}, {"b", false}, {"c", false}};
  CHECK_FALSE(play.after(kMinute));
  CHECK(play.memory.awaited.empty());
}

TEST_CASE("No group grows above its largest size, with those that are coming and going counted") {
  Play play{rule_of(0, 1, 0, 3)};
  play.agents = {{"a", false}};
  play.settle();
  play.needed = 9;
  REQUIRE(play.after(1));
  CHECK(play.last.decision->add == 2);
  CHECK_FALSE(play.after(1'000));
  play.agents = {{"a", false}, {"b", false}, {"c", false}};
  CHECK_FALSE(play.after(1'000));
  CHECK(play.memory.awaited.empty());
}

TEST_CASE("Whoever does not come in time is given up, and asked for again after a pause that grows") {
  Play play{rule_of(0, 1, 0, 3)};
  play.settle();
  play.needed = 1;
  REQUIRE(play.after(1));
  play.needed = 0;
  CHECK(play.last.look_at == play.now + 15 * kMinute);
  CHECK_FALSE(play.after(15 * kMinute - 1));
  CHECK(play.memory.awaited.size() == 1);
  play.needed = 1;  // nobody is coming any more
  CHECK_FALSE(play.after(1));
  CHECK(play.memory.trouble == "1 agent asked for 15 min ago did not come");
  CHECK(play.memory.paused_until == play.now + 5'000);
  CHECK(play.last.look_at == play.now + 5'000);
  CHECK_FALSE(play.after(4'999));
  REQUIRE(play.after(1));
  play.needed = 0;
  play.agents = {{"a", false}};
  play.after(1'000);
  CHECK(play.memory.trouble.empty());
  CHECK(play.memory.failures == 0);
}

TEST_CASE("A provider that fails is asked again after 5 s, 10 s, 20 s and at most 5 min") {
  Play play{rule_of(0, 1, 0, 3)};
  play.settle();
  play.needed = 1;
  std::vector<std::int64_t> pauses;
  REQUIRE(play.after(1));
  for (int i = 0; i < 8; ++i) {
    note_report(play.memory, play.number, false, "no such webhook", play.now);
    CHECK(play.memory.awaited.empty());
    CHECK(play.memory.trouble == "no such webhook");
    pauses.push_back(play.memory.paused_until - play.now);
    CHECK_FALSE(play.after(pauses.back() - 1));
    REQUIRE(play.after(1));
  }
  CHECK(pauses ==
        std::vector<std::int64_t>{5'000, 10'000, 20'000, 40'000, 80'000, 160'000, 300'000, 300'000});
  note_report(play.memory, play.number, true, "", play.now);
  CHECK(play.memory.trouble.empty());
  CHECK(play.memory.awaited.size() == 1);
}

TEST_CASE("Too few idle agents ask for more, once in a cool-down") {
  Play play{rule_of(2, 4, 0, 10)};
  play.agents = {{"a", false}, {"b", true}};
  play.look_now();
  CHECK(play.last.look_at == play.now + 2 * kMinute);
  CHECK_FALSE(play.after(2 * kMinute - 1));
  REQUIRE(play.after(1));
  CHECK(play.last.decision->add == 1);
  CHECK(play.last.decision->cause == ScalingCause::min_idle);
  CHECK(play.last.decision->why == "1 of 2 agents idle, at least 2 should be");
  play.agents["c"] = true;
  CHECK_FALSE(play.after(kMinute));  // it came
  play.agents["c"] = false;
  CHECK_FALSE(play.after(4 * kMinute));  // … five minutes are not over since
  REQUIRE(play.after(kMinute));
}

TEST_CASE("A group that is too small grows without a cool-down, but not before agents are known") {
  Play play{rule_of(0, 5, 3, 5)};
  CHECK_FALSE(play.look_now());
  CHECK_FALSE(play.after(2 * kMinute - 1));
  REQUIRE(play.after(1));
  CHECK(play.last.decision->add == 3);
  CHECK(play.last.decision->cause == ScalingCause::min_size);
  play.agents = {{"a", true}, {"b", true}, {"c", true}};
  CHECK_FALSE(play.after(1'000));
  play.agents.erase("b");
  REQUIRE(play.after(1'000));
  CHECK(play.last.decision->add == 1);
  CHECK(play.last.decision->why == "2 agents, at least 3 should be");
}

TEST_CASE("Idle agents go after the cool-down: first they take no new work, then they are removed") {
  Play play{rule_of(1, 1, 1, 10)};
  play.agents = {{"a", true}, {"b", true}, {"c", false}};
  play.settle();
  const Instant began = play.now;
  CHECK_FALSE(play.look_now());
  CHECK_FALSE(play.after(5 * kMinute));
  REQUIRE(play.memory.leaving.size() == 1);
  CHECK(play.memory.leaving.contains(AgentId("b")));
  CHECK(play.last.idle == 1);
  CHECK(play.last.look_at == play.now + kScalingConfirmMs);
  REQUIRE(play.after(kScalingConfirmMs));
  CHECK(play.last.decision->add == 0);
  CHECK(play.last.decision->remove == std::vector<ScalingAgent>{{AgentId("b"), "host-b"}});
  CHECK(play.last.decision->cause == ScalingCause::max_idle);
  CHECK(play.last.decision->why ==
        "2 of 3 agents idle for 5 min, at most 1 should be: empty ones go, out of the fullest zones first");
  CHECK_FALSE(play.after(1'000));  // said once
  play.agents.erase("b");
  CHECK_FALSE(play.after(1'000));
  CHECK(play.memory.leaving.empty());
  CHECK(play.run_until(began + 60 * kMinute).empty());
}

TEST_CASE("An agent that got work after all before it was removed stays") {
  Play play{rule_of(0, 0, 0, 10)};
  play.agents = {{"a", true}};
  play.settle();
  play.look_now();
  play.after(5 * kMinute);
  REQUIRE(play.memory.leaving.size() == 1);
  play.agents["a"] = false;
  CHECK_FALSE(play.after(kScalingConfirmMs));
  CHECK(play.memory.leaving.empty());
}

TEST_CASE("What is about to leave is taken back before anybody new is asked for") {
  Play play{rule_of(0, 0, 0, 10)};
  play.agents = {{"a", true}, {"b", true}};
  play.settle();
  play.look_now();
  play.after(5 * kMinute);
  REQUIRE(play.memory.leaving.size() == 2);
  play.needed = 3;
  REQUIRE(play.after(500));
  CHECK(play.memory.leaving.empty());
  CHECK(play.last.decision->add == 1);
}

TEST_CASE("A removal that fails, or that nobody carries out, makes the agent usable again") {
  Play play{rule_of(0, 0, 0, 10)};
  play.agents = {{"a", true}};
  play.settle();
  play.look_now();
  play.after(5 * kMinute);
  REQUIRE(play.after(kScalingConfirmMs));
  note_report(play.memory, play.number, false, "exit status 1", play.now);
  CHECK(play.memory.leaving.empty());
  CHECK(play.memory.trouble == "exit status 1");
  CHECK_FALSE(play.after(1));
  // Tried again, and this time nothing is heard: the agent simply stays.
  std::vector<ScalingDecision> more = play.run_until(play.now + 10 * kMinute);
  REQUIRE(more.size() == 1);
  CHECK(more[0].remove.size() == 1);
  play.run_until(play.now + 11 * kMinute);
  CHECK(play.memory.leaving.empty());
  CHECK(play.memory.trouble == "1 agent that should have gone 15 min ago is still there");
}

TEST_CASE("The fullest zone gives first, so that the zones stay equal") {
  Play play{rule_of(0, 1, 0, 10)};
  for (const char* id : {"a1", "a2", "a3", "b1", "c1"}) play.agents[id] = true;
  play.agents["c2"] = false;
  for (const auto& [id, empty] : play.agents) play.zones[id] = id.substr(0, 1);
  play.settle();
  play.look_now();
  play.after(5 * kMinute);
  std::set<std::string> leaving;
  for (const auto& [id, how] : play.memory.leaving) leaving.insert(id.value);
  // Of a(3) b(1) c(2): a3, then a2 (a and c have two, a is first by name), then c1, then a1.
  CHECK(leaving == std::set<std::string>{"a1", "a2", "a3", "c1"});
  CHECK(play.last.idle == 1);
}

TEST_CASE("A group that is larger than allowed gives empty agents away, never below what should be idle") {
  Play play{rule_of(1, 9, 0, 2)};
  play.agents = {{"a", true}, {"b", true}, {"c", false}, {"d", false}};
  play.settle();
  play.after(1);
  REQUIRE(play.after(kScalingConfirmMs));
  CHECK(play.last.decision->cause == ScalingCause::max_size);
  CHECK(play.last.decision->remove.size() == 1);
  CHECK(play.last.decision->why ==
        "4 agents, at most 2 should be: empty ones go, out of the fullest zones first");
}

TEST_CASE("Work that comes and goes every minute makes no agent come and go") {
  Play play{rule_of(0, 1, 1, 10)};
  play.agents = {{"a", true}, {"b", true}, {"c", true}};
  play.settle();
  std::vector<ScalingDecision> all;
  for (int minute = 0; minute < 120; ++minute) {
    play.agents["b"] = play.agents["c"] = minute % 2 == 0;
    if (play.after(kMinute)) all.push_back(*play.last.decision);
    for (const ScalingDecision& one : play.run_until(play.now)) all.push_back(one);
  }
  CHECK(all.empty());
}

TEST_CASE("A day of work that comes every hour: as many come as go, and never more often than the work") {
  Play play{rule_of(0, 0, 0, 4)};
  play.obeys = true;
  play.settle();
  std::int64_t added = 0, removed = 0;
  int next = 0;
  for (int hour = 0; hour < 24; ++hour) {
    play.needed = 3;
    REQUIRE(play.after(1'000));
    added += play.last.decision->add;
    play.needed = 0;
    for (int i = 0; i < 3; ++i) play.agents["n" + std::to_string(next++)] = false;
    CHECK_FALSE(play.after(kMinute));
    for (auto& [id, empty] : play.agents) empty = true;  // done already
    CHECK_FALSE(play.look_now());
    for (const ScalingDecision& one : play.run_until(play.now + 58 * kMinute)) {
      removed += static_cast<std::int64_t>(one.remove.size());
      note_report(play.memory, one.number, true, "", play.now);
    }
    CHECK(play.agents.empty());
  }
  CHECK(added == 72);
  CHECK(removed == 72);
}

TEST_CASE("After a lost connection sizes are not judged before agents had time to be heard of again") {
  Play play{rule_of(0, 3, 2, 5)};
  play.agents = {{"a", false}, {"b", false}};
  play.settle();
  play.agents.clear();
  play.since = play.now + 1'000;
  CHECK_FALSE(play.after(1'000));
  CHECK_FALSE(play.after(kMinute));
  play.agents = {{"a", false}, {"b", false}};
  CHECK_FALSE(play.after(kMinute));
  CHECK_FALSE(play.after(kMinute));
}

TEST_CASE("A new agent is like the rule says, or like the smallest of the group with what they share") {
  ScalingRule rule = rule_of(0, 1, 0, 3);
  CHECK_FALSE(learn(rule, {}));
  const Attributes first{{"pool", "small"}, {"arch", "arm"}, {"rack", "1"}};
  const Attributes second{{"pool", "small"}, {"arch", "arm"}, {"rack", "2"}, {"ssd", "yes"}};
  Resources large, little;
  large.cpu_milli = 8'000;
  little.cpu_milli = 4'000;
  std::vector<ScalingMember> members(2);
  members[0] = {AgentId("a"), "h", "", true, true, &first, &large};
  members[1] = {AgentId("b"), "h", "", true, true, &second, &little};
  const auto learned = learn(rule, members);
  REQUIRE(learned);
  CHECK(learned->total.cpu_milli == 4'000);
  CHECK(learned->attributes == Attributes{{"pool", "small"}, {"arch", "arm"}});
  rule.agent = ScalingTemplate{large, {{"arch", "x86"}}};
  CHECK(learn(rule, members)->total.cpu_milli == 8'000);
  CHECK(learn(rule, members)->attributes == Attributes{{"pool", "small"}, {"arch", "x86"}});
}

}  // namespace
}  // namespace mimas::placement
