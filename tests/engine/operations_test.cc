// Operations from the request to their end: offers that fit, feedback and its absence, loss and restart.
#include "play.h"

namespace mimas::engine {
namespace {

struct Desk {
  Play play{policy()};
  static Policy policy() {
    Policy one;
    one.roles = {"prod", "*"};
    return one;
  }

  Offer offer(const std::string& id, std::int64_t unreserved_cpu, std::int64_t reserved_cpu = 0,
              std::int64_t reserved_disk = 0) {
    Offer one = play.offer(id, "a1", unreserved_cpu + reserved_cpu, 0, "prod");
    one.unreserved.cpu_milli = unreserved_cpu;
    one.reserved.cpu_milli = reserved_cpu;
    one.reserved.disk_mib = one.resources.disk_mib = reserved_disk;
    return one;
  }
  void offers(std::vector<Offer> all) {
    play.feed(OffersReceived{std::move(all)});
    play.settle();
  }

  Code refused(RequestOperation wanted) {
    wanted.request = 1;
    play.feed(wanted);
    auto* reply = play.only<Reply>();
    REQUIRE_FALSE(reply->answer.ok());
    return reply->answer.error().code;
  }
  void ask(RequestOperation wanted) {
    wanted.request = 1;
    play.feed(wanted);
    auto* reply = play.only<Reply>();
    REQUIRE(reply->answer.ok());
    CHECK(std::holds_alternative<OperationAccepted>(*reply->answer));
    play.settle();
  }
  static RequestOperation reserve(std::int64_t cpu_milli = 500) {
    RequestOperation wanted;
    wanted.agent = AgentId("a1");
    wanted.role = "prod";
    wanted.amounts.cpu_milli = cpu_milli;
    return wanted;
  }
  const Operation& operation(std::int64_t number = 1) { return play.operations.at(number); }
  OperationState state(std::int64_t number = 1) { return operation(number).state; }

