// Offers, launches and operations: rules 50 to 56, 72, 74 to 76 of the conformance list. Decisions by values
// and virtual time; what goes over the wire through the whole driver against a master of raw bytes.
#include <doctest/doctest.h>
#include <google/protobuf/unknown_field_set.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../engine/play.h"
#include "ear.h"
#include "mesos/calls.h"
#include "mesos/event_reader.h"
#include "mesos/launch.h"
#include "mesos/operation.h"
#include "mesos/resource_pool.h"
#include "mesos/translate.h"
#include "scheduler.h"
#include "store/store.h"
#include "v1/codec.h"

using namespace mimas;
using namespace mimas::mesos;
using engine::MesosState;
using engine::Play;
using rules::Call;
using rules::Talk;
using scripted::Connection;

namespace {

const std::string kTask = "mimas-1-worker-0-0";

std::string cpus(const std::string& value, const std::string& more = {}) {
  return R"({"name":"cpus","type":"SCALAR","scalar":{"value":)" + value + "}" + more + "}";
}

std::string offers(const std::string& id, const std::string& resources) {
  return R"({"type":"OFFERS","offers":{"offers":[{"id":{"value":")" + id +
         R"("},"framework_id":{"value":"fw-1"},"agent_id":{"value":"a1"},"hostname":"h","resources":[)" +
         resources + "]}]}}";
}

std::string rescind(const std::string& id) {
  return R"({"type":"RESCIND","rescind":{"offer_id":{"value":")" + id + R"("}}})";
}

pb::Offer offer_of(const std::string& resources, v1::MediaType codec) {
  const auto event = read_event(offers("o1", resources), v1::MediaType::json);
  pb::Offer offer = std::get<OffersEvent>(event).offers.at(0);
  if (codec == v1::MediaType::json) return offer;
  pb::Offer again;
  REQUIRE(v1::decode_tolerant(offer.SerializePartialAsString(), codec, &again).ok());
  return again;
}

engine::AcceptOffers one_launch(std::int64_t cpu_milli = 500) {
  Task task;
  task.job = JobId("mimas-1");
  task.id = TaskId(kTask);
  task.allocated.cpu_milli = cpu_milli;
  task.allocated.mem_mib = kExecutorMemMib;
  engine::Launch launch{std::make_shared<const Task>(task), engine::batch_spec(), {}};
  return {{OfferId("o1")}, AgentId("a1"), {launch}, 0, {}};
}

const std::string kMem = R"({"name":"mem","type":"SCALAR","scalar":{"value":512}})";

}  // namespace

TEST_CASE("rule 50: RESCIND of an unknown or used offer is no error; a held one is not matched again") {
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(rescind("never-seen"));
  stream.event(offers("o1", cpus("1") + "," + kMem));
  stream.event(rescind("o1"));
  stream.event(rescind("o1"));
  Play play;
  play.subscribe();
  play.submit(engine::batch_spec());
  play.feed(talk.ear.expect<engine::OfferRescinded>());
  play.feed(talk.ear.expect<engine::OffersReceived>());
  play.feed(talk.ear.expect<engine::OfferRescinded>());
  play.feed(talk.ear.expect<engine::OfferRescinded>());
  play.settle();
  CHECK(play.none<engine::AcceptOffers>());
  // An ACCEPT that crossed the RESCIND does not leave either.
  talk.driver->send(one_launch());
  const auto update = talk.ear.expect<engine::StatusUpdate>();
  CHECK(update.task.value == kTask);
  CHECK(update.reason == "INVALID_OFFERS");
  talk.driver->send(engine::ReviveOffers{});
  Connection calls = talk.master.accept();
  CHECK(talk.call_in(calls.read_request()).type() == Call::REVIVE);
}

TEST_CASE("rule 51: OFFERS that repeats an id already held replaces it") {
  Play play;
  play.subscribe();
  play.submit(engine::batch_spec(), 2);
  play.feed(engine::OffersReceived{{play.offer("o1", "a1", 500)}});
  play.feed(engine::OffersReceived{{play.offer("o1", "a1", 600)}});
  play.settle();
  CHECK(play.only<engine::AcceptOffers>()->offers == std::vector{OfferId("o1")});
  CHECK(play.only<engine::AcceptOffers>()->launches.size() == 1);
}

TEST_CASE("rule 52: an offer held past its deadline is declined by itself") {
  Play play;
  play.subscribe();
  play.submit(engine::batch_spec());
  play.offer_and_settle("a1", 100);
  CHECK(play.none<engine::DeclineOffers>());
  CHECK(play.last.wake_at <= play.now + play.policy.offer_hold_ms);
  play.after(play.policy.offer_hold_ms);
  play.settle();
  CHECK(play.only<engine::DeclineOffers>()->offers.size() == 1);
  CHECK(play.only<engine::DeclineOffers>()->refuse_ms == play.policy.busy_refuse_ms);
  play.settle();
  CHECK(play.none<engine::DeclineOffers>());
}

