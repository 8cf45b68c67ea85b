// Every recorded event stream through the driver as it stands, as it was recorded and translated to the other
// media type, which must make no difference; and every executor's stream through the executor's core.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "../mesos/ear.h"
#include "executor/core.h"
#include "executor/messages.h"
#include "pocket/call_check.h"
#include "pocket/protos.h"
#include "recorded.h"
#include "wire/recordio.h"

using namespace mimas;
using namespace mimas::mesos;
using namespace recorded;
using v1::MediaType;

namespace {

std::string text_of(const Offer& offer) {
  std::string text = offer.id.value + " " + offer.agent.value + " " + offer.hostname + " " + offer.endpoint +
                     " " + offer.role + " " + std::to_string(offer.resources.cpu_milli) + " " +
                     std::to_string(offer.resources.mem_mib) + " " +
                     std::to_string(offer.resources.disk_mib) + " " + offer.resources.ports.text();
  for (const auto& [name, value] : offer.attributes) text += " " + name + "=" + value;
  return text;
}

std::string text_of(const engine::StatusUpdate& update) {
  return update.task.value + " " + std::string(mesos_state_name(update.state)) + " " + update.agent.value +
         " " + update.uuid + " " + update.reason + " " + update.source + " " + update.message + " " +
         (update.healthy ? (*update.healthy ? "well" : "ill") : "");
}

// What the driver makes of a stream, as lines. The last one says how it ended.
class Witness {
 public:
  Driver::Hooks hooks() {
    return {[this](const engine::Input& input) { take(input); },
            [this](Fatal, const std::string& why) { add("gave up: " + why, true); },
            [this](const std::string& line) { hear(line); }};
  }
  std::vector<std::string> lines() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::milliseconds(scripted::kPatienceMs), [&] { return over_; }));
    return lines_;
  }

 private:
  void take(const engine::Input& input) {
    std::visit([this](const auto& one) { say(one); }, input);
  }
  void say(const engine::Subscribed& one) { add("as " + one.framework.value); }
  void say(const engine::StatusUpdate& one) { add("update " + text_of(one)); }
  void say(const engine::AgentLost& one) { add("lost " + one.agent.value); }
  void say(const engine::OfferRescinded& one) { add("rescinded " + one.offer.value); }
  void say(const engine::Disconnected&) { add("disconnected", true); }
  void say(const engine::OffersReceived& one) {
    for (const Offer& offer : one.offers) add("offer " + text_of(offer));
  }
  // Without a subscription the next attempt alone tells that this one is over.
  void hear(const std::string& line) {
    if (line.find("skipped") != std::string::npos) add(line);
    if (line.starts_with("connecting to") && ++attempts_ == 2) add("refused", true);
  }
  template <class Other>
  void say(const Other&) {
    add("something else");
  }
  void add(std::string line, bool last = false) {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    lines_.push_back(std::move(line));
    over_ = last;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  bool over_ = false;
  std::atomic<int> attempts_{0};
};

std::vector<std::string> through_driver(MediaType type, const std::string& head_and_body) {
  scripted::Master master;
  Witness witness;
  DriverOptions options;
  options.masters = {master.endpoint()};
  options.codec = type;
  options.executor_base_url = "http://127.0.0.1:1";
  options.default_arch = "x86_64";
  Driver driver(options, witness.hooks());
  driver.start();
  scripted::Connection stream = master.accept();
  (void)stream.read_request();
  stream.write(head_and_body);
  stream.close();
  return witness.lines();
}

// The same events in another media type, under the same stream id.
std::string translated(const Answer& was, MediaType from, MediaType to) {
  std::string out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: " +
                    std::string(was.header("Mesos-Stream-Id")) +
                    "\r\nContent-Type: " + std::string(v1::media_type_text(to)) + "\r\n\r\n";
  for (const std::string& record : was.records()) {
    scheduler::Event event;
    REQUIRE(v1::decode(record, from, &event).ok());
    out += rules::chunk(wire::frame_record(v1::encode(event, to)));
  }
  return out;
}

