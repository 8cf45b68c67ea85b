#include "executor/log_archive.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "executor/archive_state.h"
#include "executor/archive_upload.h"
#include "executor/children.h"
#include "log_support.h"

namespace mimas::executor {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

wire::ArchiveUrl directory(const TestFolder& folder) {
  return wire::parse_archive_url("file://" + folder.path()).value();
}

// Rounds of the loop, half a second apart by its clock, until nothing is left to be done.
std::vector<std::string> finish(LogArchive& archive, Instant& now) {
  std::vector<std::string> lines;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (archive.busy() && std::chrono::steady_clock::now() < deadline) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      helper_ended(pid);
      archive.child_ended(pid, status, now);
    }
    for (std::string& line : archive.pump(now)) lines.push_back(std::move(line));
    now = now + 500;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK_FALSE(archive.busy());
  for (std::string& line : archive.pump(now)) lines.push_back(std::move(line));
  return lines;
}

TEST_CASE("job and task make a key without surprises") {
  CHECK(archive_key("mimas-1", "mimas-1-worker-0-0") == "mimas-1/mimas-1-worker-0-0");
  CHECK(archive_key("../x", "a/b") == ".._x/a_b");
  CHECK(archive_key("..", "") == "_/_");
}

TEST_CASE("the keys are taken from the environment and wiped there") {
  std::string access = "MIMAS_ARCHIVE_ACCESS_KEY=who", secret = "MIMAS_ARCHIVE_SECRET_KEY=what";
  std::string state = "MIMAS_ARCHIVE_STATE=/var/x", other = "MIMAS_ARCHIVE=stays";
  char* environment[] = {access.data(), other.data(), secret.data(), state.data(), nullptr};
  const ArchiveEnvironment taken = take_archive_environment(environment);
  CHECK(taken.keys.access == "who");
  CHECK(taken.keys.secret == "what");
  CHECK(taken.state == "/var/x");
  CHECK(access == "MIMAS_ARCHIVE_ACCESS_KEY=" + std::string(3, '\0'));
  CHECK(secret == "MIMAS_ARCHIVE_SECRET_KEY=" + std::string(4, '\0'));
  CHECK(other == "MIMAS_ARCHIVE=stays");
}

TEST_CASE("an archive that cannot work says what is missing, one that is off says nothing") {
  Config config;
  std::string why = "old";
  CHECK(make_archive(config, {}, why) == nullptr);
  CHECK(why.empty());
  config.features.logarchive = true;
  CHECK(make_archive(config, {}, why) == nullptr);
  CHECK(why.find("neither s3:// nor file:///") != std::string::npos);
  config.archive = "s3://bucket?endpoint=http://127.0.0.1:9000";
  CHECK(make_archive(config, {}, why) == nullptr);
  CHECK(why.find("MIMAS_ARCHIVE_ACCESS_KEY") != std::string::npos);
  CHECK(make_archive(config, {{"a", "b"}, "/nowhere"}, why) != nullptr);
  CHECK(why.empty());
}

TEST_CASE("an archive that is away is tried again, and says so once each way") {
  const TestFolder sandbox, target, state;
  sandbox.write("stdout", "all of it");
  std::filesystem::remove(target.path());
  LogArchive archive(directory(target), {{}, state.path()});
  Instant now{1'000'000};
  archive.begin(sandbox.path(), "j/t");
  archive.add(sandbox.path(), "j/t", "stdout", now);
  archive.end(sandbox.path());
  for (int failures = 0; failures < 3; ++failures) {
    while (archive.wake_at() > now) now = archive.wake_at();
    CHECK(archive.pump(now).empty());
    CHECK(archive.wake_at() == kNever);  // the helper is at work
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    helper_ended(pid);
    archive.child_ended(pid, status, now);
    CHECK(archive.busy());
  }
  std::filesystem::create_directory(target.path());
  CHECK(finish(archive, now) ==
        std::vector<std::string>{"archive: it takes files again; 0 were rotated away before"});
  CHECK(target.read("j/t/stdout") == "all of it");
}

TEST_CASE("a file that is rotated away before it is sent is told, and no longer waited for") {
  const TestFolder sandbox, target, state;
  LogArchive archive(directory(target), {{}, state.path()});
  Instant now{1'000'000};
  archive.begin(sandbox.path(), "j/t");
  archive.add(sandbox.path(), "j/t", "stdout.1.gz", now);
  archive.add(sandbox.path(), "j/t", "stdout.2", now);
  archive.removed(sandbox.path(), "stdout.1");
  archive.removed(sandbox.path(), "stdout.2");
  archive.removed(sandbox.path(), "stdout.3");
  CHECK_FALSE(archive.busy());
  CHECK(archive.pump(now).size() == 1);
}

TEST_CASE("what a killed executor had to leave is sent by the next one") {
  const TestFolder sandbox, target, state;
  sandbox.write("stdout", "current");
  sandbox.write("stdout.1.gz", "first");
  sandbox.write("stderr", "");
  sandbox.write("data.bin", "the task's own");
  const pid_t killed = ::fork();
  if (killed == 0) {
    ArchiveState dying(state.path());
    dying.begin({sandbox.path(), "j/t"});
    dying.begin({"/no/such/sandbox", "j/u"});
    ::raise(SIGKILL);
  }
  REQUIRE(::waitpid(killed, nullptr, 0) == killed);
  CHECK(ArchiveState(state.path()).abandoned().size() == 2);

  Instant now{1'000'000};
  {
    LogArchive archive(directory(target), {{}, state.path()});
    archive.adopt(now);
    LogArchive second(directory(target), {{}, state.path()});
    second.adopt(now);  // the first has it already
    CHECK_FALSE(second.busy());
    finish(archive, now);
  }
  CHECK(target.read("j/t/stdout") == "current");
  CHECK(target.read("j/t/stdout.1.gz") == "first");
  CHECK(std::filesystem::exists(target / "j/t/stderr"));
  CHECK_FALSE(std::filesystem::exists(target / "j/t/data.bin"));
  CHECK(state.names().empty());
}

TEST_CASE("a living executor's notes are nobody else's, and an ended one leaves none") {
  const TestFolder state;
  {
    ArchiveState mine(state.path());
    mine.begin({"/a", "j/a"});
    mine.begin({"/b", "j/b"});
    ArchiveState other(state.path());
    CHECK(other.adopt().empty());
    CHECK(other.abandoned().empty());
    mine.end("/a");
    CHECK(state.names().size() == 1);
  }
  ArchiveState next(state.path());
  CHECK(next.abandoned() == std::vector<ArchiveFolder>{{"/b", "j/b"}});
  CHECK(next.adopt() == std::vector<ArchiveFolder>{{"/b", "j/b"}});
  CHECK(next.adopt().empty());
  next.end("/b");
}

TEST_CASE("a folder of notes that others may write to is not used") {
  const TestFolder state;
  std::filesystem::permissions(state.path(), std::filesystem::perms::all);
  ArchiveState careful(state.path());
  careful.begin({"/a", "j/a"});
  CHECK(state.names().empty());
}

}  // namespace
}  // namespace mimas::executor
