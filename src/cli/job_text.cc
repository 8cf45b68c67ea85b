#include "cli/job_text.h"

#include <array>
#include <cstdio>
#include <optional>

#include "cli/facts.h"
#include "json/writer.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kRowsMax = 100'000;

std::int64_t running_tasks(json::Value job) {
  const std::optional<json::Value> tasks = job.find("tasks");
  if (!tasks || !tasks->is_array()) return 0;
  std::int64_t running = 0;
  for (std::size_t i = 0; i < tasks->size(); ++i) {
    if (tasks->at(i).string_or("state", "") == "RUNNING") ++running;
  }
  return running;
}

Cell state_cell(json::Value object) {
  std::string state = field(object, "state");
  return {state, state_tone(state)};
}

std::string ports_text(json::Value task) {
  const std::optional<json::Value> ports = task.find("ports");
  if (!ports) return "";
  std::string text;
  for (std::size_t i = 0; i < ports->size() && i < 8; ++i) {
    if (!text.empty()) text += ",";
    if (ports->is_object()) text += std::string(ports->name(i)) + ":";
    text += scalar(ports->at(i));
  }
  return ports->size() > 8 ? text + ",…" : text;
}

std::string joined(const std::optional<json::Value>& object, const char* separator) {
  if (!object || !object->is_object()) return "";
  std::string text;
  for (std::size_t i = 0; i < object->size(); ++i) {
    text += (text.empty() ? "" : separator) + std::string(object->name(i)) + "=" + scalar(object->at(i));
  }
  return text;
}

std::string amount(json::Value agent, std::string_view kind, std::string_view name) {
  const std::optional<json::Value> part = agent.find(kind);
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.15g", part ? part->number_or(name, 0) : 0.0);
  return digits;
}

// What the agent offers us at this moment: nothing while there is no work for it.
std::string offered_text(json::Value agent) {
  const std::string cpu = amount(agent, "offered", "cpu");
  const std::string memory = amount(agent, "offered", "memory");
  return cpu == "0" && memory == "0" ? "" : cpu + " CPU, " + memory + " MiB";
}

std::string program(json::Value job) {
  const std::string line = field(job, "entryPoint");
  if (!line.empty()) return line;
  const std::optional<json::Value> command = job.find("command");
  std::string text;
  for (std::size_t i = 0; command && command->is_array() && i < command->size(); ++i) {
    text += (i == 0 ? "" : " ") + scalar(command->at(i));
  }
  return text;
}

bool has_checks(json::Value job) {
  const std::optional<json::Value> checks = job.find("healthChecks");
  const std::optional<json::Value> readiness = job.find("readiness");
  return (checks && checks->is_array() && checks->size() > 0) || (readiness && readiness->is_object());
}

// "healthy, not ready"; a blank while nothing is known.
Cell health_cell(json::Value task) {
  if (field(task, "state") != "RUNNING") return {""};
  const std::string healthy = field(task, "healthy");
  const std::string ready = field(task, "ready");
  std::string text = healthy == "true" ? "healthy" : healthy == "false" ? "unhealthy" : "";
  if (!ready.empty())
    text += (text.empty() ? "" : ", ") + std::string(ready == "true" ? "ready" : "not ready");
  const bool bad = healthy == "false" || ready == "false";
  return {text, text.empty() ? Tone::plain : bad ? Tone::bad : Tone::good};
}

// How long it has been there, or ran.
std::string age_of(json::Value task, Instant now) {
  const std::optional<Instant> end = parse_rfc3339(field(task, "finishedAt"));
  const bool started = !field(task, "startedAt").empty();
  return age_since(task, started ? "startedAt" : "submittedAt", end.value_or(now));
}

// The health has a column where the job has checks.
std::string tasks_of_job(json::Value job, bool colour, Instant now) {
  const bool checked = has_checks(job);
  std::vector<std::string> heads{"TASK", "STATE", "HOST", "AGE", "PORTS", "DETAIL"};
  if (checked) heads.insert(heads.begin() + 2, "HEALTH");
  Table table(std::move(heads));
  const std::optional<json::Value> tasks = job.find("tasks");
  if (!tasks || !tasks->is_array() || tasks->size() == 0) return "no tasks\n";
  for (std::size_t i = 0; i < tasks->size() && i < kRowsMax; ++i) {
    const json::Value task = tasks->at(i);
    std::vector<Cell> row{{field(task, "id")}, state_cell(task),   {field(task, "host")},
                          {age_of(task, now)}, {ports_text(task)}, {task_detail(task)}};
    if (checked) row.insert(row.begin() + 2, health_cell(task));
    table.add(std::move(row));
  }
  return table.text(colour);
}

