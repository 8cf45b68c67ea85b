// ACCEPT calls: what a launch says, what it is cut from, and who is refused; the other calls.
#include "mesos/launch.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mesos/calls.h"
#include "mesos/resource_pool.h"
#include "mesos/translate.h"
#include "recording.h"
#include "v1/codec.h"

using namespace mimas;
using namespace mimas::mesos;

namespace {

const LaunchOptions kOptions{FrameworkId("fw"), "http://10.0.0.9:8080", "1.0+x", "x86_64", "", {}, {}};

pb::Offer offer(const std::string& id, const std::string& resources) {
  pb::Offer out;
  const auto status = v1::decode_tolerant(R"({"id":{"value":")" + id +
                                              R"("},"agent_id":{"value":"S0"},"hostname":"h","resources":[)" +
                                              resources + "]}",
                                          v1::MediaType::json, &out);
  REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
  return out;
}

const char* const kPlain =
    R"({"name":"cpus","type":"SCALAR","scalar":{"value":4},"allocation_info":{"role":"*"}},
  {"name":"mem","type":"SCALAR","scalar":{"value":900},"allocation_info":{"role":"*"}},
  {"name":"disk","type":"SCALAR","scalar":{"value":4000},"allocation_info":{"role":"*"}},
  {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31099}]},"allocation_info":{"role":"*"}})";

OfferBook book(const std::string& resources = kPlain) { return {{OfferId("O1"), offer("O1", resources)}}; }

engine::Launch launch(std::int64_t number = 0) {
  JobSpec spec;
  spec.name = "web";
  spec.entry_point = "exec ./server";
  spec.env = {{"GREETING", "hi"}, {"MIMAS_JOB_ID", "forged"}};
  spec.labels = {{"team", "a"}};
  spec.container_ports = {8080, 0};
  spec.kill_grace_ms = 7'000;
  Task task;
  task.job = JobId("mimas-7");
  task.id = make_task_id(task.job, 2, number);
  task.index = 2;
  task.number = number;
  task.allocated.cpu_milli = 510;
  task.allocated.mem_mib = 132;
  task.allocated.disk_mib = 100;
  task.allocated.ports = *Ports::from_ranges({{31000, 31001}});
  return {std::make_shared<const Task>(task), std::make_shared<const JobSpec>(spec), {{"arch", "aarch64"}}};
}

engine::AcceptOffers accept(std::vector<engine::Launch> launches) {
  return {{OfferId("O1")}, AgentId("S0"), std::move(launches), 1'500};
}

const pb::TaskInfo& only_task(const AcceptCall& made) {
  REQUIRE(made.refused.empty());
  REQUIRE(made.call.accept().operations_size() == 1);
  REQUIRE(made.call.accept().operations(0).launch().task_infos_size() == 1);
  return made.call.accept().operations(0).launch().task_infos(0);
}

template <class Change>
engine::Launch changed(engine::Launch from, Change change) {
  Task task = *from.task;
  JobSpec spec = *from.spec;
  change(task, spec);
  from.task = std::make_shared<const Task>(task);
  from.spec = std::make_shared<const JobSpec>(spec);
  return from;
}

}  // namespace

