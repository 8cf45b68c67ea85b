// What commands leave behind: receipts, audits, versions, the steps of tasks; and when that is removed.
#include "asked.h"

namespace mimas::engine {
namespace {

TEST_CASE("the same key brings the same answer, another body a conflict, also after a restart") {
  Play play;
  SubmitJob command = submission(batch_spec());
  command.receipt_key = "ann\nk1";
  command.fingerprint = "f1";
  const JobAccepted first = submitted(play, command);
  CHECK_FALSE(first.again);
  for (int round = 0; round < 2; ++round) {
    const JobAccepted again = submitted(play, command);
    CHECK(again.again);
    CHECK(again.job == first.job);
    CHECK(play.jobs.size() == 1);
    play.restart();
  }
  SubmitJob other = command;
  other.fingerprint = "f2";
  const Error error = refusal(play, other);
  CHECK(error.code == Code::conflict);
  CHECK(error.message == "the Idempotency-Key k1 was used with another body");
  RequestOperation operation;
  operation.request = 4;
  operation.receipt_key = command.receipt_key;
  operation.fingerprint = command.fingerprint;
  CHECK(refusal(play, operation).code == Code::conflict);
  other.receipt_key = "bob k1";
  CHECK_FALSE(submitted(play, other).again);
  CHECK(play.jobs.size() == 2);
}

TEST_CASE("a refused command leaves no receipt: it may come again when it was put right") {
  Play play;
  SubmitJob command = submission(batch_spec());
  command.receipt_key = "k";
  command.fingerprint = "f";
  command.instances_min = -1;
  CHECK(refusal(play, command).code == Code::invalid_argument);
  command.instances_min = 0;
  command.fingerprint = "g";
  CHECK_FALSE(submitted(play, command).again);
}

TEST_CASE("receipts are bounded in number, and end after a day in small steps") {
  Policy policy;
  policy.receipts_per_caller_max = 250;
  Play play(policy);
  SubmitJob command = submission(batch_spec(), 0);
  for (int i = 0; i < 250; ++i) {
    command.receipt_key = "k" + std::to_string(i);
    CHECK_FALSE(submitted(play, command).again);
  }
  command.receipt_key = "one more";
  CHECK(refusal(play, command).code == Code::resource_exhausted);
  command.receipt_key = "k7";
  CHECK(submitted(play, command).again);
  play.settle();
  CHECK(play.receipts.size() == 250);
  CHECK(play.last.wake_at == play.now + policy.receipts_keep_ms);
  play.after(policy.receipts_keep_ms);
  CHECK_FALSE(submitted(play, command).again);  // its day is over, though it is still there
  play.settle();
  CHECK(play.receipts.size() == 150);
  CHECK(play.last.wake_at == play.now);  // the rest at once
  play.settle();
  play.settle();
  CHECK(play.receipts.size() == 1);
  CHECK(play.receipts.contains("k7"));
}

TEST_CASE("one caller's keys leave room for the others', and only its own make way when there are too many") {
  Policy policy;
  policy.receipts_per_caller_max = 40;
  policy.receipts_max = 60;
  Play play(policy);
  SubmitJob command = submission(batch_spec(), 0);
  const auto send = [&](const std::string& caller, int key) {
    command.receipt_key = caller + "\nk" + std::to_string(key);
    return submitted(play, command).again;
  };
  for (int i = 0; i < 10; ++i) CHECK_FALSE(send("ann", i));
  for (int i = 0; i < 40; ++i) CHECK_FALSE(send("mallory", i));
  command.receipt_key = "mallory\none more";
  CHECK(refusal(play, command).code == Code::resource_exhausted);
  play.restart();
  CHECK(refusal(play, command).code == Code::resource_exhausted);
  for (int i = 10; i < 20; ++i) CHECK_FALSE(send("ann", i));
  CHECK_FALSE(send("bob", 0));  // the sixty-first
  CHECK(play.receipts.size() == 60);
  for (int i = 0; i < 20; ++i) CHECK(send("ann", i));
  CHECK(send("bob", 0));
  CHECK_FALSE(play.receipts.contains("mallory\nk0"));
}

TEST_CASE("an operation asked for twice with one key is one operation") {
  Policy policy;
  policy.roles = {"mimas"};
  Play play(policy);
  RequestOperation command;
  command.request = 4;
  command.agent = AgentId("a1");
  command.amounts.cpu_milli = 100;
  command.receipt_key = "k";
  command.fingerprint = "f";
  command.user = "ann";
  for (bool again : {false, true}) {
    play.feed(command);
    const auto* reply = play.only<Reply>();
    REQUIRE(reply->answer.ok());
    CHECK(std::get<OperationAccepted>(*reply->answer).operation == make_operation_id(1));
    CHECK(std::get<OperationAccepted>(*reply->answer).again == again);
  }
  CHECK(play.operations.size() == 1);
  CHECK(play.audits.size() == 1);
  CHECK(last_audit(play).action == "operation.request");
  SubmitJob job = submission(batch_spec());
  job.receipt_key = "k";
  job.fingerprint = "f";
  CHECK(refusal(play, job).code == Code::conflict);
}

TEST_CASE("an unchanged submission of a live group sequence says that it is again") {
  Play play;
  auto spec = service_spec();
  spec->app_name = "web";
  spec->job_group_sequence = "v001";
  const JobAccepted first = submitted(play, submission(spec));
  SubmitJob second = submission(std::make_shared<JobSpec>(*spec));
  second.receipt_key = "k";
  const JobAccepted again = submitted(play, second);
  CHECK(again.again);
  CHECK(again.job == first.job);
  CHECK(play.receipts.at("k").answer == first.job.value);
}

TEST_CASE("as many versions of a job are kept as the policy says, the newest") {
  Policy policy;
  policy.versions_kept = 3;
  Play play(policy);
  const JobId job = play.submit(service_spec());
  for (bool in_service : {false, true, false, true}) accepted(play, SetInService{1, job, in_service, "ann"});
  const auto versions = versions_of(play, job);
  REQUIRE(versions.size() == 3);
  CHECK(versions.front().version == 3);
  CHECK(versions.back().version == 5);
}

TEST_CASE("a job from before versions were kept has its former one from its first change on") {
  Play play;
  const JobId job = play.submit(service_spec());
  play.versions.clear();
  play.restart();
  accepted(play, SetInService{1, job, false, "ann"});
  const auto versions = versions_of(play, job);
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].version == 1);
  CHECK(versions[0].what.empty());
  CHECK(versions[0].in_service);
}

