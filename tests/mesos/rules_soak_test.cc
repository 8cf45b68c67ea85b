// Adversarial input, rules 126 to 128 of the conformance list: driver, executor, embedded master and agent.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ear.h"
#include "executor/messages.h"
#include "executor/spec.h"
#include "json/value.h"
#include "json/writer.h"
#include "mesos/event_reader.h"
#include "mesos/translate.h"
#include "net/clock.h"
#include "pocket/call_check.h"
#include "pocket/face.h"
#include "pocket/master_face.h"
#include "pocket/master_model.h"
#include "store/store.h"

#include "../store/scratch.h"

using namespace mimas;
using rules::lost;
using rules::Talk;
using scripted::Connection;
namespace mv1 = ::mesos::v1;

namespace {

// `depth` arrays and objects in each other, the outermost being a message with this member.
std::string nested(const std::string& member, int depth) {
  const auto arrays = static_cast<std::size_t>(depth - 1);
  return "{" + member + ",\"x\":" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
}

http::Request posted(std::string body) {
  http::Request request;
  request.method = "POST";
  request.path = "/api/v1/scheduler";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  return request;
}

http::Reply answer_of_master(const std::string& body) {
  pocket::MasterOptions options;
  options.master_id = "M";
  pocket::MasterFace face(options, [](const std::vector<std::string>&) {});
  face.start();
  return face.handle(posted(body));
}

// What either face of pocket refuses a call with before a model sees it; empty: it was understood.
template <class Call>
std::string refused(const std::string& body) {
  Call call;
  const auto decoded = pocket::decode_body(posted(body), &call);
  return decoded.refusal ? std::to_string(decoded.refusal->status) + " " + decoded.refusal->body : "";
}

bool is_utf8(const std::string& text) {
  json::Writer writer;
  writer.string(text);
  const auto back = json::parse(writer.take());
  return back.ok() && *back->root().string() == text;
}

// A framework with one offer of an agent with 4 CPUs and 1000 MB, for what an ACCEPT makes of odd amounts.
struct Cluster {
  explicit Cluster() : model(options(), now) {
    pocket::Registration agent;
    agent.session = "session";
    agent.ip = "127.0.0.1";
    agent.info.set_hostname("h");
    add(agent.info.mutable_resources(), "cpus", 4);
    add(agent.info.mutable_resources(), "mem", 1000);
    model.register_agent(1, agent, now);
    pocket::mscheduler::Call call;
    call.set_type(pocket::mscheduler::Call::SUBSCRIBE);
    call.mutable_framework_id()->set_value("F");
    auto* info = call.mutable_subscribe()->mutable_framework_info();
    info->set_user("u");
    info->set_name("n");
    info->mutable_id()->set_value("F");
    info->add_roles("*");
    info->add_capabilities()->set_type(mv1::FrameworkInfo::Capability::MULTI_ROLE);
    info->add_capabilities()->set_type(mv1::FrameworkInfo::Capability::PARTITION_AWARE);
    stream_id = model.subscribe(2, call, now);
    pass();
  }
  static pocket::MasterOptions options() {
    pocket::MasterOptions options;
    options.master_id = "M";
    options.agent_ping_timeout_ms = 1'000'000;
    return options;
  }
  template <class List>
  static void add(List* list, const char* name, double value) {
    auto* resource = list->Add();
    resource->set_name(name);
    resource->set_type(mv1::Value::SCALAR);
    resource->mutable_scalar()->set_value(value);
  }
  void pass() {
    for (int i = 0; i < 20; ++i) {
      now = now + 100;
      model.tick(now);
    }
    for (auto& output : model.take_outputs()) {
      const auto* sent = std::get_if<pocket::ToScheduler>(&output);
      if (sent != nullptr && sent->event.type() == pocket::mscheduler::Event::UPDATE)
        updates.push_back(sent->event.update().status());
      if (sent != nullptr && sent->event.type() == pocket::mscheduler::Event::OFFERS)
        offered = sent->event.offers().offers(0);
    }
  }
  // Launches a task of so many CPUs with the offer there is; what the master said of it.
  mv1::TaskStatus launch(double cpus) {
    REQUIRE(model.offers().size() == 1);
    updates.clear();
    pocket::mscheduler::Call call;
    call.set_type(pocket::mscheduler::Call::ACCEPT);
    call.mutable_framework_id()->set_value("F");
    call.mutable_accept()->add_offer_ids()->set_value(model.offers().begin()->first);
    call.mutable_accept()->mutable_filters()->set_refuse_seconds(0);
    auto* operation = call.mutable_accept()->add_operations();
    operation->set_type(mv1::Offer::Operation::LAUNCH);
    auto* task = operation->mutable_launch()->add_task_infos();
    task->set_name("t");
    task->mutable_task_id()->set_value("t");
    task->mutable_agent_id()->set_value("M-S0");
    task->mutable_command()->set_value("true");
    add(task->mutable_resources(), "cpus", cpus);
    add(task->mutable_resources(), "mem", 32);
    CHECK(model.call(call, stream_id, now).status == 202);
    pass();
    return updates.empty() ? mv1::TaskStatus() : updates.front();
  }

