#include "pocket/fault.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "pocket/stream.h"

namespace mimas::pocket {
namespace {

std::string refusal(const char* order) {
  const Result<Fault> fault = parse_fault(order);
  return fault ? "" : fault.error().text();
}

struct Recorder : http::StreamWriter {
  bool write(std::string_view bytes) override {
    writes.emplace_back(bytes);
    return true;
  }
  bool peer_alive() override { return alive; }
  void cut() override { was_cut = true; }
  std::string all() const {
    std::string text;
    for (const std::string& one : writes) text += one;
    return text;
  }
  std::vector<std::string> writes;
  bool alive = true;
  bool was_cut = false;
};

TEST_CASE("every fault is read with its members, and absent ones keep their default") {
  const auto cut = parse_fault(R"({"fault":"cut_record","bytes":7,"framework_id":"F"})");
  REQUIRE(cut.ok());
  CHECK(std::get<CutRecord>(*cut).bytes == 7);
  CHECK(std::get<CutRecord>(*cut).framework_id == "F");
  const auto refuse =
      parse_fault(R"({"fault":"refuse_calls","status":307,"location":"//h:1","count":3,"type":"KILL"})");
  REQUIRE(refuse.ok());
  CHECK(std::get<RefuseCalls>(*refuse).status == 307);
  CHECK(std::get<RefuseCalls>(*refuse).location == "//h:1");
  CHECK(std::get<RefuseCalls>(*refuse).count == 3);
  const auto restart = parse_fault(R"({"fault":"restart_agent"})");
  REQUIRE(restart.ok());
  CHECK(std::get<RestartAgent>(*restart).how == "keep");
  CHECK(std::get<KillLeader>(*parse_fault(R"({"fault":"kill_leader"})")).away_ms == 1'000);
}

TEST_CASE("the names of faults and their kinds stand in one order") {
  CHECK(fault_name(DropStreams{}) == "drop_streams");
  CHECK(fault_name(Maintain{}) == "maintain");
  CHECK(fault_name(RestartAgent{}) == "restart_agent");
  CHECK(fault_name(Heal{}) == "heal");
  CHECK(fault_name(*parse_fault(R"({"fault":"withhold_heartbeats","ms":1})")) == "withhold_heartbeats");
}

TEST_CASE("an order that is not understood names the member and the remedy") {
  CHECK(refusal("[]").find("expected an object") != std::string::npos);
  CHECK(refusal("{}").find("/fault") == 0);
  CHECK(refusal(R"({"fault":"explode"})").find("there is no fault 'explode' (one of drop_streams, ") !=
        std::string::npos);
  CHECK(refusal(R"({"fault":"cut_record"})") == "/bytes: this fault needs the member");
  CHECK(refusal(R"({"fault":"cut_record","bytes":-1})").find("/bytes: -1 is out of range") == 0);
  CHECK(refusal(R"({"fault":"cut_record","bytes":"7"})").find("/bytes") == 0);
  CHECK(refusal(R"({"fault":"cut_record","bytes":7,"byte":8})") == "/byte: this fault has no such member");
  CHECK(refusal(R"({"fault":"restart_agent","how":"hard"})") ==
        "/how: 'hard' is not known (give keep, wipe, reboot)");
  CHECK(refusal(R"({"fault":"forget_framework","framework_id":""})").find("/framework_id") == 0);
  CHECK(refusal(R"({"fault":"lose_agent","ms":99999999})").find("give 1 to 3600000") != std::string::npos);
}

TEST_CASE("orders on calls are used up one by one, by the calls they fit") {
  CallFaults faults;
  RefuseCalls refuse;
  refuse.count = 2;
  refuse.type = "KILL";
  refuse.status = 403;
  faults.order(refuse);
  faults.order(LoseReplies{1, ""});
  CHECK(faults.next("ACCEPT").lose_reply);
  CHECK(faults.next("KILL").refuse->status == 403);
  CHECK_FALSE(faults.next("ACCEPT").lose_reply);
  CHECK(faults.next("KILL").refuse.has_value());
  CHECK_FALSE(faults.next("KILL").refuse.has_value());
  faults.order(DelayReplies{5, "", 30});
  CHECK(faults.next("KILL").delay_ms == 30);
  faults.heal();
  CHECK(faults.next("KILL").delay_ms == 0);
}

TEST_CASE("a stream that is cut ends inside its next record and without a last chunk") {
  EventStream stream;
  Recorder out;
  stream.push("first");
  stream.cut_next(4);
  stream.push("second");
  stream.push("third");
  stream.run(out, 1);
  CHECK(out.all() == "5\nfirst6\nse");
  CHECK(out.was_cut);
}

TEST_CASE("a dropped stream says nothing more") {
  EventStream stream;
  Recorder out;
  stream.push("first");
  stream.drop();
  stream.run(out, 1);
  CHECK(out.all().empty());
  CHECK(out.was_cut);
}

TEST_CASE("a stream that is closed ends in order, with everything said") {
  EventStream stream;
  Recorder out;
  stream.push("first");
  stream.close();
  stream.run(out, 1);
  CHECK(out.all() == "5\nfirst");
  CHECK_FALSE(out.was_cut);
}

TEST_CASE("a dripping stream writes a few bytes at a time") {
  EventStream stream;
  Recorder out;
  stream.drip(2'000);
  stream.push(std::string(250, 'x'));
  stream.close();
  stream.run(out, 1);
  CHECK(out.all() == "250\n" + std::string(250, 'x'));
  CHECK(out.writes.size() == 3);
}

TEST_CASE("a frozen stream writes nothing and does not look after its peer") {
  EventStream stream;
  Recorder out;
  out.alive = false;
  stream.freeze();
  stream.push("first");
  std::thread closer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stream.close();
  });
  stream.run(out, 1);
  closer.join();
  CHECK(out.all().empty());
  CHECK(out.was_cut);
}

}  // namespace
}  // namespace mimas::pocket
