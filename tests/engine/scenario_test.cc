// The life of jobs told as short stories: retries, services, counts, kills, offers, retention, recovery.
#include "play.h"

namespace mimas::engine {
namespace {

std::string id_of(const JobId& job, std::int64_t index, std::int64_t number) {
  return make_task_id(job, index, number).value;
}

// What the command's reply was, as an error code; fails when it was no error.
Code refused(Play& play, const Input& command) {
  play.feed(command);
  auto* reply = play.only<Reply>();
  REQUIRE_FALSE(reply->answer.ok());
  return reply->answer.error().code;
}

TEST_CASE("a batch job of two runs once and is finished") {
  Play play;
  JobId job = play.running(batch_spec(), 2);
  CHECK(play.task(id_of(job, 0, 0)).allocated.cpu_milli == 500);
  play.says(id_of(job, 0, 0), MesosState::finished);
  CHECK(play.job(job).state == JobState::active);
  play.says(id_of(job, 1, 1), MesosState::finished);
  CHECK(play.job(job).state == JobState::ended);
  CHECK(play.job(job).outcome == JobOutcome::finished);
  CHECK(play.job(job).ended_at == play.now);
}

TEST_CASE("a batch slot is retried after its back-off, and fails the job when the retries are used up") {
  Play play;
  auto spec = batch_spec();
  spec->retries = 1;
  JobId job = play.running(spec, 2);
  play.says(id_of(job, 0, 0), MesosState::failed);
  CHECK(play.task(id_of(job, 0, 2)).attempt == 1);
  CHECK(play.task(id_of(job, 0, 2)).not_before == play.now + 1'000);
  play.offer_and_settle("a1");
  CHECK(play.none<AcceptOffers>());
  play.after(1'000);
  play.settle();  // onto the offer that was kept at hand
  CHECK(play.only<AcceptOffers>()->launches.size() == 1);
  play.says(id_of(job, 0, 2), MesosState::failed);
  CHECK(play.job(job).state == JobState::active);  // the other one goes on to its end
  play.says(id_of(job, 1, 1), MesosState::finished);
  CHECK(play.job(job).outcome == JobOutcome::failed);
}

TEST_CASE("a restart in the middle does not forget that a slot failed") {
  Play play;
  JobId job = play.running(batch_spec(), 2);
  play.says(id_of(job, 0, 0), MesosState::failed);
  play.restart();
  play.subscribe();
  play.says(id_of(job, 1, 1), MesosState::finished);
  CHECK(play.job(job).outcome == JobOutcome::failed);
}

TEST_CASE("TASK_ERROR is final for a batch slot, with the master's words") {
  Play play;
  auto spec = batch_spec();
  spec->retries = 5;
  play.subscribe();
  JobId job = play.submit(spec);
  play.offer_and_settle("a1");
  StatusUpdate error = play.update(id_of(job, 0, 0), MesosState::error, "TASK_INVALID", "MASTER");
  error.message = "Task uses no resources";
  play.feed(error);
  CHECK(play.job(job).outcome == JobOutcome::failed);
  CHECK(play.task(id_of(job, 0, 0)).message == "Task uses no resources");
}

TEST_CASE(
    "a start that never ran is repeated without costing an attempt, until that happened too often in a row") {
  Policy policy;
  policy.launch_failures_max = 2;
  Play play(policy);
  play.subscribe();
  JobId job = play.submit(batch_spec());
  for (std::int64_t number = 0; number < 3; ++number) {
    play.after(60'000);
    play.settle();
    play.offer_and_settle("a1");
    REQUIRE(play.task(id_of(job, 0, number)).state == TaskState::dispatched);
    CHECK(play.task(id_of(job, 0, number)).launch_failures == number);
    play.says(id_of(job, 0, number), MesosState::failed, "CONTAINER_LAUNCH_FAILED", "AGENT");
    CHECK(play.task(id_of(job, 0, number)).state == TaskState::crashed);
  }
  CHECK(play.job(job).outcome == JobOutcome::failed);
  CHECK(play.tasks.size() == 3);
}

TEST_CASE("a launch of an earlier connection that the agent knows nothing of is launched again") {
  Play play;
  play.subscribe();
  JobId job = play.submit(batch_spec());
  play.offer_and_settle("a1");
  play.after(5);
  play.master_says(id_of(job, 0, 0), MesosState::gone, "RECONCILIATION");
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::dispatched);  // it may still be on its way
  play.feed(Disconnected{"end of stream"});
  play.after(5);
  play.subscribe();
  play.master_says(id_of(job, 0, 0), MesosState::gone, "RECONCILIATION");
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::crashed);
  CHECK(play.task(id_of(job, 0, 1)).state == TaskState::queued);
  CHECK(play.task(id_of(job, 0, 1)).attempt == 0);
}

TEST_CASE("a service is restarted with doubling pauses, which start anew after a stable run") {
  Play play;
  JobId job = play.running(service_spec());
  std::int64_t number = 0;
  for (std::int64_t pause : {1'000, 2'000, 4'000}) {
    play.says(id_of(job, 0, number), MesosState::failed);
    ++number;
    CHECK(play.task(id_of(job, 0, number)).not_before == play.now + pause);
    play.after(pause);
    play.settle();
    play.offer_and_settle("a1");
    play.says(id_of(job, 0, number), MesosState::running);
  }
  play.after(60'000);
  play.says(id_of(job, 0, number), MesosState::finished);
  CHECK(play.task(id_of(job, 0, number + 1)).not_before == play.now + 1'000);
}

TEST_CASE("what its agent takes away from a service is replaced at once") {
  Play play;
  JobId job = play.running(service_spec());
  play.master_says(id_of(job, 0, 0), MesosState::gone_by_operator, "AGENT_REMOVED_BY_OPERATOR");
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::crashed);
  CHECK(play.task(id_of(job, 0, 1)).not_before.ms == 0);
  play.settle();
  CHECK(play.agents.at("a1").state == AgentState::gone);
}

TEST_CASE(
    "growing fills the lowest free slots, shrinking gives up the highest and stops queued ones without a "
    "call") {
  Play play;
  JobId job = play.running(service_spec(), 2);
  play.feed(SetInstanceCounts{7, job, 4, 0, 9, "me"});
  CHECK(play.only<Reply>()->answer.ok());
  CHECK(play.job(job).version == 2);
  CHECK(play.task(id_of(job, 3, 3)).state == TaskState::queued);
  play.feed(SetInstanceCounts{7, job, 1, 0, 9, "me"});
  CHECK(play.task(id_of(job, 3, 3)).state == TaskState::stopped);
  CHECK(play.task(id_of(job, 2, 2)).state == TaskState::stopped);
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 1, 1));
  play.says(id_of(job, 1, 1), MesosState::killed);
  CHECK(play.tasks.size() == 4);
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::running);
  CHECK(play.task(id_of(job, 0, 0)).kill_requested == false);
}

TEST_CASE(
    "killing a task of a service replaces it; with shrink its slot is given up and the others keep theirs") {
  Play play;
  JobId job = play.running(service_spec(), 3);
  play.feed(KillTasks{0, {TaskId(id_of(job, 0, 0))}, false, false, "me"});
  play.says(id_of(job, 0, 0), MesosState::killed);
  CHECK(play.task(id_of(job, 0, 3)).state == TaskState::queued);
  CHECK(play.task(id_of(job, 0, 3)).not_before.ms == 0);
  play.feed(KillTasks{0, {TaskId(id_of(job, 1, 1))}, true, false, "me"});
  CHECK(play.job(job).instances_desired == 2);
  play.restart();
  play.subscribe();
  play.says(id_of(job, 1, 1), MesosState::killed);
  CHECK(play.tasks.size() == 4);
  CHECK(play.task(id_of(job, 2, 2)).state == TaskState::running);
  play.feed(SetInstanceCounts{0, job, 3, 0, 9, "me"});
  CHECK(play.task(id_of(job, 1, 4)).state == TaskState::queued);
}

TEST_CASE("a job whose tasks are all queued ends in the step that kills it, and killing it again is fine") {
  Play play;
  JobId job = play.submit(service_spec(), 3);
  play.feed(KillJob{5, job, "me"});
  CHECK(play.only<Reply>()->answer.ok());
  CHECK(play.job(job).outcome == JobOutcome::killed);
  CHECK(play.job(job).message == "killed by me");
  CHECK(play.none<KillOnAgent>());
  play.feed(KillJob{6, job, "me"});
  CHECK(play.only<Reply>()->answer.ok());
}

TEST_CASE("a killed job whose last task is unreachable ends when that one's time is over") {
  Play play;
  JobId job = play.running(service_spec());
  play.master_says(id_of(job, 0, 0), MesosState::unreachable, "AGENT_REMOVED");
  play.feed(KillJob{0, job, "me"});
  CHECK(play.job(job).state == JobState::killing);
  play.after(30'000);
  play.settle();
  CHECK(play.task(id_of(job, 0, 0)).state == TaskState::crashed);
  CHECK(play.job(job).outcome == JobOutcome::killed);
  play.master_says(id_of(job, 0, 0), MesosState::running, "AGENT_REREGISTERED");  // too late
  play.after(2'000);
  play.settle();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
}

TEST_CASE("a KILL asked for while nobody was connected is sent when somebody is") {
  Play play;
  JobId job = play.running(service_spec());
  play.feed(Disconnected{"gone"});
  play.feed(KillJob{0, job, "me"});
  play.after(100'000);
  play.settle();
  CHECK(play.none<KillOnAgent>());
  play.restart();
  play.subscribe();
  CHECK(play.only<KillOnAgent>()->task.value == id_of(job, 0, 0));
}

TEST_CASE("the master is asked about at most a thousand tasks a call, each with its agent") {
  CHECK(Policy().reconcile_batch_max == 1'000);
  Policy policy;
  policy.reconcile_batch_max = 4;
  Play play(policy);
  play.running(service_spec(), 10);
  play.subscribe();
  std::vector<Reconcile> asks = play.questions();
  REQUIRE(asks.size() == 3);
  CHECK(asks[0].tasks.size() == 4);
  CHECK(asks[2].tasks.size() == 2);
  for (const auto& item : asks[2].tasks) CHECK(item.agent == AgentId("a1"));
}

TEST_CASE("commands that cannot be done say why") {
  Play play;
  CHECK(refused(play, KillJob{1, JobId("mimas-9"), ""}) == Code::not_found);
  CHECK(refused(play, KillJob{1, JobId("nonsense"), ""}) == Code::not_found);
  CHECK(refused(play, SetInstanceCounts{1, JobId("mimas-9"), 1, 1, 1, ""}) == Code::not_found);
  CHECK(refused(play, SubmitJob{1, nullptr}) == Code::invalid_argument);
  CHECK(refused(play, SubmitJob{1, service_spec(), 1, 2, 3}) == Code::invalid_argument);
  CHECK(refused(play, KillTasks{1, {TaskId("x")}, false, true, ""}) == Code::not_found);
  JobId batch = play.submit(batch_spec());
  CHECK(refused(play, SetInstanceCounts{1, batch, 2, 0, 2, ""}) == Code::invalid_argument);
  JobId service = play.submit(service_spec());
  CHECK(refused(play, SetInstanceCounts{1, service, 2, 3, 4, ""}) == Code::invalid_argument);
  CHECK(refused(play, SetInstanceCounts{1, service, 200'001, 0, 200'001, ""}) == Code::resource_exhausted);
  play.feed(KillJob{0, service, ""});
  CHECK(refused(play, SetInstanceCounts{1, service, 1, 0, 1, ""}) == Code::conflict);
  CHECK(refused(play, KillTasks{1, {TaskId("mimas-2-worker-0-0")}, false, true, ""}) == Code::conflict);
}

TEST_CASE("strict refuses the whole command for one bad id, otherwise the good ones are killed") {
  Play play;
  JobId job = play.running(service_spec(), 2);
  std::vector<TaskId> tasks = {TaskId(id_of(job, 0, 0)), TaskId("mimas-5-worker-0-0"),
                               TaskId(id_of(job, 0, 0))};
  CHECK(refused(play, KillTasks{1, tasks, true, true, ""}) == Code::not_found);
  CHECK(play.none<KillOnAgent>());
  play.feed(KillTasks{1, tasks, true, false, ""});
  CHECK(play.all<KillOnAgent>().size() == 1);
  CHECK(play.job(job).instances_desired == 1);
}

TEST_CASE(
    "a second live service of the same group sequence is refused, an equal one soon after is the first") {
  Play play;
  auto spec = service_spec();
  spec->app_name = "shop";
  spec->job_group_sequence = "v001";
  JobId first = play.submit(spec);
  CHECK(play.submit(spec) == first);
  CHECK(play.jobs.size() == 1);
  auto other = std::make_shared<JobSpec>(*spec);
  other->version = "2";
  play.feed(SubmitJob{1, other, 1, 0, 101});
  CHECK(play.only<Reply>()->answer.error().message ==
        "Constraint violation - job with group sequence shop---v001 exists (mimas-1)");
  play.after(600'001);
  CHECK(refused(play, SubmitJob{1, spec, 1, 0, 101}) == Code::invalid_argument);
  play.feed(KillJob{0, first, ""});
  CHECK(play.submit(spec) != first);
}

TEST_CASE("limits on live jobs and wanted instances hold") {
  Policy policy;
  policy.jobs_live_max = 2;
  policy.tasks_live_max = 5;
  Play play(policy);
  JobId job = play.submit(service_spec(), 3);
  CHECK(refused(play, SubmitJob{1, service_spec(), 3, 0, 3}) == Code::resource_exhausted);
  play.submit(service_spec(), 2);
  CHECK(refused(play, SubmitJob{1, service_spec(), 0, 0, 3}) == Code::resource_exhausted);
  play.feed(KillJob{0, job, ""});
  play.submit(service_spec(), 3);
}

TEST_CASE(
    "for a moment after work the remainder stays at hand; then it goes back and the master is told to stop") {
  Play play;
  play.subscribe();
  play.submit(batch_spec());
  play.offer_and_settle("a1");
  CHECK(play.only<AcceptOffers>()->refuse_ms == 0);
  play.offer_and_settle("a1");  // the remainder, and no work for it
  CHECK(play.none<DeclineOffers>());
  CHECK(play.none<SuppressOffers>());
  CHECK(play.last.wake_at <= play.now + play.policy.idle_after_ms);
  play.submit(batch_spec());
  play.settle();
  CHECK(play.only<AcceptOffers>()->launches.size() == 1);
  play.offer_and_settle("a1");
  play.after(play.policy.idle_after_ms);
  play.settle();
  CHECK(play.only<DeclineOffers>()->refuse_ms == play.policy.idle_refuse_ms);
  CHECK(play.all<SuppressOffers>().size() == 1);
}

TEST_CASE("with no work offers go back for long and are suppressed once; work revives them, not too often") {
  Play play;
  play.subscribe();
  play.settle();
  CHECK(play.none<SuppressOffers>());
  play.offer_and_settle("a1");
  CHECK(play.only<DeclineOffers>()->refuse_ms == play.policy.idle_refuse_ms);
  CHECK(play.all<SuppressOffers>().size() == 1);
  play.offer_and_settle("a2");
  CHECK(play.none<SuppressOffers>());
  play.submit(batch_spec());
  play.settle();
  CHECK(play.all<ReviveOffers>().size() == 1);
  CHECK(play.none<SuppressOffers>());
  play.submit(batch_spec());
  play.settle();
  CHECK(play.none<ReviveOffers>());
  CHECK(play.last.wake_at == play.now + play.policy.revive_min_ms);
  play.after(play.policy.revive_min_ms);
  play.settle();
  CHECK(play.all<ReviveOffers>().size() == 1);
}

TEST_CASE("waiting tasks say why they wait, and the text is published only when it changes") {
  Play play;
  auto spec = batch_spec();
  spec->hard_constraints.push_back(*parse_constraint("arch=arm"));
  JobId job = play.submit(spec);
  play.settle();
  CHECK(play.shortfalls[job.value] == "not subscribed to a Mesos master");
  play.subscribe();
  play.settle();
  CHECK(play.shortfalls[job.value] == "no offers from any agent yet (0 agents known)");
  play.offer_and_settle("a1");
  CHECK(play.shortfalls[job.value] == "no agent fits: 1 of 1 fails constraint arch=arm");
  play.after(10'000);
  play.settle();  // the offer goes back, the agent is remembered
  Offer arm = play.offer("oa", "a2", 100);
  arm.attributes["arch"] = "arm";
  play.feed(OffersReceived{{arm}});
  play.settle();
  CHECK(play.shortfalls[job.value] ==
        "no agent fits: 1 of 2 fails constraint arch=arm, 1 has too little cpu");
  play.settle();
  CHECK(play.last.changes.empty());
  arm.id = OfferId("ob");
  arm.resources.cpu_milli = 1'000;
  play.feed(OffersReceived{{arm}});
  play.settle();
  CHECK(play.shortfalls[job.value].empty());
}

TEST_CASE("a job's earlier number goes first, and one that does not fit does not hold up the next") {
  Play play;
  play.subscribe();
  auto big = batch_spec();
  big->request.cpu_milli = 5'000;
  play.submit(big);
  JobId second = play.submit(batch_spec());
  play.submit(batch_spec());
  play.offer_and_settle("a1", 500);
  auto* accept = play.only<AcceptOffers>();
  REQUIRE(accept->launches.size() == 1);
  CHECK(accept->launches[0].task->job == second);
  CHECK(accept->refuse_ms == play.policy.busy_refuse_ms);
}

TEST_CASE("UniqueHost keeps a job's tasks apart, over several rounds of offers") {
  Play play;
  auto spec = service_spec();
  spec->hard_constraints.push_back(*parse_constraint("UniqueHost"));
  play.subscribe();
  play.submit(spec, 2);
  play.offer_and_settle("a1");
  CHECK(play.only<AcceptOffers>()->launches.size() == 1);
  play.offer_and_settle("a1");
  CHECK(play.none<AcceptOffers>());
  play.offer_and_settle("a2");
  CHECK(play.only<AcceptOffers>()->launches.size() == 1);
}

TEST_CASE("the offers of a lost agent are not used") {
  Play play;
  play.subscribe();
  play.feed(OffersReceived{{play.offer("o1", "a1")}});
  play.feed(AgentLost{AgentId("a1")});
  play.submit(batch_spec());
  play.settle();
  CHECK(play.none<AcceptOffers>());
}

TEST_CASE("old ended jobs and old starts of a slot are removed, in small steps") {
  Policy policy;
  policy.ended_jobs_kept = 3;
  policy.ended_tasks_kept_per_slot = 2;
  Play play(policy);
  for (int i = 0; i < 150; ++i) {
    JobId job = play.submit(batch_spec());
    play.feed(KillJob{0, job, ""});
  }
  play.settle();
  CHECK(play.jobs.size() == 50);
  CHECK(play.last.wake_at == play.now);
  play.settle();
  CHECK(play.jobs.size() == 3);
  CHECK(play.jobs.begin()->first == 148);
  CHECK(play.next_job_number == 151);

  JobId service = play.submit(service_spec());
  for (std::int64_t number = 0; number < 6; ++number) {
    play.feed(KillTasks{0, {TaskId(id_of(service, 0, number))}, false, false, ""});
  }
  play.settle();
  CHECK(play.state.data().jobs.at(151).tasks.size() == 3);
  CHECK_FALSE(play.tasks.contains(id_of(service, 0, 3)));
  CHECK(play.task(id_of(service, 0, 6)).state == TaskState::queued);
}

TEST_CASE("to kill what is not on record any more is to have killed it, unless somebody wants to know") {
  Policy policy;
  policy.ended_jobs_kept = 0;
  Play play(policy);
  const JobId gone = play.submit(batch_spec());
  play.feed(KillJob{0, gone, ""});
  const JobId live = play.running(service_spec(), 1);
  play.settle();
  REQUIRE(play.jobs.size() == 1);
  const auto is_fine = [&](const Input& command) {
    play.feed(command);
    return play.only<Reply>()->answer.ok();
  };
  CHECK(is_fine(KillJob{1, gone, "me"}));
  CHECK(refused(play, KillJob{1, make_job_id(3), "me"}) == Code::not_found);  // that has not been given yet
  CHECK(refused(play, KillJob{1, make_job_id(0), "me"}) == Code::not_found);
  CHECK(refused(play, KillJob{1, JobId("web"), "me"}) == Code::not_found);
  CHECK(refused(play, SetInstanceCounts{1, gone, 1, 0, 5}) == Code::not_found);
  const TaskId forgotten = make_task_id(gone, 0, 0), runs = make_task_id(live, 0, 0);
  CHECK(is_fine(KillTasks{1, {forgotten, make_task_id(live, 7, 7)}, false, false, "me"}));
  CHECK(play.none<KillOnAgent>());
  CHECK(is_fine(KillTasks{1, {forgotten}, true, false, "me"}));
  CHECK(play.job(live).instances_desired == 1);
  CHECK(refused(play, KillTasks{1, {forgotten}, false, true, "me"}) == Code::not_found);
  CHECK(refused(play, KillTasks{1, {runs, forgotten}, false, true, "me"}) == Code::not_found);
  CHECK(is_fine(KillTasks{1, {forgotten, runs}, false, false, "me"}));
  CHECK(play.task(runs.value).kill_requested);
}

TEST_CASE("a settle with nothing to do does nothing") {
  Play play;
  JobId job = play.running(service_spec(), 3);
  play.settle();
  play.settle();
  CHECK(play.last.changes.empty());
  CHECK(play.last.effects.empty());
  CHECK(play.last.reasons.empty());
  CHECK(play.job(job).state == JobState::active);
}

TEST_CASE("records that cannot be ours take no part after a restart") {
  Recovered odd;
  Job job;
  job.id = JobId("mimas-1");
  job.number = 1;
  odd.jobs.push_back(job);  // without a description
  job.spec = batch_spec();
  job.number = 2;
  odd.jobs.push_back(job);  // id and number disagree
  job.id = JobId("mimas-2");
  odd.jobs.push_back(job);
  Task task;
  task.id = TaskId("mimas-7-worker-0-0");
  task.job = JobId("mimas-7");
  odd.tasks.push_back(task);  // of no job
  State state({}, odd);
  CHECK(state.data().jobs.size() == 1);
  CHECK(state.data().next_job_number == 3);
}

TEST_CASE("a new subscription empties the offer table before anything else") {
  Play play;
  play.subscribe();
  play.feed(OffersReceived{{play.offer("o1", "a1")}});
  play.subscribe();
  play.submit(batch_spec());
  play.settle();
  CHECK(play.none<AcceptOffers>());
  CHECK(play.agents.at("a1").offered.cpu_milli == 0);
}

// Those of the last step that ask about agents and not about tasks.
std::set<std::string> agents_asked_about(const Play& play) {
  std::set<std::string> agents;
  for (const Reconcile* call : play.all<Reconcile>()) {
    for (const Reconcile::Item& item : call->tasks) {
      if (item.task.value == kAgentProbe) agents.insert(item.agent.value);
    }
  }
  return agents;
}

void master_says_of_agent(Play& play, const std::string& agent, MesosState state) {
  StatusUpdate answer;
  answer.task = TaskId(std::string(kAgentProbe));
  answer.agent = AgentId(agent);
  answer.state = state;
  answer.reason = "RECONCILIATION";
  answer.source = "MASTER";
  play.feed(answer);
  play.settle();
}

TEST_CASE("after a reconnect the master is asked about every agent that shows no sign of being there") {
  Play play;
  play.running(batch_spec());
  for (const char* agent : {"a2", "a3", "a4", "a5", "a6"}) play.offer_and_settle(agent);
  play.feed(Disconnected{"the master went away"});
  play.after(60'000);
  play.subscribe();
  CHECK(agents_asked_about(play) ==
        std::set<std::string>{"a2", "a3", "a4", "a5", "a6"});  // of a1, about its task
  play.master_says("mimas-1-worker-0-0", MesosState::running, "RECONCILIATION");
  play.offer_and_settle("a2");
  master_says_of_agent(play, "a3", MesosState::gone);  // the task is; the agent is there
  master_says_of_agent(play, "a4", MesosState::unreachable);
  master_says_of_agent(play, "a5", MesosState::unknown);
  for (int i = 0; i < 3; ++i) {  // no answer while the agent may yet come back to a new master
    play.now = play.last.wake_at;
    play.settle();
    const std::set<std::string> asked = agents_asked_about(play);
    CHECK((asked.empty() || asked == std::set<std::string>{"a6"}));
  }
  master_says_of_agent(play, "a6", MesosState::gone_by_operator);
  CHECK(play.agents.at("a1").state == AgentState::active);
  CHECK(play.agents.at("a2").state == AgentState::active);
  CHECK(play.agents.at("a3").state == AgentState::active);
  CHECK(play.agents.at("a3").seen_at == play.agents.at("a2").seen_at);
  CHECK(play.agents.at("a4").state == AgentState::unreachable);
  CHECK(play.agents.at("a5").state == AgentState::unreachable);
  CHECK(play.agents.at("a6").state == AgentState::gone);
  play.after(kForgetAgentMs + 1);
  play.settle();
  CHECK_FALSE(play.agents.contains("a4"));
  CHECK_FALSE(play.agents.contains("a5"));
  CHECK_FALSE(play.agents.contains("a6"));
  CHECK(play.agents.contains("a3"));
}

Offer at_address(Play& play, const std::string& agent) {
  static int offers = 0;
  Offer offer = play.offer("w" + std::to_string(++offers), agent);
  offer.hostname = "pi1";
  return offer;
}

TEST_CASE("a wiped agent takes the place of the one that it was") {
  Play play;
  play.subscribe();
  play.feed(OffersReceived{{at_address(play, "old")}});
  play.settle();
  SUBCASE("which had nothing to do") {
    play.feed(OffersReceived{{at_address(play, "new")}});
    play.settle();
    CHECK_FALSE(play.agents.contains("old"));
  }
  SUBCASE("whose tasks have to be given up first") {
    const JobId job = play.submit(batch_spec());
    play.settle();
    play.feed(OffersReceived{{at_address(play, "old")}});
    play.settle();
    const std::string task = make_task_id(job, 0, 0).value;
    CHECK(play.task(task).agent.value == "old");
    play.says(task, MesosState::running);
    play.feed(OffersReceived{{at_address(play, "new")}});
    play.settle();
    CHECK(play.agents.at("old").state == AgentState::gone);
    play.master_says(task, MesosState::gone, "AGENT_REMOVED");
    play.after(kForgetSupersededMs);
    play.settle();
    CHECK_FALSE(play.agents.contains("old"));
  }
  CHECK(play.agents.at("new").state == AgentState::active);
}

}  // namespace
}  // namespace mimas::engine
