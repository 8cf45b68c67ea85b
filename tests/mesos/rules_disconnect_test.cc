// The subscription, rules 37 to 49 and 130 of the conformance list: how it is lost, and what survives that.
// Through the whole driver against a master of raw bytes; timing by the machine, which is handed its time.
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "../engine/play.h"
#include "ear.h"
#include "machine.h"
#include "net/clock.h"
#include "pocket/pocket.h"
#include "recording.h"
#include "scheduler.h"

using namespace mimas;
using namespace mimas::mesos;
using namespace rules;
using scripted::Connection;
using scripted::Master;
using Next = Reaction::Next;

namespace {
std::atomic<std::int64_t> g_wall_clock_jump_secs{0};
}

// Every reader of the wall clock in this program sees the jump; the monotonic clock has none.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const int failed = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
  if (failed == 0 && clock == CLOCK_REALTIME) now->tv_sec += g_wall_clock_jump_secs.load();
  return failed;
}

namespace {

const std::string kOffers =
    R"({"type":"OFFERS","offers":{"offers":[{"id":{"value":"O1"},"framework_id":{"value":"fw-1"},)"
    R"("agent_id":{"value":"S0"},"hostname":"h","allocation_info":{"role":"*"},"resources":[)"
    R"({"name":"cpus","type":"SCALAR","scalar":{"value":2},"allocation_info":{"role":"*"}},)"
    R"({"name":"mem","type":"SCALAR","scalar":{"value":512},"allocation_info":{"role":"*"}}]}]}})";

Connection begin(Master& master, const std::string& stream_id, Call* subscribe = nullptr) {
  Connection stream = master.accept();
  const Call call = call_in(stream.read_request());
  if (subscribe != nullptr) *subscribe = call;
  stream.begin_stream(stream_id);
  stream.event(kSubscribed);
  return stream;
}

void wait_for_new_stream(Talk& talk) {
  talk.ear.expect<engine::Disconnected>();
  (void)talk.asked();
  CHECK(talk.call_in(talk.request).framework_id().value() == "fw-1");
}

engine::ConstrainOffers only_with(const std::string& attribute) {
  engine::ConstrainOffers constrain;
  constrain.roles["*"] = {{{engine::AttributeTest::Kind::exists, {}, attribute, ""}}};
  return constrain;
}

}  // namespace

TEST_CASE(
    "rule 37: 'Framework cannot be found' on a KILL: the same id subscribes, and the KILL comes again") {
  const Directory directory;
  Master master;
  Scheduler scheduler(master, directory.path);
  scheduler.submit();
  Connection stream = begin(master, "s1");
  stream.event(kOffers);
  Connection calls = master.accept();
  const auto accept = next_of(calls, Call::ACCEPT).first;
  const std::string task = accept.accept().operations(0).launch().task_infos(0).task_id().value();
  calls.accept_call();
  stream.event(R"({"type":"UPDATE","update":{"status":{"task_id":{"value":")" + task +
               R"("},"state":"TASK_RUNNING","agent_id":{"value":"S0"},"uuid":"AAAAAAAAQACAAAAAAAAAAA=="}}})");
  (void)next_of(calls, Call::ACKNOWLEDGE);
  calls.accept_call();
  scheduler.tell(engine::KillJob{0, JobId("mimas-1"), ""});
  CHECK(next_of(calls, Call::KILL).first.kill().task_id().value() == task);
  calls.write(recording::bytes("e19-unknown-framework.resp"));
  Call subscribe;
  Connection again = begin(master, "s2", &subscribe);
  CHECK(subscribe.framework_id().value() == "fw-1");
  Connection more = master.accept();
  const auto [kill, stream_id] = next_of(more, Call::KILL);
  CHECK(kill.kill().task_id().value() == task);
  CHECK(kill.kill().agent_id().value() == "S0");
  CHECK(stream_id == "s2");
}