  OperationUpdate update(MesosOperationState state_now, std::string message = {}, std::string uuid = {}) {
    return {wire_operation_id(operation()), state_now, AgentId(uuid.empty() ? "" : "a1"), std::move(uuid),
            std::move(message)};
  }
  void says(MesosOperationState state_now, std::string message = {}, std::string uuid = {}) {
    play.feed(update(state_now, std::move(message), std::move(uuid)));
  }
  void send() {
    play.subscribe();
    ask(reserve());
    offers({offer("o1", 1'000)});
    REQUIRE(state() == OperationState::sent);
  }
};

TEST_CASE("an operation waits for an offer of its agent and role that holds what it needs") {
  Desk desk;
  desk.play.subscribe();
  desk.ask(Desk::reserve());
  CHECK(desk.play.only<ReviveOffers>()->roles == std::vector<std::string>{"prod"});
  Offer other = desk.offer("o1", 1'000);
  other.role = "*";
  Offer elsewhere = desk.offer("o2", 1'000);
  elsewhere.agent = AgentId("a2");
  desk.offers({other, elsewhere, desk.offer("o3", 400, 1'000)});
  CHECK(desk.play.none<AcceptOffers>());
  CHECK(desk.state() == OperationState::waiting);
  desk.offers({desk.offer("o4", 100)});
  auto* call = desk.play.only<AcceptOffers>();
  CHECK(call->offers == std::vector{OfferId("o3"), OfferId("o4")});
  REQUIRE(call->operations.size() == 1);
  CHECK(call->launches.empty());
  CHECK(call->refuse_ms == 0);
  CHECK(desk.state() == OperationState::sent);
  CHECK(wire_operation_id(*call->operations[0]).value == "mimas-op-1.1");
  desk.offers({desk.offer("o5", 1'000)});
  CHECK(desk.play.none<AcceptOffers>());  // once
}

TEST_CASE("several operations leave in one call, as far as the offers go") {
  Desk desk;
  desk.play.subscribe();
  for (int i = 0; i < 3; ++i) desk.ask(Desk::reserve(400));
  desk.offers({desk.offer("o1", 1'000)});
  CHECK(desk.play.only<AcceptOffers>()->operations.size() == 2);
  CHECK(desk.state(3) == OperationState::waiting);
}

TEST_CASE("volumes: CREATE needs reserved disk and a new id, DESTROY the volume itself") {
  Desk desk;
  desk.play.subscribe();
  RequestOperation create = Desk::reserve(0);
  create.type = OperationType::create;
  create.volume = "v1";
  create.amounts.disk_mib = 64;
  RequestOperation destroy = create;
  destroy.type = OperationType::destroy;
  desk.ask(create);
  desk.offers({desk.offer("o1", 0, 0, 63)});
  CHECK(desk.play.none<AcceptOffers>());
  desk.offers({desk.offer("o2", 0, 0, 1)});
  CHECK(desk.play.all<AcceptOffers>().size() == 1);
  desk.ask(destroy);
  desk.offers({desk.offer("o3", 100)});
  CHECK(desk.play.none<AcceptOffers>());
  Offer with_volume = desk.offer("o4", 100);
  with_volume.volumes["v1"] = 64;
  desk.offers({with_volume});
  CHECK(desk.play.only<AcceptOffers>()->operations[0]->type == OperationType::destroy);
}

TEST_CASE("a status with a uuid is acknowledged, also of an operation nobody knows; repeats change nothing") {
  Desk desk;
  desk.send();
  desk.says(MesosOperationState::pending);
  CHECK(desk.play.none<AcknowledgeOperation>());
  CHECK(desk.state() == OperationState::pending);
  const OperationUpdate finished = desk.update(MesosOperationState::finished, "", "uuid-of-16-bytes");
  desk.play.feed(finished);
  auto* ack = desk.play.only<AcknowledgeOperation>();
  CHECK(ack->agent == AgentId("a1"));
  CHECK(ack->operation.value == "mimas-op-1.1");
  CHECK(ack->uuid == "uuid-of-16-bytes");
  CHECK(desk.state() == OperationState::finished);
  desk.play.feed(finished);
  CHECK(desk.play.all<AcknowledgeOperation>().size() == 1);
  CHECK(desk.play.last.changes.empty());
  OperationUpdate strange = finished;
  strange.operation = OperationId("somebody-else");
  desk.play.feed(strange);
  CHECK(desk.play.all<AcknowledgeOperation>().size() == 1);
}

TEST_CASE("what the master refuses for a stale offer is tried again under a new id") {
  Desk desk;
  desk.send();
  desk.says(MesosOperationState::error,
            "Operation attempted with invalid offers: Offer o1 is no longer valid");
  CHECK(desk.state() == OperationState::waiting);
  desk.play.settle();
  desk.offers({desk.offer("o2", 1'000)});
  CHECK(wire_operation_id(*desk.play.only<AcceptOffers>()->operations[0]).value == "mimas-op-1.2");
  OperationUpdate late = desk.update(MesosOperationState::finished);
  late.operation = OperationId("mimas-op-1.1");
  desk.play.feed(late);
  CHECK(desk.state() == OperationState::sent);  // of an attempt that was given up
  desk.says(MesosOperationState::error, "Not authorized");
  CHECK(desk.state() == OperationState::error);
  CHECK(desk.operation().message == "Not authorized");
}

TEST_CASE("what is kept of a refusal ends between characters") {
  Desk desk;
  desk.send();
  desk.says(MesosOperationState::failed, std::string(1'023, 'x') + "é");
  CHECK(desk.operation().message == std::string(1'023, 'x'));
}

TEST_CASE("an agent without feedback: sent again without an id, and a later offer shows it") {
  Desk desk;
  desk.send();
  desk.says(MesosOperationState::error,
            "agent S0 does not have the required AGENT_OPERATION_FEEDBACK capability");
  CHECK(desk.state() == OperationState::waiting);
  desk.offers({desk.offer("o2", 1'000, 200)});
  CHECK_FALSE(desk.play.only<AcceptOffers>()->operations[0]->feedback);
  desk.offers({desk.offer("o3", 100, 200)});
  CHECK(desk.state() == OperationState::sent);
  desk.offers({desk.offer("o4", 100, 500)});
  CHECK(desk.state() == OperationState::finished);
  desk.ask(Desk::reserve(100));
  desk.offers({desk.offer("o5", 500, 700)});
  CHECK(desk.play.none<SuppressOffers>());  // it is still to be seen
  CHECK_FALSE(desk.operation(2).feedback);  // it is remembered
  desk.play.after(desk.play.policy.operation_confirm_ms);
  desk.play.settle();
  CHECK(desk.state(2) == OperationState::unconfirmed);
}

TEST_CASE("an operation that no offer fits in time expires") {
  Desk desk;
  desk.play.subscribe();
  desk.ask(Desk::reserve());
  CHECK(desk.play.last.wake_at <= desk.play.now + desk.play.policy.operation_wait_ms);
  desk.play.after(desk.play.policy.operation_wait_ms);
  desk.play.settle();
  CHECK(desk.state() == OperationState::expired);
  CHECK(desk.operation().message.find("prod") != std::string::npos);
}

TEST_CASE("without an answer the master is asked, and after each subscription") {
  Desk desk;
  desk.send();
  desk.play.after(desk.play.policy.launch_grace_ms);
  desk.play.settle();
  CHECK(desk.play.only<ReconcileOperations>()->operations[0].operation.value == "mimas-op-1.1");
  CHECK(desk.play.only<ReconcileOperations>()->operations[0].agent == AgentId("a1"));
  desk.play.settle();
  CHECK(desk.play.none<ReconcileOperations>());
  desk.says(MesosOperationState::recovering);
  CHECK(desk.state() == OperationState::recovering);
  desk.play.restart();
  desk.play.subscribe();
  CHECK(desk.play.all<ReconcileOperations>().size() == 1);
  desk.says(MesosOperationState::unknown);
  CHECK(desk.state() == OperationState::dropped);
  desk.play.subscribe();
  CHECK(desk.play.none<ReconcileOperations>());  // ended ones are not asked about
}

TEST_CASE("'unknown' right after it was sent is not believed") {
  Desk desk;
  desk.play.subscribe();
  desk.play.after(60'000);
  desk.ask(Desk::reserve());
  desk.offers({desk.offer("o1", 1'000)});
  desk.says(MesosOperationState::unknown);
  CHECK(desk.state() == OperationState::sent);
}

TEST_CASE("what cannot be is refused with the field that is wrong") {
  Desk desk;
  desk.play.subscribe();
  RequestOperation wanted = Desk::reserve();
  wanted.role = "*";
  CHECK(desk.refused(wanted) == Code::invalid_argument);
  wanted.role = "strange";
  CHECK(desk.refused(wanted) == Code::invalid_argument);
  CHECK(desk.play.only<Reply>()->answer.error().where == "/role");
  wanted.role.clear();
  desk.ask(wanted);
  CHECK(desk.operation().role == "prod");
}

TEST_CASE("ended operations are kept up to a bound, and numbers are not used again") {
  Desk desk;
  desk.play.policy.operations_kept = 2;
  desk.play.restart();
  desk.play.subscribe();
  for (int i = 1; i <= 5; ++i) desk.ask(Desk::reserve());
  desk.play.after(desk.play.policy.operation_wait_ms);
  desk.play.settle();
  CHECK(desk.play.operations.size() == 2);
  CHECK(desk.play.operations.begin()->first == 4);
  desk.play.restart();
  desk.ask(Desk::reserve());
  CHECK(desk.play.operations.rbegin()->first == 6);
}

}  // namespace
}  // namespace mimas::engine
