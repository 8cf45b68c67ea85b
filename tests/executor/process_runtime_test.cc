#include "executor/process_runtime.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <tuple>

#include "net/clock.h"

namespace mimas::executor {
namespace {

Instant now() { return Instant{net::monotonic_ms()}; }

// The loop's share of the work: it polls, reaps and takes the news.
struct World {
  std::string sandbox;
  ProcessRuntime runtime;
  std::vector<RuntimeNews> news;
  bool has_groups = false;

  explicit World(const std::string& cgroups = "auto") : runtime(nullptr, cgroups) {
    char path[] = "/tmp/mimas-runtime-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    sandbox = path;
    std::vector<std::string> complaints;
    Cgroups probe("auto");
    if (auto group = probe.make("probe", {}, complaints)) {
      has_groups = cgroups == "auto";
      group->remove();
    }
    probe.remove();
  }
  ~World() {
    runtime.end_all(30'000);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    std::filesystem::remove_all(sandbox);
  }

  bool says_groups() const {
    if (!has_groups) MESSAGE("skipped: no cgroups to be had here");
    return has_groups;
  }
  TaskOrder order(const std::string& id, const std::string& script) const {
    TaskOrder order;
    order.task_id = id;
    order.sandbox = sandbox;
    order.spec.command.argv = {"sh", "-c", script};
    order.environment = {"PATH=/usr/bin:/bin"};
    return order;
  }
  void turn() {
    std::vector<pollfd> polled;
    runtime.add_to(polled);
    (void)::poll(polled.data(), static_cast<nfds_t>(polled.size()), 5);
    int status = 0;
    pid_t pid;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) runtime.child_ended(pid, status, now());
    runtime.pump(now(), news);
  }
  template <class News>
  const News* find(const std::string& id) const {
    for (const RuntimeNews& item : news) {
      const News* found = std::get_if<News>(&item);
      if (found != nullptr && found->task_id == id) return found;
    }
    return nullptr;
  }
  template <class News>
  News await(const std::string& id) {
    const Instant until = now() + 60'000;
    while (find<News>(id) == nullptr) {
      REQUIRE(now() < until);
      turn();
    }
    return *find<News>(id);
  }
  void until(const std::function<bool()>& true_at_last) {
    const Instant patience = now() + 60'000;
    while (!true_at_last()) {
      REQUIRE(now() < patience);
      turn();
    }
  }
  std::string text(const std::string& name) const { return read_text(sandbox + "/" + name); }
};

// Folders of an executor's tasks, in all hierarchies.
int groups_of(const std::string& path) {
  int count = 0;
  for (const Hierarchy& hierarchy : read_cgroup_map().hierarchies) {
    DIR* directory = ::opendir((hierarchy.directory() + "/" + path).c_str());
    if (directory == nullptr) continue;
    while (const dirent* entry = ::readdir(directory))
      count += entry->d_name[0] == 't' && entry->d_name[1] <= '9';
    ::closedir(directory);
  }
  return count;
}

TEST_CASE("a task starts, tells where it is, and ends with its status") {
  for (const char* cgroups : {"auto", "off"}) {
    World world(cgroups);
    world.runtime.start(world.order("t", "exit 7"), now());
    const auto started = world.await<Started>("t");
    CHECK(started.facts.pid > 1);
    CHECK(started.facts.cgroup.empty() == !world.has_groups);
    const auto ended = world.await<TaskEnded>("t");
    CHECK_FALSE(ended.end.signalled);
    CHECK(ended.end.number == 7);
    CHECK_FALSE(ended.end.memory_limit);
    CHECK((ended.end.memory_peak_bytes > 0) == world.has_groups);
  }
}

TEST_CASE("what cannot start says why, and leaves nothing") {
  World world;
  auto order = world.order("t", "exit 0");
  order.spec.command.argv = {"/no/such/program"};
  world.runtime.start(order, now());
  CHECK(world.await<StartFailed>("t").message == "cannot run '/no/such/program': No such file or directory");
  order.task_id = "u";
  order.spec.command.user = "nobodyhere";
  world.runtime.start(order, now());
  CHECK(world.await<StartFailed>("u").message ==
        "there is no user 'nobodyhere' in /etc/passwd (uid:gid needs no entry)");
  world.until([&] { return groups_of(group_name(own_group_name())) == 0; });
}

TEST_CASE("a kill takes everyone, and the last one's end is told") {
  for (const char* cgroups : {"auto", "off"}) {
    World world(cgroups);
    world.runtime.start(
        world.order(
            "t", "trap '' TERM; (sh -c \"trap '' TERM; echo $$ > child; sleep 1000; :\" &); exec sleep 1000"),
        now());
    world.until([&] { return !world.text("child").empty(); });
    world.runtime.kill("t", now());
    const auto ended = world.await<TaskEnded>("t");
    CHECK(ended.end.signalled);
    CHECK(ended.end.number == SIGKILL);
    const std::int64_t child = std::atoll(world.text("child").c_str());
    world.until([&] { return process_start(child) == 0; });
  }
}

TEST_CASE("after the first process, others may use their grace; then the task is gone") {
  for (const char* cgroups : {"auto", "off"}) {
    World world(cgroups);
    world.runtime.start(
        world.order(
            "t",
            "sh -c \"trap 'sleep 0.3; echo tidied > mark; exit' TERM; echo > up; while :; do sleep 0.05; "
            "done\" & wait"),
        now());
    world.until([&] { return !world.text("up").empty(); });
    world.runtime.signal("t", SIGTERM, now());
    CHECK(world.await<TaskEnded>("t").others);
    (void)world.await<TaskGone>("t");
    CHECK(world.text("mark") == "tidied\n");
  }
}

TEST_CASE("with a cgroup, SIGTERM reaches those in sessions of their own, and they are waited for") {
  World world;
  if (!world.says_groups()) return;
  world.runtime.start(
      world.order(
          "t",
          "setsid sh -c \"trap 'echo heard > mark; exit' TERM; echo > up; while :; do sleep 0.05; done\" & "
          "wait"),
      now());
  world.until([&] { return !world.text("up").empty(); });
  world.runtime.signal("t", SIGTERM, now());
  (void)world.await<TaskEnded>("t");
  world.until([&] { return world.text("mark") == "heard\n"; });
}

// Fills `bytes` of a shell's memory.
std::string eat(const char* bytes) {
  return "x=$(head -c " + std::string(bytes) + " /dev/zero | tr \"\\\\0\" x)";
}

TEST_CASE("a first process killed for its memory limit says so, with the peak") {
  World world;
  if (!world.says_groups()) return;
  auto order = world.order("t", eat("200000000"));
  order.spec.limits.memory_bytes = 32 << 20;
  world.runtime.start(order, now());
  const auto ended = world.await<TaskEnded>("t");
  CHECK(ended.end.signalled);
  CHECK(ended.end.number == SIGKILL);
  CHECK(ended.end.memory_limit);
  CHECK(ended.end.memory_peak_bytes > (30 << 20));
}

TEST_CASE("a child killed for memory is the task's own matter, and a later SIGKILL is no memory limit") {
  World world;
  if (!world.says_groups()) return;
  auto order = world.order("t", "sh -c '" + eat("200000000") + "'; echo $? > child; sleep 1000; :");
  order.spec.limits.memory_bytes = 32 << 20;
  world.runtime.start(order, now());
  const std::int64_t pid = world.await<Started>("t").facts.pid;
  world.until([&] { return world.text("child") == "137\n"; });
  CHECK(world.find<TaskEnded>("t") == nullptr);
  // It is known for a child's when the kernel's count has settled.
  const Instant settled = now() + 2'500;
  world.until([&] { return now() >= settled; });
  CHECK(world.find<TaskEnded>("t") == nullptr);
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  const auto ended = world.await<TaskEnded>("t");
  CHECK(ended.end.number == SIGKILL);
  CHECK_FALSE(ended.end.memory_limit);
  CHECK(ended.end.memory_kill);
}

TEST_CASE(
    "a shell whose program was killed for memory ends for the limit; what it makes of another is a remark") {
  World world;
  if (!world.says_groups()) return;
  const std::string program = "sh -c '" + eat("200000000") + "'; ";
  for (const auto& [id, rest, for_limit] :
       {std::tuple{"its", "exit $?", true}, {"another", "exit 3", false}, {"none", "true", false}}) {
    auto order = world.order(id, program + rest);
    order.spec.limits.memory_bytes = 32 << 20;
    world.runtime.start(order, now());
    const auto ended = world.await<TaskEnded>(id);
    CAPTURE(id);
    CHECK_FALSE(ended.end.signalled);
    CHECK(ended.end.memory_limit == for_limit);
    CHECK(ended.end.memory_kill);
  }
  auto order = world.order("innocent", "exit 137");
  order.spec.limits.memory_bytes = 32 << 20;
  world.runtime.start(order, now());
  const auto ended = world.await<TaskEnded>("innocent");
  CHECK_FALSE(ended.end.memory_limit);
  CHECK_FALSE(ended.end.memory_kill);
}

TEST_CASE("two hundred short tasks leave no group behind") {
  World world;
  if (!world.says_groups()) return;
  for (int i = 0; i < 200; ++i) {
    const std::string id = "t" + std::to_string(i);
    world.runtime.start(world.order(id, i % 2 == 0 ? "exit 0" : "(setsid sleep 1000 &) ; exit 0"), now());
    (void)world.await<TaskEnded>(id);
    world.runtime.kill(id, now());
    world.news.clear();
  }
  world.until([&] { return groups_of(group_name(own_group_name())) == 0; });
  world.runtime.end_all(30'000);
  for (const Hierarchy& hierarchy : read_cgroup_map().hierarchies)
    CHECK(::access((hierarchy.directory() + "/" + group_name(own_group_name())).c_str(), F_OK) != 0);
}

TEST_CASE("another user has the sandbox, its own HOME, and the mark of its executor") {
  if (::geteuid() != 0) return;  // only root can
  World world;
  auto order = world.order("t", "touch mine && echo \"$(id -u) $HOME $USER $MIMAS_EXECUTOR_GROUP\" > who");
  order.environment.push_back("HOME=/elsewhere");
  order.spec.command.user = "54321:54321";
  world.runtime.start(order, now());
  CHECK(world.await<TaskEnded>("t").end.number == 0);
  CHECK(world.text("who") == "54321 " + world.sandbox + "  " + group_name(own_group_name()) + "\n");
  struct stat file {};
  REQUIRE(::stat((world.sandbox + "/mine").c_str(), &file) == 0);
  CHECK(file.st_uid == 54321);
}

TEST_CASE("a task knows its sandbox, and its place in it is made and its own") {
  World world;
  auto order = world.order("t", "pwd > where; echo $MESOS_SANDBOX > sandbox");
  order.environment.push_back("MESOS_SANDBOX=/elsewhere");
  order.spec.command.cwd = "work/./deep//er";
  if (::geteuid() == 0) order.spec.command.user = "54321:54321";
  world.runtime.start(order, now());
  CHECK(world.await<TaskEnded>("t").end.number == 0);
  CHECK(world.text("work/deep/er/where") == world.sandbox + "/work/deep/er\n");
  CHECK(world.text("work/deep/er/sandbox") == world.sandbox + "\n");
}

TEST_CASE("nothing is made beyond a link, and what is there already stays as it is") {
  World world;
  char outside[] = "/tmp/mimas-outside-XXXXXX";
  REQUIRE(::mkdtemp(outside) != nullptr);
  REQUIRE(::symlink(outside, (world.sandbox + "/out").c_str()) == 0);
  REQUIRE(::mkdir((world.sandbox + "/mine").c_str(), 0700) == 0);
  for (const char* cwd : {"out/made", "../made", "mine/../../made"}) {
    auto order = world.order("t", "true");
    order.spec.command.cwd = cwd;
    world.news.clear();
    world.runtime.start(order, now());
    CHECK(world.await<StartFailed>("t").message.find("cannot enter") != std::string::npos);
  }
  CHECK(::rmdir(outside) == 0);  // empty
  struct stat mine {};
  REQUIRE(::stat((world.sandbox + "/mine").c_str(), &mine) == 0);
  CHECK((mine.st_mode & 07777) == 0700);
}

TEST_CASE("a task is asked to end by the signal that is named, else by SIGTERM") {
  World world;
  for (const int signal : {0, SIGQUIT}) {
    world.news.clear();
    world.runtime.start(
        world.order("t", "trap 'exit 15' TERM; trap 'exit 3' QUIT; echo > up; while :; do sleep 0.05; done"),
        now());
    world.until([&] { return !world.text("up").empty(); });
    world.runtime.signal("t", signal, now());
    CHECK(world.await<TaskEnded>("t").end.number == (signal == 0 ? 15 : 3));
    world.runtime.kill("t", now());
    std::filesystem::remove(world.sandbox + "/up");
  }
}

TEST_CASE("a command runs beside the task: its place, its group, its output's end") {
  for (const char* cgroups : {"auto", "off"}) {
    World world(cgroups);
    auto order = world.order("t", "sleep 1000");
    order.environment.push_back("MINE=yes");
    world.runtime.start(order, now());
    const std::string path = world.await<Started>("t").facts.cgroup;
    const auto ask = [&](std::uint64_t number, const std::string& script, std::int64_t timeout_ms) {
      world.news.clear();
      world.runtime.probe("t", number, {"sh", "-c", script}, timeout_ms, now());
      const auto answer = world.await<ProbeEnded>("t");
      CHECK(answer.probe == number);
      return answer;
    };
    auto answer =
        ask(1, "echo $MINE; pwd; grep -c '" + (path.empty() ? "0" : path) + "$' /proc/self/cgroup; exit 3",
            60'000);
    CHECK(answer.status == 3);
    CHECK(answer.message.starts_with("yes\n" + world.sandbox + "\n"));
    if (world.has_groups) CHECK_FALSE(answer.message.ends_with("\n0\n"));
    answer = ask(2, "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done", 60'000);
    CHECK(answer.status == 0);
    CHECK(answer.message.size() == 512);
    CHECK(answer.message.ends_with("line 1998\nline 1999\n"));
    answer = ask(3, "echo before; sleep 1000 & echo $! > sleeper; wait", 300);
    CHECK(answer.status == -1);
    CHECK(answer.message == "no end within 300 ms: before\n");
    world.until([&] { return process_start(std::atoll(world.text("sleeper").c_str())) == 0; });
    answer = ask(4, "kill -9 $$", 60'000);
    CHECK(answer.status == 128 + 9);
    answer = ask(5, "", 60'000);
    CHECK(answer.status == 0);
    answer = ask(7, "no-such-program", 60'000);
    CHECK(answer.status == 127);
    CHECK(world.find<TaskEnded>("t") == nullptr);
    world.news.clear();
    world.runtime.probe("other", 6, {"true"}, 1000, now());
    CHECK(world.await<ProbeEnded>("other").status == -1);
  }
}

// Processes whose environment holds the mark, of this test alone.
int alive_with(const std::string& mark) {
  int count = 0;
  DIR* proc = ::opendir("/proc");
  REQUIRE(proc != nullptr);
  while (const dirent* entry = ::readdir(proc)) {
    const std::int64_t pid = std::atoll(entry->d_name);
    if (pid > 1 && process_start(pid) != 0)
      count += read_text("/proc/" + std::to_string(pid) + "/environ").find(mark) != std::string::npos;
  }
  ::closedir(proc);
  return count;
}

TEST_CASE(
    "a command's answer is told when nothing of it is left, whatever it has started in whatever session") {
  for (const char* cgroups : {"auto", "off"}) {
    World world(cgroups);
    const std::string mark = "CHECKED_BY=" + std::to_string(::getpid()) + cgroups;
    for (const char* task : {"t", "another"}) {  // with a neighbour an orphan could be anybody's
      auto order = world.order(task, "sleep 1000; :");
      order.environment.push_back(mark);
      world.runtime.start(order, now());
      (void)world.await<Started>(task);
    }
    world.until([&] { return alive_with(mark) == 4; });  // a shell and its sleep, twice
    const std::string daemon = "(setsid sh -c 'setsid sleep 1000 & sleep 1000' &) ; ";
    for (const auto& [script, timeout_ms] : {std::pair{daemon + "exit 0", 60'000},
                                             {daemon + "sleep 1000", 300},
                                             {daemon + "kill -STOP $$", 300},
                                             {daemon + "kill -9 $$", 60'000}}) {
      CAPTURE(script);
      world.news.clear();
      world.runtime.probe("t", 1, {"sh", "-c", script}, timeout_ms, now());
      (void)world.await<ProbeEnded>("t");
      CHECK(alive_with(mark) == 4);
    }
    world.news.clear();
    world.runtime.probe("t", 2, {"sh", "-c", daemon + "sleep 1000"}, 60'000, now());
    world.until([&] { return alive_with(mark) > 6; });
    world.runtime.kill("t", now());
    world.until([&] { return alive_with(mark) == 2; });
  }
}

}  // namespace
}  // namespace mimas::executor
