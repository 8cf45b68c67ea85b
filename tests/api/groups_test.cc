// Capacity groups as bodies and as answers.
#include "api/groups.h"

#include <doctest/doctest.h>

#include "api/commands.h"
#include "empty_view.h"
#include "json/value.h"

namespace mimas::api {
namespace {

// One service in group "web" with a running and a waiting task; "web" may be described.
class GroupView : public EmptyView {
 public:
  explicit GroupView(CapacityGroupPtr described) : described_(std::move(described)) {
    auto job = std::make_shared<Job>();
    job->id = make_job_id(1);
    job->number = 1;
    job->spec =
        parse_submission(R"({"entryPoint":"true","cpu":0.5,"memory":32,"capacityGroup":"web"})", false)
            .value.command.spec;
    job_ = job;
  }
  JobPtr job(const JobId&) const override { return job_; }
  std::vector<JobPtr> jobs() const override { return {job_}; }
  std::vector<TaskPtr> tasks_of(const JobId& id) const override {
    Task running;
    running.id = make_task_id(id, 0, 0);
    running.executor = running.id.value;
    running.state = TaskState::running;
    running.allocated.cpu_milli = 500;
    running.allocated.mem_mib = 32;
    running.allocated.scalars = {{"fpga", 1'000}, {"network", 8'000}};
    Task queued;
    queued.queued_at = Instant{1'795'262'400'123};
    return {std::make_shared<const Task>(running), std::make_shared<const Task>(queued)};
  }
  std::vector<CapacityGroupPtr> groups() const override {
    return described_ ? std::vector{described_} : std::vector<CapacityGroupPtr>();
  }

 private:
  CapacityGroupPtr described_;
  JobPtr job_;
};

CapacityGroupPtr web() {
  auto checked = parse_group("web", R"({"tier":"Critical","weight":7,"guarantee":{"cpu":2,"memory":20,)"
                                    R"("resources":{"fpga":1.5}},"quota":{"cpu":8,"networkMbps":100}})");
  REQUIRE(checked.ok());
  CapacityGroup group = checked.value.group;
  group.version = 3;
  group.updated_by = "ann";
  return std::make_shared<const CapacityGroup>(group);
}

std::vector<std::string> pointers(const std::vector<Fault>& faults) {
  std::vector<std::string> all;
  for (const Fault& fault : faults) all.push_back(fault.pointer);
  return all;
}

}  // namespace

TEST_CASE("a group is read whole: what is left out has its default") {
  const CapacityGroupPtr group = web();
  CHECK(group->tier == Tier::critical);
  CHECK(group->weight == 7);
  CHECK(group->guarantee == ResourceRequest{2'000, 20, 0, 0, 0, {{"fpga", 1'500}}});
  CHECK(group->quota == ResourceRequest{8'000, 0, 0, 0, 0, {{"network", 100'000}}});
  const auto plain = parse_group("x", "{}");
  REQUIRE(plain.ok());
  CapacityGroup wanted;
  wanted.name = "x";
  CHECK(plain.value.group == wanted);
  CHECK(parse_group("x", R"({"quota":null})").value.group == wanted);
}

TEST_CASE("every fault of a group is named at once") {
  const auto checked =
      parse_group("web", R"({"name":"other","tier":"gold","weight":10001,"guarantee":{"cpu":-1,"memry":1},)"
                         R"("quota":7,"more":1})");
  CHECK(pointers(checked.faults) == std::vector<std::string>{"/name", "/tier", "/weight", "/guarantee/cpu",
                                                             "/guarantee/memry", "/quota", "/more"});
  CHECK(pointers(parse_group("", "{}").faults) == std::vector<std::string>{"/name"});
  const auto low = parse_group("web", R"({"guarantee":{"cpu":4,"memory":8,"networkMbps":9},)"
                                      R"("quota":{"cpu":3,"networkMbps":8}})");
  CHECK(pointers(low.faults) == std::vector<std::string>{"/quota/cpu", "/quota/networkMbps"});
}

TEST_CASE("a group shows what is used of it, what is not, and how much waits") {
  CHECK(render_group(GroupView(web()), "web") ==
        R"({"name":"web","described":true,"tier":"critical","weight":7,)"
        R"("guarantee":{"cpu":2,"memory":20,"disk":0,"gpu":0,"networkMbps":0,"resources":{"fpga":1.5}},)"
        R"("quota":{"cpu":8,"memory":0,"disk":0,"gpu":0,"networkMbps":100,"resources":{}},)"
        R"("used":{"cpu":0.5,"memory":32,"disk":0,"gpu":0,"networkMbps":8,"resources":{"fpga":1}},)"
        R"("unused":{"cpu":1.5,"memory":0,"disk":0,"gpu":0,"networkMbps":0,"resources":{"fpga":0.5}},)"
        R"("running":1,"queued":1,"waitingSince":"2026-11-21T12:00:00.123Z","version":3,"updatedAt":null,)"
        R"("updatedBy":"ann"})");
  const auto list = json::parse(render_groups(GroupView(nullptr)));
  REQUIRE(list.ok());
  REQUIRE(list->root().size() == 2);
  CHECK(list->root().at(0).string_or("name", "") == "DEFAULT");
  CHECK(list->root().at(1).string_or("name", "") == "web");
  CHECK(list->root().at(1).bool_or("described", true) == false);
  CHECK(render_group(GroupView(nullptr), "nobody").empty());
}

TEST_CASE("an application of Titus's is a guarantee of one instance times a count; weight and quota stay") {
  const GroupView view(web());
  const auto set = parse_application(
      "web",
      R"({"appName":"web","tier":"Flex","instanceCPU":0.5,"instanceMemoryMB":64,"instanceDiskMB":1,)"
      R"("instanceNetworkMbs":16,"instanceCount":4})",
      view);
  REQUIRE(set.ok());
  CHECK(set.value.group.tier == Tier::flex);
  CHECK(set.value.group.weight == 7);
  CHECK(set.value.group.quota == web()->quota);
  CHECK(set.value.group.guarantee == ResourceRequest{2'000, 256, 4, 0, 0, {{"network", 64'000}}});
  CHECK(render_application(view, "web") ==
        R"({"appName":"web","tier":"Critical","instanceCPU":2,"instanceMemoryMB":20,"instanceDiskMB":0,)"
        R"("instanceNetworkMbs":0,"instanceCount":1})");
  CHECK(render_application(view, "DEFAULT").find(R"("tier":"Flex")") != std::string::npos);
  CHECK(pointers(parse_application("", R"({"tier":"Flex","instanceCPU":1000000,"instanceCount":2})", view)
                     .faults) == std::vector<std::string>{"/appName", "/instanceMemoryMB", "/instanceCPU"});
}

}  // namespace mimas::api
