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

}  // namespace
}  // namespace mimas::engine