void write_env(json::Writer& out, const JobRequest& request) {
  if (request.env.empty()) return;
  out.key("env").begin_object();
  for (const auto& [name, value] : request.env) out.member(name, value);
  out.end_object();
}

void write_health(json::Writer& out, const HealthRequest& check) {
  out.begin_object().key(check.kind);
  if (check.kind == "command") {
    out.begin_array().string("/bin/sh").string("-c").string(check.command).end_array();
  } else {
    out.begin_object();
    if (check.port > 0) out.member("port", check.port);
    if (!check.path.empty()) out.member("path", check.path);
    out.end_object();
  }
  out.end_object();
}

// Lists of objects.
void write_more(json::Writer& out, const JobRequest& request) {
  if (!request.labels.empty()) {
    out.key("labels").begin_object();
    for (const auto& [name, value] : request.labels) out.member(name, value);
    out.end_object();
  }
  if (!request.health.empty()) {
    out.key("healthChecks").begin_array();
    for (const HealthRequest& check : request.health) write_health(out, check);
    out.end_array();
  }
  if (!request.volumes.empty()) {
    out.key("volumes").begin_array();
    for (const VolumeRequest& volume : request.volumes) {
      out.begin_object().member("source", volume.source).member("target", volume.target);
      if (volume.read_only) out.member("readOnly", true);
      out.end_object();
    }
    out.end_array();
  }
  if (!request.artifacts.empty()) {
    out.key("artifacts").begin_array();
    for (const std::string& uri : request.artifacts) out.begin_object().member("uri", uri).end_object();
    out.end_array();
  }
}

void write_list(json::Writer& out, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out.key(name).begin_array();
  for (const std::string& text : texts) out.string(text);
  out.end_array();
}

// "registry:5000/team/app:1.2" → the image and its tag; a colon before the last slash belongs to the
// registry.
void write_image(json::Writer& out, const std::string& image) {
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  out.member("applicationName", tagged ? image.substr(0, colon) : image);
  if (tagged) out.member("version", image.substr(colon + 1));
}

}  // namespace

Tone state_tone(std::string_view state) {
  if (state == "RUNNING" || state == "FINISHED") return Tone::good;
  if (state == "FAILED" || state == "CRASHED") return Tone::bad;
  if (state == "QUEUED" || state == "DISPATCHED" || state == "STARTING" || state == "UNREACHABLE")
    return Tone::waiting;
  return Tone::plain;
}

std::string exit_text(json::Value task) {
  const std::optional<json::Value> exit = task.find("exit");
  if (!exit) return "";
  const std::string signal = field(*exit, "signal");
  if (!signal.empty()) return "signal " + signal;
  const std::string code = field(*exit, "code");
  return code.empty() ? "" : "exit " + code;
}

// How the start before ended: "exit 4", "MEMORY_LIMIT: …".
std::string ending_text(const std::optional<json::Value>& last) {
  if (!last || !last->is_object()) return "";
  const std::string exit = exit_text(*last);
  const std::string reason = field(*last, "reason");
  if (exit.empty() && reason.empty()) return field(*last, "message");
  return exit.empty() ? reason : reason.empty() ? exit : exit + ", " + reason;
}

std::string task_detail(json::Value task) {
  std::string text;
  // Of one that is well, what is failing or only informs: not what HEALTH says already.
  const std::string words = field(task, "lastHealthMessage");
  const bool known = words == "healthy" || words == "ready" || words == "healthy and ready";
  const std::string health = field(task, "state") == "RUNNING" && !known ? words : std::string();
  for (const std::string& part : {exit_text(task), field(task, "reason"), field(task, "message"), health}) {
    if (!part.empty() && text.find(part) == std::string::npos) text += (text.empty() ? "" : ": ") + part;
  }
  // The message of one in its back-off says it already.
  const bool told = field(task, "reason") == "BACKOFF";
  const std::string before = told ? std::string() : ending_text(task.find("lastEnding"));
  if (!before.empty() && text.find(before) == std::string::npos)
    text += (text.empty() ? "" : "; ") + ("before: " + before);
  return text;
}

