#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "server/process_facts.h"

namespace mimas::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

const prometheus::Histogram::BucketBoundaries kSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                       0.1,    0.25,  0.5,    1,     2.5,  5,     15};
const prometheus::Histogram::BucketBoundaries kInputs{1, 2, 5, 10, 25, 50, 100, 250, 1000, 10000};

std::string lower(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string_view job_state_name(JobState state) {
  switch (state) {
    case JobState::active: return "active";
    case JobState::killing: return "killing";
    case JobState::ended: return "ended";
  }
  return "ended";
}

// Families that are made anew for every answer.
class Sheet {
 public:
  void gauge(std::string name, std::string help, std::vector<std::pair<Labels, double>> values) {
    add(std::move(name), std::move(help), MetricType::Gauge, values);
  }
  void counter(std::string name, std::string help, double value) {
    counters(std::move(name), std::move(help), {{{}, value}});
  }
  void counters(std::string name, std::string help, const std::vector<std::pair<Labels, double>>& values) {
    add(std::move(name), std::move(help), MetricType::Counter, values);
  }
  void histogram(std::string name, std::string help, const Durations& durations) {
    prometheus::ClientMetric metric;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < durations.counts.size(); ++i) {
      below += durations.counts[i];
      const double bound = i < Durations::kBounds.size() ? Durations::kBounds[i] : INFINITY;
      metric.histogram.bucket.push_back({below, bound});
    }
    metric.histogram.sample_count = below;
    metric.histogram.sample_sum = durations.sum_secs;
    families.push_back({std::move(name), std::move(help), MetricType::Histogram, {std::move(metric)}});
  }
  std::vector<MetricFamily> families;

 private:
  void add(std::string name, std::string help, MetricType type,
           const std::vector<std::pair<Labels, double>>& values) {
    MetricFamily family{std::move(name), std::move(help), type, {}};
    for (const auto& [labels, value] : values) {
      prometheus::ClientMetric metric;
      for (const auto& [label, text] : labels) metric.label.push_back({label, text});
      (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
      family.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(family));
  }
};

std::vector<std::pair<Labels, double>> alone(std::int64_t value) {
  return {{Labels{}, static_cast<double>(value)}};
}

// Only where there are rules. The names of groups are the operator's, and few.
void add_scaling(Sheet& sheet, const PublishedView& view) {
  const std::vector<ScalingGroupPtr> groups = view.scaling();
  if (groups.empty()) return;
  std::vector<std::pair<Labels, double>> agents, failing;
  for (const ScalingGroupPtr& group : groups) {
    const std::string& name = group->rule.name;
    const auto count = [&](const char* what, std::int64_t number) {
      agents.push_back({{{"group", name}, {"state", what}}, static_cast<double>(number)});
    };
    count("there", group->size);
    count("idle", group->idle);
    count("leaving", group->leaving);
    count("awaited", group->awaited);
    failing.push_back({{{"group", name}}, group->trouble.empty() ? 0.0 : 1.0});
  }
  sheet.gauge("mimas_scaling_agents", "Agents of groups that grow and shrink.", std::move(agents));
  sheet.gauge("mimas_scaling_failing", "1 while the last change of the group's size has failed.",
              std::move(failing));
}

void add_standings(Sheet& sheet, const std::map<Standing, std::int64_t>& counts, std::int64_t failing) {
  std::vector<std::pair<Labels, double>> agents;
  for (const Standing standing : {Standing::open, Standing::maintenance, Standing::drained,
                                  Standing::disabled, Standing::quarantined, Standing::launching}) {
    const auto found = counts.find(standing);
    const double count = found == counts.end() ? 0.0 : static_cast<double>(found->second);
    agents.push_back({{{"standing", std::string(standing_name(standing))}}, count});
  }
  sheet.gauge("mimas_agent_standings", "Agents that can be reached, by whether they get work.",
              std::move(agents));
  sheet.gauge("mimas_agents_failing", "Agents where starts failed for the agent's sake.",
              {{{}, static_cast<double>(failing)}});
}

void add_lives(Sheet& sheet, const TaskLives& lives) {
  sheet.counter("mimas_tasks_queued_total", "Tasks made.", static_cast<double>(lives.queued));
  sheet.counter("mimas_tasks_dispatched_total", "Tasks given to an agent.",
                static_cast<double>(lives.dispatched));
  sheet.counter("mimas_tasks_started_total", "Tasks seen running.", static_cast<double>(lives.started));
  std::vector<std::pair<Labels, double>> endings;
  for (const auto& [ending, count] : lives.endings) {
    endings.push_back({{{"state", lower(task_state_name(ending.first))}, {"reason", lower(ending.second)}},
                       static_cast<double>(count)});
  }
  if (!endings.empty())
    sheet.counters("mimas_tasks_ended_total", "Tasks that ended, by state and reason.", endings);
  sheet.histogram("mimas_task_waiting_seconds", "From a task's turn to an agent; back-off is not counted.",
                  lives.waiting);
  sheet.histogram("mimas_task_starting_seconds", "From an agent to RUNNING.", lives.starting);
}

// Amounts in the units that Prometheus has: cores, bytes.
void add_capacity(Sheet& sheet, const std::vector<AgentPtr>& all) {
  Resources total, used, offered;
  for (const AgentPtr& agent : all) {
    if (agent->state != AgentState::active) continue;
    total += agent->total;
    used += agent->used;
    offered += agent->offered;
  }
  const auto gauge = [&](const char* name, const char* help, double unit, std::int64_t Resources::*amount) {
    const auto row = [&](const char* what, const Resources& of) {
      return std::pair<Labels, double>{{{"what", what}}, static_cast<double>(of.*amount) * unit};
    };
    sheet.gauge(name, help, {row("total", total), row("used", used), row("offered", offered)});
  };
  constexpr double kMib = 1 << 20;
  gauge("mimas_cluster_cpu_cores", "CPUs of agents that can be reached.", 0.001, &Resources::cpu_milli);
  gauge("mimas_cluster_memory_bytes", "Memory of agents that can be reached.", kMib, &Resources::mem_mib);
  gauge("mimas_cluster_disk_bytes", "Disk of agents that can be reached.", kMib, &Resources::disk_mib);
  gauge("mimas_cluster_gpus", "GPUs of agents that can be reached.", 1, &Resources::gpus);
}

// The one place where series are named for users' things: services, the oldest kServiceSeriesMax of them.
void add_services(Sheet& sheet, const std::vector<engine::JobCounts>& jobs) {
  std::vector<std::pair<Labels, double>> wanted, ready;
  std::int64_t left_out = 0;
  for (const engine::JobCounts& counts : jobs) {
    const Job& job = *counts.job;
    if (job.spec->type != JobType::service) continue;
    if (wanted.size() >= kServiceSeriesMax) {
      ++left_out;
      continue;
    }
    const Labels labels{{"job", job.id.value}, {"name", job.spec->name}};
    wanted.push_back({labels, static_cast<double>(job.instances_desired)});
    ready.push_back({labels, static_cast<double>(counts.ready)});
  }
  if (!wanted.empty()) {
    sheet.gauge("mimas_service_instances_wanted", "Instances that a service is to have.", std::move(wanted));
    sheet.gauge("mimas_service_instances_ready", "Instances that do their work.", std::move(ready));
  }
  sheet.gauge("mimas_services_left_out", "Services beyond those that have series of their own.",
              alone(left_out));
}

void add_process(Sheet& sheet, const std::string& version, Instant started) {
  sheet.gauge("mimas_build_info", "1; the version is in the label.", {{{{"version", version}}, 1.0}});
  const double since = static_cast<double>(started.ms) / 1000;
  sheet.gauge("mimas_start_time_seconds", "When the server started, in seconds since 1970.",
              {{Labels{}, since}});
  sheet.gauge("process_start_time_seconds", "The same, by the name that all programs have for it.",
              {{Labels{}, since}});
  const std::optional<ProcessFacts> facts = process_facts();
  if (!facts) return;
  sheet.counter("process_cpu_seconds_total", "Processor time of user and system.", facts->cpu_secs);
  sheet.gauge("process_resident_memory_bytes", "Resident memory.", {{{}, facts->resident_bytes}});
  sheet.gauge("process_virtual_memory_bytes", "Virtual memory.", {{{}, facts->virtual_bytes}});
  sheet.gauge("process_threads", "Threads.", {{{}, facts->threads}});
  sheet.gauge("process_open_fds", "Open descriptors.", {{{}, facts->descriptors}});
  sheet.gauge("process_max_fds", "Descriptors that there may be.", {{{}, facts->descriptors_max}});
}

void add_records(Sheet& sheet, const PublishedView& view) {
  const ViewTotals totals = view.totals();
  std::vector<std::pair<Labels, double>> jobs, tasks, agents, alerts;
  for (const auto& [key, count] : totals.jobs) {
    jobs.push_back({{{"type", std::string(job_type_name(key.first))},
                     {"state", std::string(job_state_name(key.second))}},
                    static_cast<double>(count)});
  }
  for (std::size_t i = 0; i < totals.tasks.size(); ++i) {
    tasks.push_back({{{"state", lower(task_state_name(static_cast<TaskState>(i)))}},
                     static_cast<double>(totals.tasks[i])});
  }
  std::map<AgentState, std::int64_t> by_state{
      {AgentState::active, 0}, {AgentState::unreachable, 0}, {AgentState::gone, 0}};
  std::map<Standing, std::int64_t> by_standing;
  std::int64_t failing = 0;
  const std::vector<AgentPtr> known = view.agents();
  for (const AgentPtr& agent : known) {
    ++by_state[agent->state];
    if (agent->state == AgentState::active) ++by_standing[agent->standing];
    if (agent->failure_score > 0) ++failing;
  }
  add_standings(sheet, by_standing, failing);
  for (const auto& [state, count] : by_state)
    agents.push_back({{{"state", lower(agent_state_name(state))}}, static_cast<double>(count)});
  for (const auto& [name, raised] : view.alert_states())
    alerts.push_back({{{"name", name}}, raised ? 1.0 : 0.0});
  sheet.gauge("mimas_jobs", "Jobs on record, by type and state.", std::move(jobs));
  sheet.gauge("mimas_tasks", "Tasks on record, by state.", std::move(tasks));
  sheet.gauge("mimas_tasks_ready", "Running tasks whose checks, if any, say that they do their work.",
              alone(totals.ready));
  sheet.gauge("mimas_tasks_health", "Tasks on agents, by what their health checks say.",
              {{{{"health", "healthy"}}, static_cast<double>(totals.healthy)},
               {{{"health", "unhealthy"}}, static_cast<double>(totals.unhealthy)},
               {{{"health", "unknown"}}, static_cast<double>(totals.health_unknown)}});
  sheet.gauge("mimas_agents", "Agents known, by state.", std::move(agents));
  sheet.gauge("mimas_orphans", "Tasks that run unknown to the records.",
              alone(static_cast<std::int64_t>(view.orphans().size())));
  sheet.gauge("mimas_subscribed", "1 while the Mesos master takes our calls.",
              alone(view.connection().subscribed ? 1 : 0));
  add_scaling(sheet, view);
  sheet.gauge("mimas_alerts", "1 while an alert is raised, as GET /health shows it.", std::move(alerts));
  add_capacity(sheet, known);
  add_services(sheet, view.live_jobs());
  add_lives(sheet, view.lives());
}

void add_streams(Sheet& sheet, const EventRing& ring) {
  const EventRing::Counts counts = ring.counts();
  sheet.gauge("mimas_event_readers", "Open streams of GET /v2/events.", alone(counts.readers));
  sheet.gauge("mimas_events_held", "Changes that a reader can still go on from.", alone(counts.held));
  sheet.counter("mimas_events_total", "Changes told to the event ring.", static_cast<double>(counts.made));
  sheet.counter("mimas_events_sent_total", "Events written to readers, snapshots included.",
                static_cast<double>(counts.sent));
  sheet.counter("mimas_event_overruns_total", "Readers cut off because they were too slow.",
                static_cast<double>(counts.overruns));
}

void add_executors(Sheet& sheet, const Stats& stats) {
  const Stats::Counts counts = stats.counts();
  sheet.counter("mimas_executor_messages_total", "Measurements that executors sent.",
                static_cast<double>(counts.messages));
  sheet.counter("mimas_executor_messages_malformed_total", "Messages and entries that were not understood.",
                static_cast<double>(counts.malformed));
  sheet.counter("mimas_executor_messages_foreign_total", "Entries of tasks that are not their sender's.",
                static_cast<double>(counts.foreign));
  sheet.gauge("mimas_measured_tasks", "Tasks of which there are measurements.",
              alone(static_cast<std::int64_t>(counts.tasks)));
}

}  // namespace

