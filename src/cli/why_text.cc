#include "cli/why_text.h"

#include <optional>
#include <utility>

#include "cli/facts.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kRowsMax = 10'000;

template <class Each>
void for_each(const std::optional<json::Value>& list, Each each) {
  if (!list || !list->is_array()) return;
  for (std::size_t i = 0; i < list->size() && i < kRowsMax; ++i) each(list->at(i));
}

std::string line(std::string text) { return printable(text) + "\n"; }

std::string reasons_table(json::Value why, bool colour) {
  Table table({"REASON", "AGENTS"});
  bool any = false;
  for_each(why.find("reasons"), [&](json::Value one) {
    any = true;
    table.add({{field(one, "reason")}, {field(one, "agents")}});
  });
  return any ? "\n" + table.text(colour) : std::string();
}

std::string wait_of(const std::string& tasks) { return tasks == "1" ? "waits" : "wait"; }

std::string unit_of(const std::string& what) {
  return what == "memory" || what == "disk" ? " MiB" : std::string();
}

std::string nearest_text(json::Value why) {
  const std::optional<json::Value> nearest = why.find("nearest");
  if (!nearest || !nearest->is_object()) return {};
  std::string text = "nearest: " + field(*nearest, "hostname") + " (" + field(*nearest, "reason") + ")";
  for_each(nearest->find("lacks"), [&](json::Value lack) {
    const std::string what = field(lack, "what");
    text += ", " + what + ": " + field(lack, "asked") + " asked, " + field(lack, "free") + " of " +
            field(lack, "total") + unit_of(what) + " free";
  });
  return line(std::move(text));
}

std::string explanation_text(const std::optional<json::Value>& why, bool colour) {
  if (!why || !why->is_object()) return {};
  std::string text;
  const std::string group = field(*why, "quotaOfGroup");
  if (!group.empty()) text += line("the quota of capacity group " + group + " is used up");
  if (field(*why, "tooLarge") == "true") text += "no agent that is known could run it, were it empty\n";
  text += reasons_table(*why, colour);
  const std::string nearest = nearest_text(*why);
  if (!nearest.empty()) text += "\n" + nearest;
  for_each(why->find("help"), [&](json::Value help) { text += line("help: " + scalar(help)); });
  return text;
}

std::string queue_text(json::Value why) {
  const std::optional<json::Value> queue = why.find("queue");
  if (!queue || !queue->is_object()) return {};
  return line("in the queue of " + field(*queue, "capacityGroup") + ": " + field(*queue, "before") + " of " +
              field(*queue, "tasks") + " waiting tasks go first");
}

void add_moment(std::string& text, json::Value why, std::string_view name, const std::string& word) {
  const std::string at = moment(why, name);
  if (!at.empty()) text += line(word + " " + at);
}

void add_amounts(Table& table, const char* name, const std::optional<json::Value>& amounts) {
  if (!amounts || !amounts->is_object()) return;
  table.add({{name},
             {field(*amounts, "cpu")},
             {field(*amounts, "memory")},
             {field(*amounts, "disk")},
             {field(*amounts, "gpu")}});
}

}  // namespace

std::string task_why_text(json::Value why, bool colour) {
  std::string text = line(field(why, "taskId") + " " + field(why, "text"));
  add_moment(text, why, "since", "since");
  text += queue_text(why);
  return text + explanation_text(why.find("explanation"), colour);
}

std::string job_why_text(json::Value why, bool colour) {
  std::string text = line(field(why, "jobId") + " (" + field(why, "name") + "): " + field(why, "text"));
  for_each(why.find("classes"), [&](json::Value one) {
    const bool backoff = field(one, "kind") == "backoff";
    const std::string tasks = field(one, "tasks");
    text += "\n" + line(tasks + " of its tasks " + wait_of(tasks) +
                        (backoff ? " to be started again, until " + moment(one, "notBefore")
                                 : " for a place, since " + moment(one, "since")));
    text += queue_text(one) + explanation_text(one.find("explanation"), colour);
  });
  return text;
}

std::string plan_text(json::Value preview, bool colour) {
  const std::optional<json::Value> plan = preview.find("placement");
  if (!plan || !plan->is_object()) return "the server did not say where the tasks would go\n";
  std::string text =
      line(field(*plan, "placed") + " of " + field(*plan, "tasks") + " tasks would have a place now");
  Table table({"HOSTNAME", "ZONE", "TASKS", "SCORE", "FITNESS", "PREFERENCE", "ID"});
  bool any = false;
  for_each(plan->find("agents"), [&](json::Value one) {
    any = true;
    table.add({{field(one, "hostname")},
               {field(one, "zone")},
               {field(one, "tasks")},
               {field(one, "score")},
               {field(one, "fitness")},
               {field(one, "preference")},
               {field(one, "agentId")}});
  });
  if (any) text += "\n" + table.text(colour);
  return text + explanation_text(plan->find("explanation"), colour);
}

bool fits_whole(json::Value preview) {
  const std::optional<json::Value> plan = preview.find("placement");
  return plan && plan->is_object() && plan->int64_or("placed", -1) == plan->int64_or("tasks", 0);
}

std::string cluster_text(json::Value cluster, bool colour) {
  std::string text;
  const std::optional<json::Value> agents = cluster.find("agents");
  if (agents && agents->is_object()) {
    std::string out_of_use;
    const std::optional<json::Value> standings = agents->find("standings");
    for (std::size_t i = 0; standings && standings->is_object() && i < standings->size(); ++i) {
      const std::string name(standings->name(i));
      const std::string count = scalar(standings->at(i));
      if (name != "open" && count != "0") out_of_use += ", " + count + " " + name;
    }
    text += line(field(*agents, "active") + " of " + field(*agents, "known") + " agents can be reached, " +
                 field(*agents, "idle") + " of them idle" + out_of_use);
  }
  Table table({"", "CPU", "MEMORY", "DISK", "GPU"});
  add_amounts(table, "total", cluster.find("total"));
  add_amounts(table, "used", cluster.find("used"));
  add_amounts(table, "free", cluster.find("free"));
  add_amounts(table, "largest free", cluster.find("largestFree"));
  add_amounts(table, "offered", cluster.find("offered"));
  text += "\n" + table.text(colour);
  const std::optional<json::Value> queue = cluster.find("queue");
  if (!queue || !queue->is_object()) return text;
  const std::string tasks = field(*queue, "tasks");
  text += "\n" + line(tasks + (tasks == "1" ? " task " : " tasks ") + wait_of(tasks) + " for a place");
  Table groups({"CAPACITY GROUP", "JOBS", "TASKS", "WAITING SINCE"});
  bool any = false;
  for_each(queue->find("groups"), [&](json::Value one) {
    any = true;
    groups.add({{field(one, "capacityGroup")},
                {field(one, "jobs")},
                {field(one, "tasks")},
                {moment(one, "waitingSince")}});
  });
  return any ? text + groups.text(colour) : text;
}

}  // namespace mimas::cli
