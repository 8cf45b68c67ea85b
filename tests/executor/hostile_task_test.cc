// A task that puts something else in the place of whatever the executor is about to touch in its sandbox, at
// each step of a log's life. Whatever it is: nothing outside is read or changed, nothing waits, and the log
// goes on. The steps are the loop's own rounds, so that the swap is always in between.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "executor/archive_upload.h"
#include "executor/log_archive.h"
#include "executor/log_file.h"
#include "executor/log_keeper.h"
#include "executor/user.h"
#include "files/world.h"
#include "health_server.h"
#include "keeper_loop.h"
#include "log_support.h"

namespace mimas::executor {
namespace {

namespace fs = std::filesystem;
using files::kTraps;
using files::slurp;
using files::spill;
using files::World;

// A keeper with one task, whose output goes through a pipe.
struct Kept {
  explicit Kept(const World& world, const LogRules& rules, std::unique_ptr<LogArchive> archive = nullptr)
      : keeper(std::move(archive)) {
    TaskOrder order = order_for(world.inside(), "t1", rules);
    keeper.starting(order, loop.now);
    out = keeper.open_pipes("t1").out;
    REQUIRE(out > 2);
  }
  void say(std::string_view text) { loop.say(out, text); }
  void await_helper() {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    if (pid <= 0) return;
    helper_ended(pid);
    keeper.child_ended(pid, status, loop.now);
  }

