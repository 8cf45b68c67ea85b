#include "executor/cgroup_map.h"

#include <doctest/doctest.h>

namespace mimas::executor {
namespace {

constexpr const char* kHybridMounts =
    "23 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST_CASE("version 1: each controller has a place of its own") {
  const CgroupMap map =
      parse_cgroup_map("9:name=systemd:/init\n4:memory:/a/b\n2:cpu,cpuacct:/\n0::/u:v\n", kHybridMounts);
  REQUIRE(map.hierarchies.size() == 3);
  CHECK(map.directory("memory") == "/sys/fs/cgroup/memory/a/b");
  CHECK(map.directory("cpu") == "/sys/fs/cgroup/cpu,cpuacct");
  CHECK(map.directory("cpuacct") == "/sys/fs/cgroup/cpu,cpuacct");
  CHECK_FALSE(map.find("memory")->unified);
  REQUIRE(map.unified() != nullptr);
  CHECK(map.unified()->directory() == "/sys/fs/cgroup/unified/u:v");
  CHECK(map.directory("pids") == "/sys/fs/cgroup/unified/u:v");  // not in version 1: version 2 may have it
}

TEST_CASE("version 2: one place for all controllers") {
  const CgroupMap map = parse_cgroup_map("0::/user.slice/mimas.scope\n",
                                         "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
  CHECK(map.directory("memory") == "/sys/fs/cgroup/user.slice/mimas.scope");
  CHECK(map.find("memory")->unified);
}

TEST_CASE("a mount that shows only a part is looked at from there") {
  const char* mounts = "35 31 0:32 /docker/4f /sys/fs/cgroup/me\\040mory rw - cgroup cgroup rw,memory\n";
  CHECK(parse_cgroup_map("4:memory:/docker/4f\n", mounts).directory("memory") == "/sys/fs/cgroup/me mory");
  CHECK(parse_cgroup_map("4:memory:/docker/4f/x\n", mounts).directory("memory") ==
        "/sys/fs/cgroup/me mory/x");
  CHECK(parse_cgroup_map("4:memory:/docker/4f2\n", mounts).hierarchies.empty());
  CHECK(parse_cgroup_map("4:memory:/\n", mounts).hierarchies.empty());
}

TEST_CASE("what cannot be seen or is gone is left out, and rubbish is no harm") {
  const char* mounts = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  CHECK(parse_cgroup_map("0::/../other\n", mounts).hierarchies.empty());
  CHECK(parse_cgroup_map("0::/a (deleted)\n", mounts).hierarchies.empty());
  CHECK(parse_cgroup_map("", mounts).hierarchies.empty());
  CHECK(parse_cgroup_map("0\n::\n:::\nx:y\n\n", "\n - \n1 2 3 4 5 - cgroup2\n-").hierarchies.empty());
  CHECK(parse_cgroup_map("4:memory:/\n", "").directory("memory").empty());
}

TEST_CASE("a group's name tells whose it is") {
  const GroupName name{4711, 998877665544, 4026531836};
  CHECK(group_name(name) == "mimas-4711-998877665544-4026531836");
  CHECK(parse_group_name(group_name(name)) == name);
  CHECK(parse_group_name(group_name(name) + ".executor") == name);
  for (const char* other :
       {"", "mimas", "mimas-", "mimas-1-2", "mimas-0-1-2", "mimas--1-1-2", "mimas-1-2-3x", "mimas-1-2-3-4",
        "mimas-99999999999999999999-1-2", "mimas-1- 2-3", "mimes-1-2-3"}) {
    CAPTURE(other);
    CHECK_FALSE(parse_group_name(other).has_value());
  }
}

TEST_CASE("a task's group has a name that any kernel takes") {
  CHECK(task_group_name(7, "web.12-a_B") == "t7-web.12-a_B");
  CHECK(task_group_name(8, "../a b/\n\xc3\xa4") == "t8-.._a_b____");
  CHECK(task_group_name(9, std::string(300, 'x')).size() == 103);
}

TEST_CASE("limits become what the kernel's files take") {
  using Writes = std::vector<LimitWrite>;
  Limits limits;
  CHECK(limit_writes(limits, false).empty());
  CHECK(limit_writes(limits, true).empty());
  limits.cpu_milli = 1;
  CHECK(limit_writes(limits, false) == Writes{{"cpu", "cpu.shares", "2"}});
  CHECK(limit_writes(limits, true) == Writes{{"cpu", "cpu.weight", "1"}});
  limits.cpu_milli = 1500;
  limits.cpu_quota = true;
  limits.memory_bytes = 64 << 20;
  limits.pids = 30;
  CHECK(limit_writes(limits, false) == Writes{{"cpu", "cpu.shares", "1536"},
                                              {"cpu", "cpu.cfs_period_us", "100000"},
                                              {"cpu", "cpu.cfs_quota_us", "150000"},
                                              {"memory", "memory.limit_in_bytes", "67108864"},
                                              {"memory", "memory.memsw.limit_in_bytes", "67108864", false},
                                              {"pids", "pids.max", "30"}});
  CHECK(limit_writes(limits, true) == Writes{{"cpu", "cpu.weight", "59"},
                                             {"cpu", "cpu.max", "150000 100000"},
                                             {"memory", "memory.max", "67108864"},
                                             {"memory", "memory.swap.max", "0", false},
                                             {"pids", "pids.max", "30"}});
  Limits large;
  large.cpu_milli = 1'000'000;
  CHECK(limit_writes(large, true) == Writes{{"cpu", "cpu.weight", "10000"}});
}

TEST_CASE("a counter is found by its whole name") {
  const char* text = "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 0\n";
  CHECK(counter_in(text, "oom_kill") == 3);
  CHECK(counter_in(text, "oom") == 1);
  CHECK(counter_in(text, "kill") == -1);
  CHECK(counter_in("oom_kill_disable 0\nunder_oom 0\n", "oom_kill") == -1);  // version 1 before Linux 4.13
  CHECK(counter_in("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", "oom_kill") == 2);
  CHECK(counter_in("oom_kill x", "oom_kill") == -1);
}

}  // namespace
}  // namespace mimas::executor
