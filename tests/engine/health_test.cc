// What follows from health checks: who is ended, when, how many at a time, and what is remembered.
#include "play.h"

namespace mimas::engine {
namespace {

std::string id_of(const JobId& job, std::int64_t index, std::int64_t number) {
  return make_task_id(job, index, number).value;
}

std::shared_ptr<JobSpec> checked_service() {
  auto spec = service_spec();
  spec->request.mem_mib = 8;
  spec->health_checks.resize(1);
  return spec;
}

const Step& says_health(Play& play, const std::string& task, std::optional<bool> healthy,
                        std::optional<bool> ready = {}, const std::string& message = "status 500") {
  StatusUpdate update = play.update(task, MesosState::running, "TASK_HEALTH_CHECK_STATUS_UPDATED");
  update.healthy = healthy;
  update.ready = ready;
  update.message = healthy == false ? message : "healthy";
  return play.feed(update);
}

// How many tasks the last step kills.
std::size_t kills(const Play& play) { return play.all<KillOnAgent>().size(); }

// The one live task of a slot that is not on its way out.
std::string current(const Play& play, const JobId& job, std::int64_t index) {
  std::string found;
  for (const auto& [id, task] : play.tasks) {
    if (task.job == job && task.index == index && !is_terminal(task.state)) found = id;
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

// The killed one is gone, and its successor runs after its back-off.
void replace(Play& play, const JobId& job, std::int64_t index) {
  play.says(current(play, job, index), MesosState::killed);
  play.after(60'000);
  play.offer_and_settle("a1", 500);
  play.says(current(play, job, index), MesosState::running);
  play.settle();
}

TEST_CASE("an unhealthy instance is ended as a failure of its own, with the check's words") {
  Play play;
  JobId job = play.running(checked_service());
  const std::string first = id_of(job, 0, 0);
  says_health(play, first, true);
  CHECK(play.task(first).healthy == true);
  CHECK(play.task(first).healthy_at == play.now);
  play.settle();
  CHECK(kills(play) == 0);
  play.after(100'000);
  says_health(play, first, false);
  CHECK(play.task(first).unhealthy_since == play.now);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == first);
  CHECK(play.task(first).kill_requested);
  CHECK(play.task(first).reason == "UNHEALTHY");
  play.says(first, MesosState::killed);
  CHECK(play.task(first).state == TaskState::failed);
  CHECK(play.task(first).reason == "UNHEALTHY");
  CHECK(play.task(first).message == "status 500");
  CHECK(play.task(id_of(job, 0, 1)).attempt == 1);
  CHECK(play.task(id_of(job, 0, 1)).not_before == play.now + 1'000);
}

TEST_CASE("rule 71: what an update does not say of health stays as it was, and missing is not false") {
  Play play;
  JobId job = play.running(checked_service());
  const std::string first = id_of(job, 0, 0);
  CHECK_FALSE(play.task(first).healthy);
  says_health(play, first, {}, true);
  CHECK_FALSE(play.task(first).healthy);
  CHECK(play.task(first).ready == true);
  says_health(play, first, true);
  play.says(first, MesosState::running);
  CHECK(play.task(first).healthy == true);
  CHECK(play.task(first).ready == true);
  CHECK(play.task(first).health_message == "healthy");
  play.settle();
  CHECK(kills(play) == 0);
}

TEST_CASE("what is kept of others' words ends between characters") {
  Play play;
  const JobId job = play.running(checked_service());
  const std::string first = id_of(job, 0, 0);
  says_health(play, first, false, {}, std::string(1'023, 'x') + "é");
  CHECK(play.task(first).health_message == std::string(1'023, 'x'));
  StatusUpdate update = play.update(first, MesosState::failed);
  update.message = std::string(4'095, 'x') + "é";
  play.feed(update);
  CHECK(play.task(first).message == std::string(4'095, 'x'));
}

TEST_CASE("of five instances that fall ill together one is on its way at a time") {
  Play play;
  JobId job = play.running(checked_service(), 5);
  for (int i = 0; i < 5; ++i) says_health(play, id_of(job, i, i), true);
  for (int i = 0; i < 5; ++i) {
    play.after(10);
    says_health(play, id_of(job, (i + 2) % 5, (i + 2) % 5), false);
  }
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 2, 2));  // the longest ill
  play.settle();
  CHECK(kills(play) == 0);

  replace(play, job, 2);
  CHECK(kills(play) == 0);  // nothing is known of the successor yet
  says_health(play, current(play, job, 2), true);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 3, 3));
}

TEST_CASE("a fifth of the wanted instances goes at a time while at most half are ill") {
  Play play;
  JobId job = play.running(checked_service(), 20);
  for (int i = 0; i < 10; ++i) says_health(play, id_of(job, i, i), false);
  play.settle();
  CHECK(kills(play) == 4);
  play.settle();
  CHECK(kills(play) == 0);
}

TEST_CASE("while more than half are ill it is one") {
  Play play;
  JobId job = play.running(checked_service(), 20);
  for (int i = 0; i < 11; ++i) says_health(play, id_of(job, i, i), false);
  play.settle();
  CHECK(kills(play) == 1);
  play.settle();
  CHECK(kills(play) == 0);
}

TEST_CASE("the share counts what is wanted, not what happens to run") {
  struct Case {
    std::int64_t instances, ill;
    std::size_t ended;
  };
  for (const Case& one :
       {Case{1, 1, 1}, {2, 1, 1}, {2, 2, 1}, {4, 2, 1}, {9, 4, 1}, {10, 5, 2}, {15, 7, 3}}) {
    Play play;
    JobId job = play.running(checked_service(), one.instances);
    for (std::int64_t i = 0; i < one.ill; ++i) says_health(play, id_of(job, i, i), false);
    play.settle();
    CHECK_MESSAGE(kills(play) == one.ended, one.instances << " instances");
  }
}

TEST_CASE("an instance that recovers before its turn stays") {
  Play play;
  JobId job = play.running(checked_service(), 5);
  for (int i = 0; i < 3; ++i) says_health(play, id_of(job, i, i), false);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
  for (int i = 1; i < 3; ++i) says_health(play, id_of(job, i, i), true);
  CHECK(play.task(id_of(job, 1, 1)).unhealthy_since.ms == 0);
  replace(play, job, 0);
  says_health(play, current(play, job, 0), true);
  play.after(60'000);
  play.settle();
  CHECK(kills(play) == 0);
}

TEST_CASE("what is said of one that is on its way out does not call it back") {
  Play play;
  JobId job = play.running(checked_service());
  const std::string first = id_of(job, 0, 0);
  says_health(play, first, false);
  play.settle();
  says_health(play, first, true);
  CHECK(play.task(first).reason == "UNHEALTHY");
  play.says(first, MesosState::killed);
  CHECK(play.task(first).state == TaskState::failed);
  CHECK(play.task(first).message == "status 500");
}

TEST_CASE("a successor that finds no place keeps the others waiting for five minutes, not for ever") {
  Play play;
  JobId job = play.running(checked_service(), 2);
  says_health(play, id_of(job, 0, 0), false);
  says_health(play, id_of(job, 1, 1), false);
  play.settle();
  CHECK(kills(play) == 1);
  play.says(id_of(job, 0, 0), MesosState::killed);
  play.settle();
  CHECK(play.last.wake_at <= play.now + 10'000);
  for (int i = 0; i < 29; ++i) {
    play.after(10'000);
    play.settle();
    CHECK(kills(play) == 0);
  }
  play.after(20'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 1, 1));
}

TEST_CASE("a check that never passes does not spin: the back-off grows, and the job says so") {
  Play play;
  JobId job = play.running(checked_service());
  for (std::int64_t start = 0; start < 8; ++start) {
    const std::string task = id_of(job, 0, start);
    play.after(3'600'000);  // however long the grace is, it was no stable life
    says_health(play, task, false, {}, "tcp check of port 80: Connection refused");
    play.settle();
    CHECK(kills(play) == 1);
    CHECK(play.job(job).message.find("no instance has ever passed its health checks") == 0);
    CHECK(play.job(job).message.find("tcp check of port 80: Connection refused") != std::string::npos);
    play.says(task, MesosState::killed);
    const std::int64_t delay = std::min<std::int64_t>(60'000, 1'000 << start);
    CHECK(play.task(id_of(job, 0, start + 1)).not_before == play.now + delay);
    play.after(delay);
    play.offer_and_settle("a1", 500);
    play.says(id_of(job, 0, start + 1), MesosState::running);
  }
  says_health(play, id_of(job, 0, 8), true);
  CHECK(play.job(job).message.empty());
}

TEST_CASE("a job with an instance that was healthy once is not said to have a wrong check") {
  Play play;
  JobId job = play.running(checked_service(), 2);
  says_health(play, id_of(job, 1, 1), true);
  says_health(play, id_of(job, 0, 0), false);
  play.settle();
  CHECK(kills(play) == 1);
  CHECK(play.job(job).message.empty());
}

TEST_CASE("an instance that was well for long starts its back-off anew") {
  Play play;
  JobId job = play.running(checked_service());
  for (std::int64_t start = 0; start < 3; ++start) {
    const std::string task = id_of(job, 0, start);
    says_health(play, task, true);
    play.after(60'000);
    says_health(play, task, false);
    play.settle();
    play.says(task, MesosState::killed);
    CHECK(play.task(id_of(job, 0, start + 1)).not_before == play.now + 1'000);
    play.after(1'000);
    play.offer_and_settle("a1", 500);
    play.says(id_of(job, 0, start + 1), MesosState::running);
  }
}

TEST_CASE("a batch task ends at once, as a failed attempt, and fails its job when the retries are used up") {
  Play play;
  auto spec = batch_spec();
  spec->retries = 1;
  spec->health_checks.resize(1);
  JobId job = play.running(spec, 3);
  for (int i = 0; i < 3; ++i) says_health(play, id_of(job, i, i), false);
  play.settle();
  CHECK(kills(play) == 3);
  play.says(id_of(job, 0, 0), MesosState::killed);
  CHECK(play.task(id_of(job, 0, 3)).attempt == 1);
  play.after(1'000);
  play.offer_and_settle("a1", 500);
  play.says(id_of(job, 0, 3), MesosState::running);
  says_health(play, id_of(job, 0, 3), false);
  play.settle();
  play.says(id_of(job, 0, 3), MesosState::killed);
  SUBCASE("as the records tell") {}
  SUBCASE("also after a restart") {
    play.restart();
    play.subscribe();
  }
  play.says(id_of(job, 1, 1), MesosState::finished);  // it was done just before the kill: that counts
  CHECK(play.task(id_of(job, 1, 1)).state == TaskState::finished);
  play.says(id_of(job, 2, 2), MesosState::finished);
  CHECK(play.job(job).state == JobState::ended);
  CHECK(play.job(job).outcome == JobOutcome::failed);
}

TEST_CASE("however the end of an unhealthy task is spelt, it has failed") {
  for (MesosState end : {MesosState::killed, MesosState::failed, MesosState::gone, MesosState::dropped,
                         MesosState::gone_by_operator}) {
    Play play;
    JobId job = play.running(checked_service());
    says_health(play, id_of(job, 0, 0), false);
    play.settle();
    play.says(id_of(job, 0, 0), end, "EXECUTOR_TERMINATED", "AGENT");
    CHECK(play.task(id_of(job, 0, 0)).state == TaskState::failed);
    CHECK(play.task(id_of(job, 0, 0)).reason == "UNHEALTHY");
    CHECK(play.task(id_of(job, 0, 1)).attempt == 1);
  }
}

TEST_CASE("an unhealthy task whose agent is lost is replaced as after a failure") {
  Play play;
  JobId job = play.running(checked_service());
  says_health(play, id_of(job, 0, 0), false);
  play.settle();
  play.master_says(id_of(job, 0, 0), MesosState::unreachable, "AGENT_REMOVED");
  play.after(30'000);
  play.settle();
  CHECK(is_terminal(play.task(id_of(job, 0, 0)).state));
  CHECK(play.task(id_of(job, 0, 1)).attempt == 1);
}

TEST_CASE("nobody is judged while unreachable, or while there is no master") {
  Play play;
  JobId job = play.running(checked_service());
  const std::string first = id_of(job, 0, 0);
  SUBCASE("unreachable") {
    says_health(play, first, false);
    play.master_says(first, MesosState::unreachable, "AGENT_REMOVED");
    play.settle();
    CHECK(kills(play) == 0);
    play.says(first, MesosState::running);  // back, and nothing better was said
    play.settle();
    CHECK(kills(play) == 1);
  }
  SUBCASE("disconnected") {
    says_health(play, first, false);
    play.feed(Disconnected{"x"});
    play.settle();
    CHECK(kills(play) == 0);
    CHECK(play.last.wake_at == kNever);
  }
}

TEST_CASE("after a restart what the record says of health waits for what the master says") {
  Play play;
  JobId job = play.running(checked_service());
  const std::string first = id_of(job, 0, 0);
  says_health(play, first, false);  // on disk, and then the server ends
  play.restart();
  play.subscribe();
  play.settle();
  CHECK(kills(play) == 0);
  StatusUpdate answer = play.update(first, MesosState::running, "RECONCILIATION", "MASTER");
  answer.message = "Reconciliation: Latest task state";
  SUBCASE("still ill") {
    answer.healthy = false;
    play.feed(answer);
    play.after(10'000);
    play.settle();
    CHECK(kills(play) == 1);
    CHECK(play.task(first).message == "status 500");
  }
  SUBCASE("well again") {
    answer.healthy = true;
    play.feed(answer);
    play.after(10'000);
    play.settle();
    CHECK(kills(play) == 0);
    CHECK(play.task(first).healthy == true);
  }
}

TEST_CASE("a restart in the middle of a replacement still counts it") {
  Play play;
  JobId job = play.running(checked_service(), 5);
  for (int i = 0; i < 5; ++i) says_health(play, id_of(job, i, i), false);
  play.settle();
  CHECK(kills(play) == 1);
  const std::string before = play.state.digest();
  play.restart();
  CHECK(play.state.digest() == before);
  play.subscribe();
  for (int i = 0; i < 5; ++i) {
    StatusUpdate answer = play.update(id_of(job, i, i), MesosState::running, "RECONCILIATION", "MASTER");
    answer.healthy = false;
    play.feed(answer);
  }
  play.after(10'000);
  play.settle();
  for (const KillOnAgent* kill : play.all<KillOnAgent>()) CHECK(kill->task.value == id_of(job, 0, 0));
}

TEST_CASE("a job that is being killed, or wants fewer, does not end anybody for health") {
  Play play;
  JobId job = play.running(checked_service(), 2);
  says_health(play, id_of(job, 0, 0), false);
  SUBCASE("killed") {
    play.feed(KillJob{2, job, "ann"});
    play.settle();
    CHECK(play.task(id_of(job, 0, 0)).reason == "JOB_KILLED");
  }
  SUBCASE("scaled to nothing while it ends") {
    play.settle();
    SetInstanceCounts counts;
    counts.job = job;
    play.feed(counts);
    play.says(id_of(job, 0, 0), MesosState::killed);
    play.settle();
    CHECK(play.task(id_of(job, 0, 0)).state == TaskState::stopped);
    CHECK_FALSE(play.tasks.contains(id_of(job, 0, 2)));
  }
}

TEST_CASE("a moved instance stays until its successor is ready") {
  Play play;
  auto spec = service_spec();
  spec->readiness.emplace();
  JobId job = play.running(spec);
  InverseOffer leave{OfferId("i1"), AgentId("a1"), Unavailability{play.now + 60'000, 0}};
  play.feed(InverseOffersReceived{{leave}});
  play.settle();
  play.offer_and_settle("a2");
  play.says(id_of(job, 0, 1), MesosState::running);
  play.settle();
  CHECK(kills(play) == 0);
  says_health(play, id_of(job, 0, 1), {}, true);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
}

}  // namespace
}  // namespace mimas::engine