struct Metrics::Impl {
  Impl(const Sources& from, std::string of, Instant now)
      : sources(from),
        version(std::move(of)),
        started(now),
        changes(prometheus::BuildCounter()
                    .Name("mimas_changes_total")
                    .Help("Changes of records, durable or not.")
                    .Register(registry)
                    .Add({})),
        commits(prometheus::BuildHistogram()
                    .Name("mimas_commit_seconds")
                    .Help("How long a batch took to be on disk.")
                    .Register(registry)
                    .Add({}, kSeconds)),
        inputs(prometheus::BuildHistogram()
                   .Name("mimas_batch_inputs")
                   .Help("Commands and events that went into one batch.")
                   .Register(registry)
                   .Add({}, kInputs)),
        requests(prometheus::BuildCounter()
                     .Name("mimas_http_requests_total")
                     .Help("Requests answered, by the route they matched.")
                     .Register(registry)),
        latencies(prometheus::BuildHistogram()
                      .Name("mimas_http_request_seconds")
                      .Help("From a request read to its answer made, by route; of a stream, to its start.")
                      .Register(registry)) {}

  const Sources sources;
  const std::string version;
  const Instant started;
  prometheus::Registry registry;
  prometheus::Counter& changes;
  prometheus::Histogram& commits;
  prometheus::Histogram& inputs;
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Histogram>& latencies;

