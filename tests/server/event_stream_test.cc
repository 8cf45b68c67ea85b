// Readers of events: what they are told, by values; and over loopback, one that does not read.
#include "server/event_stream.h"

#include <doctest/doctest.h>

#include <functional>
#include <thread>

#include "../http/peer.h"
#include "server/event_routes.h"

using namespace mimas;
using server::EventRing;
using server::EventStream;
using server::PublishedView;

namespace {

engine::PutJob put_job(std::int64_t number, const std::string& name = "job") {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  JobSpec spec;
  spec.name = name;
  job.spec = std::make_shared<const JobSpec>(spec);
  return {std::make_shared<const Job>(job)};
}

engine::PutTask put_task(std::int64_t job) {
  Task task;
  task.job = make_job_id(job);
  task.id = make_task_id(task.job, 0, 0);
  return {std::make_shared<const Task>(task)};
}

// Keeps what is written; goes away when asked the third time whether it is there.
class Keeping : public http::StreamWriter {
 public:
  bool write(std::string_view bytes) override {
    text += bytes;
    ++writes;
    return true;
  }
  bool peer_alive() override {
    if (asked) asked();
    return --looks > 0;
  }
  std::string text;
  int writes = 0;
  int looks = 1;
  std::function<void()> asked;
};

struct World {
  EventRing ring{"e"};
  PublishedView view;
  World() { view.publish_to(ring); }

  std::string read(api::EventQuery query, server::EventFormat format = server::EventFormat::server_sent) {
    Keeping out;
    EventStream(view, ring, std::move(query), format).run(out);
    return out.text;
  }
  std::string after(const std::string& id) {
    api::EventQuery query;
    query.last_event_id = id;
    return read(query);
  }
};

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::size_t place(const std::string& text, std::string_view what) {
  const std::size_t at = text.find(what);
  INFO(what);
  REQUIRE(at != std::string::npos);
  return at;
}

}  // namespace

TEST_CASE("jobs, then tasks, then one snapshotEnd that says where the reader stands, then changes") {
  World world;
  world.view.apply({put_job(1), put_task(1), put_job(2)});
  Keeping out;
  out.looks = 2;
  out.asked = [&] {
    if (out.looks == 2) world.view.apply({put_job(3)});
  };
  world.ring.append({api::AlertChanged{"a", "b"}});  // so that the first round has something to take
  EventStream(world.view, world.ring, {}, server::EventFormat::server_sent).run(out);
  const std::string& text = out.text;
  CHECK(text.starts_with("retry: 2000\n\nevent: job\ndata: {\"id\":\"mimas-1\""));
  CHECK(place(text, "event: job\ndata: {\"id\":\"mimas-2\"") < place(text, "event: task\ndata: "));
  CHECK(place(text, "event: task\ndata: ") < place(text, "id: e-4\nevent: snapshotEnd\ndata: {}\n\n"));
  CHECK(place(text, "event: snapshotEnd") < place(text, "id: e-5\nevent: job\ndata: {\"id\":\"mimas-3\""));
  CHECK(count(text, "snapshotEnd") == 1);
  CHECK(count(text, "alert") == 0);
}

TEST_CASE("whoever says what it saw last gets what came after that, and no snapshot") {
  World world;
  world.view.apply({put_job(1), put_job(2), put_job(3)});
  const std::string text = world.after("e-2");
  CHECK(count(text, "event: job\n") == 1);
  CHECK(count(text, "id: e-3\nevent: job\ndata: {\"id\":\"mimas-3\"") == 1);
  CHECK(count(text, "snapshotEnd") == 0);
  CHECK(count(text, "reset") == 0);
}

TEST_CASE("an id of another start is answered with a reset that says why, and a fresh snapshot") {
  World world;
  world.view.apply({put_job(1)});
  const std::string text = world.after("d-1");
  CHECK(place(text,
              "event: reset\ndata: {\"reason\":\"the id to go on from is of before the last start of the "
              "server\"}\n\n") < place(text, "event: job\n"));
  CHECK(count(text, "event: snapshotEnd") == 1);
}

TEST_CASE("without a snapshot a reader learns its place at once") {
  World world;
  world.view.apply({put_job(1)});
  api::EventQuery query;
  query.snapshot = false;
  CHECK(world.read(query) == "retry: 2000\n\n: heartbeat\nid: e-1\n\n");
}

TEST_CASE("JSON lines hold the same: event, id and data") {
  World world;
  world.view.apply({put_job(1)});
  const std::string text = world.read({}, server::EventFormat::json_lines);
  CHECK(text.starts_with("{\"event\":\"job\",\"data\":{\"id\":\"mimas-1\""));
  CHECK(text.ends_with("{\"event\":\"snapshotEnd\",\"id\":\"e-1\",\"data\":{}}\n"));
}

TEST_CASE("the end of the server is told") {
  World world;
  world.ring.close(0);
  CHECK(world.read({}).ends_with("event: bye\ndata: {\"reason\":\"the server stops\"}\n\n"));
}