TEST_CASE(
    "rule 38: 403 'not subscribed' subscribes anew; 403 on UPDATE_FRAMEWORK is told and changes nothing") {
  {
    Talk talk;
    Connection stream = talk.subscribe();
    talk.driver->send(engine::KillOnAgent{TaskId("t"), AgentId("S0"), 0});
    Connection calls = talk.master.accept();
    CHECK(call_in(calls.read_request()).type() == Call::KILL);
    calls.write(recording::bytes("s37-call-while-disconnected.resp"));
    wait_for_new_stream(talk);
  }
  Talk talk;
  Connection stream = talk.subscribe();
  talk.driver->send(only_with("gpu"));
  Connection calls = talk.master.accept();
  CHECK(call_in(calls.read_request()).type() == Call::UPDATE_FRAMEWORK);
  calls.answer(403, "Not authorized to update the framework");
  CHECK(talk.ear.line_with("UPDATE_FRAMEWORK").find("Not authorized to update") != std::string::npos);
  talk.driver->send(engine::ReviveOffers{});
  const auto next = calls.read_request();
  CHECK(call_in(next).type() == Call::REVIVE);
  CHECK(next.header("Mesos-Stream-Id") == "stream-1");
  CHECK(talk.ear.quiet());
}

TEST_CASE("rule 39: a stream id that is not the current one subscribes anew, and calls carry the new one") {
  Talk talk;
  Connection stream = talk.subscribe("old");
  talk.driver->send(engine::ReviveOffers{});
  Connection calls = talk.master.accept();
  CHECK(calls.read_request().header("Mesos-Stream-Id") == "old");
  calls.write(recording::bytes("s36-old-stream-id.resp"));
  talk.ear.expect<engine::Disconnected>();
  Connection again = talk.subscribe("new");
  CHECK(talk.call_in(talk.request).framework_id().value() == "fw-1");
  talk.driver->send(engine::ReviveOffers{});
  Connection more = talk.master.accept();
  CHECK(more.read_request().header("Mesos-Stream-Id") == "new");
}