  // The series of a route, so that a request hashes no labels.
  struct Route {
    prometheus::Histogram* seconds = nullptr;
    std::map<int, prometheus::Counter*> by_status;
  };
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, Route> routes;  // by (pattern, method)
};

Metrics::Metrics(const Sources& sources, std::string version, Instant now)
    : impl_(std::make_unique<Impl>(sources, std::move(version), now)) {}
Metrics::~Metrics() = default;

void Metrics::committed(std::size_t inputs, std::size_t changes, double seconds) {
  impl_->inputs.Observe(static_cast<double>(inputs));
  impl_->changes.Increment(static_cast<double>(changes));
  if (changes > 0) impl_->commits.Observe(seconds);
}

void Metrics::answered(std::string_view method, std::string_view pattern, int status, double seconds) {
  prometheus::Counter* count = nullptr;
  prometheus::Histogram* latency = nullptr;
  {
    const std::lock_guard hold(impl_->mutex);
    const std::string verb(method), route(pattern);
    Impl::Route& entry = impl_->routes[{route, verb}];
    if (entry.seconds == nullptr)
      entry.seconds = &impl_->latencies.Add({{"method", verb}, {"route", route}}, kSeconds);
    prometheus::Counter*& counter = entry.by_status[status];
    if (counter == nullptr) {
      counter =
          &impl_->requests.Add({{"method", verb}, {"route", route}, {"status", std::to_string(status)}});
    }
    count = counter;
    latency = entry.seconds;
  }
  count->Increment();
  latency->Observe(seconds);
}

std::string Metrics::text() const {
  Sheet sheet;
  add_records(sheet, impl_->sources.view);
  add_streams(sheet, impl_->sources.events);
  add_executors(sheet, impl_->sources.stats);
  sheet.gauge("mimas_mailbox_inputs", "Commands and events that wait for the loop.",
              alone(static_cast<std::int64_t>(impl_->sources.mailbox.depth())));
  add_process(sheet, impl_->version, impl_->started);
  std::vector<MetricFamily> counted = impl_->registry.Collect();
  sheet.families.insert(sheet.families.end(), std::make_move_iterator(counted.begin()),
                        std::make_move_iterator(counted.end()));
  return prometheus::TextSerializer().Serialize(sheet.families);
}

}  // namespace mimas::server
