#include "server/log_routes.h"

#include <doctest/doctest.h>

#include "json/value.h"
#include "scripted_agent.h"

using namespace mimas;
using server::ScriptedAgent;

namespace {

const std::string kTask = "mimas-1-worker-0-0";
const std::string kRun = "/frameworks/F/executors/" + kTask + "/runs/latest";

class Collected : public http::StreamWriter {
 public:
  bool write(std::string_view more) override {
    bytes += more;
    return true;
  }
  bool peer_alive() override { return true; }
  void cut() override { was_cut = true; }
  std::string bytes;
  bool was_cut = false;
};

// A task on a scripted agent, and the three routes.
struct World {
  explicit World(TaskState state = TaskState::finished) {
    Job job;
    job.id = make_job_id(1);
    job.number = 1;
    job.spec = std::make_shared<const JobSpec>();
    Task task;
    task.job = job.id;
    task.id = TaskId(kTask);
    task.agent = AgentId("S0");
    task.agent_endpoint = agent.endpoint().text();
    task.state = state;
    Task waiting = task;
    waiting.id = TaskId("mimas-1-worker-1-1");
    waiting.index = waiting.number = 1;
    waiting.agent = AgentId();
    waiting.agent_endpoint.clear();
    waiting.state = TaskState::queued;
    view.set_framework(FrameworkId("F"));
    view.apply({engine::PutJob{std::make_shared<const Job>(job)},
                engine::PutTask{std::make_shared<const Task>(task)},
                engine::PutTask{std::make_shared<const Task>(waiting)}});
  }
  http::Reply bytes(const std::string& file, std::vector<wire::Header> headers = {},
                    std::vector<http::QueryParameter> query = {}) {
    http::Request request;
    request.headers = std::move(headers);
    request.query = std::move(query);
    return server::log_bytes({view, archive, {}}, request, {{"taskId", kTask}, {"file", file}});
  }
  json::Document downloads(std::vector<wire::Header> headers, bool secure = false,
                           const std::string& task = kTask) {
    http::Request request;
    request.headers = std::move(headers);
    request.secure = secure;
    const http::Reply reply = server::log_downloads({view, archive, {}}, request, {{"taskId", task}});
    REQUIRE(reply.status == 200);
    auto document = json::parse(reply.body);
    REQUIRE(document.ok());
    return std::move(document).value();
  }

