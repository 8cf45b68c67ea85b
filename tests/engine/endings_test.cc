// What the end of a task means for its job, and what is told of it: kills, starts that come to nothing, and
// the wait for the next start.
#include "play.h"

namespace mimas::engine {
namespace {

std::string id_of(const JobId& job, std::int64_t index, std::int64_t number) {
  return make_task_id(job, index, number).value;
}

TEST_CASE("a batch job of which a task was killed has not finished, and says how many were") {
  Play play;
  JobId job = play.running(batch_spec(), 3);
  const auto kill = [&](const std::string& task) {
    play.feed(KillTasks{1, {TaskId(task)}, false, false, "ann"});
  };
  kill(id_of(job, 1, 1));
  // Whatever way it ends.
  play.says(id_of(job, 1, 1), MesosState::failed, "EXECUTOR_TERMINATED", "AGENT");
  CHECK(play.task(id_of(job, 1, 1)).state == TaskState::stopped);
  play.says(id_of(job, 0, 0), MesosState::finished);
  CHECK(play.job(job).state == JobState::active);
  SUBCASE("the others finished") {
    play.restart();
    play.subscribe();
    play.says(id_of(job, 2, 2), MesosState::finished);
    CHECK(play.job(job).outcome == JobOutcome::killed);
    CHECK(play.job(job).message == "1 of 3 instances was killed");
  }
  SUBCASE("another failed") {
    play.says(id_of(job, 2, 2), MesosState::failed);
    CHECK(play.job(job).outcome == JobOutcome::failed);
    CHECK(play.job(job).message == "1 of 3 instances failed, 1 was killed");
  }
  SUBCASE("another was killed while it waited to be started again") {
    play.says(id_of(job, 2, 2), MesosState::killed, "EXECUTOR_TERMINATED", "AGENT");  // not by us
    REQUIRE(play.task(id_of(job, 2, 3)).state == TaskState::queued);
    kill(id_of(job, 2, 3));
    CHECK(play.job(job).outcome == JobOutcome::killed);
    CHECK(play.job(job).message == "2 of 3 instances were killed");
  }
}

TEST_CASE("a batch job whose slots were given up one by one has not finished either") {
  Play play;
  JobId job = play.running(batch_spec(), 2);
  for (std::int64_t i : {0, 1}) {
    play.feed(KillTasks{1, {TaskId(id_of(job, i, i))}, true, false, "ann"});
    play.says(id_of(job, i, i), MesosState::killed);
  }
  CHECK(play.job(job).outcome == JobOutcome::killed);
  CHECK(play.job(job).message == "2 of 2 instances were killed");
}

TEST_CASE("a task that was done before its kill reached it has finished") {
  Play play;
  JobId job = play.running(batch_spec());
  play.feed(KillTasks{1, {TaskId(id_of(job, 0, 0))}, false, false, "ann"});
  play.says(id_of(job, 0, 0), MesosState::finished);
  CHECK(play.job(job).outcome == JobOutcome::finished);
}

TEST_CASE("a killed job says who killed it, not how many of its instances were") {
  Play play;
  JobId job = play.running(batch_spec(), 2);
  play.feed(KillJob{0, job, "ann"});
  play.says(id_of(job, 0, 0), MesosState::killed);
  play.says(id_of(job, 1, 1), MesosState::killed);
  CHECK(play.job(job).outcome == JobOutcome::killed);
  CHECK(play.job(job).message == "killed by ann");
}

TEST_CASE("a start that is waited for says after what and how often, and that it does not wait for a place") {
  Play play;
  play.subscribe();
  JobId job = play.submit(service_spec());
  play.settle();
  const auto fail = [&](std::int64_t number, const char* message) {
    play.offer_and_settle("a1");
    play.says(id_of(job, 0, number), MesosState::running);
    StatusUpdate end = play.update(id_of(job, 0, number), MesosState::failed);
    end.message = message;
    play.feed(end);
    play.settle();
  };
  fail(0, "exited with status 4");
  CHECK(play.task(id_of(job, 0, 1)).reason == "BACKOFF");
  CHECK(play.task(id_of(job, 0, 1)).message == "exited with status 4, 1st time; next start " +
                                                   format_rfc3339(play.task(id_of(job, 0, 1)).not_before));
  CHECK(play.shortfalls.at(job.value) == play.task(id_of(job, 0, 1)).message);
  play.restart();
  play.subscribe();
  play.after(1'000);
  play.settle();
  CHECK(play.task(id_of(job, 0, 1)).reason.empty());  // now it waits for a place
  CHECK(play.state.digest() == State(play.policy, play.recovered()).digest());
  for (std::int64_t number = 1; number < 12; ++number) {
    play.after(60'000);
    play.settle();
    fail(number, "");
    play.says(id_of(job, 0, number), MesosState::failed);
  }
  CHECK(play.task(id_of(job, 0, 12)).message.find(", 12th time; next start") != std::string::npos);
}

TEST_CASE("what is fetched and is not there is the job's fault after a few starts") {
  for (const char* message :
       {"Failed to launch container: Failed to fetch URI 'http://h/x': the server answered 404 (http://h/x)",
        "Failed to launch container: Failed to fetch URI '/x': cannot copy: No such file or directory (/x)",
        "Failed to launch container: Failed to fetch all URIs for container 'c': exited with status 1"}) {
    CAPTURE(message);
    Play play;
    play.subscribe();
    JobId job = play.submit(batch_spec());
    std::int64_t starts = 0;
    for (; play.job(job).state == JobState::active && starts < 30; ++starts) {
      play.after(60'000);
      play.settle();
      play.offer_and_settle("a1");
      StatusUpdate gone =
          play.update(id_of(job, 0, starts), MesosState::failed, "CONTAINER_LAUNCH_FAILED", "AGENT");
      gone.message = message;
      play.feed(gone);
    }
    CHECK(starts == play.policy.missing_artifact_starts);
    CHECK(play.job(job).outcome == JobOutcome::failed);
    CHECK(play.task(id_of(job, 0, starts - 1)).message == message);
  }
}

TEST_CASE("what cannot be fetched for another reason is tried again as any start that comes to nothing") {
  Play play;
  play.subscribe();
  JobId job = play.submit(batch_spec());
  for (std::int64_t starts = 0; starts < 10; ++starts) {
    play.after(60'000);
    play.settle();
    play.offer_and_settle("a1");
    StatusUpdate gone =
        play.update(id_of(job, 0, starts), MesosState::failed, "CONTAINER_LAUNCH_FAILED", "AGENT");
    gone.message = "Failed to launch container: Failed to fetch URI 'http://h/x': the server answered 503";
    play.feed(gone);
  }
  CHECK(play.job(job).state == JobState::active);
}

}  // namespace
}  // namespace mimas::engine