TEST_CASE(
    "rule 53: offers of one agent in two roles are never put together; those in one role are one ACCEPT") {
  for (const bool named : {false, true}) {
    CAPTURE(named);
    engine::Policy policy;
    if (named) policy.roles = {"*", "x"};
    Play play(policy);
    play.subscribe();
    play.submit(engine::batch_spec(), 2);
    play.feed(engine::OffersReceived{{play.offer("o1", "a1", 300), play.offer("o2", "a1", 300),
                                      play.offer("o3", "a1", 300, 1'024, "x"),
                                      play.offer("o4", "a1", 100, 1'024, "x")}});
    play.settle();
    auto* accept = play.only<engine::AcceptOffers>();
    CHECK(accept->offers == std::vector{OfferId("o1"), OfferId("o2")});
    CHECK(accept->launches.size() == 1);
  }
}

TEST_CASE("rule 54: an ACCEPT whose answer is lost is not repeated; its task is asked about after a grace") {
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(offers("o1", cpus("1") + "," + kMem));
  Play play;
  play.subscribe();
  play.submit(engine::batch_spec());
  play.feed(talk.ear.expect<engine::OffersReceived>());
  play.settle();
  talk.driver->send(*play.only<engine::AcceptOffers>());
  {
    Connection calls = talk.master.accept();
    CHECK(talk.call_in(calls.read_request()).type() == Call::ACCEPT);
    calls.close();
  }
  // The call is not tried a second time; the subscription is, and the ACCEPT is not among its calls.
  play.feed(talk.ear.expect<engine::Disconnected>());
  Connection again = talk.asked();
  again.begin_stream("stream-2");
  again.event(rules::kSubscribed);
  const auto subscribed = talk.ear.expect<engine::Subscribed>();
  play.after(100);
  play.feed(subscribed);
  REQUIRE(play.questions().size() == 1);
  const engine::Reconcile question = play.questions()[0];
  CHECK(question.tasks.at(0).task.value == kTask);
  CHECK(question.tasks.at(0).agent == AgentId("a1"));
  talk.driver->send(question);
  Connection calls = talk.master.accept();
  CHECK(talk.call_in(calls.read_request()).type() == Call::RECONCILE);
  // Without a lost connection it is the grace that asks, and nothing is launched in its place.
  Play quiet;
  quiet.subscribe();
  quiet.submit(engine::batch_spec());
  quiet.offer_and_settle("a1");
  CHECK(quiet.last.wake_at <= quiet.now + quiet.policy.launch_grace_ms);
  quiet.after(quiet.policy.launch_grace_ms);
  quiet.offer_and_settle("a1");
  REQUIRE(quiet.questions().size() == 1);
  CHECK(quiet.none<engine::AcceptOffers>());
  CHECK(quiet.task(kTask).state == TaskState::dispatched);
}

TEST_CASE("rule 55: killed between commit and ACCEPT, the task is known after the restart and asked about") {
  const rules::Directory directory;
  const pid_t child = ::fork();
  if (child == 0) {
    // Commits the launch and dies before anything of it is sent.
    auto store = store::Store::open(directory.path);
    if (!store.ok()) ::_exit(1);
    engine::State state;
    engine::SubmitJob submit;
    submit.spec = engine::batch_spec();
    Offer offer;
    offer.id = OfferId("o1");
    offer.agent = AgentId("a1");
    offer.resources.cpu_milli = offer.resources.mem_mib = 1'000;
    engine::StatusUpdate listed;
    listed.task = TaskId(std::string(engine::kListingEnd));
    listed.reason = "RECONCILIATION";
    for (const engine::Input& input :
         std::vector<engine::Input>{engine::Subscribed{FrameworkId("F"), "m"}, listed, submit,
                                    engine::OffersReceived{{offer}}, engine::Settle{}}) {
      const engine::Step step = engine::step(state, input, Instant{1'000'000});
      if (!(*store)->commit(step.changes).ok()) ::_exit(2);
      for (const engine::Effect& effect : step.effects) {
        if (std::holds_alternative<engine::AcceptOffers>(effect)) ::raise(SIGKILL);
      }
    }
    ::_exit(3);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);

  auto store = store::Store::open(directory.path);
  REQUIRE(store.ok());
  auto loaded = (*store)->load();
  REQUIRE(loaded.ok());
  REQUIRE(loaded->tasks.size() == 1);
  CHECK(loaded->tasks[0].state == TaskState::dispatched);
  Play play;
  play.state = engine::State({}, {loaded->framework, loaded->next_job_number, loaded->jobs, loaded->tasks});
  for (const Job& job : loaded->jobs) play.jobs[job.number] = job;
  for (const Task& task : loaded->tasks) play.tasks[task.id.value] = task;
  play.subscribe();
  REQUIRE(play.questions().size() == 1);
  CHECK(play.questions()[0].tasks.at(0).task.value == kTask);
  play.offer_and_settle("a1");
  CHECK(play.none<engine::AcceptOffers>());
}

TEST_CASE(
    "rule 56: INVALID_OFFERS for a running task is asked about with its agent, and nothing is launched") {
  Play play;
  play.running(engine::batch_spec());
  play.master_says(kTask, MesosState::dropped, "INVALID_OFFERS");
  CHECK(play.questions().at(0).tasks.at(0).task.value == kTask);
  CHECK(play.questions().at(0).tasks.at(0).agent == AgentId("a1"));
  CHECK(play.task(kTask).state == TaskState::running);
  play.offer_and_settle("a1");
  CHECK(play.none<engine::AcceptOffers>());
  CHECK(play.tasks.size() == 1);
}

TEST_CASE("rule 72: amounts are counted in thousandths, and ranges without a special case at their ends") {
  const auto amount = [](const std::string& resources) {
    return to_resources(offer_of(resources, v1::MediaType::json).resources());
  };
  Resources tenth = amount(cpus("0.1"));
  Resources ten;
  for (int i = 0; i < 10; ++i) ten += tenth;
  CHECK(ten.fits(amount(cpus("1.0"))));
  CHECK(amount(cpus("1.0")).fits(ten));
  Resources left = amount(cpus("0.3"));
  left -= tenth;
  left -= amount(cpus("0.2"));
  CHECK(left.cpu_milli == 0);
  CHECK(amount(cpus("1e-4")).cpu_milli == 0);
  CHECK(amount(cpus("2.9999")).cpu_milli == 3'000);
  // The pool cuts ten tasks of a tenth out of one CPU, to the last of it.
  ResourcePool pool;
  pool.add(offer_of(cpus("1.0"), v1::MediaType::json).resources());
  for (int i = 0; i < 10; ++i) {
    ResourcePool::List cut;
    REQUIRE(pool.take(tenth, &cut));
    CHECK(cut.at(0).scalar().value() == 0.1);
  }
  ResourcePool::List none;
  CHECK_FALSE(pool.take(tenth, &none));
  Ports ports = *Ports::from_ranges({{1, 3}});
  ports.subtract(*Ports::from_ranges({{2, 2}}));
  CHECK(ports.text() == "[1-1, 3-3]");
  const auto ranges = [&](const std::string& range) {
    return amount(R"({"name":"ports","type":"RANGES","ranges":{"range":[)" + range + "]}}").ports;
  };
  Ports top = ranges(R"({"begin":65534,"end":18446744073709551615})");
  CHECK(top.text() == "[65534-65535]");
  top.subtract(*Ports::from_ranges({{65'535, 65'535}}));
  CHECK(top.text() == "[65534-65534]");
  CHECK(ranges(R"({"begin":18446744073709551615,"end":18446744073709551615})").empty());
}

TEST_CASE("rule 74: reservations of either format and unknown disks are kept, and go back as they came") {
  const std::string refined =
      R"(,"allocation_info":{"role":"a/b"},"reservations":[{"type":"STATIC","role":"a"},)"
      R"({"type":"DYNAMIC","role":"a/b","principal":"p","labels":{"labels":[{"key":"k"}]}}])";
  const std::string old = R"(,"role":"a","reservation":{"principal":"p"},"allocation_info":{"role":"a"})";
  const std::string disk =
      R"({"name":"disk","type":"SCALAR","scalar":{"value":10},"disk":{"source":{"type":"NVME9"}}})";
  for (const auto codec : {v1::MediaType::json, v1::MediaType::protobuf}) {
    for (const std::string& reservation : {refined, old}) {
      CAPTURE(reservation);
      const pb::Offer offer = offer_of(cpus("0.51", reservation) + "," + kMem + "," + disk, codec);
      REQUIRE(to_offer(offer).ok());
      CHECK(to_offer(offer)->resources.cpu_milli == 510);
      CHECK(to_offer(offer)->resources.disk_mib == 0);
      OfferBook book{{OfferId("o1"), offer}};
      const AcceptCall made =
          make_accept(one_launch(510), {FrameworkId("F"), "http://s", "1", "x86_64", ""}, book);
      REQUIRE(made.refused.empty());
      // Over the wire and back: what the master sees.
      Call call;
      REQUIRE(v1::decode(v1::encode(made.call, codec), codec, &call).ok());
      CHECK(call.accept().offer_ids(0).value() == "o1");
      const auto& task = call.accept().operations(0).launch().task_infos(0);
      REQUIRE(task.resources_size() == 1);
      for (pb::Resource piece : {task.resources(0), task.executor().resources(0)}) {
        CHECK(piece.scalar().value() < 0.51);
        *piece.mutable_scalar() = offer.resources(0).scalar();
        CHECK(piece.SerializeAsString() == offer.resources(0).SerializeAsString());
      }
    }
  }
  // A volume on a disk of a kind that nobody here knows goes back as it came, in either media type.
  const std::string volume =
      R"({"name":"disk","type":"SCALAR","scalar":{"value":10},"reservations":[{"type":"STATIC","role":"a"}],)"
      R"("disk":{"persistence":{"id":"v"},"source":{"type":"NVME9","id":"x"}}})";
  Operation destroy;
  destroy.type = OperationType::destroy;
  destroy.volume = "v";
  for (const bool by_name : {true, false}) {
    pb::Offer offer = offer_of(volume, v1::MediaType::json);
    if (!by_name) {
      auto* source = offer.mutable_resources(0)->mutable_disk()->mutable_source();
      source->GetReflection()->MutableUnknownFields(source)->Clear();
      source->GetReflection()->MutableUnknownFields(source)->AddVarint(1, 99);
    }
    ResourcePool pool;
    pool.add(offer.resources());
    const auto made = make_operation(destroy, "", pool);
    REQUIRE(made.ok());
    if (by_name) {
      const std::string sent = v1::encode(*made, v1::MediaType::json);
      CHECK(sent.find(R"("source":{"type":"NVME9","id":"x"})") != std::string::npos);
    } else {
      const std::string sent = v1::encode(*made, v1::MediaType::protobuf);
      CHECK(sent.find(offer.resources(0).SerializePartialAsString()) != std::string::npos);
    }
  }
}

TEST_CASE(
    "rule 75: UPDATE_FRAMEWORK carries user, principal and checkpoint as before; later calls wait for its "
    "200") {
  Talk talk(v1::MediaType::json, [](DriverOptions& options) {
    options.user = "svc";
    options.principal = "me";
    options.roles = {"prod"};
  });
  Connection stream = talk.subscribe();
  const auto before = talk.call_in(talk.request).subscribe().framework_info();
  engine::ConstrainOffers wish;
  wish.roles["prod"] = {
      {{engine::AttributeTest::Kind::text_equals, engine::AttributeTest::Selector::attribute, "rack", "r1"}}};
  talk.driver->send(wish);
  talk.driver->send(engine::ReviveOffers{});
  Connection calls = talk.master.accept();
  const Call update = talk.call_in(calls.read_request());
  REQUIRE(update.type() == Call::UPDATE_FRAMEWORK);
  const auto& info = update.update_framework().framework_info();
  CHECK(info.user() == "svc");
  CHECK(info.principal() == "me");
  CHECK(info.checkpoint());
  CHECK(info.id().value() == "fw-1");
  pb::FrameworkInfo same = info;
  same.clear_id();
  CHECK(same.SerializeAsString() == before.SerializeAsString());
  CHECK(update.update_framework().offer_constraints().role_constraints().at("prod").groups_size() == 1);
  CHECK_FALSE(calls.sends_within(200));
  calls.answer(200);
  CHECK(talk.call_in(calls.read_request()).type() == Call::REVIVE);
}

TEST_CASE(
    "rule 76: an operation's status with a uuid is acknowledged raw, with its agent; without one it is not") {
  Talk talk;
  Connection stream = talk.subscribe();
  const auto status = [](const std::string& more) {
    return R"({"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":{"operation_id":)"
           R"({"value":"mimas-op-1.1"},"state":"OPERATION_FINISHED")" +
           more + "}}}";
  };
  stream.event(status(""));
  stream.event(status(R"(,"agent_id":{"value":"a1"},"uuid":{"value":"/+8CAwQFBgcICQoLDA0ODw=="})"));
  Play play;
  play.subscribe();
  for (const bool has_uuid : {false, true}) {
    play.feed(talk.ear.expect<engine::OperationUpdate>());
    CHECK(play.none<engine::AcknowledgeOperation>() == !has_uuid);
  }
  talk.driver->send(*play.only<engine::AcknowledgeOperation>());
  Connection calls = talk.master.accept();
  const scripted::Request request = calls.read_request();
  CHECK(request.body.find(R"("uuid":"/+8CAwQFBgcICQoLDA0ODw==")") != std::string::npos);
  const Call call = talk.call_in(request);
  REQUIRE(call.type() == Call::ACKNOWLEDGE_OPERATION_STATUS);
  CHECK(call.acknowledge_operation_status().agent_id().value() == "a1");
  CHECK(call.acknowledge_operation_status().operation_id().value() == "mimas-op-1.1");
  CHECK(call.acknowledge_operation_status().uuid().size() == 16);
}