  server::PublishedView view;
  ScriptedAgent agent;
  std::string archive;
};

std::string text_of(const http::Reply& reply) {
  Collected out;
  REQUIRE(reply.stream);
  reply.stream(out);
  CHECK(static_cast<std::int64_t>(out.bytes.size()) == reply.stream_bytes.value_or(-1));
  return out.bytes;
}

std::string header(const http::Reply& reply, std::string_view name) {
  return std::string(wire::find_header(reply.headers, name));
}

TEST_CASE("a log has its length, a tag, and parts") {
  World world;
  world.agent.files[kRun + "/stdout"] = "0123456789";
  world.agent.files[kRun + "/stdout.3"] = "rotated";
  const auto whole = world.bytes("stdout");
  CHECK(whole.status == 200);
  CHECK(whole.stream_bytes == 10);
  CHECK(whole.content_type == "text/plain; charset=utf-8");
  CHECK(header(whole, "Accept-Ranges") == "bytes");
  CHECK(header(whole, "Content-Range").empty());
  CHECK(header(whole, "ETag") == "\"3-10\"");
  CHECK(text_of(whole) == "0123456789");

  struct Row {
    const char* range;
    const char* text;
    const char* content_range;
  };
  for (const Row& row :
       {Row{"bytes=2-4", "234", "bytes 2-4/10"}, Row{"bytes=8-", "89", "bytes 8-9/10"},
        Row{"bytes=-3", "789", "bytes 7-9/10"}, Row{"bytes=0-99", "0123456789", "bytes 0-9/10"}}) {
    CAPTURE(row.range);
    const auto part = world.bytes("stdout", {{"Range", row.range}});
    CHECK(part.status == 206);
    CHECK(header(part, "Content-Range") == row.content_range);
    CHECK(text_of(part) == row.text);
  }
  const auto beyond = world.bytes("stdout", {{"Range", "bytes=10-"}});
  CHECK(beyond.status == 416);
  CHECK(header(beyond, "Content-Range") == "bytes */10");
  CHECK(beyond.content_type == "application/problem+json");
  CHECK(beyond.body.find("\"status\":416") != std::string::npos);
  CHECK_FALSE(beyond.stream);
  CHECK(world.bytes("stdout", {{"Range", "bytes=0-1,4-5"}}).status == 200);

  CHECK(world.bytes("stdout", {{"Range", "bytes=2-4"}, {"If-Range", "\"3-10\""}}).status == 206);
  world.agent.files[kRun + "/stdout.4"] = "rotated since";
  const auto other = world.bytes("stdout", {{"Range", "bytes=2-4"}, {"If-Range", "\"3-10\""}});
  CHECK(other.status == 200);
  CHECK(text_of(other) == "0123456789");
}

TEST_CASE("offset, length and tail cut a piece out, whatever Range says") {
  World world;
  world.agent.files[kRun + "/stdout"] = "one\ntwo\nthree\n";
  const std::vector<wire::Header> range{{"Range", "bytes=0-0"}};
  const auto asked = [&](std::vector<http::QueryParameter> query) {
    const auto reply = world.bytes("stdout", range, std::move(query));
    CHECK(reply.status == 200);
    return text_of(reply);
  };
  CHECK(asked({{"offset", "4"}}) == "two\nthree\n");
  CHECK(asked({{"offset", "4"}, {"length", "3"}}) == "two");
  CHECK(asked({{"offset", "-6"}}) == "three\n");
  CHECK(asked({{"offset", "-600"}, {"length", "3"}}) == "one");
  CHECK(asked({{"offset", "600"}}).empty());
  CHECK(asked({{"length", "0"}}).empty());
  CHECK(asked({{"tail", "2"}}) == "two\nthree\n");
  CHECK(world.bytes("stdout", {}, {{"tail", "0"}}).status == 400);
}

TEST_CASE("bytes are bytes, also through an agent that refuses the operator API") {
  for (const int status : {200, 403}) {
    World world;
    world.agent.operate_status = status;
    std::string blob;
    for (int i = 0; i < 300'000; ++i) blob += static_cast<char>(i % 251);
    world.agent.files[kRun + "/core.bin"] = blob;
    const auto reply = world.bytes("core.bin", {{"Range", "bytes=1000-"}});
    CHECK(reply.status == 206);
    CHECK(reply.content_type == "application/octet-stream");
    CHECK(header(reply, "ETag").empty());
    CHECK(header(reply, "X-Content-Type-Options") == "nosniff");
    CHECK(text_of(reply) == blob.substr(1000));
    CHECK(world.bytes("core.bin", {{"Range", "bytes=1-"}, {"If-Range", "\"0-300000\""}}).status == 200);
  }
}

TEST_CASE(
    "a rotation between the answer's head and its bytes changes nothing, and an agent that dies shows") {
  World world;
  world.agent.files[kRun + "/stdout"] = "0123456789";
  const auto reply = world.bytes("stdout", {{"Range", "bytes=5-"}});
  world.agent.files[kRun + "/stdout.1"] = "0123456789, rotated";
  world.agent.files[kRun + "/stdout"] = "new";
  CHECK(text_of(reply) == "56789");

  World dying;
  dying.agent.files[kRun + "/stdout"] = std::string(600'000, 'x');
  dying.agent.serves_bytes_max = 300'000;
  const auto cut = dying.bytes("stdout");
  CHECK(cut.stream_bytes == 600'000);
  Collected out;
  cut.stream(out);
  CHECK(out.bytes.size() >= 262'144);
  CHECK(out.bytes.size() < 600'000);  // fewer than announced: the listener cuts the connection
}

TEST_CASE("following an ended task ends, and a follower whose agent has gone is cut") {
  World world;
  world.agent.files[kRun + "/stdout"] = "one\ntwo\n";
  const auto reply = world.bytes("stdout", {}, {{"follow", "true"}, {"tail", "1"}});
  CHECK_FALSE(reply.stream_bytes);
  Collected out;
  reply.stream(out);
  CHECK(out.bytes == "two\n");
  CHECK_FALSE(out.was_cut);
  const auto orphaned = world.bytes("stdout", {}, {{"follow", "true"}});
  world.agent.stop();
  Collected nothing;
  orphaned.stream(nothing);
  CHECK(nothing.was_cut);
}

TEST_CASE("every plain file has its URL, on the host and by the scheme that the client used") {
  World world;
  world.agent.files[kRun + "/stdout"] = "";
  world.agent.files[kRun + "/ci result.properties"] = "a=b";
  world.agent.files[kRun + "/folder"] = "";
  const auto files = world.downloads({{"Host", "h:7101"}, {"X-Forwarded-Proto", "https"}});
  CHECK(files.root().size() == 2);
  CHECK(files.root().string_or("stdout", "") == "http://h:7101/v2/logs/" + kTask + "/stdout");
  CHECK(files.root().string_or("ci result.properties", "") ==
        "http://h:7101/v2/logs/" + kTask + "/ci%20result.properties");
  CHECK(world.downloads({{"Host", "[::1]:7101"}}, true).root().string_or("stdout", "") ==
        "https://[::1]:7101/v2/logs/" + kTask + "/stdout");
  for (const char* odd : {"", "h\"/><script>", "h/evil", "user@h", "h evil"}) {
    CAPTURE(odd);
    CHECK(world.downloads({{"Host", odd}}).root().string_or("stdout", "") == "/v2/logs/" + kTask + "/stdout");
  }
  CHECK(world.downloads({}, false, "mimas-1-worker-1-1").root().size() == 0);
}

TEST_CASE("of a sandbox that is gone the archive is told") {
  World world;
  CHECK(world.downloads({{"Host", "h"}}).root().size() == 0);
  world.archive = "file:///archive";
  const auto files = world.downloads({{"Host", "h"}});
  CHECK(files.root().string_or("stdout", "") == "file:///archive/mimas-1/" + kTask + "/stdout");
  const auto gone = world.bytes("stdout");
  CHECK(gone.status == 404);
  CHECK(gone.body.find("file:///archive/mimas-1/" + kTask + "/stdout") != std::string::npos);
  CHECK(world.bytes("..").status == 400);
}

}  // namespace
