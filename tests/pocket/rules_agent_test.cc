// The embedded agent, rules 117 to 125 and 134 of the conformance list: by the pure models where the rule is
// a decision, over loopback where it is about processes.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent_bench.h"
#include "http/target.h"
#include "pocket/call_check.h"
#include "pocket/files.h"
#include "pocket/jwt.h"
#include "small_pocket.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

struct Sandbox {
  Sandbox() {
    char name[] = "/tmp/pocket-files-XXXXXX";
    root = ::mkdtemp(name);
    const fs::path runs = fs::path(root) / "frameworks/F/executors/e/runs";
    fs::create_directories(runs / "run1/sub");
    fs::create_directories(runs / "run10");
    fs::create_directory_symlink("run1", runs / "latest");
    std::ofstream(runs / "run1/stdout") << "hello\n";
    std::ofstream(runs / "run1/a b") << "blank";
    std::ofstream(runs / "run1/big") << std::string(100'000, 'x');
    std::ofstream(runs / "run10/secret") << "secret";
    fs::create_symlink("/etc/passwd", runs / "run1/passwd");
    fs::create_symlink("../run10/secret", runs / "run1/sibling");
    fs::create_directory_symlink("/etc", runs / "run1/etc");
  }
  ~Sandbox() {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  std::string root;
};

const std::string kRun = "/frameworks/F/executors/e/runs/latest";

http::Reply get(const Files& files, const std::string& what, const std::string& path,
                const std::string& offset = "", const std::string& length = "") {
  http::Request request;
  request.method = "GET";
  request.path = "/files/" + what;
  request.query = {{"path", path}};
  if (!offset.empty()) request.query.push_back({"offset", offset});
  if (!length.empty()) request.query.push_back({"length", length});
  return files.handle(request);
}

// The real master and the real agent, without a wire between them: what one says the other hears, unless the
// link is cut.
struct Pair {
  explicit Pair(bool aware) : master(master_options(), now), agent(agent_options(), {}, now) {
    mscheduler::Call call;
    call.set_type(mscheduler::Call::SUBSCRIBE);
    call.mutable_framework_id()->set_value("F");
    auto* info = call.mutable_subscribe()->mutable_framework_info();
    *info = framework();
    info->clear_capabilities();
    info->add_roles("*");
    info->set_failover_timeout(60);
    info->add_capabilities()->set_type(mv1::FrameworkInfo::Capability::MULTI_ROLE);
    if (aware) info->add_capabilities()->set_type(mv1::FrameworkInfo::Capability::PARTITION_AWARE);
    join();
    stream_id = master.subscribe(++streams, call, now);
    advance(1'000);
  }
  static MasterOptions master_options() {
    MasterOptions options;
    options.master_id = "M";
    options.agent_ping_timeout_ms = 75'000;
    return options;
  }
  static AgentModelOptions agent_options() {
    AgentModelOptions options;
    options.info.set_hostname("h");
    *options.info.mutable_resources() = simple_task("", "", 4, 1000).resources();
    return options;
  }
  void join() {
    linked = true;
    session = "session" + std::to_string(++sessions);
    agent_stream = ++streams;
    master.register_agent(agent_stream, agent.registration(session), now);
    turn();
  }
  void run_task() {
    REQUIRE(!master.offers().empty());
    mv1::TaskInfo info = task("t");
    info.mutable_agent_id()->set_value(agent.info().id().value());
    mscheduler::Call accept;
    accept.set_type(mscheduler::Call::ACCEPT);
    accept.mutable_framework_id()->set_value("F");
    accept.mutable_accept()->add_offer_ids()->set_value(master.offers().begin()->first);
    accept.mutable_accept()->mutable_filters()->set_refuse_seconds(0);
    auto* operation = accept.mutable_accept()->add_operations();
    operation->set_type(mv1::Offer::Operation::LAUNCH);
    *operation->mutable_launch()->add_task_infos() = info;
    CHECK(master.call(accept, stream_id, now).status == 202);
    turn();
    CHECK(agent.subscribe(1, call(ECall::SUBSCRIBE), now).status == 200);
    CHECK(agent.call(update("t", mv1::TASK_RUNNING, 'a'), now).status == 202);
    advance(2'000);  // what is left is offered again
  }
  void turn() {
    for (bool more = true; more;) {
      more = false;
      for (auto& output : master.take_outputs()) {
        more = true;
        if (auto* event = std::get_if<ToScheduler>(&output)) events.push_back(event->event);
        auto* command = std::get_if<ToAgent>(&output);
        if (command != nullptr && linked) agent.command(command->command, now);
      }
      for (auto& output : agent.take_outputs()) {
        more = true;
        if (auto* start = std::get_if<StartContainer>(&output)) agent.started(start->container, 4242, now);
        auto* report = std::get_if<ToMaster>(&output);
        if (report != nullptr && linked) master.report(session, {report->report}, now);
      }
    }
  }
  void advance(std::int64_t ms) {
    for (const Instant end = now + ms; now < end;) {
      now = now + 250;
      if (linked) master.report(session, {Ping{}}, now);
      master.tick(now);
      agent.tick(now);
      turn();
    }
  }
  std::vector<mv1::TaskStatus> updates(mv1::TaskStatus::Reason reason) const {
    std::vector<mv1::TaskStatus> found;
    for (const auto& event : events)
      if (event.type() == mscheduler::Event::UPDATE && event.update().status().has_reason() &&
          event.update().status().reason() == reason)
        found.push_back(event.update().status());
    return found;
  }
  std::size_t count(mscheduler::Event::Type type) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const auto& event) { return event.type() == type; }));
  }

