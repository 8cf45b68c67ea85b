// What waits in lines is placed as if every job were tried by itself; and what that costs does not grow with
// the length of the lines.
#include "engine/lines.h"

#include <sstream>

#include "base/prng.h"
#include "play.h"

namespace mimas::engine {
namespace {

// Two engines hear the same. One tries the lines, the other every job by itself, as the oracle.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed), lines_(policy_of(seed)), singly_(policy_of(seed)) {
    lines_.state.data().tried_singly_max = 0;
    singly_.state.data().tried_singly_max = SIZE_MAX;
    for (Play* play : both()) play->subscribe();
    for (int i = 0; i < 5; ++i)
      machines_["a" + std::to_string(i)] =
          Resources{2'000 + 1'000 * i, 4'096, 0, 0, *Ports::from_ranges({{31'000, 31'003}})};
  }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      CAPTURE(i);
      act();
      feed(Settle{});
      REQUIRE(difference() == "");
    }
  }
  std::int64_t launched() const { return launched_; }
  std::int64_t spared() const {
    return singly_.state.data().demands_tried - lines_.state.data().demands_tried;
  }

 private:
  std::vector<Play*> both() { return {&lines_, &singly_}; }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
  bool chance(std::size_t percent) { return below(100) < percent; }

  // The first record that is not alike.
  std::string difference() const {
    std::istringstream one(lines_.state.digest()), other(singly_.state.digest());
    std::string left, right;
    while (std::getline(one, left)) {
      if (!std::getline(other, right) || left != right) return left + "\n" + right;
    }
    return std::getline(other, right) ? right : std::string();
  }

  static Policy policy_of(std::uint64_t seed) {
    Policy policy;
    policy.sharing = seed % 8 == 0 ? Sharing::job : Sharing::task;
    policy.preempt_after_ms = 100;
    policy.preempt_look_ms = 100;
    return policy;
  }

  void feed(const Input& input) {
    for (Play* play : both()) play->feed(input);
    for (const Effect& effect : lines_.last.effects) std::visit([&](const auto& one) { take(one); }, effect);
  }

  void act() {
    const Instant now = lines_.now + static_cast<std::int64_t>(below(400));
    for (Play* play : both()) play->now = now;
    switch (below(8)) {
      case 0:
      case 1:
      case 2: return submit();
      case 3:
      case 4: return offer();
      case 5: return progress();
      case 6: return end();
      default:
        if (chance(20) && !lines_.jobs.empty()) feed(KillJob{0, any_job(), "me"});
        if (chance(20) && !lines_.jobs.empty()) change(any_job());
    }
  }

  JobId any_job() {
    auto at = lines_.jobs.begin();
    std::advance(at, static_cast<long>(below(lines_.jobs.size())));
    return at->second.id;
  }

  // Few kinds, so that many are alike.
  void submit() {
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      auto spec = std::make_shared<JobSpec>();
      spec->type = chance(30) ? JobType::service : JobType::batch;
      spec->request = {chance(70) ? 300 : 900, 64, 0, 0, chance(10) ? 1 : 0, {}};
      spec->priority = static_cast<std::int64_t>(below(3));
      spec->production = chance(10);
      spec->app_name = chance(20) ? "x" : "y";
      static const std::vector<std::string> kConstraints{"UniqueHost",   "odd=1",          "ExclusiveHost",
                                                         "GroupBy(odd)", "MaxPer(odd, 1)", "apart(app:x)",
                                                         "with(app:x)"};
      if (chance(30)) spec->hard_constraints = {*parse_constraint(kConstraints[below(kConstraints.size())])};
      if (chance(10)) spec->soft_constraints = {*parse_constraint("UniqueHost")};
      spec->capacity_group = chance(30) ? "other" : "";
      SubmitJob command;
      command.spec = spec;
      command.instances_desired = static_cast<std::int64_t>(1 + below(3));
      command.instances_min = 0;
      command.instances_max = 10;
      feed(command);
    }
  }

  void change(const JobId& id) {
    const Job& job = lines_.job(id);
    auto spec = std::make_shared<JobSpec>(*job.spec);
    spec->priority = static_cast<std::int64_t>(below(3));
    feed(ChangeJob{0, id, spec, job.instances_desired, job.instances_min, job.instances_max, job.in_service});
  }

  void offer() {
    OffersReceived event;
    for (auto& [agent, total] : machines_) {
      if (chance(50)) continue;
      Resources free = total;
      for (const auto& [id, task] : lines_.tasks) {
        if (task.agent.value == agent && is_live_on_agent(task.state)) free -= task.allocated;
      }
      const auto known = lines_.state.data().agents.find(AgentId(agent));
      if (known != lines_.state.data().agents.end()) free -= offered_by(known->second);
      if (free.cpu_milli < 100) continue;
      Offer one = lines_.offer("o" + std::to_string(++offers_), agent);
      one.resources = free;
      one.attributes["odd"] = std::to_string(below(1) + static_cast<std::size_t>(agent[1] % 2));
      event.offers.push_back(one);
    }
    feed(event);
  }

  std::string any_live() {
    std::vector<std::string> live;
    for (const auto& [id, task] : lines_.tasks) {
      if (is_live_on_agent(task.state)) live.push_back(id);
    }
    return live.empty() ? std::string() : live[below(live.size())];
  }
  void says(const std::string& task, MesosState state) {
    if (!task.empty()) feed(lines_.update(task, state));
  }
  void progress() {
    for (const auto& [id, task] : std::map(lines_.tasks)) {
      if (task.state == TaskState::dispatched && chance(70)) says(id, MesosState::running);
    }
  }
  void end() {
    for (const auto& [id, task] : std::map(lines_.tasks)) {
      if (is_live_on_agent(task.state) && task.kill_requested && chance(60)) says(id, MesosState::killed);
    }
    says(any_live(), chance(50) ? MesosState::finished : MesosState::failed);
  }

  template <class One>
  void take(const One&) {}
  void take(const AcceptOffers& call) { launched_ += static_cast<std::int64_t>(call.launches.size()); }

  Prng random_;
  Play lines_, singly_;
  std::map<std::string, Resources> machines_;
  std::int64_t launched_ = 0;
  int offers_ = 0;
};

