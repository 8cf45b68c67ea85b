#include "api/render_stats.h"

#include <algorithm>
#include <charconv>

#include "api/render_job.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

constexpr std::int64_t kRateMsMin = 500;
constexpr std::int64_t kFirstAfterMs = 30'000;  // a usual interval of 10 s, on a machine that is busy
constexpr std::int64_t kMiB = 1 << 20;

void write_count(json::Writer& out, std::string_view name, std::int64_t count) {
  out.key(name);
  if (count < 0) {
    out.null();
  } else {
    out.int64(count);
  }
}

using MaybeNumber = std::optional<double>;

// Three digits after the point are more than the measurements are worth.
void write_number(json::Writer& out, std::string_view name, MaybeNumber number) {
  out.key(name);
  constexpr double kRoundedMax = 1e12;
  if (!number) {
    out.null();
  } else if (*number < kRoundedMax) {
    out.number(static_cast<double>(static_cast<std::int64_t>(*number * 1'000 + 0.5)) / 1'000);
  } else {
    out.number(*number);
  }
}

MaybeNumber seconds(std::int64_t ms) {
  return ms < 0 ? MaybeNumber() : MaybeNumber(static_cast<double>(ms) / 1'000);
}

MaybeNumber share(MaybeNumber of, std::int64_t whole) {
  return of && whole > 0 ? MaybeNumber(*of / static_cast<double>(whole)) : MaybeNumber();
}

// Nothing: not known at either end, or the count fell.
MaybeNumber per_ms(const Usage* before, const Usage& now, std::int64_t Usage::*count) {
  if (before == nullptr || before->*count < 0 || now.*count < before->*count) return {};
  return static_cast<double>(now.*count - before->*count) / static_cast<double>(now.at - before->at);
}

MaybeNumber per_second(const Usage* before, const Usage& now, std::int64_t Usage::*count) {
  const MaybeNumber rate = per_ms(before, now, count);
  return rate ? MaybeNumber(*rate * 1'000) : rate;
}

std::int64_t memory_of(const Usage& usage) {
  return usage.memory_bytes >= 0 ? usage.memory_bytes : usage.rss_bytes;
}
MaybeNumber known(std::int64_t count) {
  return count < 0 ? MaybeNumber() : MaybeNumber(static_cast<double>(count));
}

// The measurement to compare the one at `index` with; null: there is none.
const Usage* before(const std::vector<Usage>& history, std::size_t index) {
  for (std::size_t i = index; i > 0; --i) {
    if (history[index].at - history[i - 1].at >= kRateMsMin) return &history[i - 1];
  }
  return nullptr;
}

void write_rates(json::Writer& out, const Usage* previous, const Usage& usage) {
  write_number(out, "cpuCores", per_ms(previous, usage, &Usage::cpu_ms));
  write_number(out, "readBytesPerSec", per_second(previous, usage, &Usage::read_bytes));
  write_number(out, "writeBytesPerSec", per_second(previous, usage, &Usage::write_bytes));
  write_number(out, "netInBytesPerSec", per_second(previous, usage, &Usage::net_in_bytes));
  write_number(out, "netOutBytesPerSec", per_second(previous, usage, &Usage::net_out_bytes));
  write_number(out, "logBytesPerSec", per_second(previous, usage, &Usage::log_bytes));
}

void write_latest(json::Writer& out, const std::vector<Usage>& history, const JobSpec& spec) {
  out.key("latest");
  if (history.empty()) {
    out.null();
    return;
  }
  const Usage& usage = history.back();
  const Usage* previous = before(history, history.size() - 1);
  out.begin_object().member("at", format_rfc3339(usage.at));
  write_rates(out, previous, usage);
  const MaybeNumber cores = per_ms(previous, usage, &Usage::cpu_ms);
  write_number(out, "cpuOfRequest",
               share(cores ? MaybeNumber(*cores * 1'000) : cores, spec.request.cpu_milli));
  write_number(out, "cpuSeconds", seconds(usage.cpu_ms));
  write_number(out, "cpuThrottledSeconds", seconds(usage.throttled_ms));
  write_count(out, "memoryBytes", usage.memory_bytes);
  write_number(out, "memoryOfRequest", share(known(memory_of(usage)), spec.request.mem_mib * kMiB));
  write_count(out, "rssBytes", usage.rss_bytes);
  write_count(out, "memoryPeakBytes", usage.peak_bytes);
  write_count(out, "readBytes", usage.read_bytes);
  write_count(out, "writeBytes", usage.write_bytes);
  write_count(out, "netInBytes", usage.net_in_bytes);
  write_count(out, "netOutBytes", usage.net_out_bytes);
  write_count(out, "processes", usage.processes);
  write_count(out, "logBytes", usage.log_bytes);
  out.end_object();
}

void write_history(json::Writer& out, const std::vector<Usage>& history, Instant since) {
  out.key("history").begin_array();
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Usage& usage = history[i];
    if (usage.at <= since) continue;
    out.begin_object().member("at", format_rfc3339(usage.at));
    write_rates(out, before(history, i), usage);
    write_count(out, "memoryBytes", usage.memory_bytes);
    write_count(out, "rssBytes", usage.rss_bytes);
    write_count(out, "processes", usage.processes);
    out.end_object();
  }
  out.end_array();
}

void write_request(json::Writer& out, const JobSpec& spec, std::int64_t times) {
  out.key("request").begin_object();
  write_cpu(out, spec.request.cpu_milli * times);
  out.member("memoryBytes", spec.request.mem_mib * kMiB * times).end_object();
}

std::string image_of(const JobSpec& spec) {
  return spec.version.empty() ? spec.application_name : spec.application_name + ":" + spec.version;
}

// What a measurement can be told apart by, for whoever passes it on.
void write_tags(json::Writer& out, const Task& task, const JobSpec& spec) {
  out.key("tags").begin_object();
  out.member("job", task.job.value).member("task", task.id.value);
  write_text_or_null(out, "image", image_of(spec));
  write_text_or_null(out, "agent", task.agent.value);
  out.member("index", std::to_string(task.index)).end_object();
}

void write_identity(json::Writer& out, const TaskStats& stats) {
  const Task& task = *stats.task;
  out.member("taskId", task.id.value).member("index", task.index);
  out.member("state", titus_state_name(task.state));
  write_text_or_null(out, "host", task.hostname);
  write_text_or_null(out, "agentId", task.agent.value);
  out.member("starts", stats.starts);
}

struct Sum {
  std::int64_t running = 0, measured = 0;
  double cores = 0;
  std::int64_t memory = 0, rss = 0, processes = 0;
};

// Unknown counts as nothing, and no executor's lie makes the sum overflow.
std::int64_t summand(std::int64_t count) {
  constexpr std::int64_t kMost = std::int64_t{1} << 46;
  return std::clamp<std::int64_t>(count, 0, kMost);
}

Sum sum_of(const std::vector<TaskStats>& tasks) {
  Sum sum;
  for (const TaskStats& one : tasks) {
    if (one.task->state != TaskState::running) continue;
    ++sum.running;
    if (one.history.empty()) continue;
    ++sum.measured;
    const Usage& usage = one.history.back();
    const Usage* previous = before(one.history, one.history.size() - 1);
    sum.cores += per_ms(previous, usage, &Usage::cpu_ms).value_or(0);
    sum.memory += summand(memory_of(usage));
    sum.rss += summand(usage.rss_bytes);
    sum.processes += summand(usage.processes);
  }
  return sum;
}

// RFC 3339 as we write it, the fraction optional; or milliseconds.
std::optional<Instant> parse_moment(const std::string& text) {
  std::int64_t ms = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, ms);
  if (failure == std::errc{} && stop == end && ms >= 0) return Instant{ms};
  return parse_rfc3339(text);
}

}  // namespace

Checked<StatsQuery> parse_stats_query(const std::vector<Parameter>& parameters) {
  Checked<StatsQuery> checked;
  for (const auto& [name, value] : parameters) {
    if (name != "since") {
      checked.faults.push_back({name, "unknown query parameter; there is since", value, {}});
    } else if (const auto moment = parse_moment(value)) {
      checked.value.since = *moment;
    } else {
      checked.faults.push_back(
          {name, "must be a moment like 2026-11-21T07:00:00.000Z, or milliseconds since 1970", value, {}});
    }
  }
  return checked;
}

std::string stats_note(const TaskStats& stats, Instant now, Instant listening_since) {
  if (!stats.history.empty()) return {};
  const Task& task = *stats.task;
  if (is_terminal(task.state))
    return "nothing was measured, or the server was restarted since: measurements are kept in memory alone";
  if (task.state != TaskState::running) return "the task is not running";
  const Instant from = std::max(task.running_at, listening_since);
  if (now - from < kFirstAfterMs) return "nothing was measured yet; executors do it every 10 s";
  return "its executor sends no measurements: it was started with --features metrics=off, or is older than "
         "they are";
}

std::string render_task_stats(const TaskStats& stats, const Job& job, const StatsQuery& query,
                              std::string_view note) {
  json::Writer out;
  out.begin_object();
  write_identity(out, stats);
  out.member("jobId", job.id.value);
  write_tags(out, *stats.task, *job.spec);
  write_request(out, *job.spec, 1);
  write_text_or_null(out, "note", note);
  write_latest(out, stats.history, *job.spec);
  write_history(out, stats.history, query.since);
  out.end_object();
  return out.take();
}

std::string render_job_stats(const Job& job, const std::vector<TaskStats>& tasks) {
  const Sum sum = sum_of(tasks);
  json::Writer out;
  out.begin_object().member("jobId", job.id.value).member("name", job.spec->name);
  out.member("running", sum.running).member("measured", sum.measured);
  write_request(out, *job.spec, sum.running);
  out.key("total").begin_object();
  write_number(out, "cpuCores", sum.cores);
  out.member("memoryBytes", sum.memory).member("rssBytes", sum.rss).member("processes", sum.processes);
  out.end_object();
  out.key("tasks").begin_array();
  for (const TaskStats& one : tasks) {
    out.begin_object();
    write_identity(out, one);
    write_latest(out, one.history, *job.spec);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace mimas::api