TEST_CASE("a launch says who, where, how much, and how it is fetched and ended") {
  OfferBook offers = book();
  const auto made = make_accept(accept({launch()}), kOptions, offers);
  CHECK(offers.empty());
  CHECK(made.call.framework_id().value() == "fw");
  CHECK(made.call.type() == scheduler::Call::ACCEPT);
  CHECK(made.call.accept().offer_ids(0).value() == "O1");
  CHECK(made.call.accept().filters().refuse_seconds() == 1.5);
  CHECK(made.call.IsInitialized());
  const auto& task = only_task(made);
  CHECK(task.name() == "web");
  CHECK(task.task_id().value() == "mimas-7-worker-2-0");
  CHECK(task.agent_id().value() == "S0");
  CHECK(!task.has_command());
  CHECK(task.kill_policy().grace_period().nanoseconds() == 7'000'000'000);
  CHECK(!task.has_max_completion_time());
  CHECK(task.labels().labels(0).key() == "team");
  const auto own = to_resources(task.resources());
  CHECK(own.cpu_milli == 500);
  CHECK(own.mem_mib == 128);
  CHECK(own.disk_mib == 100);
  CHECK(own.ports.text() == "[31000-31001]");
  for (const auto& resource : task.resources()) CHECK(resource.allocation_info().role() == "*");
}

TEST_CASE("every task has an executor of its own: static, fetched for the agent's architecture") {
  OfferBook offers = book();
  const auto with_artifact = changed(launch(), [](Task&, JobSpec& spec) {
    spec.artifacts = {{"http://files/a.tgz?sig=1/2", true, false, true}};
  });
  const auto made = make_accept(accept({with_artifact}), kOptions, offers);
  const auto& executor = only_task(made).executor();
  CHECK(executor.type() == pb::ExecutorInfo::CUSTOM);
  CHECK(executor.executor_id().value() == "mimas-7-worker-2-0");
  CHECK(executor.framework_id().value() == "fw");
  CHECK(executor.name() == "mimas");
  CHECK(executor.source() == "mimas-7");
  const auto share = to_resources(executor.resources());
  CHECK(share.cpu_milli == kExecutorCpuMilli);
  CHECK(share.mem_mib == kExecutorMemMib);
  const auto& command = executor.command();
  CHECK(!command.shell());
  CHECK(command.value() == "./mimas-executor");
  REQUIRE(command.arguments_size() == 1);
  CHECK(command.arguments(0) == "mimas-executor");
  CHECK(!command.has_user());
  REQUIRE(command.uris_size() == 2);
  CHECK(command.uris(0).value() == "http://10.0.0.9:8080/executor/arm64?version=1.0%2Bx");
  CHECK(command.uris(0).executable());
  CHECK(!command.uris(0).extract());
  CHECK(command.uris(0).cache());
  CHECK(command.uris(0).output_file() == "mimas-executor");
  CHECK(command.uris(1).value() == "http://files/a.tgz?sig=1/2");
  CHECK(command.uris(1).output_file() == "a.tgz");
  CHECK(command.uris(1).extract());
  CHECK(!command.uris(1).executable());
}

TEST_CASE("tasks in a shared executor describe it by the same bytes, and pay for it once") {
  const auto in_shared = [](std::int64_t number, bool charged, bool artifact) {
    auto one = changed(launch(number), [&](Task& task, JobSpec& spec) {
      task.executor = "mimas-shared-1";
      task.allocated.ports = {};
      if (!charged) {
        task.allocated.cpu_milli -= kExecutorCpuMilli;
        task.allocated.mem_mib -= kExecutorMemMib;
      }
      if (artifact) spec.artifacts = {{"http://files/tool"}};
    });
    one.shared = true;
    one.charged = charged;
    return one;
  };
  // The second one's offer has nothing without a reservation.
  OfferBook offers = book();
  auto first_offer = offer("O1", kPlain);
  first_offer.mutable_allocation_info()->set_role("r");
  offers[OfferId("O1")] = first_offer;
  auto reserved = offer("O2", R"({"name":"cpus","type":"SCALAR","scalar":{"value":4},
      "reservations":[{"type":"STATIC","role":"r"}]},{"name":"mem","type":"SCALAR","scalar":{"value":900},
      "reservations":[{"type":"STATIC","role":"r"}]},{"name":"disk","type":"SCALAR","scalar":{"value":900}})");
  reserved.mutable_allocation_info()->set_role("r");
  offers.emplace(OfferId("O2"), reserved);
  const auto first =
      make_accept(accept({in_shared(0, true, false), in_shared(1, false, false)}), kOptions, offers);
  REQUIRE(first.refused.empty());
  const auto& tasks = first.call.accept().operations(0).launch();
  REQUIRE(tasks.task_infos_size() == 2);
  auto later = accept({in_shared(2, false, false)});
  later.offers = {OfferId("O2")};
  const auto second = make_accept(later, kOptions, offers);
  const std::string bytes = tasks.task_infos(0).executor().SerializeAsString();
  CHECK(tasks.task_infos(1).executor().SerializeAsString() == bytes);
  CHECK(only_task(second).executor().SerializeAsString() == bytes);
  const auto& executor = tasks.task_infos(0).executor();
  CHECK(executor.executor_id().value() == "mimas-shared-1");
  CHECK_FALSE(executor.has_source());
  CHECK(executor.command().arguments(executor.command().arguments_size() - 1) == "--shared");
  CHECK(to_resources(executor.resources()).cpu_milli == kExecutorCpuMilli);
  CHECK(executor.resources(0).allocation_info().role() == "r");
  for (const auto& task : tasks.task_infos()) {
    CHECK(to_resources(task.resources()).cpu_milli == 500);
    CHECK(to_resources(task.resources()).mem_mib == 128);
  }
}

