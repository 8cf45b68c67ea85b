#include "executor/log_keeper.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "executor/log_archive.h"
#include "keeper_loop.h"
#include "log_support.h"

namespace mimas::executor {
namespace {

TEST_CASE("what a process prints on both streams lands in two files, and is counted") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {kRotate, 3, false});
  keeper.starting(order, loop.now);
  const auto ends = keeper.open_pipes("t1");
  REQUIRE(ends.out > 2);
  REQUIRE(ends.err > 2);
  std::vector<pollfd> polled;
  keeper.add_to(polled);
  REQUIRE(polled.size() == 1);
  CHECK(::poll(polled.data(), 1, 0) == 0);
  const std::string text = numbered_lines(3'000);
  REQUIRE(::write(ends.out, text.data(), text.size()) == 3'000);
  REQUIRE(::write(ends.err, "oops\n", 5) == 5);
  CHECK(::poll(polled.data(), 1, 0) == 1);
  loop.round();
  CHECK(::poll(polled.data(), 1, 0) == 0);
  CHECK(folder.read("stdout") == text);
  CHECK(folder.read("stderr") == "oops\n");
  CHECK(keeper.bytes_written("t1") == 3'005);
  CHECK(keeper.bytes_written("t2") == -1);
}

TEST_CASE("at the end the pipes are read to their end, and the count can still be asked for") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {kRotate, 3, false});
  keeper.starting(order, loop.now);
  const auto ends = keeper.open_pipes("t1");
  const std::string text = numbered_lines(65'536);
  REQUIRE(::write(ends.out, text.data(), text.size()) == 65'536);
  keeper.ended("t1", {}, loop.now);
  CHECK((folder.read("stdout.1") + folder.read("stdout") == text));
  CHECK(keeper.bytes_written("t1") == 65'536);
  CHECK_FALSE(keeper.busy());
  loop.round();
  CHECK(keeper.bytes_written("t1") == -1);
  std::vector<pollfd> polled;
  keeper.add_to(polled);
  CHECK(polled.empty());
}

TEST_CASE("somebody elsewhere who holds the pipe is waited for a second, what he says is kept, and no more") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {kRotate, 3, false});
  keeper.starting(order, loop.now);
  const int leaked = ::dup(keeper.open_pipes("t1").out);
  keeper.ended("t1", {}, loop.now);
  CHECK(keeper.busy());
  CHECK(keeper.wake_at() == loop.now + 1'000);
  REQUIRE(::write(leaked, "late", 4) == 4);
  loop.round();
  CHECK(folder.read("stdout") == "late");
  REQUIRE(::write(leaked, " later", 6) == 6);
  loop.now = loop.now + 1'000;
  loop.round();
  CHECK(folder.read("stdout") == "late later");
  CHECK_FALSE(keeper.busy());
  struct pollfd closed {
    leaked, 0, 0
  };
  CHECK(::poll(&closed, 1, 0) == 1);
  CHECK((closed.revents & POLLERR) != 0);
  ::close(leaked);
}

TEST_CASE("a task that floods while it is killed holds nothing up") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {kRotate, 2, true});
  keeper.starting(order, loop.now);
  const auto ends = keeper.open_pipes("t1");
  const pid_t flood = ::fork();
  if (flood == 0) {
    char bytes[4096] = {};
    while (::write(ends.out, bytes, sizeof bytes) > 0) {
    }
    ::_exit(0);
  }
  keeper.close_pipes("t1");
  REQUIRE(loop.until([&] { return keeper.bytes_written("t1") > 10 * kRotate; }));
  REQUIRE(::kill(flood, SIGKILL) == 0);
  REQUIRE(::waitpid(flood, nullptr, 0) == flood);
  const std::int64_t before = keeper.bytes_written("t1");
  keeper.ended("t1", {}, loop.now);
  CHECK_FALSE(keeper.busy());
  CHECK(keeper.bytes_written("t1") - before <= kRotate);
  std::int64_t on_disk = 0;
  for (const std::string& name : folder.names())
    on_disk += static_cast<std::int64_t>(folder.read(name).size());
  CHECK(on_disk <= 3 * kRotate);
}

TEST_CASE("a rotated file is compressed when it is two seconds old, by a process that is gone then") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {kRotate, 3, true});
  keeper.starting(order, loop.now);
  const auto ends = keeper.open_pipes("t1");
  const std::string text = numbered_lines(150'000);
  loop.say(ends.out, text);
  CHECK(folder.names() == std::vector<std::string>{"stderr", "stdout", "stdout.1", "stdout.2"});
  CHECK(keeper.wake_at() == loop.now + 2'000);
  REQUIRE(loop.until([&] {
    return folder.names() == std::vector<std::string>{"stderr", "stdout", "stdout.1.gz", "stdout.2.gz"};
  }));
  CHECK((folder.unzipped("stdout.1.gz") + folder.unzipped("stdout.2.gz") + folder.read("stdout") == text));
}

TEST_CASE(
    "a file that cannot be compressed stays as it is, and one that is rotated away meanwhile leaves "
    "nothing") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {kRotate, 1, true});
  keeper.starting(order, loop.now);
  const auto ends = keeper.open_pipes("t1");
  loop.say(ends.out, std::string(kRotate, 'a') + "b");
  SUBCASE("the new file cannot be made") {
    std::filesystem::create_directory(folder / ".stdout.1.gz.new");
    loop.now = loop.now + 2'000;
    loop.round();
    std::filesystem::remove(folder / ".stdout.1.gz.new");
    REQUIRE(loop.until([&] { return keeper.wake_at() == kNever; }));
    CHECK(folder.names() == std::vector<std::string>{"stderr", "stdout", "stdout.1"});
  }
  SUBCASE("rotated away") {
    loop.now = loop.now + 2'000;
    loop.round();  // compression begins
    loop.say(ends.out, std::string(kRotate, 'c'));
    CHECK(folder.names() == std::vector<std::string>{"stderr", "stdout", "stdout.2"});
    REQUIRE(loop.until([&] {
      return folder.names() == std::vector<std::string>{"stderr", "stdout", "stdout.2.gz"};
    }));
  }
}