  Instant now{1'000'000};
  pocket::MasterModel model;
  std::string stream_id;
  std::vector<mv1::TaskStatus> updates;
  mv1::Offer offered;
};

}  // namespace

TEST_CASE("rule 126: JSON nested 200 deep is understood by everybody, 201 deep is refused and nothing else") {
  // The driver skips the event and goes on.
  Talk talk;
  Connection stream = talk.subscribe();
  stream.event(nested(R"("type":"FAILURE","failure":{"agent_id":{"value":"deep"}})", 201));
  stream.event(nested(R"("type":"FAILURE","failure":{"agent_id":{"value":"good"}})", 200));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "good");
  CHECK(talk.ear.line_with("(1 so far)").find("near") != std::string::npos);
  // The executor.
  CHECK(executor::parse_event(nested(R"("type":"SHUTDOWN")", 200)).ok());
  CHECK(!executor::parse_event(nested(R"("type":"SHUTDOWN")", 201)).ok());
  // The embedded master, and the door that agents have in common with it.
  const std::string revive = R"("type":"REVIVE","framework_id":{"value":"F"})";
  CHECK(answer_of_master(nested(revive, 200)).body == "Framework cannot be found");
  const http::Reply reply = answer_of_master(nested(revive, 201));
  CHECK(reply.status == 400);
  CHECK(reply.body.starts_with("Failed to parse body into JSON: "));
  const std::string beat = R"("type":"HEARTBEAT","framework_id":{"value":"F"},"executor_id":{"value":"E"})";
  CHECK(refused<pocket::mexecutor::Call>(nested(beat, 200)).empty());
  CHECK(
      refused<pocket::mexecutor::Call>(nested(beat, 201)).starts_with("400 Failed to parse body into JSON"));
}