TEST_CASE("random lives go the same way whether lines are tried or every job by itself") {
  std::int64_t launched = 0, spared = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Twins twins(seed);
    twins.live(250);
    launched += twins.launched();
    spared += twins.spared();
  }
  CHECK(launched > 5'000);
  CHECK(spared > 5'000);  // the lines are worth something here
}

// Very much waits, of few kinds, and one place at a time becomes free.
TEST_CASE("a place that becomes free costs as many looks as there are kinds of work, not as there are jobs") {
  Play play;
  play.subscribe();
  const std::int64_t jobs = 3'000;
  for (std::int64_t i = 0; i < jobs; ++i) {
    std::shared_ptr<JobSpec> spec = batch_spec();
    spec->request.mem_mib = 96 + 16 * (i % 3);
    spec->priority = i % 5;
    play.submit(std::move(spec));
  }
  play.settle();
  while (play.state.data().explain_left > 0) {
    play.after(1'000);
    play.settle();
  }
  std::int64_t tried = play.state.data().demands_tried;
  for (int round = 0; round < 5; ++round) {
    play.offer_and_settle("a1", 500);
    const std::int64_t now = play.state.data().demands_tried;
    CHECK(now - tried <= 4);  // three lines, and whoever stands behind the one that was placed
    tried = now;
    const std::vector<Launch> launches = play.only<AcceptOffers>()->launches;
    REQUIRE(launches.size() == 1);
    CHECK(launches[0].spec->priority == 4);
    play.says(launches[0].task->id.value, MesosState::running);
    play.says(launches[0].task->id.value, MesosState::finished);
    play.settle();
    tried = play.state.data().demands_tried;
  }
}

TEST_CASE("whoever waits hears in time why, though the lines alone are tried") {
  Play play;
  play.subscribe();
  std::vector<JobId> jobs;
  for (int i = 0; i < 1'000; ++i) jobs.push_back(play.submit(batch_spec()));
  play.settle();
  for (const JobId& job : jobs) CHECK(play.shortfalls[job.value].starts_with("no offers from any agent"));
  play.offer_and_settle("a1", 100);
  CHECK(play.shortfalls[jobs[0].value].starts_with("no agent fits"));
  CHECK(play.shortfalls[jobs[999].value].starts_with("no offers"));
  for (int i = 0; i < 4; ++i) {
    CHECK(play.last.wake_at <= play.now + 1'000);
    play.after(1'000);
    play.settle();
  }
  for (const JobId& job : jobs) CHECK(play.shortfalls[job.value].starts_with("no agent fits"));
}

}  // namespace
}  // namespace mimas::engine