TEST_CASE("tasks that share a sandbox share its files") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder first = order_for(folder.path(), "t1", {kRotate, 2, false}),
            second = order_for(folder.path(), "t2", {kRotate, 2, false});
  keeper.starting(first, loop.now);
  keeper.starting(second, loop.now);
  const auto one = keeper.open_pipes("t1"), two = keeper.open_pipes("t2");
  loop.say(one.out, "one\n");
  loop.say(two.out, "two\n");
  keeper.ended("t1", {}, loop.now);
  loop.say(two.out, std::string(kRotate, 'x'));
  CHECK(folder.names() == std::vector<std::string>{"stderr", "stdout", "stdout.1"});
  CHECK(folder.read("stdout.1").starts_with("one\ntwo\nxxx"));
  CHECK(keeper.bytes_written("t2") == 4 + kRotate);
}

TEST_CASE("a container's output is taken until a round's measure is full") {
  const TestFolder folder;
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "t1", {64 << 20, 2, false});
  keeper.starting(order, loop.now);
  CHECK_FALSE(keeper.write("t1", false, "before the first round"));
  loop.round();
  const std::string much(1 << 20, 'x');
  int taken = 0;
  while (taken < 100 && keeper.write("t1", false, much)) ++taken;
  CHECK(taken == 4);
  CHECK(keeper.wake_at() == Instant{0});
  loop.round();
  CHECK(keeper.write("t1", true, "on the other\n"));
  CHECK(folder.read("stdout").size() == std::size_t{4} << 20);
  CHECK(folder.read("stderr") == "on the other\n");
  CHECK(keeper.write("nobody", false, "is dropped"));
}

TEST_CASE("where no file can be had, a task gets our own stdout and stderr") {
  LogKeeper keeper(nullptr);
  KeeperLoop loop{keeper};
  TaskOrder order;
  order.task_id = "t1";
  order.sandbox = "/no/such/folder";
  keeper.starting(order, loop.now);
  const auto ends = keeper.open_pipes("t1");
  CHECK(ends.out == 1);
  CHECK(ends.err == 2);
  keeper.close_pipes("t1");
  CHECK(::fcntl(1, F_GETFD) >= 0);
  keeper.ended("t1", {}, loop.now);
  loop.round();
  CHECK_FALSE(keeper.busy());
}

TEST_CASE("for very many tasks our limit of open files is raised, and theirs is not") {
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const struct rlimit low { 512, before.rlim_max };
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  {
    const TestFolder folder;
    LogKeeper keeper(nullptr);
    KeeperLoop loop{keeper};
    for (int i = 0; i < 300; ++i) {
      TaskOrder order = order_for(folder.path(), "t" + std::to_string(i), {kRotate, 2, false});
      keeper.starting(order, loop.now);
      const auto ends = keeper.open_pipes(order.task_id);
      CHECK(ends.out > 2);
      keeper.close_pipes(order.task_id);
      const auto& limits = order.spec.limits.rlimits;
      CHECK(limits.size() == (i < 63 ? 0 : 1));
      if (i < 63) continue;
      CHECK(limits[0].name == "nofile");
      CHECK(limits[0].soft == 512);
    }
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("with an archive, everything that is complete arrives under its job and task") {
  const TestFolder folder, target, state;
  auto archive = std::make_unique<LogArchive>(wire::parse_archive_url("file://" + target.path()).value(),
                                              ArchiveEnvironment{{}, state.path()});
  LogKeeper keeper(std::move(archive));
  KeeperLoop loop{keeper};
  TaskOrder order = order_for(folder.path(), "mimas-1-worker-0-0", {kRotate, 5, true});
  keeper.starting(order, loop.now);
  CHECK(state.names().size() == 1);
  const auto ends = keeper.open_pipes("mimas-1-worker-0-0");
  const std::string text = numbered_lines(100'000), more = numbered_lines(80'000);
  loop.say(ends.out, text);
  const TestFolder& t = target;
  const std::string key = "mimas-1/mimas-1-worker-0-0/";
  REQUIRE(loop.until([&] { return std::filesystem::exists(t / key + "stdout.1.gz"); }));
  loop.say(ends.out, more);
  REQUIRE(::write(ends.err, "oops\n", 5) == 5);
  keeper.ended("mimas-1-worker-0-0", {}, loop.now);
  CHECK(keeper.busy());
  REQUIRE(loop.until([&] { return !keeper.busy(); }));
  CHECK((t.unzipped(key + "stdout.1.gz") + t.read(key + "stdout.2") + t.read(key + "stdout") == text + more));
  CHECK(t.read(key + "stderr") == "oops\n");
  loop.round();
  CHECK(loop.news.empty());
}

}  // namespace
}  // namespace mimas::executor
