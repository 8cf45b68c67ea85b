// What making the text of a listing costs, without a server around it: 10,000 service jobs of 5 tasks.
#include <benchmark/benchmark.h>

#include "../api/empty_view.h"
#include "api/render.h"

using namespace mimas;

namespace {

class Listing : public api::EmptyView {
 public:
  Listing(std::int64_t jobs, std::int64_t tasks) {
    JobSpec spec;
    spec.type = JobType::service;
    spec.name = "shop-main-web-v000";
    spec.app_name = "shop";
    spec.job_group_stack = "main";
    spec.application_name = "registry.example/shop/web";
    spec.version = "1.42.0";
    spec.entry_point = "/usr/bin/web --port 8080";
    spec.user = "spinnaker";
    spec.labels = {{"team", "shop"}, {"source", "spinnaker"}, {"name", "shop-main-web-v000"}};
    spec.env = {{"SPRING_PROFILES_ACTIVE", "prod"}, {"JAVA_OPTS", "-Xmx64m"}};
    spec.request = {.cpu_milli = 500, .mem_mib = 128, .disk_mib = 10};
    const auto shared = std::make_shared<const JobSpec>(spec);
    for (std::int64_t number = 1; number <= jobs; ++number) add_job(number, tasks, shared);
  }

  std::vector<JobPtr> jobs() const override { return jobs_; }
  std::vector<TaskPtr> tasks_of(const JobId& id) const override {
    return tasks_[static_cast<std::size_t>(parse_job_number(id.value) - 1)];
  }

 private:
  void add_job(std::int64_t number, std::int64_t tasks, const std::shared_ptr<const JobSpec>& spec) {
    Job job;
    job.id = make_job_id(number);
    job.number = number;
    job.spec = spec;
    job.submitted_at = Instant{1'795'262'400'123};
    job.instances_desired = job.instances_max = tasks;
    jobs_.push_back(std::make_shared<const Job>(job));
    std::vector<TaskPtr>& own = tasks_.emplace_back();
    for (std::int64_t i = 0; i < tasks; ++i) {
      Task task;
      task.job = job.id;
      task.id = make_task_id(job.id, i, i);
      task.index = task.number = i;
      task.state = TaskState::running;
      task.agent = AgentId("bacefa92-bfbe-4915-9728-26d3837c05f3-S0");
      task.hostname = "pi-17.rack-3";
      task.agent_endpoint = "10.0.3.17:5051";
      task.queued_at = task.dispatched_at = task.running_at = Instant{1'795'262'400'123};
      own.push_back(std::make_shared<const Task>(task));
    }
  }

  std::vector<JobPtr> jobs_;
  std::vector<std::vector<TaskPtr>> tasks_;
};

void listing(benchmark::State& run, const api::JobQuery& query) {
  const Listing view(10'000, 5);
  std::size_t bytes = 0;
  for (auto _ : run) {
    json::Writer out;
    api::write_jobs(out, view, query);
    const std::string body = out.take();
    bytes += body.size();
    benchmark::DoNotOptimize(body.data());
  }
  run.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  run.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(run.iterations());
}

void whole(benchmark::State& run) { listing(run, {}); }

void page(benchmark::State& run) {
  api::JobQuery query;
  query.labels = {{"team", "shop"}};
  query.label_has_value = {true};
  query.limit = 50;
  query.fields = {"name", "tasks.id", "tasks.state"};
  listing(run, query);
}

void nothing_fits(benchmark::State& run) {
  api::JobQuery query;
  query.labels = {{"team", "nobody"}};
  query.label_has_value = {true};
  listing(run, query);
}

BENCHMARK(whole)->Unit(benchmark::kMillisecond);
BENCHMARK(page)->Unit(benchmark::kMillisecond);
BENCHMARK(nothing_fits)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