TEST_CASE("who falls behind is told so and cut off") {
  EventRing ring("e", 4 * api::weight_of(api::JobChanged()));
  PublishedView view;
  view.publish_to(ring);
  view.apply({put_job(1)});
  Keeping out;
  out.looks = 5;
  out.asked = [&] {  // between two rounds more happens than the ring holds
    for (int i = 10; i < 20; ++i) view.apply({put_job(i)});
  };
  api::EventQuery query;
  query.last_event_id = "e-0";
  EventStream(view, ring, query, server::EventFormat::server_sent).run(out);
  CHECK(count(out.text, "event: overrun\n") == 1);
  CHECK(out.text.ends_with("this reader did not read\"}\n\n"));
  CHECK(ring.counts().overruns == 1);
  CHECK(ring.counts().readers == 0);
}

TEST_CASE(
    "values of the environment reach those readers alone that may see them, in a snapshot and after it") {
  World world;
  const auto put = [](std::int64_t number) {
    Job job;
    job.id = make_job_id(number);
    job.number = number;
    JobSpec spec;
    spec.app_name = "shop";
    spec.env["A"] = "s3cret";
    job.spec = std::make_shared<const JobSpec>(spec);
    return engine::PutJob{std::make_shared<const Job>(job)};
  };
  world.view.apply({put(1)});
  for (const bool resumed : {false, true}) {
    api::EventQuery query;
    if (resumed) query.last_event_id = "e-0";
    const auto read = [&](const api::Sight& sight) {
      Keeping out;
      EventStream(world.view, world.ring, query, server::EventFormat::server_sent, sight).run(out);
      return out.text;
    };
    CHECK(count(read(api::Sight::all()), "s3cret") == 1);
    CHECK(count(read({true, {"shop"}}), "s3cret") == 1);
    CHECK(count(read({true, {"bank"}}), "s3cret") == 0);
    CHECK(count(read({}), "s3cret") == 0);
    CHECK(count(read({}), R"("environment":{"A":"***"})") == 1);
  }
}

TEST_CASE("who did what is told by events to nobody who may not read it elsewhere") {
  EventRing ring("e", 64);
  PublishedView view;
  server::Mailbox mailbox(10);
  server::Replies replies;
  server::Executors executors;
  server::Stats stats(view, Instant{});
  server::Metrics metrics({view, mailbox, ring, stats}, "1", Instant{});
  const server::RouteContext context{.mailbox = mailbox,
                                     .replies = replies,
                                     .view = view,
                                     .executors = executors,
                                     .stats = stats,
                                     .events = ring,
                                     .metrics = metrics};
  const auto status = [&](server::Role role, const std::string& kinds) {
    server::Routes routes(server::everybody_is(role));
    server::add_event_routes(routes, context);
    http::Request request;
    request.method = "GET";
    request.path = "/v2/events";
    request.query = {{"kind", kinds}};
    return routes.take().route(request).status;
  };
  CHECK(status(server::Role::viewer, "job,audit") == 403);
  CHECK(status(server::Role::viewer, "job") == 200);
  CHECK(status(server::Role::operator_, "audit") == 200);
}

TEST_CASE(
    "over loopback: a reader that does not read is cut off, another one goes on, the writer never waits") {
  EventRing ring("e", 64 * api::weight_of(api::JobChanged()));
  PublishedView view;
  view.publish_to(ring);
  server::Routes routes(server::everybody_is(server::Role::viewer));
  server::Mailbox mailbox(10);
  server::Replies replies;
  server::Executors executors;
  server::Stats stats(view, Instant{});
  server::Metrics metrics({view, mailbox, ring, stats}, "1", Instant{});
  server::add_event_routes(routes, {.mailbox = mailbox,
                                    .replies = replies,
                                    .view = view,
                                    .executors = executors,
                                    .stats = stats,
                                    .events = ring,
                                    .metrics = metrics});
  http::Options options;
  options.listen = {"127.0.0.1", 0};
  options.write_ms = 300;
  auto listener = http::Listener::open(
      options, [router = routes.take()](const http::Request& request) { return router.route(request); });
  REQUIRE(listener.ok());
  http::Peer idle((*listener)->port()), reading((*listener)->port());
  idle.say(http::get("/v2/events"));
  reading.say(http::get("/api/v2/events", "Accept: application/x-ndjson\r\n"));
  REQUIRE(idle.hear("snapshotEnd"));
  REQUIRE(reading.hear("snapshotEnd"));
  // 64 KiB each: far more than the sockets' buffers take from the one that does not read.
  const std::string large(64 << 10, 'x');
  for (int i = 1; i <= 400; ++i) {
    view.apply({put_job(i, large)});
    REQUIRE(reading.hear("\"id\":\"e-" + std::to_string(i) + "\""));
    reading.forget();
  }
  while (ring.counts().readers > 1) std::this_thread::yield();
  CHECK(reading.say(""));
  view.apply({put_job(401)});
  CHECK(reading.hear("\"id\":\"e-401\""));
  CHECK(idle.closed());
  CHECK(idle.heard().find("e-400") == std::string::npos);
}