TEST_CASE("a shared executor's share is not cut from a reservation, which later tasks' offers may lack") {
  auto one = changed(launch(), [](Task& task, JobSpec&) {
    task.executor = "mimas-shared-1";
    task.allocated.ports = {};
  });
  one.shared = true;
  OfferBook offers = book(R"({"name":"cpus","type":"SCALAR","scalar":{"value":4},
      "reservations":[{"type":"STATIC","role":"r"}]},{"name":"mem","type":"SCALAR","scalar":{"value":900}},
      {"name":"disk","type":"SCALAR","scalar":{"value":900}})");
  const auto made = make_accept(accept({one}), kOptions, offers);
  REQUIRE(made.refused.size() == 1);
  CHECK(made.refused[0].state == engine::MesosState::dropped);
  CHECK(made.refused[0].reason == "EXECUTOR_SHARE");
  one.shared = false;
  offers = book(R"({"name":"cpus","type":"SCALAR","scalar":{"value":4},
      "reservations":[{"type":"STATIC","role":"r"}]},{"name":"mem","type":"SCALAR","scalar":{"value":900}},
      {"name":"disk","type":"SCALAR","scalar":{"value":900}})");
  CHECK(make_accept(accept({one}), kOptions, offers).refused.empty());
}

TEST_CASE("a runtime limit is told to Mesos in nanoseconds and never overflows") {
  const auto limited = [](std::int64_t ms) {
    return changed(launch(), [ms](Task&, JobSpec& spec) { spec.runtime_limit_ms = ms; });
  };
  OfferBook offers = book();
  CHECK(only_task(make_accept(accept({limited(1'500)}), kOptions, offers))
            .max_completion_time()
            .nanoseconds() == 1'500'000'000);
  offers = book();
  CHECK(only_task(make_accept(accept({limited(INT64_MAX)}), kOptions, offers))
            .max_completion_time()
            .nanoseconds() > 0);
}

TEST_CASE("pieces keep their reservations and allocation, reserved ones go first, and sums are exact") {
  OfferBook offers =
      book(R"({"name":"cpus","type":"SCALAR","scalar":{"value":4},"allocation_info":{"role":"r"}},
    {"name":"cpus","type":"SCALAR","scalar":{"value":0.3},"allocation_info":{"role":"r"},
     "reservations":[{"type":"DYNAMIC","role":"r","principal":"p"}]},
    {"name":"cpus","type":"SCALAR","scalar":{"value":8},"revocable":{}},
    {"name":"mem","type":"SCALAR","scalar":{"value":131.5}},{"name":"mem","type":"SCALAR","scalar":{"value":0.5}},
    {"name":"disk","type":"SCALAR","scalar":{"value":100}},
    {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31000}]}},
    {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31001,"end":31009}]},
     "reservations":[{"type":"STATIC","role":"r"}]})");
  const auto made = make_accept(accept({launch()}), kOptions, offers);
  const auto& task = only_task(made);
  REQUIRE(task.executor().resources_size() == 2);
  CHECK(task.executor().resources(0).scalar().value() == 0.01);
  CHECK(task.executor().resources(0).reservations(0).principal() == "p");
  double reserved = 0, open = 0;
  for (const auto& resource : task.resources()) {
    CHECK(!resource.has_revocable());
    if (resource.name() != "cpus") continue;
    (resource.reservations_size() > 0 ? reserved : open) += resource.scalar().value();
    CHECK(resource.allocation_info().role() == "r");
  }
  CHECK(reserved == 0.29);
  CHECK(open == 0.21);
  CHECK(to_resources(task.resources()).mem_mib == 128);
  CHECK(to_resources(task.resources()).ports.text() == "[31000-31001]");
}