TEST_CASE("rule 40: 'Framework failed over' stops the current generation; from an older one it is ignored") {
  auto m = machine();
  const auto first = rules::subscribe(m, 0);
  m.stream_ended(first, "eof", 1);
  const auto second = rules::subscribe(m, 1'000);
  CHECK(m.error_event(first, "Framework failed over", 2'001).next == Next::go_on);
  CHECK(m.phase() == Phase::subscribed);
  CHECK(m.error_event(second, "Framework failed over", 2'002).fatal == Fatal::failed_over);

  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(R"({"type":"ERROR","error":{"message":"Framework failed over"}})");
  stream.end_stream();
  talk.ear.expect<engine::Disconnected>();
  CHECK(talk.ear.fatal().first == Fatal::failed_over);
  CHECK(!talk.master.anybody_within(200));
}

TEST_CASE("rule 41: a removed framework stops with its own reason and keeps its id until told to forget it") {
  const Directory directory;
  const auto stored = [&](engine::Change change) {
    auto store = store::Store::open(directory.path);
    REQUIRE(store.ok());
    REQUIRE((*store)->commit({std::move(change)}).ok());
  };
  stored(engine::PutFramework{FrameworkId("fw-0")});
  {
    Master master;
    Scheduler scheduler(master, directory.path);
    Connection stream = master.accept();
    CHECK(call_in(stream.read_request()).framework_id().value() == "fw-0");
    stream.write(recording::bytes("s41-subscribe-after-teardown.resp"));
    const auto [fatal, why] = scheduler.ear.fatal();
    CHECK(fatal == Fatal::framework_removed);
    CHECK(why.find("Framework has been removed") != std::string::npos);
    CHECK(!master.anybody_within(200));
    CHECK(scheduler.stored_framework() == "fw-0");
  }
  // What --new-framework fw-0 does.
  engine::State state({}, {FrameworkId("fw-0"), 1, {}, {}});
  for (const auto& change : engine::step(state, engine::ForgetFramework{}, Instant{1}).changes) {
    if (engine::is_durable(change)) stored(change);
  }
  Master master;
  Scheduler scheduler(master, directory.path);
  Connection stream = master.accept();
  CHECK(!call_in(stream.read_request()).has_framework_id());
}

TEST_CASE(
    "rule 42: an ERROR about rights or roles stops; one nobody knows leads to another try after a pause") {
  const std::pair<const char*, Fatal> cases[] = {
      {"Not authorized to use role 'x'", Fatal::unauthorized},
      {"Not authorized to receive offers for role 'x'", Fatal::unauthorized},
      {"Roles { x } are not present in the master's --roles", Fatal::rejected},
      {"'FrameworkInfo.roles' contains invalid role: ..", Fatal::rejected},
      {"'FrameworkInfo.roles' contains duplicate items: { a }", Fatal::rejected},
      {"Suppressed roles { x } are not contained in the set of roles", Fatal::rejected},
      {"Changing framework's principal is not allowed.", Fatal::rejected},
      {"The framework failover_timeout (1e+300) is invalid", Fatal::rejected},
      {"User 'root' is not allowed to run frameworks without --root_submissions set", Fatal::rejected},
      {"something nobody knows", Fatal::none}};
  for (const auto& [text, wanted] : cases) {
    CAPTURE(text);
    auto m = machine();
    const auto reaction = m.error_event(rules::subscribe(m, 0), text, 5);
    CHECK(reaction.fatal == wanted);
    CHECK(reaction.text.find(text) != std::string::npos);
    CHECK((reaction.next == Next::stop) == (wanted != Fatal::none));
    if (reaction.next == Next::reconnect) CHECK(m.next_attempt(5).at_ms > 5);
  }
  Talk talk;
  Connection stream = talk.asked();
  stream.begin_stream("s");
  stream.event(R"({"type":"ERROR","error":{"message":"Not authorized to use role '*'"}})");
  CHECK(talk.ear.fatal().first == Fatal::unauthorized);
  CHECK(!talk.master.anybody_within(200));
}

TEST_CASE("rule 43: 200, ERROR, end on the first SUBSCRIBE: no id is stored and the message is told") {
  const Directory directory;
  Master master;
  Scheduler scheduler(master, directory.path);
  Connection stream = master.accept();
  (void)stream.read_request();
  stream.begin_stream("s");
  stream.event(R"({"type":"ERROR","error":{"message":"'FrameworkInfo.roles' contains invalid role: no"}})");
  stream.end_stream();
  CHECK(scheduler.ear.fatal().second.find("contains invalid role: no") != std::string::npos);
  CHECK(scheduler.stored_framework().empty());
  CHECK(scheduler.on_disk_at_calls().empty());
}

TEST_CASE("rule 44: calls made while disconnected are dropped, none reaches the wire before SUBSCRIBED") {
  Talk talk;
  talk.driver->send(engine::KillOnAgent{TaskId("early"), AgentId("S0"), 0});
  Connection stream = talk.asked();
  talk.driver->send(engine::KillOnAgent{TaskId("asked"), AgentId("S0"), 0});
  stream.begin_stream("s");
  talk.driver->send(engine::KillOnAgent{TaskId("headed"), AgentId("S0"), 0});
  CHECK(!talk.master.anybody_within(200));
  stream.event(kSubscribed);
  talk.ear.expect<engine::Subscribed>();
  talk.driver->send(engine::KillOnAgent{TaskId("now"), AgentId("S0"), 0});
  Connection calls = talk.master.accept();
  CHECK(call_in(calls.read_request()).kill().task_id().value() == "now");
  // Queued behind an unanswered call when the subscription ends: gone as well.
  talk.driver->send(engine::KillOnAgent{TaskId("queued"), AgentId("S0"), 0});
  stream.end_stream();
  talk.ear.expect<engine::Disconnected>();
  Connection again = talk.subscribe("s2");
  talk.driver->send(engine::KillOnAgent{TaskId("later"), AgentId("S0"), 0});
  Connection more = talk.master.accept();
  CHECK(call_in(more.read_request()).kill().task_id().value() == "later");
}

TEST_CASE("rule 45: what belongs to an older generation is ignored when it comes late") {
  auto m = machine();
  const auto old = rules::subscribe(m, 0);
  m.stream_ended(old, "eof", 1);
  const auto all_late = [&](std::int64_t now) {
    for (const auto& late :
         {m.bytes_came(old, now), m.stream_ended(old, "late", now), m.calls_lost(old, "late", now),
          m.call_refused(old, head(401), "", now), m.attempt_failed(old, "late", now),
          m.answered(old, head(401), "", now), m.error_event(old, "Framework has been removed", now),
          m.subscribed_event(old, FrameworkId("other"), 15, now)}) {
      CHECK(late.next == Next::go_on);
      CHECK(!late.disconnected);
      CHECK(!late.subscribed);
    }
  };
  all_late(2);  // while nothing is under way
  const auto attempt = m.next_attempt(1'000);
  all_late(1'001);  // while the next attempt is
  CHECK(m.phase() == Phase::connecting);
  m.answered(attempt.generation, stream_head("new"), "", attempt.at_ms);
  all_late(attempt.at_ms);
  m.subscribed_event(attempt.generation, FrameworkId("fw"), 15, attempt.at_ms);
  all_late(attempt.at_ms + 1);
  CHECK(m.phase() == Phase::subscribed);
  CHECK(m.stream_id() == "new");
  CHECK(m.framework().value == "fw");
}

TEST_CASE("rule 46: a new subscription voids every offer; an ACCEPT of an older one never leaves") {
  engine::AcceptOffers accept;
  accept.offers = {OfferId("O1")};
  accept.agent = AgentId("S0");
  Task task;
  task.job = JobId("mimas-1");
  task.id = make_task_id(task.job, 0, 0);
  task.allocated = {.cpu_milli = 110, .mem_mib = 36};
  auto spec = std::make_shared<JobSpec>();
  spec->entry_point = "true";
  accept.launches = {{std::make_shared<const Task>(task), spec, {}}};

  Talk talk;
  Connection stream = talk.subscribe("s1");
  stream.event(kOffers);
  talk.ear.expect<engine::OffersReceived>();
  stream.end_stream();
  talk.ear.expect<engine::Disconnected>();
  Connection again = talk.subscribe("s2");
  talk.driver->send(accept);
  const auto refused = talk.ear.expect<engine::StatusUpdate>();
  CHECK(refused.state == engine::MesosState::dropped);
  CHECK(refused.reason == "INVALID_OFFERS");
  talk.driver->send(engine::ReviveOffers{});
  Connection calls = talk.master.accept();
  CHECK(call_in(calls.read_request()).type() == Call::REVIVE);

  // The engine has emptied its table when the first thing after SUBSCRIBED is looked at.
  engine::Play play;
  play.subscribe();
  play.feed(engine::OffersReceived{{play.offer("O1", "S0")}});
  play.subscribe();
  play.submit(engine::batch_spec());
  play.settle();
  CHECK(play.none<engine::AcceptOffers>());
}

TEST_CASE("rule 47: every SUBSCRIBE carries the suppressed roles as they are wanted at that moment") {
  Talk talk(v1::MediaType::json, [](DriverOptions& options) { options.roles = {"a", "b"}; });
  const auto suppressed = [&] {
    const Call call = talk.call_in(talk.request);
    const auto& roles = call.subscribe().suppressed_roles();
    return std::vector<std::string>(roles.begin(), roles.end());
  };
  using Roles = std::vector<std::string>;
  Connection stream = talk.subscribe();
  CHECK(suppressed() == Roles{});
  talk.driver->send(engine::SuppressOffers{});
  Connection calls = talk.master.accept();
  CHECK(call_in(calls.read_request()).type() == Call::SUPPRESS);
  calls.accept_call();
  stream.end_stream();
  talk.ear.expect<engine::Disconnected>();
  stream = talk.asked();
  CHECK(suppressed() == Roles{"a", "b"});
  talk.driver->send(engine::ReviveOffers{{"a"}});  // nobody listens, but it is wanted
  stream.close();
  stream = talk.asked();
  CHECK(suppressed() == Roles{"b"});
  // Between the question and its answer: made up for once the engine acts on the new subscription.
  talk.driver->send(engine::ReviveOffers{});
  stream.begin_stream("s");
  stream.event(kSubscribed);
  talk.ear.expect<engine::Subscribed>();
  talk.driver->send(engine::Reconcile{});
  calls = talk.master.accept();
  const auto update = call_in(calls.read_request());
  CHECK(update.type() == Call::UPDATE_FRAMEWORK);
  CHECK(update.update_framework().suppressed_roles().empty());
  calls.answer(200);
  CHECK(call_in(calls.read_request()).type() == Call::RECONCILE);
}

TEST_CASE("rule 48: stop says no TEARDOWN; teardown sends it and is over when the master has said 202") {
  {
    Talk talk;
    Connection stream = talk.subscribe();
    talk.driver->send(engine::ReviveOffers{});
    Connection calls = talk.master.accept();
    (void)calls.read_request();
    calls.accept_call();
    talk.driver->stop();
    CHECK(stream.peer_closes());
    CHECK(calls.peer_closes());
    CHECK(!talk.master.anybody_within(200));
    CHECK(talk.ear.quiet());
  }
  Talk talk;
  Connection stream = talk.subscribe();
  auto outcome = std::async(std::launch::async, [&] { return talk.driver->teardown(); });
  Connection calls = talk.master.accept();
  const auto teardown = call_in(calls.read_request());
  CHECK(teardown.type() == Call::TEARDOWN);
  CHECK(teardown.framework_id().value() == "fw-1");
  CHECK(outcome.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
  calls.accept_call();
  stream.end_stream();
  REQUIRE(outcome.wait_for(std::chrono::milliseconds(scripted::kPatienceMs)) == std::future_status::ready);
  CHECK(outcome.get().ok());
  CHECK(!talk.master.anybody_within(200));
  CHECK(talk.ear.quiet());
}

TEST_CASE("rule 49: the wall clock jumps a day forth and back: watchdog, back-off and offers do not notice") {
  struct Reset {
    ~Reset() { g_wall_clock_jump_secs = 0; }
  } reset;
  constexpr std::int64_t kDaySecs = 86'400;
  const Instant real = net::wall_now();
  g_wall_clock_jump_secs = kDaySecs;
  REQUIRE(net::wall_now() - real >= kDaySecs * 1000);  // the jump is seen at all
  g_wall_clock_jump_secs = 0;
  const Directory directory;
  Master master;
  engine::Policy policy;
  policy.offer_hold_ms = 3'600'000;
  Scheduler scheduler(master, directory.path, policy);
  scheduler.submit();  // wants more than the offer has, so that the offer is held
  Connection stream = begin(master, "s1");
  Connection calls = master.accept();
  (void)next_of(calls, Call::RECONCILE);
  calls.accept_call();
  std::string small = kOffers;
  small.replace(small.find(R"("value":512)"), 11, R"("value":1)");
  stream.event(small);
  for (const std::int64_t jump : {kDaySecs, -kDaySecs}) {
    g_wall_clock_jump_secs = jump;
    // A duty that is due at once shows that the loop is awake and has looked at its deadlines.
    stream.event(
        R"({"type":"UPDATE","update":{"status":{"task_id":{"value":"mimas-9-worker-0-0"},"state":"TASK_FAILED",)"
        R"("agent_id":{"value":"S0"},"uuid":"AAAAAAAAQACAAAAAAAAAAA=="}}})");
    for (;;) {
      const Call call = call_in(calls.read_request());
      calls.accept_call();
      CHECK(call.type() != Call::DECLINE);
      if (call.type() == Call::ACKNOWLEDGE) break;
    }
    CHECK(!master.anybody_within(100));
  }
  g_wall_clock_jump_secs = kDaySecs;
  stream.end_stream();
  Connection again = master.accept();
  (void)again.read_request();
  again.answer(503);
  g_wall_clock_jump_secs = -kDaySecs;
  Connection last = begin(master, "s2");
  Connection more = master.accept();
  (void)next_of(more, Call::RECONCILE);
}

TEST_CASE("rule 130: of two schedulers with one id the loser stops, after at most two evictions") {
  const Directory directory;
  pocket::PocketOptions options;
  options.listen = {"127.0.0.1", 0};
  options.work_dir = directory.path;
  auto cluster = pocket::Pocket::start(options);
  REQUIRE(cluster.ok());
  Ear first_ear, second_ear;
  const auto one = [&](Ear& ear) {
    DriverOptions twin;
    twin.masters = {(*cluster)->master()};
    twin.framework = FrameworkId("twin");
    return std::make_unique<Driver>(twin, ear.hooks());
  };
  const auto first = one(first_ear), second = one(second_ear);
  first->start();
  first_ear.expect<engine::Subscribed>();
  second->start();
  second_ear.expect<engine::Subscribed>();
  first_ear.expect<engine::Disconnected>();
  CHECK(first_ear.fatal().first == Fatal::failed_over);
  // The loser leaves the winner alone: its calls still work, and it hears nothing.
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  CHECK(second_ear.quiet());
  CHECK(second->teardown().ok());
  CHECK(first_ear.quiet());
}
