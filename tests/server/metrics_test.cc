#include "server/metrics.h"

#include <doctest/doctest.h>

#include "server/metrics_routes.h"

using namespace mimas;

namespace {

struct World {
  server::EventRing ring{"e"};
  server::Mailbox mailbox{10};
  server::PublishedView view;
  server::Stats stats{view, Instant{1}};
  server::Metrics metrics{{view, mailbox, ring, stats}, "1.2.3", Instant{1'500}};
  World() { view.publish_to(ring); }

  // The value behind the series; empty: there is no such series.
  std::string value(const std::string& series) const {
    const std::string text = "\n" + metrics.text();
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return {};
    const std::size_t start = at + series.size() + 2;
    return text.substr(start, text.find('\n', start) - start);
  }

  http::Reply ask(const std::string& path) {
    server::Routes routes(server::everybody_is(server::Role::viewer));
    server::add_metrics_routes(routes, view, metrics);
    http::Request request;
    request.method = "GET";
    request.path = path;
    return routes.take().route(request);
  }
};

engine::PutJob put_job(std::int64_t number, JobState state) {
  Job job;
  job.id = make_job_id(number);
  job.number = number;
  job.state = state;
  job.spec = std::make_shared<const JobSpec>();
  return {std::make_shared<const Job>(job)};
}

}  // namespace

TEST_CASE("records are counted by state, states without any as 0") {
  World world;
  Task task;
  task.job = make_job_id(1);
  task.id = make_task_id(task.job, 0, 0);
  task.state = TaskState::running;
  world.view.apply({put_job(1, JobState::active), put_job(2, JobState::active), put_job(3, JobState::ended),
                    engine::PutTask{std::make_shared<const Task>(task)}, engine::PutConnection{true, "m:1"},
                    engine::PutAlert{"orphans", "two"}});
  CHECK(world.value(R"(mimas_jobs{type="batch",state="active"})") == "2");
  CHECK(world.value(R"(mimas_jobs{type="batch",state="ended"})") == "1");
  CHECK(world.value(R"(mimas_tasks{state="running"})") == "1");
  CHECK(world.value(R"(mimas_tasks{state="unreachable"})") == "0");
  CHECK(world.value(R"(mimas_agents{state="active"})") == "0");
  CHECK(world.value(R"(mimas_tasks_health{health="unknown"})") == "1");
  CHECK(world.value("mimas_subscribed") == "1");
  CHECK(world.value(R"(mimas_alerts{name="orphans"})") == "1");
  CHECK(world.value("mimas_events_total") == std::to_string(world.ring.last()));
  CHECK(world.value("mimas_start_time_seconds") == "1.5");
}

TEST_CASE("alerts that are not raised are 0, and capacity is in cores and bytes") {
  World world;
  Agent agent;
  agent.id = AgentId("a");
  agent.state = AgentState::active;
  agent.total = {.cpu_milli = 4'000, .mem_mib = 1'024};
  agent.used = {.cpu_milli = 500, .mem_mib = 128};
  world.view.apply({engine::PutAgent{std::make_shared<const Agent>(agent)},
                    engine::PutAlert{"orphans", "two"}, engine::PutAlert{"orphans", ""}});
  CHECK(world.value(R"(mimas_alerts{name="orphans"})") == "0");
  CHECK(world.value(R"(mimas_alerts{name="scaling"})") == "0");
  CHECK(world.value(R"(mimas_cluster_cpu_cores{what="total"})") == "4");
  CHECK(world.value(R"(mimas_cluster_cpu_cores{what="used"})") == "0.5");
  CHECK(world.value(R"(mimas_cluster_memory_bytes{what="used"})") == "134217728");
  CHECK(world.value(R"(mimas_build_info{version="1.2.3"})") == "1");
  CHECK(std::stod(world.value("process_resident_memory_bytes")) > 1'000'000);
  CHECK(std::stod(world.value("process_open_fds")) >= 3);
  CHECK(world.value("process_start_time_seconds") == "1.5");
}

TEST_CASE("services have series of their own, as many as there may be") {
  World world;
  JobSpec spec;
  spec.type = JobType::service;
  spec.name = "web";
  const auto shared = std::make_shared<const JobSpec>(spec);
  std::vector<engine::Change> changes;
  for (std::int64_t number = 1; number <= 502; ++number) {
    Job job;
    job.id = make_job_id(number);
    job.number = number;
    job.spec = shared;
    job.instances_desired = 3;
    changes.push_back(engine::PutJob{std::make_shared<const Job>(job)});
  }
  Task task;
  task.job = make_job_id(1);
  task.id = make_task_id(task.job, 0, 0);
  task.state = TaskState::running;
  changes.push_back(engine::PutTask{std::make_shared<const Task>(task)});
  world.view.apply(changes);
  CHECK(world.value(R"(mimas_service_instances_wanted{job="mimas-1",name="web"})") == "3");
  CHECK(world.value(R"(mimas_service_instances_ready{job="mimas-1",name="web"})") == "1");
  CHECK(world.value(R"(mimas_service_instances_ready{job="mimas-2",name="web"})") == "0");
  CHECK(world.value(R"(mimas_service_instances_wanted{job="mimas-501",name="web"})").empty());
  CHECK(world.value("mimas_services_left_out") == "2");
}

TEST_CASE("batches and requests are counted where they happen") {
  World world;
  world.metrics.committed(3, 7, 0.004);
  world.metrics.committed(0, 0, 9);  // nothing to write is no commit
  world.metrics.answered("GET", "/v2/jobs/{id}", 200, 0.002);
  world.metrics.answered("GET", "/v2/jobs/{id}", 200, 20);
  world.metrics.answered("GET", "/v2/jobs/{id}", 404, 0.002);
  REQUIRE(world.mailbox.offer(engine::Settle{}));
  CHECK(world.value("mimas_changes_total") == "7");
  CHECK(world.value("mimas_commit_seconds_count") == "1");
  CHECK(world.value(R"(mimas_commit_seconds_bucket{le="0.005"})") == "1");
  CHECK(world.value(R"(mimas_commit_seconds_bucket{le="0.0025"})") == "0");
  CHECK(world.value("mimas_batch_inputs_sum") == "3");
  CHECK(world.value(R"(mimas_http_requests_total{method="GET",route="/v2/jobs/{id}",status="200"})") == "2");
  CHECK(world.value(R"(mimas_http_requests_total{method="GET",route="/v2/jobs/{id}",status="404"})") == "1");
  CHECK(world.value(R"(mimas_http_request_seconds_count{method="GET",route="/v2/jobs/{id}"})") == "3");
  CHECK(world.value("mimas_mailbox_inputs") == "1");
}

TEST_CASE("requests are watched by the pattern they matched, under both prefixes as one") {
  server::Routes routes(server::everybody_is(server::Role::viewer));
  std::vector<std::string> seen;
  routes.watch([&](const std::string& method, const std::string& pattern, int status, double) {
    seen.push_back(method + " " + pattern + " " + std::to_string(status));
  });
  routes.add(server::Role::viewer, "GET", "/jobs/{id}", [](const server::Call&) { return http::Reply{}; });
  routes.add(server::Role::admin, "GET", "/secret", [](const server::Call&) { return http::Reply{}; });
  const http::Router router = routes.take();
  for (const char* path : {"/v2/jobs/mimas-1", "/api/v2/jobs/mimas-2", "/v2/secret"}) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    router.route(request);
  }
  CHECK(seen ==
        std::vector<std::string>{"GET /v2/jobs/{id} 200", "GET /v2/jobs/{id} 200", "GET /v2/secret 403"});
}

TEST_CASE("ready is who has a master; what is said otherwise names the remedy") {
  World world;
  const http::Reply before = world.ask("/ready");
  CHECK(before.status == 503);
  CHECK(before.content_type == "application/problem+json");
  world.view.apply({engine::PutConnection{true, "m:5050"}});
  CHECK(world.ask("/ready").status == 200);
  CHECK(world.ask("/ready").body == R"({"status":"ready","master":"m:5050"})");
  world.view.apply({engine::PutConnection{false, ""}});
  CHECK(world.ask("/ready").status == 503);
  CHECK(world.ask("/metrics").content_type == "text/plain; version=0.0.4; charset=utf-8");
}