std::string jobs_table(json::Value jobs, bool colour, bool wide, Instant now) {
  if (!jobs.is_array() || jobs.size() == 0) return "no jobs\n";
  std::vector<std::string> heads{"ID", "NAME", "TYPE", "STATE", "READY", "RESTARTS", "AGE"};
  if (wide) heads.insert(heads.end(), {"APP", "USER", "VERSION", "RUNS", "LABELS"});
  Table table(std::move(heads));
  for (std::size_t i = 0; i < jobs.size() && i < kRowsMax; ++i) {
    const json::Value job = jobs.at(i);
    const std::string ready = std::to_string(job.int64_or("instancesReady", running_tasks(job)));
    const std::optional<Instant> end = parse_rfc3339(field(job, "finishedAt"));
    std::vector<Cell> row{{field(job, "id")},
                          {field(job, "name")},
                          {field(job, "type")},
                          state_cell(job),
                          {ready + "/" + field(job, "instances")},
                          {field(job, "restarts")},
                          {age_since(job, "submittedAt", end.value_or(now))}};
    if (wide) {
      const std::string image = field(job, "applicationName");
      row.insert(row.end(), {{field(job, "appName")},
                             {field(job, "user")},
                             {field(job, "jobVersion")},
                             {image.empty() ? program(job) : image},
                             {joined(job.find("labels"), " ")}});
    }
    table.add(std::move(row));
  }
  return table.text(colour);
}

std::string tasks_table(json::Value tasks, bool colour, bool wide, Instant now) {
  if (!tasks.is_array() || tasks.size() == 0) return "no tasks\n";
  std::vector<std::string> heads{"TASK", "STATE", "HOST", "AGE", "PORTS"};
  if (wide) heads.insert(heads.end(), {"STARTED", "FINISHED", "SUBMITTED", "JOB", "AGENT"});
  heads.push_back("DETAIL");
  Table table(std::move(heads));
  for (std::size_t i = 0; i < tasks.size() && i < kRowsMax; ++i) {
    const json::Value task = tasks.at(i);
    std::vector<Cell> row{{field(task, "id")},
                          state_cell(task),
                          {field(task, "host")},
                          {age_of(task, now)},
                          {ports_text(task)}};
    if (wide)
      row.insert(row.end(), {{moment(task, "startedAt")},
                             {moment(task, "finishedAt")},
                             {moment(task, "submittedAt")},
                             {field(task, "jobId")},
                             {field(task, "agentId")}});
    row.push_back({task_detail(task)});
    table.add(std::move(row));
  }
  return table.text(colour);
}

std::string task_page(json::Value task, bool colour) {
  std::string page;
  for (const char* name : {"id", "state", "host", "agentId"}) add_fact(page, name, field(task, name));
  add_fact(page, "job", field(task, "jobId"));
  add_fact(page, "health", health_cell(task).text);
  add_fact(page, "detail", task_detail(task));
  add_fact(page, "ports", ports_text(task));
  add_fact(page, "submitted", moment(task, "submittedAt"));
  add_fact(page, "started", moment(task, "startedAt"));
  add_fact(page, "finished", moment(task, "finishedAt"));
  const std::optional<json::Value> history = task.find("statusHistory");
  if (!history || !history->is_array() || history->size() == 0) return page;
  Table table({"AT", "STATE", "REASON", "MESSAGE"});
  for (std::size_t i = 0; i < history->size() && i < kRowsMax; ++i) {
    const json::Value step = history->at(i);
    table.add({{moment(step, "at")}, state_cell(step), {field(step, "reason")}, {field(step, "message")}});
  }
  return page + "\n" + table.text(colour);
}