TEST_CASE(
    "every command that changes something leaves one audit for each job it concerns, with who and whence") {
  Play play;
  const JobId job = play.running(service_spec(), 3);
  const JobId other = play.submit(service_spec());
  const auto count = [&](const Input& command) {
    const std::size_t before = play.audits.size();
    accepted(play, command);
    return play.audits.size() - before;
  };
  CHECK(play.audits.begin()->second.action == "job.submit");
  CHECK(play.audits.begin()->second.job == job);
  const TaskId first = make_task_id(job, 0, 0), second = make_task_id(job, 1, 1);
  CHECK(count(KillTasks{1, {first, second}, true, false, "ann", "h"}) == 1);
  CHECK(text_of(last_audit(play)) == "task.kill by ann from h: instancesDesired 3->1");
  CHECK(last_audit(play).task.empty());
  CHECK(play.job(job).version == 2);                                   // one, however many tasks
  CHECK(count(KillTasks{1, {first}, false, false, "ann", "h"}) == 0);  // it is being killed
  CHECK(count(KillTasks{1, {make_task_id(job, 2, 2), make_task_id(other, 0, 0)}, false, false, "ann", "h"}) ==
        2);
  CHECK(last_audit(play).task == make_task_id(other, 0, 0));
  CHECK(count(KillJob{1, job, "ann", "h"}) == 1);
  CHECK(text_of(last_audit(play)) == "job.kill by ann from h: state \"active\"->\"killing\"");
  CHECK(count(KillJob{1, job, "ann", "h"}) == 0);
  CHECK(count(ForgetFramework{1, true, "ann", "h"}) == 1);
  CHECK(text_of(last_audit(play)) == "framework.forget by ann from h:");
  std::int64_t number = 0;
  for (const auto& [key, audit] : play.audits) CHECK(audit.number == ++number);
  play.restart();
  accepted(play, KillJob{1, other, "ann", "h"});
  CHECK(last_audit(play).number == number + 1);
}

TEST_CASE("what is decided about orphans is one audit") {
  Play play;
  play.subscribe();
  StatusUpdate update = play.update("mimas-50-worker-0-0", MesosState::running);
  play.feed(update);
  accepted(play, KillOrphans{1, {update.task}, false, "ann", "h"});
  CHECK(text_of(last_audit(play)) == "orphan.kill by ann from h:");
  CHECK(last_audit(play).task == update.task);
  accepted(play, AdoptOrphans{1, {update.task}, false, "ann", "h"});
  CHECK(last_audit(play).action == "orphan.adopt");
  CHECK(last_audit(play).detail == "0 adopted; 1 left alone");
}

TEST_CASE("audits above their number and older than their age are removed in small steps, the newest never") {
  Policy policy;
  policy.audits_kept = 250;
  policy.audits_keep_ms = 1'000'000;
  Play play(policy);
  const JobId job = play.submit(service_spec());
  for (int i = 0; i < 500; ++i) accepted(play, SetInService{1, job, i % 2 == 1, "ann"});
  play.settle();
  CHECK(play.audits.size() == 401);
  CHECK(play.last.wake_at == play.now);
  play.settle();
  play.settle();
  CHECK(play.audits.size() == 250);
  CHECK(play.audits.rbegin()->first == 501);
  CHECK(play.last.wake_at == play.now + 1'000'000);
  play.after(1'000'000);
  for (int i = 0; i < 4; ++i) play.settle();
  CHECK(play.audits.size() == 1);
  CHECK(play.last.wake_at > play.now);
  play.restart();
  accepted(play, KillJob{1, job, "ann"});
  CHECK(play.audits.rbegin()->first == 502);
}

