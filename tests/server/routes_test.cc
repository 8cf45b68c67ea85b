// The table of routes against api/openapi.yaml, and what the routes that only look answer about records laid
// out by hand. Runs in the root of the sources.
#include "server/routes.h"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "json/value.h"
#include "server/takes.h"

using namespace mimas;
using namespace mimas::server;

namespace {

JobPtr make_job(std::int64_t number, const std::string& group = "g") {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  JobSpec spec;
  spec.name = "n" + std::to_string(number);
  spec.capacity_group = group;
  spec.entry_point = "true";
  job.spec = std::make_shared<const JobSpec>(spec);
  job.submitted_at = Instant{1'000 * number};
  return std::make_shared<const Job>(job);
}

TaskPtr make_task(std::int64_t job, std::int64_t index, std::int64_t number, TaskState state) {
  Task task;
  task.job = make_job_id(job);
  task.id = make_task_id(task.job, index, number);
  task.index = index;
  task.number = number;
  task.state = state;
  task.queued_at = Instant{1'000 * job + 10};
  return std::make_shared<const Task>(task);
}

JobVersionPtr make_version(std::int64_t version, std::int64_t desired) {
  JobVersion made;
  made.job = make_job_id(1);
  made.version = version;
  made.at = Instant{1'000 + version};
  made.what = "job.scale";
  made.spec = make_job(1)->spec;
  made.instances_desired = desired;
  return std::make_shared<const JobVersion>(made);
}

AuditPtr make_audit(std::int64_t number, Instant at) {
  Audit audit;
  audit.number = number;
  audit.at = at;
  audit.job = make_job_id(1);
  audit.action = "job.scale";
  return std::make_shared<const Audit>(audit);
}

// Routes over records; nobody carries out commands.
struct World {
  Mailbox mailbox{10};
  Replies replies;
  PublishedView view;
  Executors executors;
  Stats stats{view, Instant{}};
  EventRing events{"epoch"};
  Metrics metrics{{view, mailbox, events, stats}, "1", Instant{}};
  http::Router router = make_routes({.mailbox = mailbox,
                                     .replies = replies,
                                     .view = view,
                                     .executors = executors,
                                     .stats = stats,
                                     .events = events,
                                     .metrics = metrics},
                                    everybody_is(Role::admin));

  World() {
    view.apply({engine::PutJob{make_job(1)}, engine::PutJob{make_job(2, "other")},
                engine::PutJob{make_job(3)}, engine::PutTask{make_task(1, 0, 0, TaskState::failed)},
                engine::PutTask{make_task(1, 0, 1, TaskState::running)},
                engine::PutTask{make_task(1, 1, 2, TaskState::queued)},
                engine::PutTask{make_task(2, 0, 0, TaskState::queued)},
                engine::PutTask{make_task(3, 0, 0, TaskState::running)},
                engine::PutJobVersion{make_version(1, 1)}, engine::PutJobVersion{make_version(2, 3)},
                engine::PutAudit{make_audit(1, Instant{900})},
                engine::PutAudit{make_audit(2, Instant{5'000})},
                engine::PutShortfall{make_job_id(2), "no agent fits"}});
  }

  http::Reply ask(const std::string& method, const std::string& path,
                  const std::vector<http::QueryParameter>& query = {}, const std::string& body = {},
                  const std::string& type = {}) {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.body = body;
    if (!type.empty()) request.headers.push_back({"Content-Type", type});
    http::Reply reply = router.route(request);
    http::collect(reply);
    return reply;
  }
  std::string get(const std::string& path, const std::vector<http::QueryParameter>& query = {}) {
    const http::Reply reply = ask("GET", path, query);
    REQUIRE_MESSAGE(reply.status == 200, path << ": " << reply.body);
    return reply.body;
  }
};

// "GET /v2/jobs/{}": how a path's parts are called is not compared.
std::string row(const std::string& method, const std::string& path) {
  std::string out = method + " ";
  bool inside = false;
  for (const char c : path) {
    if (c == '}') inside = false;
    if (!inside) out += c;
    if (c == '{') inside = true;
  }
  return out;
}

std::set<std::string> documented() {
  std::ifstream in("api/openapi.yaml", std::ios::binary);
  REQUIRE_MESSAGE(in.good(), "run this test in the root of the sources");
  std::set<std::string> rows;
  std::string path;
  for (std::string line; std::getline(in, line) && !line.starts_with("components:");) {
    if (line.starts_with("  /")) path = line.substr(2, line.find_last_of(':') - 2);
    for (const char* method : {"get", "post", "put", "patch", "delete"}) {
      if (line != std::string("    ") + method + ":") continue;
      std::string upper(method);
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      rows.insert(row(upper, path));
    }
  }
  return rows;
}

std::vector<std::string> ids(const std::string& body, const char* name = "id") {
  std::vector<std::string> out;
  const auto document = json::parse(body);
  REQUIRE(document.ok());
  for (std::size_t i = 0; i < document->root().size(); ++i)
    out.emplace_back(document->root().at(i).string_or(name, "-"));
  return out;
}

}  // namespace

TEST_CASE("every route is in the OpenAPI document, and everything there is a route") {
  World world;
  std::set<std::string> routes;
  for (const auto& [method, pattern] : world.router.table()) {
    const bool twin = pattern.starts_with("/api/v2") || pattern == "/openapi.yaml" ||
                      pattern.starts_with("/jobs") || pattern.starts_with("/tasks") ||
                      pattern.starts_with("/logs");
    if (!twin) routes.insert(row(method, pattern));
  }
  const std::set<std::string> paths = documented();
  for (const std::string& route : routes)
    CHECK_MESSAGE(paths.contains(route), route << " is not in api/openapi.yaml");
  for (const std::string& path : paths) CHECK_MESSAGE(routes.contains(path), path << " has no route");
  CHECK(paths.size() > 60);
}

TEST_CASE("every route under /v2 answers under /api/v2, those of jobs, tasks and logs without either") {
  World world;
  std::set<std::string> rows;
  for (const auto& [method, pattern] : world.router.table()) rows.insert(method + " " + pattern);
  for (const auto& [method, pattern] : world.router.table()) {
    if (!pattern.starts_with("/v2/")) continue;
    CHECK_MESSAGE(rows.contains(method + " /api" + pattern), pattern);
    const std::string bare = pattern.substr(3);
    if (bare.starts_with("/jobs") || bare.starts_with("/tasks") || bare.starts_with("/logs"))
      CHECK_MESSAGE(rows.contains(method + " " + bare), pattern);
  }
}

TEST_CASE("tasks are listed alive over all jobs, filtered, and page by page") {
  World world;
  CHECK(ids(world.get("/v2/tasks")) == std::vector<std::string>{"mimas-1-worker-0-1", "mimas-1-worker-1-2",
                                                                "mimas-2-worker-0-0", "mimas-3-worker-0-0"});
  CHECK(ids(world.get("/v2/tasks", {{"state", "RUNNING"}})).size() == 2);
  CHECK(ids(world.get("/v2/tasks", {{"job", "mimas-1"}, {"state", "ANY"}})).size() == 3);
  CHECK(ids(world.get("/v2/jobs/mimas-1/tasks")).size() == 3);
  CHECK(ids(world.get("/v2/tasks", {{"capacityGroup", "other"}})) ==
        std::vector<std::string>{"mimas-2-worker-0-0"});
  const http::Reply page = world.ask("GET", "/v2/tasks", {{"limit", "2"}});
  const std::string cursor(wire::find_header(page.headers, "X-Next-Cursor"));
  CHECK(ids(page.body).size() == 2);
  // What the page ended with goes, and its place is still known.
  world.view.apply({engine::RemoveTask{TaskId("mimas-1-worker-1-2")}});
  CHECK(ids(world.get("/v2/tasks", {{"cursor", cursor}})) ==
        std::vector<std::string>{"mimas-2-worker-0-0", "mimas-3-worker-0-0"});
  CHECK(world.ask("GET", "/v2/jobs", {{"cursor", cursor}}).status == 400);
}

TEST_CASE("versions come newest first and differ by what was wanted") {
  World world;
  CHECK(world.get("/v2/jobs/mimas-1/versions", {{"fields", "jobVersion"}}) ==
        R"([{"jobVersion":2},{"jobVersion":1}])");
  const std::string changes =
      R"("changes":[{"pointer":"/instances","before":1,"after":3},{"pointer":"/instancesDesired","before":1,"after":3}]})";
  CHECK(world.get("/v2/jobs/mimas-1/diff") == R"({"from":1,"to":2,)" + changes);
  CHECK(world.get("/v2/jobs/mimas-1/diff", {{"from", "1"}, {"to", "2"}}) == R"({"from":1,"to":2,)" + changes);
  CHECK(world.get("/v2/jobs/mimas-1/diff", {{"to", "1"}}) == R"({"from":1,"to":1,"changes":[]})");
  CHECK(world.ask("GET", "/v2/jobs/mimas-1/diff", {{"to", "9"}}).body.find("kept are 1 to 2") !=
        std::string::npos);
  CHECK(world.ask("GET", "/v2/jobs/mimas-1/diff", {{"to", "0"}}).status == 400);
}

TEST_CASE("the events of a job are its changes and its tasks' states by time, in pages too") {
  World world;
  const auto all = ids(world.get("/v2/jobs/mimas-1/events"), "kind");
  REQUIRE(all.size() >= 5);
  CHECK(all.front() == "change");
  CHECK(all.back() == "change");
  std::vector<std::string> paged;
  std::string cursor;
  for (int pages = 0; pages < 20; ++pages) {
    const http::Reply page =
        world.ask("GET", "/v2/jobs/mimas-1/events", {{"limit", "1"}, {"cursor", cursor}});
    for (const std::string& kind : ids(page.body, "kind")) paged.push_back(kind);
    cursor = wire::find_header(page.headers, "X-Next-Cursor");
    if (cursor.empty()) break;
  }
  CHECK(paged == all);
}

TEST_CASE("the queue tells what waits, by group, longest first") {
  World world;
  CHECK(world.get("/v2/queue", {{"fields", "capacityGroup,tasks,jobs.jobId,jobs.message"}}) ==
        R"([{"capacityGroup":"g","tasks":1,"jobs":[{"jobId":"mimas-1","message":null}]},)"
        R"({"capacityGroup":"other","tasks":1,"jobs":[{"jobId":"mimas-2","message":"no agent fits"}]}])");
}

TEST_CASE("what a route does not take it refuses, with a guess") {
  World world;
  CHECK(world.ask("GET", "/v2/jobs/mimas-1", {{"field", "x"}}).body.find("did you mean `fields`?") !=
        std::string::npos);
  CHECK(world.ask("GET", "/v2/agents", {{"nosuch", ""}}).status == 400);
  CHECK(world.ask("POST", "/v2/jobs/kill", {{"force", "true"}}, "{}").status == 400);
  CHECK(world.ask("POST", "/v2/jobs", {}, "{}", "text/xml").status == 415);
  CHECK(world.ask("POST", "/v2/jobs/setinservice", {}, "{}", "application/json").status == 400);
  CHECK(world.ask("PUT", "/v2/jobs/mimas-9", {}, "{}").status == 404);
  CHECK(world.ask("GET", "/v2/tasks/mimas-1/exec").status == 501);
}

TEST_CASE("a job goes by its name wherever it goes by its id") {
  World world;
  const auto id_of = [&](const std::string& path) {
    return std::string(json::parse(world.get(path))->root().string_or("id", "-"));
  };
  CHECK(id_of("/v2/jobs/n2") == "mimas-2");
  CHECK(id_of("/jobs/n2") == "mimas-2");
  CHECK(ids(world.get("/v2/jobs/n1/tasks")).size() == 3);
  CHECK(ids(world.get("/v2/tasks", {{"job", "n2"}})) == std::vector<std::string>{"mimas-2-worker-0-0"});
  CHECK(world.get("/v2/jobs/n1/diff") == world.get("/v2/jobs/mimas-1/diff"));
  for (const char* path :
       {"/v2/jobs/n1/why", "/v2/jobs/n1/versions", "/v2/jobs/n1/events", "/v2/jobs/n1/stats"}) {
    CHECK(world.ask("GET", path).status == 200);
  }
  CHECK(world.get("/v2/audit", {{"job", "n1"}}) == world.get("/v2/audit", {{"job", "mimas-1"}}));
  CHECK(world.ask("GET", "/v2/events", {{"job", "n1,mimas-9"}}).status == 200);
  CHECK(world.ask("GET", "/v2/events", {{"job", "nope"}}).status == 404);
  CHECK(world.ask("GET", "/v2/events", {{"task", "mimas-1"}}).status == 404);
  CHECK(world.ask("GET", "/v2/tasks", {{"job", "nope"}}).status == 404);
  CHECK(world.get("/v2/tasks", {{"job", "mimas-9"}}) == "[]");  // of what is gone there is nothing
  // A name that two have is nobody's, in paths and in bodies.
  world.view.apply({engine::PutJob{[] {
    Job twin = *make_job(4);
    JobSpec spec = *twin.spec;
    spec.name = "n1";
    twin.spec = std::make_shared<const JobSpec>(spec);
    return std::make_shared<const Job>(twin);
  }()}});
  const std::string twins = "2 live jobs are named n1: mimas-1, mimas-4";
  for (const http::Reply& reply :
       {world.ask("GET", "/v2/jobs/n1"), world.ask("DELETE", "/v2/jobs/n1"),
        world.ask("PATCH", "/v2/jobs/n1", {}, R"({"retries":1})"), world.ask("POST", "/v2/jobs/kill/n1"),
        world.ask("POST", "/v2/jobs/kill", {}, R"({"jobId":"n1"})"),
        world.ask("POST", "/v2/jobs/kill", {}, "n1", "text/plain"),
        world.ask("POST", "/v2/jobs/setinservice", {}, R"({"jobId":"n1","inService":true})"),
        world.ask("POST", "/v2/jobs/setjobprocesses", {}, R"({"jobId":"n1"})"),
        world.ask("POST", "/v2/jobs/setinstancecounts", {},
                  R"({"jobId":"n1","instancesDesired":1,"instancesMin":1,"instancesMax":1})")}) {
    CHECK(reply.status == 409);
    CHECK_MESSAGE(reply.body.find(twins) != std::string::npos, reply.body);
  }
}

TEST_CASE("the wrong kind of id says so") {
  World world;
  const auto says = [&](const http::Reply& reply, const char* part) {
    CHECK(reply.status == 404);
    CHECK_MESSAGE(reply.body.find(part) != std::string::npos, reply.body);
  };
  says(world.ask("GET", "/v2/jobs/mimas-1-worker-0-1"), "that is a task's");
  says(world.ask("PUT", "/v2/jobs/mimas-1-worker-0-1", {}, "{}"), "that is a task's");
  says(world.ask("POST", "/v2/jobs/kill", {}, R"({"jobId":"mimas-1-worker-0-1"})"), "that is a task's");
  for (const char* path : {"/v2/tasks/mimas-1", "/v2/tasks/mimas-1/why", "/v2/tasks/mimas-1/stats",
                           "/v2/logs/mimas-1", "/v2/logs/download/mimas-1", "/v2/logs/mimas-1/stdout",
                           "/v2/tasks/mimas-1/files", "/v2/scheduler/failures/mimas-1"}) {
    CAPTURE(std::string(path));
    says(world.ask("GET", path), "that is a job's");
  }
  says(world.ask("POST", "/v2/tasks/terminate/mimas-1"), "that is a job's");
  says(world.ask("GET", "/v2/jobs/2d274de5-3f84-4f4e-a5e3-7c34476f7ec8"), "Titus's v3 API");
}

TEST_CASE("a body must say that it is JSON, or nothing, or what curl says") {
  http::Request request;
  request.method = "POST";
  request.path = "/v2/jobs";
  request.body = "{}";
  CHECK_FALSE(media_type_fault(request));
  for (const char* good : {"application/x-www-form-urlencoded", "Application/JSON; charset=UTF-8"}) {
    request.headers = {{"Content-Type", good}};
    CHECK_FALSE(media_type_fault(request));
  }
  request.headers = {{"Content-Type", "text/plain"}};
  CHECK(media_type_fault(request));
  request.path = "/api/v2/jobs/kill";
  CHECK_FALSE(media_type_fault(request));
}