  Instant now{10'000'000};
  MasterModel master;
  AgentModel agent;
  bool linked = false;
  std::string session;
  std::string stream_id;
  std::uint64_t streams = 0;
  std::uint64_t agent_stream = 0;
  int sessions = 0;
  std::vector<mscheduler::Event> events;
};

}  // namespace

TEST_CASE(
    "rule 117: updates of a task wait for the acknowledgement of the one before; retries at 10, 30, 70 s, at "
    "most 10 min apart") {
  World world;
  world.run("t");
  world.run("u");
  world.started();
  world.subscribe();
  world.say(update("t", mv1::TASK_RUNNING, 'a'));
  world.say(update("t", mv1::TASK_FINISHED, 'b'));
  world.say(update("u", mv1::TASK_RUNNING, 'c'));
  REQUIRE(world.updates.size() == 2);  // t's first, u's first
  world.acknowledge("t", uuid('z'));
  CHECK(world.updates.size() == 2);
  world.acknowledge("u", uuid('c'));
  std::vector<std::int64_t> at;
  const Instant begin = world.now;
  for (int second = 1; second <= 2'000; ++second) {
    const std::size_t before = world.updates.size();
    world.advance(1'000);
    if (world.updates.size() > before) at.push_back((world.now - begin) / 1000);
  }
  REQUIRE(at.size() >= 8);
  CHECK(std::vector(at.begin(), at.begin() + 6) == std::vector<std::int64_t>{10, 30, 70, 150, 310, 630});
  CHECK(at[7] - at[6] == 600);
  world.acknowledge("t", uuid('a'));
  CHECK(world.updates.back().state() == mv1::TASK_FINISHED);
}

TEST_CASE("rule 118: what an update must not be") {
  ECall bad = update("t", mv1::TASK_RUNNING, 'a');
  CHECK(check_call(bad) == "");
  bad.mutable_update()->mutable_status()->clear_source();
  CHECK(check_call(bad).find("expecting 'SOURCE_EXECUTOR'") != std::string::npos);
  bad = update("t", mv1::TASK_STAGING, 'a');
  CHECK(check_call(bad).find("TASK_STAGING") != std::string::npos);
  bad = update("t", mv1::TASK_RUNNING, 'a');
  bad.mutable_update()->mutable_status()->mutable_executor_id()->set_value("other");
  CHECK(check_call(bad) == "ExecutorID in Call: e does not match ExecutorID in TaskStatus: other");
  bad = update("t", mv1::TASK_RUNNING, 'a');
  bad.mutable_update()->mutable_status()->set_uuid("b5f3c2f0-7a2f-4a3e-8a55-0f5c2b9a1d10");
  CHECK(check_call(bad) == "Not a valid UUID");
  World world;
  world.run("t");
  world.subscribe();
  ECall foreign = update("t", mv1::TASK_RUNNING, 'a');
  foreign.mutable_update()->mutable_status()->mutable_agent_id()->set_value("B");
  CHECK(world.say(foreign).status == 202);
  CHECK(world.updates.empty());
}

TEST_CASE("rule 119: an executor's crash fails its open task; the finished one is told until acknowledged") {
  World world;
  world.run("t");
  world.run("u");
  world.started();
  world.subscribe();
  world.say(update("t", mv1::TASK_RUNNING, 'a'));
  world.acknowledge("t", uuid('a'));
  world.say(update("u", mv1::TASK_FINISHED, 'b'));
  world.exited(768);
  REQUIRE(world.exits.size() == 1);
  CHECK(world.exits[0].status == 768);
  CHECK(world.updates.back().state() == mv1::TASK_FAILED);
  CHECK(world.updates.back().reason() == mv1::TaskStatus::REASON_EXECUTOR_TERMINATED);
  CHECK(world.updates.back().source() == mv1::TaskStatus::SOURCE_AGENT);
  const std::string failed = world.updates.back().uuid();
  world.updates.clear();
  world.advance(10'000);
  CHECK(world.updates.size() == 2);
  CHECK(world.forgotten == 0);
  world.acknowledge("u", uuid('b'));
  world.acknowledge("t", failed);
  CHECK(world.forgotten == 1);
  CHECK(world.model.frameworks().empty());
}

TEST_CASE(
    "rule 120: after a restart an executor that comes back goes on, a silent one is killed, a lost task is "
    "dropped") {
  SUBCASE("back in time") {
    World world(recovered(7, {running("t"), {task("lost"), {}, {}}}));
    world.command(Registered{"A", 750});
    CHECK(world.say(update("t", mv1::TASK_FINISHED, 'b')).status == 503);
    world.advance(1'000);
    ECall back = call(ECall::SUBSCRIBE);
    *back.mutable_subscribe()->add_unacknowledged_updates() = update("t", mv1::TASK_FINISHED, 'b').update();
    CHECK(world.subscribe(back).status == 200);
    CHECK(!world.model.recovering());
    REQUIRE(world.updates.size() == 2);
    CHECK(world.updates[0].state() == mv1::TASK_FINISHED);
    CHECK(world.updates[1].state() == mv1::TASK_DROPPED);
    CHECK(world.updates[1].reason() == mv1::TaskStatus::REASON_AGENT_RESTARTED);
  }
  SUBCASE("too late") {
    World world(recovered(7, {running("t")}));
    world.command(Registered{"A", 750});
    world.advance(2'000);
    REQUIRE(world.kills.size() == 1);
    world.container = world.kills[0];
    world.exited(-1);
    CHECK(world.updates.back().state() == mv1::TASK_GONE);
    CHECK(world.updates.back().reason() == mv1::TaskStatus::REASON_EXECUTOR_REREGISTRATION_TIMEOUT);
  }
  SUBCASE("too late, and the framework does not know TASK_GONE") {
    RecoveredState state = recovered(7, {running("t")});
    state.frameworks[0].clear_capabilities();
    World world(state);
    world.command(Registered{"A", 750});
    world.advance(5'000);
    REQUIRE(world.kills.size() == 1);
    CHECK(world.subscribe().status == 200);  // told to go, if it comes after all
    CHECK(world.events.back().type() == Event::SHUTDOWN);
    world.container = world.kills[0];
    world.exited(-1);
    CHECK(world.updates.back().state() == mv1::TASK_LOST);
  }
  SUBCASE("dead meanwhile") {
    World world(recovered(0, {running("t")}));
    world.command(Registered{"A", 750});
    REQUIRE(!world.updates.empty());
    CHECK(world.updates.back().state() == mv1::TASK_FAILED);
  }
}

TEST_CASE(
    "rule 121: a task killed while its executor registers never starts, and the executor is told to go") {
  World world;
  world.run("t");
  world.started();
  world.command(KillTask{"F", "t", std::nullopt});
  REQUIRE(world.updates.size() == 1);
  CHECK(world.updates[0].state() == mv1::TASK_KILLED);
  CHECK(world.updates[0].reason() == mv1::TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
  world.subscribe();
  CHECK(world.events.back().type() == Event::SHUTDOWN);
  world.advance(5'000);
  CHECK(world.kills.size() == 1);
}

TEST_CASE(
    "rule 122: an executor that never subscribes is killed with its group after the registration time-out") {
  World world;
  world.run("t");
  world.started();
  world.advance(59'999);
  CHECK(world.kills.empty());
  world.advance(1);
  CHECK(world.kills.size() == 1);
  world.exited(9);
  CHECK(world.updates.back().state() == mv1::TASK_FAILED);
  CHECK(world.updates.back().reason() == mv1::TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT);

  const Folder folder;
  PocketOptions options = small(folder.path);
  options.executor_registration_ms = 300;
  auto pocket = Pocket::start(options);
  REQUIRE(pocket.ok());
  SchedulerClient scheduler((*pocket)->master());
  scheduler.subscribe();
  const mv1::Offer offer = scheduler.wait_offer();
  mv1::TaskInfo silent = executor_task("silent", offer.agent_id().value(), script_in(folder));
  silent.mutable_executor()->mutable_command()->set_value("trap '' TERM; sleep 600 & sleep 600");
  scheduler.launch(offer, {silent});
  const mv1::TaskStatus failed = scheduler.wait_state("silent", mv1::TASK_FAILED);
  CHECK(failed.reason() == mv1::TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT);
  const auto pid = static_cast<pid_t>(failed.container_status().executor_pid());
  REQUIRE(pid > 1);
  const std::int64_t deadline = net::monotonic_ms() + 10'000;
  while (living_in_group(pid) > 0 && net::monotonic_ms() < deadline) std::this_thread::yield();
  CHECK(living_in_group(pid) == 0);
}

TEST_CASE(
    "rule 123: an agent that is silent for 75 s is unreachable, and back with its tasks; wiped, it is "
    "another") {
  for (const bool aware : {true, false}) {
    CAPTURE(aware);
    Pair pair(aware);
    pair.run_task();
    pair.linked = false;
    pair.advance(74'000);
    CHECK(pair.updates(mv1::TaskStatus::REASON_AGENT_REMOVED).empty());
    REQUIRE(!pair.master.offers().empty());
    pair.advance(2'000);
    const auto gone = pair.updates(mv1::TaskStatus::REASON_AGENT_REMOVED);
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].state() == (aware ? mv1::TASK_UNREACHABLE : mv1::TASK_LOST));
    CHECK(pair.count(mscheduler::Event::RESCIND) == 1);
    CHECK(pair.count(mscheduler::Event::FAILURE) == 1);
    CHECK(pair.master.offers().empty());
    if (!aware) continue;
    pair.join();
    const auto back = pair.updates(mv1::TaskStatus::REASON_AGENT_REREGISTERED);
    REQUIRE(back.size() == 1);
    CHECK(back[0].state() == mv1::TASK_RUNNING);

    const std::string old_id = pair.agent.info().id().value();
    pair.linked = false;
    pair.advance(76'000);
    pair.agent = AgentModel(Pair::agent_options(), {}, pair.now);  // its disk is empty
    pair.join();
    CHECK(pair.agent.info().id().value() != old_id);
    CHECK(pair.updates(mv1::TaskStatus::REASON_AGENT_REREGISTERED).size() == 1);
    CHECK(pair.master.frameworks().at("F").unreachable.contains("t"));
  }
}

TEST_CASE(
    "rule 124: reading: the size, the whole, pieces, past the end, at most 64 KiB, and what is refused") {
  const Sandbox sandbox;
  const Files files(sandbox.root);
  CHECK(get(files, "read", kRun + "/stdout", "-1").body == R"({"data":"","offset":6})");
  CHECK(get(files, "read", kRun + "/stdout").body == R"({"data":"","offset":6})");
  CHECK(get(files, "read", kRun + "/stdout", "0").body == R"({"data":"hello\n","offset":0})");
  CHECK(get(files, "read", kRun + "/stdout", "1", "2").body == R"({"data":"el","offset":1})");
  CHECK(get(files, "read", kRun + "/stdout", "6").body == R"({"data":"","offset":6})");
  CHECK(get(files, "read", kRun + "/a b", "0").body == R"({"data":"blank","offset":0})");
  const auto piece = files.read(kRun + "/big", 0, 90'000);
  REQUIRE(piece.ok());
  CHECK(piece->data.size() == 65'536);
  CHECK(get(files, "read", kRun + "/sub", "0").status == 400);
  CHECK(get(files, "read", kRun + "/none", "0").status == 404);
  CHECK(get(files, "read", kRun + "/stdout", "x").status == 400);
  CHECK(get(files, "read", kRun + "/stdout", "-2").status == 400);
  const auto encoded =
      http::parse_target("/files/read?path=" + kRun + "%2Fa%20b&offset=0");  // as it comes over the wire
  REQUIRE(encoded.ok());
  http::Request by_wire;
  by_wire.path = encoded->path;
  by_wire.query = encoded->query;
  CHECK(files.handle(by_wire).body == R"({"data":"blank","offset":0})");
  CHECK(get(files, "read", kRun + "/../run1/stdout", "0").status == 400);
  http::Request bare;
  bare.path = "/files/read";
  CHECK(files.handle(bare).body == "Expecting 'path=value' in query.\n");
  CHECK(get(files, "browse", kRun + "/stdout").body == "[]");
  CHECK(get(files, "read", sandbox.root + kRun + "/stdout", "0").body == R"({"data":"hello\n","offset":0})");
  const auto entries = files.list(kRun);
  REQUIRE(entries.ok());
  CHECK(entries->size() == 7);
  CHECK(entries->front().path == kRun + "/a b");
  CHECK(get(files, "download", kRun + "/sub").status == 400);
  CHECK(get(files, "download", kRun + "/stdout").stream);
}

TEST_CASE(
    "rule 125: a second SUBSCRIBE ends the first stream without a word, and a token speaks for its own "
    "executor alone") {
  World world;
  world.run("t");
  world.started();
  world.subscribe();
  const std::size_t events = world.events.size();
  world.subscribe();
  CHECK(world.ended == std::vector<std::uint64_t>{1});
  CHECK(world.events.size() > events);
  CHECK(world.updates.size() == 1);  // the first life never confirmed its LAUNCH: that task is dropped
  CHECK(world.updates[0].state() == mv1::TASK_DROPPED);
  CHECK(world.subscribe(update("t", mv1::TASK_RUNNING, 'a')).status == 200);
  ECall stranger = call(ECall::SUBSCRIBE);
  stranger.mutable_executor_id()->set_value("forged");
  CHECK(world.subscribe(stranger) == Answer{400, "Executor cannot be found"});
  stranger.mutable_framework_id()->set_value("G");
  CHECK(world.subscribe(stranger) == Answer{400, "Framework cannot be found"});

  const auto with_token = [&](const ContainerRef& container) {
    const Result<ContainerRef> claims = read_token("key", make_token("key", container));
    REQUIRE(claims.ok());
    const int subscribed =
        world.model.subscribe(++world.streams, call(ECall::SUBSCRIBE), world.now, *claims).status;
    CHECK((subscribed == 200) ==
          (world.model.call(update("t", mv1::TASK_RUNNING, 'q'), world.now, *claims).status == 202));
    return subscribed;
  };
  CHECK(with_token(world.container) == 200);
  CHECK(with_token({"F", "forged", world.container.container_id}) == 403);
  CHECK(with_token({"G", "e", world.container.container_id}) == 403);
  CHECK(with_token({"F", "e", "an earlier container"}) == 403);
}

TEST_CASE("rule 134: nothing outside the sandbox is read, by dots, links or look-alike siblings") {
  const Sandbox sandbox;
  const Files files(sandbox.root);
  for (const char* path :
       {"/../run10/secret", "/passwd", "/sibling", "/etc/passwd", "/sub/../../run10/secret", "/."}) {
    CAPTURE(path);
    CHECK(get(files, "read", kRun + path, "0").status == 400);
    CHECK(get(files, "download", kRun + path).status == 400);
    CHECK(get(files, "read", sandbox.root + kRun + path, "0").status == 400);
  }
  CHECK(get(files, "read", "/etc/passwd", "0").status == 404);
  CHECK(get(files, "read", "/frameworks/F/executors/e/runs/latest0/x", "0").status == 404);
  CHECK(get(files, "browse", "/frameworks/F/executors/e/runs").status == 404);
  CHECK(get(files, "read", kRun + std::string("/std\0out", 8), "0").status == 400);
}

}  // namespace mimas::pocket
