// Production jobs take the place of less important ones: when, whose, what becomes of these, and that nobody
// ends twice for the same room.
#include "engine/preemption.h"

#include "play.h"

namespace mimas::engine {
namespace {

std::string id_of(const JobId& job, std::int64_t index, std::int64_t number) {
  return make_task_id(job, index, number).value;
}

std::shared_ptr<JobSpec> production_spec() {
  std::shared_ptr<JobSpec> spec = service_spec();
  spec->name = "shop";
  spec->production = true;
  spec->priority = 50;
  return spec;
}

// Two agents with room for one task each, both taken by a batch job.
struct Full {
  Play play;
  JobId low;

  explicit Full(Policy policy = {}) : play(policy) {
    play.subscribe();
    std::shared_ptr<JobSpec> spec = batch_spec();
    spec->kill_grace_ms = 7'000;
    low = play.submit(std::move(spec), 2);
    play.settle();
    for (int i = 0; i < 2; ++i) {
      play.offer_and_settle("a" + std::to_string(i + 1), 500);
      play.says(id_of(low, i, i), MesosState::running);
      play.after(1'000);
    }
    play.settle();
  }

  // The master shows what runs; of the agents nothing is known but that.
  void restart() {
    play.restart();
    play.subscribe();
    for (int i = 0; i < 2; ++i) play.master_says(id_of(low, i, i), MesosState::running, "RECONCILIATION");
  }

  // Settles whenever the engine wants it; answers those who were asked to end meanwhile.
  std::set<std::string> pass(std::int64_t ms) {
    std::set<std::string> killed;
    const Instant end = play.now + ms;
    while (true) {
      play.settle();
      for (const KillOnAgent* kill : play.all<KillOnAgent>()) killed.insert(kill->task.value);
      const Instant next = std::max(play.last.wake_at, play.now + 1);
      if (next > end) break;
      play.now = next;
    }
    play.now = end;
    return killed;
  }
};

using Names = std::set<std::string>;

TEST_CASE("after five seconds of waiting the youngest of the less important ends, with its own grace") {
  Full full;
  const JobId shop = full.play.submit(production_spec());
  CHECK(full.pass(4'900) == Names{});
  full.play.settle();
  const Names killed = full.pass(5'100);
  CHECK(killed == Names{id_of(full.low, 1, 1)});
  const Task& victim = full.play.task(id_of(full.low, 1, 1));
  CHECK(victim.reason == "PREEMPTED");
  CHECK(victim.message == "makes room for " + shop.value + " (shop), which is more important");
  CHECK(makes_room_for(victim) == parse_job_number(shop.value));
  full.play.after(5'000);
  full.play.settle();
  CHECK(full.play.only<KillOnAgent>()->grace_ms == 7'000);  // sent again: nobody has answered
}

TEST_CASE("the room is for the job that others ended for, and the victim starts again without blame") {
  Full full;
  const JobId shop = full.play.submit(production_spec());
  full.pass(11'000);
  std::shared_ptr<JobSpec> other = batch_spec();
  other->capacity_group = "nobody-has-less";  // its share is the smaller one
  full.play.submit(other);
  full.play.says(id_of(full.low, 1, 1), MesosState::killed);
  full.play.settle();
  CHECK(full.play.task(id_of(full.low, 1, 1)).state == TaskState::stopped);
  CHECK(full.play.task(id_of(full.low, 1, 1)).reason == "PREEMPTED");
  CHECK(full.play.task(id_of(full.low, 1, 2)).state == TaskState::queued);
  CHECK(full.play.task(id_of(full.low, 1, 2)).attempt == 0);
  full.play.offer_and_settle("a2", 500);
  CHECK(full.play.task(id_of(shop, 0, 0)).state == TaskState::dispatched);
  CHECK(full.play.task(id_of(full.low, 1, 2)).state == TaskState::queued);
}

TEST_CASE("nobody else ends for the same job while its victim ends or its room is on its way") {
  Policy policy;
  policy.roles = {"*"};
  Full full(policy);
  full.play.submit(production_spec());
  full.pass(11'000);
  SUBCASE("as it is") {}
  SUBCASE("the server restarts in between, and no agent has anything left to offer") { full.restart(); }
  CHECK(full.pass(60'000) == Names{id_of(full.low, 1, 1)});  // asked again and again
  full.play.says(id_of(full.low, 1, 1), MesosState::killed);
  CHECK(full.pass(14'000) == Names{});
  CHECK(full.pass(12'000) == Names{id_of(full.low, 0, 0)});  // the room never came
}

TEST_CASE("on an agent that has not described itself, nobody ends for a job that asks what it is") {
  Policy policy;
  policy.roles = {"*"};
  std::shared_ptr<JobSpec> spec = production_spec();
  std::size_t ended = 0;
  SUBCASE("it may be an arm") { spec->hard_constraints = {*parse_constraint("arch!=arm")}; }
  SUBCASE("it may be kept for others") { policy.rules.dedicated = {"gpu"}; }
  SUBCASE("its name is known") {
    spec->hard_constraints = {*parse_constraint("hostname=host-a1")};
    ended = 1;
  }
  Full full(policy);
  full.restart();
  full.play.submit(spec);
  CHECK(full.pass(11'000).size() == ended);
  for (const char* agent : {"a1", "a2"}) full.play.offer_and_settle(agent, 10);
  CHECK(full.pass(11'000).size() == 1);
}

TEST_CASE("where all roles are one, room is made beside what is offered in whichever of them") {
  std::string beside, elsewhere;  // a victim's 500 are not enough alone
  SUBCASE("the first") { beside = "*", elsewhere = "zoo"; }
  SUBCASE("the last") { beside = "zoo", elsewhere = "*"; }
  Full full;
  std::shared_ptr<JobSpec> spec = production_spec();
  spec->request.cpu_milli = 500;
  const JobId shop = full.play.submit(spec);
  Names killed;
  for (int i = 0; i < 6; ++i) {  // offers go back unused after a while, and come again
    const std::string number = std::to_string(i);
    full.play.feed(OffersReceived{{full.play.offer("b" + number, "a1", 20, 1'024, beside),
                                   full.play.offer("e" + number, "a3", 20, 1'024, elsewhere)}});
    killed.merge(full.pass(2'000));
  }
  CHECK(killed == Names{id_of(full.low, 0, 0)});
  CHECK(makes_room_for(full.play.task(id_of(full.low, 0, 0))) == parse_job_number(shop.value));
}

TEST_CASE("who was done before the kill came is done") {
  Full full;
  full.play.submit(production_spec());
  full.pass(11'000);
  full.play.says(id_of(full.low, 1, 1), MesosState::finished);
  full.play.settle();
  CHECK(full.play.task(id_of(full.low, 1, 1)).state == TaskState::finished);
  CHECK_FALSE(full.play.tasks.contains(id_of(full.low, 1, 2)));
}

TEST_CASE("nobody ends for a job that is not production or no more important, nor where it is switched off") {
  Policy policy;
  std::shared_ptr<JobSpec> spec = production_spec();
  SUBCASE("not production") { spec->production = false; }
  SUBCASE("as important") { spec->priority = 0; }
  SUBCASE("switched off") { policy.preemption = false; }
  SUBCASE("it fits nowhere, whoever ends") { spec->request.cpu_milli = 600; }
  Full full(policy);
  full.play.submit(spec);
  CHECK(full.pass(60'000) == Names{});
}

TEST_CASE("nobody ends for a job that finds room in time") {
  Full full;
  const JobId shop = full.play.submit(production_spec());
  full.pass(4'000);
  full.play.offer_and_settle("a3", 500);
  CHECK(full.play.task(id_of(shop, 0, 0)).state == TaskState::dispatched);
  full.play.says(id_of(shop, 0, 0), MesosState::running);
  CHECK(full.pass(60'000) == Names{});
}

// One agent after another is full of batch jobs of 900 each; a production job of 1,500 needs two of them to
// end.
struct Halves {
  Play play;
  std::map<std::string, std::int64_t> free;  // by agent, of 2,000 each
  std::map<std::string, std::string> on;     // task → agent
  std::map<std::string, std::int64_t> share;
  std::set<std::string> killed;

  explicit Halves(int agents, Policy policy = {}) : play(policy) {
    play.subscribe();
    for (int i = 1; i <= agents; ++i) free["a" + std::to_string(i)] = 2'000;
  }

  std::shared_ptr<JobSpec> spec(const std::string& name, std::int64_t cpu) const {
    std::shared_ptr<JobSpec> spec = batch_spec();
    spec->name = name;
    spec->request.cpu_milli = cpu - 10;
    spec->request.mem_mib = 16;
    return spec;
  }
  JobId important(std::int64_t cpu, std::int64_t instances = 1) {
    std::shared_ptr<JobSpec> spec = production_spec();
    spec->request = this->spec("", cpu)->request;
    return play.submit(spec, instances);
  }

  // What the master has is offered, all of an agent at a time; launches are taken from it.
  void turn() {
    OffersReceived offers;
    for (const auto& [agent, cpu] : free) {
      const auto out = offered_.find(agent);
      if (out != offered_.end() && out->second.second == cpu) continue;
      if (out != offered_.end()) play.feed(OfferRescinded{out->second.first});
      offered_.erase(agent);
      if (cpu == 0) continue;
      offers.offers.push_back(play.offer("n" + std::to_string(++offers_), agent, cpu));
      offered_[agent] = {offers.offers.back().id, cpu};
    }
    if (!offers.offers.empty()) play.feed(offers);
    settle();
  }
  void settle() {
    play.settle();
    for (const AcceptOffers* call : play.all<AcceptOffers>()) {
      offered_.erase(call->agent.value);
      for (const Launch& launch : call->launches) {
        const std::string agent = call->agent.value;
        free[agent] -= launch.task->allocated.cpu_milli;
        REQUIRE(free[agent] >= 0);  // never more than there is
        on[launch.task->id.value] = agent;
        share[launch.task->id.value] = launch.task->allocated.cpu_milli;
        started.push_back(launch.task->id.value);
      }
    }
    for (const DeclineOffers* call : play.all<DeclineOffers>()) {
      for (const OfferId& id : call->offers)
        std::erase_if(offered_, [&](const auto& one) { return one.second.first == id; });
    }
    for (const KillOnAgent* kill : play.all<KillOnAgent>()) killed.insert(kill->task.value);
  }
  void run_started() {
    for (const std::string& task : std::exchange(started, {})) play.says(task, MesosState::running);
    settle();
  }
  void ends(const std::string& task) {
    free[on.at(task)] += share.at(task);
    play.says(task, MesosState::killed);
  }
  // Settles, and offers what is free, as often as anything wants it.
  void pass(std::int64_t ms) {
    const Instant end = play.now + ms;
    while (true) {
      turn();
      const Instant next = std::max(play.last.wake_at, play.now + 1);
      if (next > end) break;
      play.now = next;
    }
    play.now = end;
  }
  std::string state(const JobId& job, std::int64_t index) const {
    std::string text;
    for (const auto& [id, task] : play.tasks) {
      if (task.job == job && task.index == index && !is_terminal(task.state))
        text = std::string(task_state_name(task.state)) + (task.agent.empty() ? "" : " " + task.agent.value);
    }
    return text;
  }

  std::vector<std::string> started;

 private:
  std::map<std::string, std::pair<OfferId, std::int64_t>> offered_;  // by agent
  int offers_ = 0;
};

TEST_CASE("the room of two victims is held until both have ended, and nobody ends twice for it") {
  Halves halves(1);
  const JobId one = halves.play.submit(halves.spec("low1", 900)),
              two = halves.play.submit(halves.spec("low2", 900));
  halves.pass(1'000);
  halves.run_started();
  const JobId shop = halves.important(1'500);
  halves.pass(11'000);
  CHECK(halves.killed == Names{id_of(one, 0, 0), id_of(two, 0, 0)});
  halves.ends(id_of(one, 0, 0));
  SUBCASE("one after the other") { halves.pass(4'000); }
  SUBCASE("the second takes longer than the room of the first would be waited for") { halves.pass(40'000); }
  SUBCASE("at once") { halves.pass(10); }
  CHECK(halves.state(one, 0) == "QUEUED");  // there are 1,100 free, and it wants 900
  CHECK(halves.state(shop, 0) == "QUEUED");
  halves.ends(id_of(two, 0, 0));
  halves.pass(10);
  CHECK(halves.state(shop, 0) == "DISPATCHED a1");
  halves.run_started();
  halves.pass(60'000);
  CHECK(halves.killed == Names{id_of(one, 0, 0), id_of(two, 0, 0)});
  CHECK(halves.state(one, 0) == "QUEUED");
  CHECK(halves.state(two, 0) == "QUEUED");
}

TEST_CASE("four victims of one job on two agents make room for two instances") {
  Halves halves(2);
  const JobId low = halves.play.submit(halves.spec("low", 900), 4);
  halves.pass(1'000);
  halves.run_started();
  const JobId shop = halves.important(1'500, 2);
  halves.pass(16'000);
  Names four;
  for (int i = 0; i < 4; ++i) four.insert(id_of(low, i, i));
  CHECK(halves.killed == four);
  for (int i = 0; i < 4; ++i) {
    halves.ends(id_of(low, i, i));
    halves.pass(2'000);
  }
  CHECK(halves.state(shop, 0) + halves.state(shop, 1) != "");
  CHECK(halves.state(shop, 0).starts_with("DISPATCHED"));
  CHECK(halves.state(shop, 1).starts_with("DISPATCHED"));
  halves.run_started();
  halves.pass(60'000);
  CHECK(halves.killed == four);
}

TEST_CASE("room that is held outlasts a restart") {
  Policy policy;
  policy.roles = {"*"};
  Halves halves(1, policy);
  const JobId one = halves.play.submit(halves.spec("low1", 900)),
              two = halves.play.submit(halves.spec("low2", 900));
  halves.pass(1'000);
  halves.run_started();
  const JobId shop = halves.important(1'500);
  halves.pass(11'000);
  halves.ends(id_of(one, 0, 0));
  halves.play.restart();
  halves.play.subscribe();
  halves.play.master_says(id_of(two, 0, 0), MesosState::running, "RECONCILIATION");
  halves.pass(3'000);
  CHECK(halves.state(one, 0) == "QUEUED");
  halves.ends(id_of(two, 0, 0));
  halves.pass(10);
  CHECK(halves.state(shop, 0) == "DISPATCHED a1");
  CHECK(halves.state(two, 0) == "QUEUED");
}

TEST_CASE("room is given up when nobody needs it any more") {
  Halves halves(1);
  const JobId one = halves.play.submit(halves.spec("low1", 900)),
              two = halves.play.submit(halves.spec("low2", 900));
  halves.pass(1'000);
  halves.run_started();
  const JobId shop = halves.important(1'500);
  halves.pass(11'000);
  halves.ends(id_of(one, 0, 0));
  halves.pass(1'000);
  CHECK(halves.state(one, 0) == "QUEUED");
  SUBCASE("its job is killed") { halves.play.feed(KillJob{0, shop, "me"}); }
  SUBCASE("its job finds a place elsewhere") {
    halves.free["a2"] = 2'000;
    halves.pass(10);
    CHECK(halves.state(shop, 0) == "DISPATCHED a2");
  }
  SUBCASE("its job is to have no instances") { halves.play.feed(SetInstanceCounts{0, shop, 0, 0, 5, "me"}); }
  SUBCASE("it does not come within 15 seconds after the last end") {
    halves.ends(id_of(two, 0, 0));
    halves.free["a1"] -= 600;  // somebody else's now
    halves.pass(14'900);
    CHECK(halves.state(one, 0) == "QUEUED");
    halves.pass(200);
  }
  halves.pass(10);
  CHECK(halves.state(one, 0) == "DISPATCHED a1");
}

TEST_CASE("where the agent is lost meanwhile, room is made elsewhere") {
  Halves halves(1);
  halves.play.submit(halves.spec("low1", 900));
  halves.play.submit(halves.spec("low2", 900));
  halves.pass(1'000);
  halves.run_started();
  const JobId shop = halves.important(1'500);
  halves.pass(11'000);
  CHECK(halves.killed.size() == 2);
  const Names first = std::exchange(halves.killed, {});
  for (const std::string& task : first)
    halves.play.master_says(task, MesosState::unreachable, "AGENT_REMOVED");
  halves.play.feed(AgentLost{AgentId("a1")});
  halves.free.erase("a1");
  halves.free["a2"] = 1'400;
  const JobId other = halves.play.submit(halves.spec("low3", 1'400));
  halves.turn();
  halves.run_started();
  halves.free["a2"] += 600;  // and others' end there
  CHECK(halves.state(other, 0) == "RUNNING a2");
  halves.pass(16'000);
  CHECK(halves.killed.contains(id_of(other, 0, 0)));
  halves.ends(id_of(other, 0, 0));
  halves.pass(10);
  CHECK(halves.state(shop, 0) == "DISPATCHED a2");
}

TEST_CASE("an agent that is to be a job's alone takes nobody while its tasks end") {
  Halves halves(1);
  const JobId one = halves.play.submit(halves.spec("low1", 900)),
              two = halves.play.submit(halves.spec("low2", 900));
  halves.pass(1'000);
  halves.run_started();
  std::shared_ptr<JobSpec> spec = production_spec();
  spec->request.cpu_milli = 90;
  spec->hard_constraints = {*parse_constraint("ExclusiveHost")};
  const JobId shop = halves.play.submit(spec);
  halves.pass(11'000);
  CHECK(halves.killed.size() == 2);
  halves.ends(id_of(one, 0, 0));
  halves.pass(2'000);
  CHECK(halves.state(one, 0) == "QUEUED");
  halves.ends(id_of(two, 0, 0));
  halves.pass(10);
  CHECK(halves.state(shop, 0) == "DISPATCHED a1");
}

}  // namespace
}  // namespace mimas::engine