// The names of recorded streams, without `.resp`.
std::vector<std::string> streams() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(GOLDEN_DIR) + "/mesos")) {
    const std::string name = entry.path().stem().string();
    const bool operators = name.starts_with("o-");
    if (entry.path().extension() == ".resp" && !operators &&
        bytes(name + ".resp").find("Transfer-Encoding: chunked\r\n") != std::string::npos) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_executors(const std::string& name) { return name.find("-executor-subscribe") != std::string::npos; }

RandomBytes some_bytes() {
  static std::uint8_t next = 0;
  RandomBytes bytes;
  bytes.fill(++next);
  return bytes;
}

}  // namespace

TEST_CASE("every recorded event stream says the same to the engine in JSON and in protobuf") {
  std::set<std::string> kinds;
  int seen = 0;
  for (const std::string& name : streams()) {
    if (is_executors(name)) continue;
    CAPTURE(name);
    const Answer was = answers_of(name).at(0);
    const bool json = was.header("Content-Type") == "application/json";
    const MediaType type = json ? MediaType::json : MediaType::protobuf;
    const MediaType other = json ? MediaType::protobuf : MediaType::json;
    const auto lines = through_driver(type, bytes(name + ".resp"));
    CHECK(through_driver(other, translated(was, type, other)) == lines);
    const bool refused = was.body.find("ERROR") != std::string::npos;
    const bool began = lines.front().starts_with("as ");
    CHECK_MESSAGE((refused || began), "it begins with: " << lines.front());
    for (const std::string& line : lines) {
      CHECK_MESSAGE(line.find("skipped") == std::string::npos, line);
      CHECK_MESSAGE(line.find("something") == std::string::npos, line);
      kinds.insert(line.substr(0, line.find(' ')));
    }
    ++seen;
  }
  CHECK(seen >= 40);
  for (const char* kind : {"as", "offer", "lost", "rescinded", "disconnected"}) CHECK(kinds.contains(kind));
}

TEST_CASE(
    "every recorded stream of an executor is understood, and what the executor answers is what an agent "
    "takes") {
  int seen = 0;
  for (const std::string& name : streams()) {
    if (!is_executors(name)) continue;
    CAPTURE(name);
    executor::Settings settings;
    settings.framework_id = "F";
    settings.executor_id = "E";
    settings.checkpoint = true;
    settings.recovery_timeout_ms = 60'000;
    settings.subscription_backoff_ms_max = 2'000;
    settings.shutdown_grace_ms = 5'000;
    executor::Core core(settings, {}, &some_bytes);
    executor::Now now{Instant{1'000'000}, Instant{1'700'000'000'000}};
    std::vector<executor::Action> actions = core.start(now);
    int launches = 0, failed = 0;
    const auto do_all = [&](executor::Actions more) {
      for (auto& action : more) actions.push_back(std::move(action));
    };
    for (const std::string& record : answers_of(name).at(0).records()) {
      CAPTURE(record);
      pocket::mexecutor::Event event;
      REQUIRE(v1::decode(record, MediaType::json, &event).ok());
      launches += event.type() == pocket::mexecutor::Event::LAUNCH;
      launches += event.launch_group().task_group().tasks_size();
      auto understood = executor::parse_event(record);
      REQUIRE_MESSAGE(understood.ok(), (understood.ok() ? "" : understood.error().text()));
      do_all(core.event(std::move(*understood), now));
    }
    for (const auto& action : actions) {
      std::string body;
      if (const auto* one = std::get_if<executor::Subscribe>(&action)) body = one->body;
      if (const auto* one = std::get_if<executor::Post>(&action)) body = one->body;
      if (body.empty()) continue;
      CAPTURE(body);
      pocket::mexecutor::Call call;
      const auto status = v1::decode(body, MediaType::json, &call);
      REQUIRE_MESSAGE(status.ok(), (status.ok() ? "" : status.error().text()));
      CHECK(pocket::check_call(call) == "");
      failed += call.update().status().state() == ::mesos::v1::TASK_FAILED;
    }
    // These tasks are not ours: they carry nothing that mimas-executor could run.
    CHECK(failed == launches);
    ++seen;
  }
  CHECK(seen >= 4);
}