TEST_CASE("rule 127: lone surrogates, NUL and invalid UTF-8 are refused or replaced, and cut nothing short") {
  const std::string replacement = "\xEF\xBF\xBD";
  const std::string nul("a\0b", 3);
  // The driver: a lone surrogate is no JSON, a NUL is a character like others, bad bytes are replaced.
  Talk talk;
  Connection stream = talk.subscribe();
  for (const char* id : {"\\ud800", "\\udc00", "\\ud800\\u0041", "\\udc00\\ud800"}) stream.event(lost(id));
  stream.event(lost("a\\u0000b"));
  stream.event(
      lost("a\xFF"
           "b"));
  stream.event(lost("\xE2\x82"));
  stream.event(lost("\\ud83d\\ude00"));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == nul);
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "a" + replacement + "b");
  const std::string cut = talk.ear.expect<engine::AgentLost>().agent.value;
  CHECK(cut.starts_with(replacement));
  CHECK(is_utf8(cut));
  CHECK(talk.ear.expect<engine::AgentLost>().agent.value == "\xF0\x9F\x98\x80");
  talk.ear.line_with("(4 so far)");
  // In protobuf the bytes stay for what goes back to the master; whatever is shown as JSON is made whole.
  mv1::TaskStatus status;
  status.mutable_task_id()->set_value("t");
  status.set_state(mv1::TASK_FAILED);
  status.set_message(
      "before\xFF"
      "after" +
      nul + "end");
  mv1::TaskStatus arrived;
  REQUIRE(v1::decode_tolerant(status.SerializePartialAsString(), v1::MediaType::protobuf, &arrived).ok());
  const auto update = mimas::mesos::to_status(arrived);
  REQUIRE(update.ok());
  CHECK(update->message == status.message());
  json::Writer writer;
  writer.string(update->message);
  const std::string shown = writer.take();
  CHECK(is_utf8(std::string(*json::parse(shown)->root().string())));
  CHECK(*json::parse(shown)->root().string() == "before" + replacement + "after" + nul + "end");
  // The store gives back what it was given, NUL and all.
  {
    const store::Scratch scratch;
    const std::string directory = scratch.path();
    Task task;
    task.job = make_job_id(1);
    task.id = make_task_id(task.job, 0, 0);
    task.message = "x" + nul + "y";
    Job job;
    job.id = task.job;
    job.number = 1;
    job.spec = std::make_shared<const JobSpec>();
    auto opened = store::Store::open(directory);
    REQUIRE(opened.ok());
    REQUIRE((*opened)
                ->commit({engine::PutJob{std::make_shared<const Job>(job)},
                          engine::PutTask{std::make_shared<const Task>(task)}})
                .ok());
    const auto loaded = (*opened)->load();
    REQUIRE(loaded.ok());
    CHECK(loaded->tasks.at(0).message == task.message);
  }
  // The executor passes no NUL on to a program, and refuses what is no JSON.
  CHECK(!executor::parse_spec(R"({"v":1,"shell":"echo a\u0000b"})").ok());
  CHECK(!executor::parse_event("{\"type\":\"\\ud800\"}").ok());
  // The embedded master and agent.
  CHECK(answer_of_master(R"({"type":"REVIVE","framework_id":{"value":"\ud800"}})").status == 400);
  CHECK(!pocket::check_id(nul).empty());
  mv1::FrameworkInfo info;
  info.set_user("u");
  info.set_name("n");
  info.mutable_id()->set_value(nul);
  CHECK(!pocket::check_framework(info).empty());
  CHECK(refused<pocket::mexecutor::Call>("{\"type\":\"HEARTBEAT\",\"executor_id\":{\"value\":\"\\udfff\"}}")
            .starts_with("400 "));
}

TEST_CASE("rule 128: NaN, infinities and absurd amounts are refused, and nobody's totals change") {
  const double odd[] = {std::nan(""),
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(),
                        1e308,
                        -0.0,
                        1e-320};
  Cluster cluster;
  const auto before = cluster.offered.resources();
  for (const double value : odd) {
    CAPTURE(value);
    // The embedded master refuses the task, and offers the same again.
    const mv1::TaskStatus said = cluster.launch(value);
    CHECK(said.state() == mv1::TASK_ERROR);
    CHECK(said.reason() == mv1::TaskStatus::REASON_TASK_INVALID);
    CHECK(cluster.model.agents().begin()->second.used.empty());
    REQUIRE(cluster.offered.resources_size() == before.size());
    for (int i = 0; i < before.size(); ++i)
      CHECK(cluster.offered.resources(i).scalar().value() == before.Get(i).scalar().value());
    // An agent that offers so much has none of it for us; its other amounts count.
    mv1::Offer offer;
    offer.mutable_id()->set_value("o");
    offer.mutable_agent_id()->set_value("a");
    Cluster::add(offer.mutable_resources(), "cpus", value);
    Cluster::add(offer.mutable_resources(), "mem", 64);
    const auto read = mimas::mesos::to_offer(offer);
    REQUIRE(read.ok());
    CHECK(read->resources.cpu_milli == 0);
    CHECK(read->resources.mem_mib == 64);
  }
  // JSON has no NaN, and numbers beyond a double are no numbers.
  for (const char* text : {"NaN", "1e999", "-1e999", "nan"}) {
    mv1::Value::Scalar scalar;
    CHECK(!v1::decode("{\"value\":" + std::string(text) + "}", v1::MediaType::json, &scalar).ok());
    CHECK(!v1::decode("{\"value\":\"" + std::string(text) + "\"}", v1::MediaType::json, &scalar).ok());
  }
}