TEST_CASE("a flood of changes washes away its own traces and nobody else's") {
  Policy policy;
  policy.audits_kept = 100;
  // By its name; by the address of callers that make names up; by its name behind the proxy that all share.
  for (const int kind : {0, 1, 2}) {
    CAPTURE(kind);
    Play play(policy);
    const JobId job = play.submit(service_spec());
    const std::string proxy = "10.0.0.1";
    const auto change = [&](bool on, const std::string& user, const std::string& address) {
      SetInService command{1, job, on, user};
      command.address = address;
      accepted(play, command);
    };
    for (int i = 0; i < 20; ++i)
      change(i % 2 == 1, "ann", kind == 2 ? proxy : "10.0.0." + std::to_string(9 + i));
    for (int i = 0; i < 400; ++i) {
      const std::string user = kind == 1 ? "made-up-" + std::to_string(i) : "mallory";
      change(i % 2 == 1, user, kind == 0 ? "10.1.0." + std::to_string(i) : kind == 1 ? "10.6.6.6" : proxy);
      if (i % 50 == 0) play.restart();
      play.settle();
    }
    CHECK(play.audits.size() == 100);
    const auto of_ann =
        std::ranges::count_if(play.audits, [](const auto& entry) { return entry.second.user == "ann"; });
    CHECK(of_ann == 20);
  }
}

TEST_CASE("ended jobs are removed when they ended long ago") {
  Policy policy;
  policy.ended_jobs_keep_ms = 10'000;
  Play play(policy);
  const JobId first = play.submit(batch_spec());
  const JobId second = play.submit(batch_spec());
  accepted(play, KillJob{1, first, "ann"});
  play.after(3'000);
  accepted(play, KillJob{1, second, "ann"});
  play.settle();
  CHECK(play.last.wake_at == play.now + 7'000);
  play.after(7'000);
  play.settle();
  CHECK(play.jobs.size() == 1);
  CHECK(play.last.wake_at == play.now + 3'000);
  play.after(3'000);
  play.settle();
  CHECK(play.jobs.empty());
  CHECK(play.versions.empty());
  CHECK(play.audits.size() == 4);
}

TEST_CASE("garbage is collected on request, in small steps, down to what is to be kept") {
  Play play;
  for (int i = 0; i < 230; ++i) {
    const JobId job = play.submit(batch_spec());
    accepted(play, KillJob{1, job, "ann"});
  }
  const JobId alive = play.submit(service_spec());
  play.settle();
  CHECK(play.jobs.size() == 231);
  CHECK(refusal(play, CollectGarbage{1, -1, "ann", "h"}).code == Code::invalid_argument);
  accepted(play, CollectGarbage{1, 10, "ann", "h"});
  CHECK(text_of(last_audit(play)) == "gc by ann from h:");
  CHECK(last_audit(play).detail == "220 of 230 ended jobs are removed");
  play.settle();
  CHECK(play.jobs.size() == 131);
  CHECK(play.last.wake_at == play.now);
  play.settle();
  play.settle();
  CHECK(play.jobs.size() == 11);
  CHECK(play.jobs.contains(parse_job_number(alive.value)));
  accepted(play, CollectGarbage{1, 10, "ann", "h"});
  CHECK(play.last.changes.empty());               // nothing to do, nothing to tell
  const JobId later = play.submit(batch_spec());  // what ends later is kept again
  accepted(play, KillJob{1, later, "ann"});
  play.settle();
  CHECK(play.jobs.size() == 12);
}

TEST_CASE("a task tells every state it was in, across a restart, and a waiting one needs no memory for it") {
  Play play;
  auto spec = batch_spec();
  spec->retries = 1;
  const JobId job = play.running(spec);
  const std::string task = make_task_id(job, 0, 0).value;
  play.restart();
  play.subscribe();
  play.after(5);
  play.says(task, MesosState::failed, "EXECUTOR_TERMINATED");
  std::string told;
  for (const StatusChange& step : status_history(play.task(task))) {
    told += std::string(task_state_name(step.state)) + "(" + step.reason + ") ";
  }
  CHECK(told == "QUEUED() DISPATCHED() RUNNING() FAILED(EXECUTOR_TERMINATED) ");
  CHECK(status_history(play.task(task)).back().at == play.now);
  const Task& next = play.task(make_task_id(job, 0, 1).value);
  CHECK(next.history.empty());
  CHECK(status_history(next).size() == 1);
}

TEST_CASE("a request to end a task is no state, its end is") {
  Play play;
  const JobId job = play.running(service_spec());
  const std::string task = make_task_id(job, 0, 0).value;
  const std::size_t before = play.task(task).history.size();
  play.feed(KillTasks{0, {TaskId(task)}, false, false, "ann"});
  CHECK(play.task(task).history.size() == before);
  play.says(task, MesosState::killed);
  REQUIRE(play.task(task).history.size() == before + 1);
  const StatusChange last = play.task(task).history.steps().back();
  CHECK(last.state == TaskState::stopped);
  CHECK(last.reason == "KILL_REQUESTED");
}

}  // namespace
}  // namespace mimas::engine