std::string job_page(json::Value job, bool colour, Instant now) {
  std::string page;
  add_fact(page, "id", field(job, "id"));
  add_fact(page, "name", field(job, "name"));
  add_fact(page, "type", field(job, "type"));
  add_fact(page, "state", field(job, "state"));
  add_fact(page, "message", field(job, "message"));
  add_fact(page, "instances",
           std::to_string(running_tasks(job)) + " running, " +
               (has_checks(job) ? field(job, "instancesReady") + " ready, " : std::string()) +
               field(job, "instances") + " wanted");
  if (const std::string restarts = field(job, "restarts"); restarts != "0")
    add_fact(page, "restarts", restarts);
  add_fact(page, "image", field(job, "applicationName"));
  add_fact(page, "runs", program(job));
  add_fact(page, "each has",
           field(job, "cpu") + " CPU, " + field(job, "memory") + " MiB memory, " + field(job, "disk") +
               " MiB disk");
  add_fact(page, "labels", joined(job.find("labels"), " "));
  add_fact(page, "submitted", moment(job, "submittedAt"));
  add_fact(page, "finished", moment(job, "finishedAt"));
  if (job.find("inService") && !job.bool_or("inService", true)) add_fact(page, "traffic", "out of service");
  const std::optional<json::Value> notes = job.find("notes");
  for (std::size_t i = 0; notes && notes->is_array() && i < notes->size(); ++i) {
    add_fact(page, "note", scalar(notes->at(i)));
  }
  return page + "\n" + tasks_of_job(job, colour, now);
}

std::string agents_table(json::Value agents, bool colour, bool wide) {
  if (!agents.is_array() || agents.size() == 0) return "no agents\n";
  std::vector<std::string> heads{"HOSTNAME", "STATE", "WORK", "CPU", "MEMORY", "DISK", "TASKS", "ATTRIBUTES"};
  if (wide) heads.insert(heads.end(), {"OFFERED", "EXECUTOR", "ID"});
  Table table(std::move(heads));
  const auto of_total = [](json::Value agent, const char* name) {
    return amount(agent, "used", name) + "/" + amount(agent, "total", name);
  };
  for (std::size_t i = 0; i < agents.size() && i < kRowsMax; ++i) {
    const json::Value agent = agents.at(i);
    const std::string state = field(agent, "state");
    const bool active = state == "ACTIVE" || state == "active";
    const std::string standing = field(agent, "standing");
    std::vector<Cell> row{{field(agent, "hostname")},
                          {state, active ? Tone::good : Tone::waiting},
                          {standing, standing == "open" ? Tone::good : Tone::waiting},
                          {of_total(agent, "cpu")},
                          {of_total(agent, "memory")},
                          {of_total(agent, "disk")},
                          {field(agent, "tasks")},
                          {joined(agent.find("attributes"), ";")}};
    if (wide)
      row.insert(row.end(), {{offered_text(agent)}, {field(agent, "executorVersion")}, {field(agent, "id")}});
    table.add(std::move(row));
  }
  return table.text(colour);
}

std::string orphans_table(json::Value list, bool colour) {
  const std::optional<json::Value> orphans = list.find("orphans");
  if (!orphans || !orphans->is_array() || orphans->size() == 0) return "no orphans\n";
  const std::string alert = field(list, "alert");
  Table table({"TASK", "STATE", "HOSTNAME", "FIRST SEEN", "DECISION", "REASON"});
  for (std::size_t i = 0; i < orphans->size() && i < kRowsMax; ++i) {
    const json::Value orphan = orphans->at(i);
    const std::string decision = field(orphan, "decision");
    table.add({{field(orphan, "taskId")},
               {field(orphan, "state")},
               {field(orphan, "hostname")},
               {moment(orphan, "firstSeenAt")},
               {decision, decision == "waiting" ? Tone::waiting : Tone::plain},
               {field(orphan, "reason")}});
  }
  return (alert.empty() ? std::string() : "! " + printable(alert) + "\n") + table.text(colour);
}

std::string operations_table(json::Value list, bool colour) {
  if (!list.is_array() || list.size() == 0) return "no operations\n";
  Table table({"OPERATION", "TYPE", "STATE", "AGENT", "ROLE", "VOLUME", "MESSAGE"});
  for (std::size_t i = 0; i < list.size() && i < kRowsMax; ++i) {
    const json::Value one = list.at(i);
    const std::string state = field(one, "state");
    const bool waits = state == "WAITING" || state == "SENT" || state == "PENDING";
    const std::optional<json::Value> volume = one.find("volume");
    table.add({{field(one, "id")},
               {field(one, "type")},
               {state, waits ? Tone::waiting : Tone::plain},
               {field(one, "agentId")},
               {field(one, "role")},
               {volume ? field(*volume, "id") : std::string()},
               {field(one, "message")}});
  }
  return table.text(colour);
}