TEST_CASE("several tasks are cut from one offer until it is used up, and the one too many is refused") {
  OfferBook offers = book();
  std::vector<engine::Launch> launches;
  for (std::int64_t i = 0; i < 8; ++i) {
    launches.push_back(changed(launch(i), [](Task& task, JobSpec&) { task.allocated.ports = {}; }));
  }
  const auto made = make_accept(accept(launches), kOptions, offers);
  // 900 MiB hold six tasks of 132 MiB, 4 CPUs hold seven of 0.51.
  REQUIRE(made.call.accept().operations_size() == 1);
  CHECK(made.call.accept().operations(0).launch().task_infos_size() == 6);
  REQUIRE(made.refused.size() == 2);
  CHECK(made.refused[0].task.value == "mimas-7-worker-2-6");
  CHECK(made.refused[0].state == engine::MesosState::dropped);
  CHECK(made.refused[0].reason == "INVALID_OFFERS");
}

TEST_CASE("resources of several offers are aggregated") {
  OfferBook offers = book(R"({"name":"cpus","type":"SCALAR","scalar":{"value":0.3}},
    {"name":"disk","type":"SCALAR","scalar":{"value":100}},{"name":"mem","type":"SCALAR","scalar":{"value":500}})");
  offers.emplace(OfferId("O2"), offer("O2", R"({"name":"cpus","type":"SCALAR","scalar":{"value":0.3}},
    {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31005}]}})"));
  auto both = accept({launch()});
  both.offers.push_back(OfferId("O2"));
  const auto made = make_accept(both, kOptions, offers);
  CHECK(to_resources(only_task(made).resources()).cpu_milli == 500);
  CHECK(made.call.accept().offer_ids_size() == 2);
}

