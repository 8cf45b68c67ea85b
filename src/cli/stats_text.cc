#include "cli/stats_text.h"

#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/job_text.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kRowsMax = 100'000;
constexpr double kNearLimit = 0.9;  // of the memory that was asked for

std::string formatted(const char* format, double number) {
  char text[48];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

std::optional<double> number(const std::optional<json::Value>& object, std::string_view name) {
  const std::optional<json::Value> value = object ? object->find(name) : std::nullopt;
  if (!value || !value->is_number()) return std::nullopt;
  return *value->number();
}

std::string cores(const std::optional<json::Value>& of, std::string_view name) {
  const auto value = number(of, name);
  return value ? formatted("%.2f", *value) : "";
}
std::string bytes(const std::optional<json::Value>& of, std::string_view name) {
  const auto value = number(of, name);
  return value ? bytes_text(*value) : "";
}
std::string whole(const std::optional<json::Value>& of, std::string_view name) {
  const auto value = number(of, name);
  return value ? formatted("%.0f", *value) : "";
}
std::string percent(const std::optional<double>& share) {
  return share ? formatted("%.0f%%", *share * 100) : "";
}

// "1.2M/300K": in and out, or nothing.
std::string pair(const std::optional<json::Value>& of, std::string_view in, std::string_view out) {
  const std::string first = bytes(of, in), second = bytes(of, out);
  return first.empty() && second.empty() ? "" : first + "/" + second;
}

std::vector<Cell> row(json::Value task) {
  const std::string state(task.string_or("state", ""));
  const auto latest = task.find("latest");
  const auto memory_share = number(latest, "memoryOfRequest");
  const std::string memory = bytes(latest, "memoryBytes");
  const Tone tone = memory_share && *memory_share >= kNearLimit ? Tone::bad : Tone::plain;
  return {{std::string(task.string_or("taskId", ""))},
          {state, state_tone(state)},
          {std::string(task.string_or("host", ""))},
          {cores(latest, "cpuCores")},
          {percent(number(latest, "cpuOfRequest"))},
          {cores(latest, "cpuSeconds")},
          {memory.empty() ? bytes(latest, "rssBytes") : memory},
          {percent(memory_share), tone},
          {bytes(latest, "memoryPeakBytes")},
          {pair(latest, "readBytesPerSec", "writeBytesPerSec")},
          {pair(latest, "netInBytesPerSec", "netOutBytesPerSec")},
          {whole(latest, "processes")},
          {bytes(latest, "logBytes")},
          {whole(task, "starts")}};
}

std::string sum_line(json::Value job) {
  const auto total = job.find("total"), request = job.find("request");
  const auto cpu = number(total, "cpuCores"), cpu_asked = number(request, "cpu");
  const auto memory = number(total, "memoryBytes"), memory_asked = number(request, "memoryBytes");
  std::string line = std::to_string(job.int64_or("running", 0)) + " running, " +
                     std::to_string(job.int64_or("measured", 0)) + " measured: ";
  line += formatted("%.2f", cpu.value_or(0)) + " of " + formatted("%.2f", cpu_asked.value_or(0)) + " CPU, ";
  line += bytes_text(memory.value_or(0)) + " of " + bytes_text(memory_asked.value_or(0)) + " memory\n";
  return line;
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr double kStep = 1024;
  std::size_t unit = 0;
  constexpr std::string_view kUnits = " KMGTP";
  for (; bytes >= kStep && unit + 1 < kUnits.size(); ++unit) bytes /= kStep;
  if (unit == 0) return formatted("%.0f", bytes);
  return formatted(bytes < 10 ? "%.1f" : "%.0f", bytes) + kUnits[unit];
}

std::string stats_table(json::Value answer, bool colour) {
  Table table({"TASK", "STATE", "HOST", "CPU", "OF", "CPU SECS", "MEMORY", "OF", "PEAK", "READ/WRITE",
               "NET IN/OUT", "PROCS", "OUTPUT", "STARTS"});
  const auto tasks = answer.find("tasks");
  if (!tasks || !tasks->is_array()) {
    table.add(row(answer));
    const std::string_view note = answer.string_or("note", "");
    return table.text(colour) + (note.empty() ? "" : "note: " + printable(note) + "\n");
  }
  if (tasks->size() == 0) return "no tasks\n";
  for (std::size_t i = 0; i < tasks->size() && i < kRowsMax; ++i) table.add(row(tasks->at(i)));
  return table.text(colour) + sum_line(answer);
}

}  // namespace mimas::cli