  LogKeeper keeper;
  KeeperLoop loop{keeper};
  int out = -1;
};

const std::string kFull(kRotate, 'a');

// For each kind of trap a sandbox of its own.
template <class Story>
void for_each_trap(Story story) {
  for (const char* trap : kTraps) {
    CAPTURE(std::string(trap));
    const World world;
    story(world, trap);
    CHECK(world.untouched());
  }
}

TEST_CASE("what is put in the place of a rotated log is not compressed") {
  for_each_trap([](const World& world, const char* trap) {
    Kept kept(world, {kRotate, 3, true});
    kept.say(kFull + "b");
    REQUIRE(fs::exists(world / "stdout.1"));
    fs::remove(world / "stdout.1");
    if (!world.trap(trap, "stdout.1")) return;
    REQUIRE(kept.loop.until([&] { return kept.keeper.wake_at() == kNever; }));
    kept.await_helper();  // if there is one
    CHECK_FALSE(fs::exists(fs::symlink_status(world / "stdout.1.gz")));
    kept.say("c");
    CHECK(slurp(world / "stdout") == "bc");
  });
}

TEST_CASE(
    "what is put in the place of the file that is compressed, or of the compressed one, is only removed") {
  for (const char* place : {"stdout.1", ".stdout.1.gz.new", "stdout.1.gz"}) {
    CAPTURE(std::string(place));
    for_each_trap([&](const World& world, const char* trap) {
      Kept kept(world, {kRotate, 3, true});
      kept.say(kFull + "b");
      kept.loop.now = kept.loop.now + 2'000;
      kept.keeper.pump(kept.loop.now, kept.loop.news);  // compression begins
      fs::remove(world / place);
      if (!world.trap(trap, place)) return;
      kept.await_helper();
      kept.say("c");
      CHECK(slurp(world / "stdout") == "bc");
      const bool ours = fs::is_regular_file(fs::symlink_status(world / "stdout.1.gz"));
      if (ours) CHECK((unzip(world / "stdout.1.gz") == kFull));
    });
  }
}

TEST_CASE("a rotated log that somebody has made longer than a log can be is left as it is") {
  const World world;
  Kept kept(world, {kRotate, 3, true});
  kept.say(kFull + "b");
  fs::resize_file(world / "stdout.1", std::uintmax_t{1} << 40);
  kept.loop.now = kept.loop.now + 2'000;
  kept.loop.round();
  CHECK(kept.keeper.wake_at() == kNever);
  kept.await_helper();  // if there is one
  CHECK(fs::exists(world / "stdout.1"));
  CHECK_FALSE(fs::exists(world / "stdout.1.gz"));
}

TEST_CASE("the oldest log is emptied only if it is still our own") {
  for_each_trap([](const World& world, const char* trap) {
    const int own = ::open((world / "stdout").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const files::Folder folder = world.folder();
    LogFile file(folder, "stdout", {kRotate, 1, false}, own);
    REQUIRE(file.open());
    file.write(kFull + "b", Instant{1});
    fs::remove(world / "stdout.1");
    if (!world.trap(trap, "stdout.1")) return;
    file.write(kFull + "c", Instant{1});
    CHECK(file.dropped() == 0);
    CHECK(slurp(world / "stdout") == "ac");
    ::close(own);
  });
}

TEST_CASE("our own stdout follows the log into its next file and nowhere else") {
  for_each_trap([](const World& world, const char* trap) {
    const int own = ::open((world / "stdout").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const files::Folder folder = world.folder();
    LogFile file(folder, "stdout", {kRotate, 3, false}, own);
    REQUIRE(file.open());
    file.write(kFull, Instant{1});
    fs::remove(world / "stdout");
    if (!world.trap(trap, "stdout")) return;
    file.write("b", Instant{1});
    REQUIRE(::write(own, "own", 3) == 3);
    CHECK(slurp(world / "stdout") == "bown");
    ::close(own);
  });
}

// Somebody who puts his thing over `stdout`, and over the next one before it has that name, all the time.
TEST_CASE("a rotation neither waits for nor writes to what is put over the log meanwhile") {
  for (const char* trap : {"FIFO", "second name", "absolute link", "device"}) {
    CAPTURE(std::string(trap));
    const World world;
    if (!world.trap(trap, "trap")) continue;
    fs::remove(world / "trap");
    const int own = ::open((world / "stdout").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const files::Folder folder = world.folder();
    LogFile file(folder, "stdout", {kRotate, 2, false}, own);
    REQUIRE(file.open());
    std::atomic<bool> over{false};
    std::thread task([&] {
      for (int i = 0; !over; ++i) {
        (void)world.trap(trap, "trap");
        std::error_code ignored;
        fs::rename(world / "trap", world / (i % 2 == 0 ? "stdout" : ".stdout.new"), ignored);
      }
    });
    for (int i = 0; i < 300; ++i) {
      file.write(kFull, Instant{i * 2'000});
      if (::write(own, "own", 3) != 3) break;
    }
    over = true;
    task.join();
    CHECK(world.untouched());
    ::close(own);
  }
}

TEST_CASE("a log that is there as something else when the task starts is not written to") {
  for_each_trap([](const World& world, const char* trap) {
    if (!world.trap(trap, "stdout")) return;
    const files::Folder folder = world.folder();
    LogFile file(folder, "stdout", {kRotate, 3, false}, -1);
    CHECK_FALSE(file.open());
  });
}

TEST_CASE("what is put in the place of a log at the task's end does not reach the archive") {
  for_each_trap([](const World& world, const char* trap) {
    const TestFolder target, state;
    Kept kept(world, {kRotate, 3, false},
              std::make_unique<LogArchive>(wire::parse_archive_url("file://" + target.path()).value(),
                                           ArchiveEnvironment{{}, state.path()}));
    kept.say(kFull + "b");
    for (const char* name : {"stdout", "stdout.1", "stderr"}) {
      fs::remove(world / name);
      if (!world.trap(trap, name)) return;
    }
    kept.keeper.ended("t1", {}, kept.loop.now);
    REQUIRE(kept.loop.until([&] { return !kept.keeper.busy(); }));
    for (const char* name : {"stdout", "stderr"})
      CHECK_FALSE(fs::exists(target / ("mimas-1/t1/" + std::string(name))));
  });
}

TEST_CASE("logs that a dead executor has left are only taken up where they are files") {
  for_each_trap([](const World& world, const char* trap) {
    const TestFolder target, state;
    if (!world.trap(trap, "stdout.7")) return;
    spill(state / "1-1", "+" + world.inside() + "\tjob/task\n");
    LogArchive archive(wire::parse_archive_url("file://" + target.path()).value(), {{}, state.path()});
    archive.adopt(Instant{1});
    Instant now{1};
    for (int i = 0; archive.busy() && i < 1'000; ++i) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, 0);
      if (pid > 0) archive.child_ended(pid, status, now);
      (void)archive.pump(now = now + 60'000);
    }
    CHECK_FALSE(archive.busy());
    CHECK_FALSE(fs::exists(target / "job/task/stdout.7"));
  });
}

TEST_CASE("the journal of uploads is written to a file of its own or not at all") {
  HealthServer server;
  std::atomic<bool> over{false};
  std::thread serving([&] {
    while (!over) server.serve();
  });
  const auto url =
      wire::parse_archive_url("s3://logs?endpoint=http://127.0.0.1:" + std::to_string(server.port())).value();
  const S3Keys keys{"access", "secret"};
  for_each_trap([&](const World& world, const char* trap) {
    spill(world / "stdout", "a log");
    if (!world.trap(trap, kJournalName)) return;
    CHECK(upload({url, keys, world.inside(), "stdout", "job/task"}).kind == Outcome::Kind::done);
  });
  over = true;
  serving.join();
}

TEST_CASE("a log that somebody has made longer than any log can be is not sent") {
  const World world;
  spill(world / "stdout", "short");
  const TestFolder target;
  const auto url = wire::parse_archive_url("file://" + target.path()).value();
  fs::resize_file(world / "stdout", std::uintmax_t{1} << 40);  // nothing of it is on the disk
  CHECK(upload({url, {}, world.inside(), "stdout", "job/task"}).kind == Outcome::Kind::done);
  CHECK_FALSE(fs::exists(target / "job/task/stdout"));
}

}  // namespace
}  // namespace mimas::executor
