#include "executor/metrics_source.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "metrics_process.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

// A cgroup of the test's own in every hierarchy of version 1 where that is allowed; removed at the end.
class OwnCgroup {
 public:
  OwnCgroup() : name_("mimas-metrics-test-" + std::to_string(::getpid())) {
    std::ifstream mounts("/proc/self/mounts");
    std::string device, point, type, options, rest;
    while (mounts >> device >> point >> type >> options && std::getline(mounts, rest)) {
      const bool wanted = type == "cgroup" && options.find("name=") == std::string::npos &&
                          options.find("cpuset") == std::string::npos;
      if (wanted && ::mkdir((point + "/" + name_).c_str(), 0755) == 0)
        folders_.push_back(point + "/" + name_);
    }
  }
  ~OwnCgroup() {
    for (const std::string& folder : folders_) {
      for (int tries = 0; ::rmdir(folder.c_str()) != 0 && tries < 200; ++tries) ::usleep(10'000);
    }
  }
  const std::string& name() const { return name_; }
  const std::vector<std::string>& folders() const { return folders_; }

 private:
  std::string name_;
  std::vector<std::string> folders_;
};

TEST_CASE("a tree of processes is measured through /proc") {
  measured::Process busy(measured::kBusyScript);
  busy.ready();
  const Usage usage = read_tree(busy.pid(), own_children());
  CHECK(usage.cpu_ms > 0);
  CHECK(usage.rss_bytes > 24 * kMiB);
  CHECK(usage.rss_bytes < 400 * kMiB);
  CHECK(usage.processes >= 2);
  CHECK(usage.processes <= 5);
  CHECK(usage.memory_bytes == -1);
  busy.end();
  CHECK(read_tree(busy.pid(), {}) == Usage{});
}

TEST_CASE("an orphan of a task's session that became our child is counted with it") {
  measured::Process task("echo ready; exec sleep 600");
  measured::Process other("echo ready; exec sleep 600");
  task.ready();
  other.ready();
  const std::int64_t alone = read_tree(task.pid(), own_children()).processes;
  CHECK(alone == 1);
  // As if `other` had been made by the task: what counts is the session it is in.
  CHECK(read_tree(task.pid(), {{other.pid(), task.pid()}}).processes == 2);
  CHECK(read_tree(task.pid(), {{other.pid(), other.pid()}}).processes == 1);
}

TEST_CASE("a task's own cgroup is found by its process and read; ours is never taken for it") {
  const OwnCgroup cgroup;
  if (cgroup.folders().empty()) {
    MESSAGE("not looked at: no cgroup of version 1 can be made here");
    return;
  }
  std::string joins;
  for (const std::string& folder : cgroup.folders()) joins += "echo 0 > " + folder + "/cgroup.procs; ";
  const std::string script = joins + measured::kBusyScript;
  measured::Process busy(script.c_str());
  busy.ready();
  RunFacts facts;
  facts.pid = busy.pid();
  facts.cgroup = cgroup.name();
  const CgroupFolders folders = find_cgroup(facts);
  REQUIRE(folders.any());
  const Usage usage = read_cgroup(folders);
  if (!folders.cpuacct.empty()) CHECK(usage.cpu_ms > 0);
  if (!folders.pids.empty()) CHECK(usage.processes >= 2);
  if (!folders.memory.empty()) {
    CHECK(usage.memory_bytes > 24 * kMiB);
    CHECK(usage.rss_bytes > 24 * kMiB);
    CHECK(usage.peak_bytes >= usage.memory_bytes);
  }
  busy.end();
  // Found without the process as well, as long as the folders are there.
  facts.pid = 0;
  CHECK(find_cgroup(facts).cpuacct == folders.cpuacct);

  facts.pid = ::getpid();  // stands in another cgroup than the one that is asked for
  facts.cgroup = "mimas-there-is-no-such-cgroup";
  CHECK_FALSE(find_cgroup(facts).any());
  CHECK_FALSE(find_cgroup(RunFacts{}).any());
}

TEST_CASE("what the first source does not know comes from the second") {
  Usage first, second;
  first.cpu_ms = 5;
  second.cpu_ms = 9;
  second.read_bytes = 7;
  const Usage both = completed(first, second);
  CHECK(both.cpu_ms == 5);
  CHECK(both.read_bytes == 7);
  CHECK(both.rss_bytes == -1);
}

}  // namespace
}  // namespace mimas::executor
