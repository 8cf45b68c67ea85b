// Commands that change a job that is there, or try a new one: what is done at once, and what is refused.
#include <functional>

#include "asked.h"

namespace mimas::engine {
namespace {

TEST_CASE("a service goes out of service and back, one version and one audit each") {
  Play play;
  const JobId job = play.running(service_spec());
  accepted(play, SetInService{1, job, false, "ann", "10.0.0.7"});
  CHECK_FALSE(play.job(job).in_service);
  CHECK(play.job(job).version == 2);
  CHECK(text_of(last_audit(play)) == "job.inservice by ann from 10.0.0.7: inService true->false");
  CHECK(last_audit(play).job == job);
  CHECK(play.none<KillOnAgent>());  // it runs on
  accepted(play, SetInService{1, job, false, "ann", "10.0.0.7"});
  CHECK(play.last.changes.empty());  // it was so already
  accepted(play, SetInService{1, job, true, "ann", "10.0.0.7"});
  REQUIRE(versions_of(play, job).size() == 3);
  CHECK(versions_of(play, job)[0].what == "job.submit");
  CHECK(versions_of(play, job)[0].in_service);
  CHECK_FALSE(versions_of(play, job)[1].in_service);
  CHECK(versions_of(play, job)[1].user == "ann");
  CHECK(versions_of(play, job)[2].in_service);
}

TEST_CASE("commands for services refuse a batch job, an unknown one and one that is not active any more") {
  Play play;
  const JobId batch = play.running(batch_spec());
  const JobId gone = play.submit(service_spec());
  play.feed(KillJob{0, gone, "me"});
  const JobId unknown("mimas-99");
  const auto code = [&](const Input& command) { return refusal(play, command).code; };
  CHECK(code(SetInService{1, batch, false}) == Code::invalid_argument);
  CHECK(code(SetJobProcesses{1, batch, true, true}) == Code::invalid_argument);
  CHECK(code(SetInstanceCounts{1, batch, 1, 0, 5}) == Code::invalid_argument);
  CHECK(code(SetInService{1, gone, false}) == Code::conflict);
  CHECK(code(SetJobProcesses{1, gone, true, true}) == Code::conflict);
  CHECK(code(SetInstanceCounts{1, gone, 1, 0, 5}) == Code::conflict);
  CHECK(code(SetInService{1, unknown, false}) == Code::not_found);
  CHECK(code(SetJobProcesses{1, unknown, true, true}) == Code::not_found);
  CHECK(code(SetInstanceCounts{1, unknown, 1, 0, 5}) == Code::not_found);
}

TEST_CASE("disabled processes keep the desired count from being raised or lowered, by whatever command") {
  Play play;
  const JobId job = play.running(service_spec(), 2);
  accepted(play, SetJobProcesses{1, job, true, false, "ann"});
  CHECK(text_of(last_audit(play)) == "job.processes by ann from : disableIncreaseDesired false->true");
  const Error raised = refusal(play, SetInstanceCounts{1, job, 3, 0, 9});
  CHECK(raised.code == Code::invalid_argument);
  CHECK(raised.message.find("disableIncreaseDesired") != std::string::npos);
  accepted(play, SetInstanceCounts{1, job, 1, 0, 9});
  accepted(play, SetJobProcesses{1, job, false, true, "ann"});
  const Error lowered = refusal(play, SetInstanceCounts{1, job, 0, 0, 9});
  CHECK(lowered.code == Code::invalid_argument);
  CHECK(lowered.message.find("disableDecreaseDesired") != std::string::npos);
  const TaskId task = make_task_id(job, 0, 0);
  CHECK(refusal(play, KillTasks{1, {task}, true, false, "ann"}).code == Code::invalid_argument);
  CHECK_FALSE(play.task(task.value).kill_requested);
  accepted(play, KillTasks{1, {task}, false, false, "ann"});  // without giving its slot up
  accepted(play, SetInstanceCounts{1, job, 2, 0, 9});
  play.restart();
  CHECK(refusal(play, SetInstanceCounts{1, job, 1, 0, 9}).code == Code::invalid_argument);
}

TEST_CASE("a command for another version than the job has is refused with both versions") {
  Play play;
  const JobId job = play.running(service_spec());
  accepted(play, SetInstanceCounts{1, job, 2, 0, 9, "ann", {}, 1});
  const std::vector<Input> commands = {
      SetInstanceCounts{1, job, 3, 0, 9, "bob", {}, 1}, SetInService{1, job, false, "bob", {}, 1},
      SetJobProcesses{1, job, true, true, "bob", {}, 1}, KillJob{1, job, "bob", {}, 1}};
  for (const Input& command : commands) {
    const Error error = refusal(play, command);
    CHECK(error.code == Code::conflict);
    CHECK(error.message == "job mimas-1 has version 2, and the command is for version 1");
  }
  accepted(play, KillJob{1, job, "bob", {}, 2});
  CHECK(play.job(job).state == JobState::killing);
  CHECK(play.job(job).version == 3);
}

TEST_CASE("a dry run of a submission checks everything and changes nothing") {
  Policy policy;
  policy.tasks_live_max = 5;
  Play play(policy);
  SubmitJob command = submission(service_spec(), 5);
  command.dry_run = true;
  command.receipt_key = "k";
  const std::string before = play.state.digest();
  accepted(play, command);
  CHECK(std::holds_alternative<PlanShown>(*play.only<Reply>()->answer));
  CHECK(play.state.digest() == before);
  command.instances_desired = 6;
  CHECK(refusal(play, command).code == Code::resource_exhausted);
  command.instances_desired = -1;
  CHECK(refusal(play, command).code == Code::invalid_argument);
}

TEST_CASE("a description is changed in place when no task has to be replaced for it") {
  Play play;
  const JobId job = play.running(service_spec());
  ChangeJob command = changed(play, job, [](JobSpec& spec) {
    spec.labels["team"] = "a";
    spec.kill_grace_ms = 9'000;
  });
  command.instances_desired = 2;
  command.if_version = 1;
  accepted(play, command);
  CHECK(play.job(job).version == 2);
  CHECK(play.job(job).spec->labels.at("team") == "a");
  CHECK(play.job(job).instances_desired == 2);
  CHECK(play.task(make_task_id(job, 1, 1).value).state == TaskState::queued);
  CHECK(play.none<KillOnAgent>());
  CHECK(text_of(last_audit(play)) ==
        "job.change by ann from : instancesDesired 1->2 labels -> killGraceSecs ->");
  const auto versions = versions_of(play, job);
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].spec->labels.empty());
  CHECK(versions[1].spec->labels.size() == 1);
  CHECK(versions[1].instances_desired == 2);
  play.feed(KillJob{0, job, "me"});
  CHECK(play.all<KillOnAgent>().front()->grace_ms == 9'000);
  CHECK(refusal(play, change_of(play, job)).code == Code::conflict);
}

TEST_CASE("a change that changes nothing is no version, and a dry run changes nothing either") {
  Play play;
  const JobId job = play.running(service_spec());
  const std::string before = play.state.digest();
  accepted(play, changed(play, job, [](JobSpec&) {}));
  ChangeJob trial = changed(play, job, [](JobSpec& spec) { spec.labels["x"] = "y"; });
  trial.dry_run = true;
  accepted(play, trial);
  CHECK(play.state.digest() == before);
  trial.instances_desired = 1'000;
  CHECK(refusal(play, trial).code == Code::invalid_argument);
}

TEST_CASE(
    "a change that running tasks would have to be replaced for is refused with the fields it is about") {
  Play play;
  const JobId job = play.running(service_spec());
  const Error error = refusal(play, changed(play, job, [](JobSpec& spec) {
                                spec.request.cpu_milli = 100;
                                spec.env["A"] = "b";
                                spec.labels["x"] = "y";
                              }));
  CHECK(error.code == Code::unimplemented);
  CHECK(error.message.find("a change of env, cpu;") != std::string::npos);
  CHECK(error.message.find("labels") == std::string::npos);
}

TEST_CASE("while all tasks wait, everything about them may change, and they are placed by what is said now") {
  Play play;
  play.subscribe();
  auto spec = service_spec();
  spec->request.cpu_milli = 5'000;
  const JobId job = play.submit(spec);
  play.offer_and_settle("a1");
  CHECK(play.none<AcceptOffers>());
  accepted(play, changed(play, job, [](JobSpec& changed) { changed.request.cpu_milli = 400; }));
  play.settle();
  REQUIRE(play.all<AcceptOffers>().size() == 1);
  CHECK(play.only<AcceptOffers>()->launches.at(0).spec->request.cpu_milli == 400);
}

TEST_CASE("constraints that change decide where waiting tasks may go") {
  Play play;
  play.subscribe();
  auto spec = service_spec();
  spec->hard_constraints.push_back(*parse_constraint("odd=1"));
  const JobId job = play.submit(spec);
  play.offer_and_settle("a1");
  CHECK(play.none<AcceptOffers>());
  accepted(play, changed(play, job, [](JobSpec& changed) { changed.hard_constraints.clear(); }));
  play.settle();
  CHECK(play.only<AcceptOffers>()->launches.size() == 1);
}

TEST_CASE("a shorter patience with unreachable tasks counts for those that are unreachable already") {
  Play play;
  auto spec = service_spec();
  spec->unreachable_timeout_ms = 3'600'000;
  const JobId job = play.running(spec);
  const std::string task = make_task_id(job, 0, 0).value;
  play.after(60'000);
  play.master_says(task, MesosState::unreachable, "AGENT_REMOVED");
  accepted(play, changed(play, job, [](JobSpec& changed) { changed.unreachable_timeout_ms = 30'000; }));
  play.after(30'000);
  play.settle();
  CHECK(play.task(task).replaced);
}

TEST_CASE(
    "what a job is known by cannot be changed, nor the role of its tasks, nor the counts of a batch job") {
  Policy policy;
  policy.roles = {"a", "b"};
  Play play(policy);
  const JobId job = play.submit(service_spec());
  const std::vector<std::function<void(JobSpec&)>> changes = {
      [](JobSpec& spec) { spec.name = "other"; },
      [](JobSpec& spec) { spec.type = JobType::batch; },
      [](JobSpec& spec) { spec.runtime = Runtime::docker; },
      [](JobSpec& spec) { spec.app_name = "other"; },
      [](JobSpec& spec) { spec.job_group_sequence = "v9"; },
      [](JobSpec& spec) { spec.labels["mesos.role"] = "b"; }};
  for (const auto& change : changes) {
    CHECK(refusal(play, changed(play, job, change)).code == Code::invalid_argument);
  }
  const JobId batch = play.submit(batch_spec());
  ChangeJob more = change_of(play, batch);
  more.instances_desired = 2;
  CHECK(refusal(play, more).code == Code::invalid_argument);
  accepted(play, changed(play, batch, [](JobSpec& spec) { spec.retries = 4; }));
  CHECK(play.job(batch).spec->retries == 4);
  ChangeJob unknown = change_of(play, batch);
  unknown.job = JobId("mimas-99");
  CHECK(refusal(play, unknown).code == Code::not_found);
}

TEST_CASE("the counts of a change obey the processes and the room there is") {
  Policy policy;
  policy.tasks_live_max = 5;
  Play play(policy);
  const JobId job = play.submit(service_spec(), 2);
  ChangeJob more = change_of(play, job);
  more.instances_desired = 6;
  CHECK(refusal(play, more).code == Code::resource_exhausted);
  accepted(play, SetJobProcesses{1, job, true, true, "ann"});
  more.instances_desired = 3;
  CHECK(refusal(play, more).code == Code::invalid_argument);
  more.instances_desired = 1;
  CHECK(refusal(play, more).code == Code::invalid_argument);
}

}  // namespace
}  // namespace mimas::engine
