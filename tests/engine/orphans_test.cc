// Tasks that run unknown to the records: what is killed, what waits for people, and what they can decide.
#include "play.h"

namespace mimas::engine {
namespace {

// Ten services of one instance each, known only to a database that was thrown away: `play` recovers from one
// in which their tasks had been started twice less often, and the master shows what runs.
class OldDatabase {
 public:
  explicit OldDatabase(std::int64_t services = 10) {
    play.subscribe();
    for (std::int64_t i = 0; i < services; ++i) jobs.push_back(play.submit(service_spec()));
    play.settle();
    play.offer_and_settle("a1", 500 * services);
    for (const JobId& job : jobs) play.says(make_task_id(job, 0, 0).value, MesosState::running);
    play.settle();
    play.restart();
    play.after(60'000);
    play.feed(Subscribed{FrameworkId("F"), "master:5050"});
  }

  std::string running(std::size_t i) const { return make_task_id(jobs[i], 0, 2).value; }
  // The answers to the explicit and the implicit question, and what follows within a minute.
  void show_cluster() {
    for (const JobId& job : jobs) {
      play.master_says(make_task_id(job, 0, 0).value, MesosState::gone, "RECONCILIATION");
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      play.master_says(running(i), MesosState::running, "RECONCILIATION");
    }
    play.end_listing();
    calls = 0;
    for (int i = 0; i < 60; ++i) {
      play.feed(OffersReceived{{play.offer("late" + std::to_string(i), "a2", 8'000)}});
      play.settle();
      calls += play.all<KillOnAgent>().size() + play.all<AcceptOffers>().size();
      play.after(1'000);
    }
  }
  OrphansDecided decide(const Input& command) {
    play.feed(command);
    auto* reply = play.only<Reply>();
    REQUIRE(reply->answer.ok());
    OrphansDecided decided = std::get<OrphansDecided>(*reply->answer);
    return decided;
  }

  Play play;
  std::vector<JobId> jobs;
  std::size_t calls = 0;
};

TEST_CASE("a database that is behind the cluster kills nothing and starts nothing beside what runs") {
  OldDatabase old;
  old.show_cluster();
  CHECK(old.calls == 0);
  CHECK(old.play.orphans.size() == 10);
  CHECK(old.play.orphans.at(old.running(3)).decision == OrphanDecision::waiting);
  CHECK(old.play.alerts.at("orphans").starts_with("10 tasks run"));
  CHECK(old.play.state.anomalies().stray_kills_withheld == 10);
  CHECK(old.play.shortfalls.at(old.jobs[0].value).find("orphans") != std::string::npos);
}

TEST_CASE("adopting takes what runs into the records as the tasks of its slots, and the alert is over") {
  OldDatabase old;
  old.show_cluster();
  OrphansDecided decided = old.decide(AdoptOrphans{1, {}, true, "ann"});
  CHECK(decided.done.size() == 10);
  CHECK(decided.left.empty());
  for (std::size_t i = 0; i < 10; ++i) {
    const Task& task = old.play.task(old.running(i));
    CHECK(task.state == TaskState::running);
    CHECK(task.agent == AgentId("a1"));
    CHECK(task.message == "adopted by ann");
    CHECK(task.allocated.cpu_milli == 500);
    CHECK(old.play.job(old.jobs[i]).next_task_number == 4);
    CHECK(old.play.task(make_task_id(old.jobs[i], 0, 3).value).state == TaskState::stopped);
  }
  CHECK(old.play.orphans.empty());
  CHECK(old.play.questions().at(0).tasks.size() == 10);
  old.play.settle();
  CHECK(old.play.alerts.at("orphans").empty());
  CHECK(old.play.state.digest() == State(old.play.policy, old.play.recovered()).digest());
  // From now on they are tasks like others.
  old.play.says(old.running(0), MesosState::failed);
  CHECK(old.play.task(make_task_id(old.jobs[0], 0, 4).value).state == TaskState::queued);
}

TEST_CASE("what waits for a person waits over restarts, however large the cluster grows") {
  OldDatabase old;
  old.show_cluster();
  old.play.submit(service_spec(), 90);
  old.play.restart();
  old.play.subscribe();
  old.play.feed(OffersReceived{{old.play.offer("large", "a3", 90'000, 90'000)}});
  old.play.settle();
  CHECK(old.play.all<AcceptOffers>().size() == 1);
  for (int i = 0; i < 100; ++i) {
    old.play.settle();
    CHECK(old.play.none<KillOnAgent>());
    old.play.after(1'000);
  }
  CHECK(old.play.alerts.at("orphans").starts_with("10 tasks run"));
}

TEST_CASE(
    "orphans are killed when somebody asks for it, not faster than a minute allows, and then replaced") {
  OldDatabase old;
  old.play.policy.stray_kills_per_minute = 4;
  old.play.restart();
  old.play.feed(Subscribed{FrameworkId("F"), "master:5050"});
  old.show_cluster();
  CHECK(old.calls == 0);
  CHECK(old.decide(KillOrphans{1, {}, true, "ann"}).done.size() == 10);
  std::size_t kills = 0;
  for (int i = 0; i < 59; ++i) {
    old.play.settle();
    kills += old.play.all<KillOnAgent>().size();
    old.play.after(1'000);
  }
  CHECK(kills == 4);
  old.play.says(old.running(0), MesosState::killed);
  CHECK_FALSE(old.play.orphans.contains(old.running(0)));
  old.play.offer_and_settle("a2", 500);
  CHECK(old.play.all<AcceptOffers>().size() == 1);
}

TEST_CASE("what cannot be adopted is left alone, durably, until its end is asked for by name") {
  Play play;
  play.running(service_spec(), 3);  // mimas-1
  JobId batch = play.submit(batch_spec());
  play.offer_and_settle("a1", 500);
  play.says(make_task_id(batch, 0, 0).value, MesosState::finished);
  const std::map<std::string, std::string> why = {
      {"ghost", "its id is not one that mimas gives"},
      {"mimas-9-worker-0-0", "there is no job mimas-9"},
      {"mimas-2-worker-0-5", "job mimas-2 is not active any more"},
      {"mimas-1-worker-1-7", "its slot has the task mimas-1-worker-1-1 (RUNNING)"},
      {"mimas-1-worker-5-8", "job mimas-1 has the 3 instances it wants"},
  };
  for (const auto& [id, reason] : why) play.master_says(id, MesosState::running, "RECONCILIATION");
  play.after(2'000);
  play.settle();
  REQUIRE(play.none<KillOnAgent>());
  play.feed(AdoptOrphans{1, {}, true, ""});
  OrphansDecided decided = std::get<OrphansDecided>(*play.only<Reply>()->answer);
  CHECK(decided.done.empty());
  for (const auto& left : decided.left) CHECK(left.why == why.at(left.task.value));
  play.settle();
  CHECK(play.alerts.at("orphans").empty());
  play.restart();
  play.subscribe();
  auto asked = play.questions();
  CHECK(asked.back().tasks.size() == why.size());  // are they still there?
  for (const auto& [id, reason] : why) {
    CHECK(play.orphans.at(id).decision == OrphanDecision::leave);
    play.master_says(id, MesosState::running, "RECONCILIATION");
  }
  play.feed(KillOrphans{1, {}, true, ""});
  CHECK(std::get<OrphansDecided>(*play.only<Reply>()->answer).done.empty());
  for (int i = 0; i < 120; ++i) {
    play.after(1'000);
    play.settle();
    CHECK(play.none<KillOnAgent>());
  }
  play.feed(KillOrphans{1, {TaskId("ghost")}, false, "ann"});
  CHECK(play.orphans.at("ghost").reason == "killed by ann");
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == "ghost");
  play.master_says("ghost", MesosState::gone, "RECONCILIATION");
  CHECK_FALSE(play.orphans.contains("ghost"));
}

TEST_CASE("a name that is not on the list refuses the whole decision") {
  OldDatabase old;
  old.show_cluster();
  old.play.feed(AdoptOrphans{1, {TaskId(old.running(0)), TaskId("mimas-77-worker-0-0")}, false, ""});
  auto* reply = old.play.only<Reply>();
  REQUIRE_FALSE(reply->answer.ok());
  CHECK(reply->answer.error().code == Code::not_found);
  CHECK(old.play.orphans.size() == 10);
}

TEST_CASE("after a restart nothing is launched before the master has shown what runs, or has had its time") {
  for (bool answered : {true, false}) {
    Play play;
    play.subscribe();
    play.submit(service_spec());
    play.settle();
    play.restart();
    play.feed(Subscribed{FrameworkId("F"), "master:5050"});
    play.feed(OffersReceived{{play.offer("o1", "a1")}});
    play.settle();
    CHECK(play.none<AcceptOffers>());
    CHECK(play.last.wake_at <= play.now + play.policy.listing_first_ms);
    if (answered) {
      play.end_listing();
    } else {
      play.after(play.policy.listing_wait_ms);
      play.feed(OffersReceived{{play.offer("o2", "a1")}});
    }
    play.settle();
    CHECK(play.all<AcceptOffers>().size() == 1);
  }
}

TEST_CASE("the end of the list is asked for until it comes, and then the list once more") {
  Play play;
  play.feed(Subscribed{FrameworkId("F"), "m"});
  CHECK(play.all<Reconcile>().size() == 2);
  for (std::int64_t pause : {1'000, 2'000, 4'000, 8'000}) {
    play.after(pause);
    play.settle();
    CHECK(play.only<Reconcile>()->tasks.at(0).task.value == kListingEnd);
  }
  play.end_listing();  // agents have come back meanwhile
  auto asks = play.all<Reconcile>();
  REQUIRE(asks.size() == 2);
  CHECK(asks[0]->tasks.empty());
  play.end_listing();
  CHECK(play.none<Reconcile>());
  play.after(60'000);
  play.settle();
  CHECK(play.none<Reconcile>());
  CHECK(play.last.wake_at - play.now < play.policy.reconcile_period_ms);
  CHECK(play.last.wake_at - play.now > play.policy.reconcile_period_ms * 8 / 10);
}

TEST_CASE(
    "a queued task that is found running, or that has ended, was launched by a later life of the database") {
  for (MesosState state : {MesosState::running, MesosState::finished}) {
    Play play;
    play.subscribe();
    JobId job = play.submit(batch_spec());
    play.settle();
    play.restart();
    play.feed(Subscribed{FrameworkId("F"), "m"});
    StatusUpdate update = play.update(make_task_id(job, 0, 0).value, state);
    update.agent = AgentId("a4");
    play.feed(update);
    play.end_listing();
    play.offer_and_settle("a1");
    CHECK(play.none<AcceptOffers>());
    CHECK(play.task(make_task_id(job, 0, 0).value).agent == AgentId("a4"));
    CHECK(play.state.anomalies().records_behind == 1);
    CHECK((play.job(job).state == JobState::ended) == (state == MesosState::finished));
  }
}

// A cluster of ten known services and a task of a job that was submitted after the copy was made.
struct Restored {
  Play play;
  std::string newer = "mimas-11-worker-0-0", orphan = "mimas-1-worker-7-0";

  explicit Restored(Policy policy = {}) : play(policy) {
    play.running(service_spec(), 10);
    play.restart();
    play.feed(Subscribed{FrameworkId("F"), "master:5050"});
  }
  void show(const std::string& id) { play.master_says(id, MesosState::running, "RECONCILIATION"); }
  // The KILLs within so many minutes.
  std::size_t kills(int minutes) {
    std::size_t sent = 0;
    for (int i = 0; i < 60 * minutes; ++i) {
      play.settle();
      sent += play.all<KillOnAgent>().size();
      play.after(1'000);
    }
    return sent;
  }
};

TEST_CASE("after an older database was put back nothing that it does not know is killed unasked") {
  Restored old;
  SUBCASE("a job that it does not know") { old.show(old.newer); }
  SUBCASE("a start of a job that it does not know") { old.show(old.newer = "mimas-1-worker-0-17"); }
  SUBCASE("another orphan beside it, also one that was seen first") {
    old.show(old.orphan);
    old.show(old.newer);
    old.show("mimas-1-worker-6-0");
  }
  SUBCASE("one that has ended shows it as well") {
    old.play.says(old.newer, MesosState::finished);
    old.show(old.newer = old.orphan);
  }
  const std::size_t seen = old.play.orphans.size();
  old.play.end_listing();
  CHECK(old.kills(5) == 0);
  CHECK(old.play.alerts.at("orphans").find("old copy") != std::string::npos);
  // Also not by a later life, in which the numbers are right again.
  old.play.restart();
  old.play.subscribe();
  CHECK(old.kills(5) == 0);
  CHECK(old.play.orphans.size() == seen);
  old.play.feed(KillOrphans{1, {}, true, "ann"});
  CHECK(old.kills(1) >= seen);
}

TEST_CASE("an operator may say for how long is waited, and that it is not") {
  Policy policy;
  policy.orphan_wait_ms = 600'000;
  Restored old(policy);
  old.show(old.newer);
  old.play.end_listing();
  CHECK(old.kills(4) == 0);
  CHECK(old.play.alerts.at("orphans").find("killed 600 s after") != std::string::npos);
  SUBCASE("a time") {
    old.play.restart();
    old.play.subscribe();
    CHECK(old.kills(5) == 0);
    CHECK(old.kills(2) > 0);
  }
  SUBCASE("no longer") {
    old.play.policy.orphan_wait_ms = 0;
    old.play.restart();
    old.play.subscribe();
    CHECK(old.kills(1) > 0);
  }
}

TEST_CASE("a single task that is unknown for another reason is killed as before") {
  Restored fresh;
  fresh.show("mimas-1-worker-3-2");  // an id that was given out, whose record is gone
  fresh.play.end_listing();
  CHECK(fresh.kills(1) > 0);
}

TEST_CASE("an id that was seen in the cluster is never given out again") {
  Play play;
  play.running(service_spec(), 10);
  play.master_says("mimas-41-worker-0-0", MesosState::running, "RECONCILIATION");
  play.master_says("mimas-1-worker-3-77", MesosState::running, "RECONCILIATION");
  CHECK(play.submit(service_spec()) == JobId("mimas-42"));
  play.says("mimas-1-worker-0-0", MesosState::failed);
  CHECK(play.tasks.contains("mimas-1-worker-0-78"));
  play.master_says("mimas-1-worker-9-80", MesosState::running, "RECONCILIATION");
  CHECK_FALSE(play.tasks.contains("mimas-1-worker-0-78"));  // that one may have run, too
  CHECK(play.task("mimas-1-worker-0-81").state == TaskState::queued);
  CHECK(play.state.digest() == State(play.policy, play.recovered()).digest());
}

TEST_CASE("a task that an operator declared gone and that lives raises an alert and is killed") {
  Play play;
  JobId job = play.running(service_spec());
  play.master_says(make_task_id(job, 0, 0).value, MesosState::gone_by_operator, "RECONCILIATION");
  CHECK(play.task(make_task_id(job, 0, 0).value).state == TaskState::crashed);
  play.says(make_task_id(job, 0, 0).value, MesosState::running);
  CHECK(play.state.anomalies().revivals == 1);
  play.settle();
  CHECK(play.alerts.at("revived").starts_with("1 tasks live"));
  play.after(2'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == make_task_id(job, 0, 0).value);
  play.says(make_task_id(job, 0, 0).value, MesosState::killed);
  play.settle();
  CHECK(play.alerts.at("revived").empty());
}

TEST_CASE(
    "a launch whose offers were invalid goes out again as soon as the master says that it has no such task") {
  Play play;
  play.subscribe();
  JobId job = play.submit(batch_spec());
  play.offer_and_settle("a1");
  const std::string first = make_task_id(job, 0, 0).value;
  play.master_says(first, MesosState::dropped, "INVALID_OFFERS");
  CHECK(play.task(first).state == TaskState::dispatched);
  CHECK(play.questions().at(0).tasks.at(0).agent == AgentId("a1"));
  play.master_says(first, MesosState::gone, "RECONCILIATION");
  CHECK(play.task(first).state == TaskState::crashed);
  play.offer_and_settle("a1");
  CHECK(play.only<AcceptOffers>()->launches.at(0).task->id == make_task_id(job, 0, 1));
}

}  // namespace
}  // namespace mimas::engine