namespace {

// "8 CPU 4096 MiB fpga 2": what is not nothing.
std::string amounts_text(const std::optional<json::Value>& amounts) {
  if (!amounts || !amounts->is_object()) return "-";
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto add_own = [&](const char* name, const char* unit) {
    const std::string amount = field(*amounts, name);
    if (!amount.empty() && amount != "0") add(amount + unit);
  };
  add_own("cpu", " CPU");
  add_own("memory", " MiB");
  add_own("disk", " MiB disk");
  add_own("gpu", " GPU");
  add_own("networkMbps", " Mbit/s");
  const std::optional<json::Value> others = amounts->find("resources");
  for (std::size_t i = 0; others && others->is_object() && i < others->size(); ++i) {
    add(scalar(others->at(i)) + " " + std::string(others->name(i)));
  }
  return text.empty() ? "-" : text;
}

}  // namespace

std::string groups_table(json::Value answer, bool colour) {
  Table table({"GROUP", "TIER", "WEIGHT", "GUARANTEE", "QUOTA", "USED", "RUNNING", "QUEUED", "VERSION"});
  const auto add = [&](const json::Value& one) {
    const std::string queued = field(one, "queued");
    table.add({{field(one, "name")},
               {field(one, "tier")},
               {field(one, "weight")},
               {amounts_text(one.find("guarantee"))},
               {amounts_text(one.find("quota"))},
               {amounts_text(one.find("used"))},
               {field(one, "running")},
               {queued, queued == "0" ? Tone::plain : Tone::waiting},
               {field(one, "version")}});
  };
  if (answer.is_object()) add(answer);
  for (std::size_t i = 0; answer.is_array() && i < answer.size() && i < kRowsMax; ++i) add(answer.at(i));
  return table.text(colour);
}

std::string decided_text(json::Value answer, bool) {
  std::string text;
  for (const char* name : {"adopted", "killed"}) {
    const std::optional<json::Value> done = answer.find(name);
    for (std::size_t i = 0; done && done->is_array() && i < done->size() && i < kRowsMax; ++i) {
      text +=
          scalar(done->at(i)) + (std::string_view(name) == "adopted" ? " is adopted\n" : " will be killed\n");
    }
  }
  const std::optional<json::Value> left = answer.find("leftAlone");
  for (std::size_t i = 0; left && left->is_array() && i < left->size() && i < kRowsMax; ++i) {
    text += field(left->at(i), "taskId") + " is left alone: " + field(left->at(i), "reason") + "\n";
  }
  return text.empty() ? "there was nothing to decide\n" : text;
}

std::string job_body(const JobRequest& request) {
  json::Writer out;
  out.begin_object();
  out.member("name", request.name);
  out.member("type", request.type);
  if (request.image.empty()) {
    out.member("runtime", "process");
  } else {
    out.member("runtime", "docker");
    write_image(out, request.image);
  }
  write_list(out, "command", request.command);
  if (request.cpu > 0) out.member("cpu", request.cpu);
  if (request.memory_mib > 0) out.member("memory", request.memory_mib);
  if (request.disk_mib > 0) out.member("disk", request.disk_mib);
  if (request.ports > 0) out.member("ports", request.ports);
  if (!request.container_ports.empty()) {
    out.key("ports").begin_array();
    for (const std::int64_t port : request.container_ports) out.int64(port);
    out.end_array();
  }
  if (request.type == "service") {
    out.member("instancesMin", std::int64_t{0});
    out.member("instancesDesired", request.instances);
    out.member("instancesMax", request.instances);
  } else {
    out.member("instances", request.instances);
    if (request.retries > 0) out.member("retries", request.retries);
  }
  if (!request.user.empty()) out.member("user", request.user);
  if (!request.app.empty()) out.member("appName", request.app);
  if (!request.run_as.empty()) out.member("runAs", request.run_as);
  if (request.priority > 0) out.member("priority", request.priority);
  if (request.production) out.member("production", true);
  write_more(out, request);
  write_list(out, "hardConstraints", request.constraints);
  write_env(out, request);
  out.end_object();
  return out.take();
}

}  // namespace mimas::cli