TEST_CASE(
    "a secret's value goes to the executor alone, read for each launch; without it only this task stays "
    "here") {
  engine::Launch with = launch(0);
  auto spec = std::make_shared<JobSpec>(*with.spec);
  spec->secret_env = {{"TOKEN", "shop/token"}};
  with.spec = spec;
  LaunchOptions options = kOptions;
  int reads = 0;
  options.secret = [&](const std::string& name) -> Result<std::string> {
    CHECK(name == "shop/token");
    return "s3cret-" + std::to_string(++reads);
  };
  for (int round = 1; round <= 2; ++round) {
    OfferBook offers = book();
    const AcceptCall sent = make_accept(accept({with}), options, offers);
    const pb::TaskInfo& task = only_task(sent);
    CHECK(task.data().find(R"("TOKEN":"s3cret-)" + std::to_string(round)) != std::string::npos);
    std::string rest = task.DebugString();
    rest.erase(rest.find("data:"), task.data().size());
    CHECK(rest.find("s3cret") == std::string::npos);
  }
  options.secret = [](const std::string&) -> Result<std::string> {
    return make_error(Code::not_found, "secret shop/token is not there");
  };
  OfferBook offers = book();
  const AcceptCall made = make_accept(accept({with, launch(1)}), options, offers);
  REQUIRE(made.refused.size() == 1);
  CHECK(made.refused[0].reason == engine::kSecretMissing);
  CHECK(made.refused[0].message == "secret shop/token is not there");
  CHECK(made.call.accept().operations(0).launch().task_infos_size() == 1);
  offers = book();
  CHECK(make_accept(accept({with}), kOptions, offers).refused.size() == 1);  // a server without secrets
  options.secret = [](const std::string&) -> Result<std::string> { return std::string(40'000, 'x'); };
  spec->secret_env["OTHER"] = "shop/token";
  offers = book();
  CHECK(make_accept(accept({with}), options, offers).refused.at(0).message.find("65536 bytes") !=
        std::string::npos);
}

static std::string data_of(const engine::Launch& launched, const LaunchOptions& options) {
  OfferBook offers = book();
  const AcceptCall made = make_accept(accept({launched}), options, offers);
  return only_task(made).data();
}

TEST_CASE("a container that names no network gets the server's default, and its ports are mapped there") {
  engine::Launch one = launch(0);
  auto spec = std::make_shared<JobSpec>(*one.spec);
  spec->runtime = Runtime::docker;
  spec->application_name = "app";
  spec->container_ports = {0, 0};
  one.spec = spec;
  LaunchOptions options = kOptions;
  const std::string host = data_of(one, options);
  CHECK(host.find("\"network\"") == std::string::npos);
  CHECK(host.find("\"ports\"") == std::string::npos);
  options.default_network = "bridge";
  const std::string bridge = data_of(one, options);
  CHECK(bridge.find(R"("network":"bridge")") != std::string::npos);
  CHECK(bridge.find(R"("ports":[{"container":31000,"host":31000},{"container":31001,"host":31001}])") !=
        std::string::npos);
}

TEST_CASE("a task for an unknown architecture is refused by name, the others go") {
  OfferBook offers = book();
  auto odd = launch(1);
  odd.attributes = {{"arch", "sparc"}};
  const auto made = make_accept(accept({odd, launch(2)}), kOptions, offers);
  REQUIRE(made.refused.size() == 1);
  CHECK(made.refused[0].task.value == "mimas-7-worker-2-1");
  CHECK(made.refused[0].reason == "UNKNOWN_ARCH");
  CHECK(made.refused[0].state == engine::MesosState::dropped);
  CHECK(made.refused[0].agent.value == "S0");
  CHECK(made.refused[0].message.find("sparc") != std::string::npos);
  CHECK(made.call.accept().operations(0).launch().task_infos_size() == 1);
}

TEST_CASE("with an offer that is gone nothing is launched, and what is left is given back") {
  OfferBook offers = book();
  auto stale = accept({launch()});
  stale.offers.push_back(OfferId("O-old"));
  const auto made = make_accept(stale, kOptions, offers);
  REQUIRE(made.refused.size() == 1);
  CHECK(made.refused[0].reason == "INVALID_OFFERS");
  CHECK(made.call.accept().operations_size() == 0);
  REQUIRE(made.call.accept().offer_ids_size() == 1);
  CHECK(offers.empty());
  const auto again = make_accept(stale, kOptions, offers);
  CHECK(again.refused.size() == 1);
  CHECK(again.call.accept().offer_ids_size() == 0);
}

TEST_CASE("a piece too small for a share leaves the pool as it was") {
  ResourcePool pool;
  pool.add(offer("o", kPlain).resources());
  ResourcePool::List cut;
  Resources want;
  want.cpu_milli = 4'000;
  want.mem_mib = 901;
  CHECK(!pool.take(want, &cut));
  CHECK(cut.empty());
  want.mem_mib = 900;
  CHECK(pool.take(want, &cut));
  CHECK(!pool.take(want, &cut));
}

// ---- the other calls

TEST_CASE("the first SUBSCRIBE has no framework id; golden: it says what the recorded one says") {
  DriverOptions options;
  options.framework_name = "wire-suite";
  options.failover_timeout_ms = 120'000;
  const auto call = make_subscribe(options, FrameworkId(), "", mimas::mesos::Standing(options.roles));
  CHECK(!call.has_framework_id());
  CHECK(!call.subscribe().framework_info().has_id());
  scheduler::Call recorded;
  REQUIRE(v1::decode(recording::request_body("s01-subscribe-and-stream.req"), v1::MediaType::json, &recorded)
              .ok());
  auto* info = recorded.mutable_subscribe()->mutable_framework_info();
  info->add_capabilities()->set_type(pb::FrameworkInfo::Capability::RESERVATION_REFINEMENT);
  info->add_capabilities()->set_type(pb::FrameworkInfo::Capability::GPU_RESOURCES);
  CHECK(call.SerializeAsString() == recorded.SerializeAsString());
}

TEST_CASE("with a stored id both fields carry it; golden: as recorded") {
  DriverOptions options;
  options.framework_name = "wire-suite";
  options.failover_timeout_ms = 120'000;
  const auto call = make_subscribe(options, FrameworkId("53bfa8f9-895c-4051-997e-a949d542b45e-0004"), "",
                                   mimas::mesos::Standing(options.roles));
  scheduler::Call recorded;
  REQUIRE(v1::decode(recording::request_body("s35-second-subscription.req"), v1::MediaType::json, &recorded)
              .ok());
  auto* info = recorded.mutable_subscribe()->mutable_framework_info();
  info->add_capabilities()->set_type(pb::FrameworkInfo::Capability::RESERVATION_REFINEMENT);
  info->add_capabilities()->set_type(pb::FrameworkInfo::Capability::GPU_RESOURCES);
  CHECK(call.SerializeAsString() == recorded.SerializeAsString());
}

TEST_CASE("golden: acknowledgements, kills and reconciliations are the recorded calls") {
  const auto recorded = [](const char* name) {
    scheduler::Call call;
    REQUIRE(v1::decode(recording::request_body(name), v1::MediaType::json, &call).ok());
    return call;
  };
  const auto same = [](const engine::Effect& effect, const scheduler::Call& expected) {
    const auto calls = make_calls(effect, FrameworkId(expected.framework_id().value()));
    REQUIRE(calls.size() == 1);
    CHECK(v1::encode(calls[0], v1::MediaType::json) == v1::encode(expected, v1::MediaType::json));
  };
  const auto ack = recorded("s09-ack-TASK_RUNNING.req");
  same(engine::Acknowledge{AgentId(ack.acknowledge().agent_id().value()),
                           TaskId(ack.acknowledge().task_id().value()), ack.acknowledge().uuid()},
       ack);
  const auto implicit = recorded("s13-reconcile-implicit.req");
  same(engine::Reconcile{}, implicit);
  const auto explicit_one = recorded("s12-reconcile-explicit.req");
  engine::Reconcile reconcile;
  for (const auto& task : explicit_one.reconcile().tasks()) {
    reconcile.tasks.push_back({TaskId(task.task_id().value()), AgentId(task.agent_id().value())});
  }
  same(reconcile, explicit_one);
  const auto kill = recorded("s14-kill.req");
  same(engine::KillOnAgent{TaskId(kill.kill().task_id().value()), AgentId(kill.kill().agent_id().value()),
                           kill.kill().kill_policy().grace_period().nanoseconds() / 1'000'000},
       kill);
  same(engine::ReviveOffers{}, recorded("s26-revive.req"));
  const auto decline = recorded("s23-decline.req");
  engine::DeclineOffers declined;
  for (const auto& id : decline.decline().offer_ids()) declined.offers.push_back(OfferId(id.value()));
  declined.refuse_ms = static_cast<std::int64_t>(decline.decline().filters().refuse_seconds() * 1000);
  same(declined, decline);
}

TEST_CASE("a long reconciliation is cut into calls of bounded size") {
  engine::Reconcile reconcile;
  for (std::size_t i = 0; i < 2 * kReconcileIdsMax + 1; ++i) {
    reconcile.tasks.push_back({TaskId("t" + std::to_string(i)), AgentId()});
  }
  const auto calls = make_calls(reconcile, FrameworkId("fw"));
  REQUIRE(calls.size() == 3);
  CHECK(calls[0].reconcile().tasks_size() == static_cast<int>(kReconcileIdsMax));
  CHECK(calls[2].reconcile().tasks_size() == 1);
  CHECK(!calls[2].reconcile().tasks(0).has_agent_id());
}

TEST_CASE("what has nothing to say to the master makes no call") {
  CHECK(make_calls(engine::Reply{0, engine::Answer(Done{})}, FrameworkId("fw")).empty());
  CHECK(make_calls(engine::DeclineOffers{}, FrameworkId("fw")).empty());
  CHECK(make_calls(engine::Acknowledge{AgentId(), TaskId("t"), std::string(16, 'x')}, FrameworkId("fw"))
            .empty());
  CHECK(make_calls(engine::Acknowledge{AgentId("a"), TaskId("t"), ""}, FrameworkId("fw")).empty());
}
