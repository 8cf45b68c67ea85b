// What a task, or an archive that a job names, puts into a sandbox to get at something outside of it. Beside
// the sandbox lies a file that nobody may see or change.
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>

#include "pocket/fetcher.h"
#include "pocket/files.h"
#include "pocket/launcher.h"
#include "pocket/sandbox.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct World {
  World() {
    char name[] = "/tmp/pocket-hostile-XXXXXX";
    base = ::mkdtemp(name);
    sandbox = base + "/frameworks/F/executors/e/runs/run1";
    fs::create_directories(sandbox);
    fs::create_directory_symlink("run1", base + "/frameworks/F/executors/e/runs/latest");
    fs::create_directories(outside());
    std::ofstream(precious()) << "precious";
  }
  ~World() {
    std::error_code ignored;
    fs::remove_all(base, ignored);
  }
  std::string outside() const { return base + "/outside"; }
  std::string precious() const { return outside() + "/precious"; }

  // An archive of what `make` puts into an empty folder.
  template <class Make>
  std::string archive(const std::string& name, Make make) const {
    const std::string tree = base + "/tree";
    fs::remove_all(tree);
    fs::create_directories(tree);
    make(tree);
    const std::string path = base + "/" + name;
    REQUIRE(std::system(("tar -c -f '" + path + "' -C '" + tree + "' .").c_str()) == 0);
    return path;
  }
  static void add(mv1::CommandInfo& command, const std::string& uri, bool extract) {
    auto* one = command.add_uris();
    one->set_value(uri);
    one->set_extract(extract);
  }
  Status fetch(const mv1::CommandInfo& command) const {
    return Fetcher(base + "/cache").fetch(command, sandbox);
  }

  std::string base, sandbox;
};

const std::string kRun = "/frameworks/F/executors/e/runs/latest";

}  // namespace

TEST_CASE("a second name of somebody else's file is not read through the sandbox of another user") {
  if (::geteuid() != 0) return;  // only root can give a sandbox away
  const World world;
  fs::create_hard_link(world.precious(), world.sandbox + "/mine");
  std::ofstream(world.sandbox + "/plain") << "plain";
  REQUIRE(::chown(world.sandbox.c_str(), 65'534, 65'534) == 0);
  const Files files(world.base);
  CHECK(!files.read(kRun + "/mine", 0, -1).ok());
  CHECK(files.read(kRun + "/plain", 0, -1).value().data == "plain");
}

TEST_CASE("a reader never sees what a racing task swaps in") {
  const World world;
  const Files files(world.base);
  const std::string name = world.sandbox + "/log";
  std::atomic<bool> over{false};
  std::thread task([&] {
    while (!over) {
      std::ofstream(name + ".new") << "log";
      fs::rename(name + ".new", name);
      fs::create_symlink(world.precious(), name + ".new");
      fs::rename(name + ".new", name);
    }
  });
  int leaked = 0;
  int read = 0;
  constexpr int kReadsWanted = 2'000;
  while (read < kReadsWanted) {  // the task goes on, and every other name of its is a file
    const auto piece = files.read(kRun + "/log", 0, -1);
    if (!piece.ok()) continue;
    ++read;
    if (piece->data == "precious") ++leaked;
  }
  over = true;
  task.join();
  CHECK(read == kReadsWanted);
  CHECK(leaked == 0);
}

TEST_CASE("links that stay inside are followed, others and what is no file are told as such") {
  const World world;
  const Files files(world.base);
  std::ofstream(world.sandbox + "/out.1") << "text";
  fs::create_directory(world.sandbox + "/sub");
  fs::create_symlink("../out.1", world.sandbox + "/sub/current");
  fs::create_symlink("../../../../../../outside/precious", world.sandbox + "/way-out");
  REQUIRE(::mkfifo((world.sandbox + "/fifo").c_str(), 0666) == 0);
  CHECK(files.read(kRun + "/sub/current", 0, -1).value().data == "text");
  CHECK(files.read(kRun + "/way-out", 0, -1).error().message.find("is inaccessible") != std::string::npos);
  CHECK(files.read(kRun + "/fifo", 0, -1).error().message == "Cannot read a special file.");
  CHECK(files.read(kRun + "/sub", 0, -1).error().message == "Cannot read a directory.");
  CHECK(files.read(kRun, 0, -1).error().message == "Cannot read a directory.");
  CHECK(files.list(kRun).value().size() == 4);
  CHECK(files.list(kRun + "/sub").value().size() == 1);
  CHECK(files.list(kRun + "/out.1").value().empty());
}

TEST_CASE("a file is fetched to its place, not to where a link of that name leads") {
  const World world;
  fs::create_symlink(world.precious(), world.sandbox + "/tool");
  fs::create_symlink(world.precious(), world.sandbox + "/tool.partial");
  std::ofstream(world.base + "/tool") << "tool";
  mv1::CommandInfo command;
  World::add(command, world.base + "/tool", false);
  REQUIRE(world.fetch(command).ok());
  CHECK(slurp(world.precious()) == "precious");
  CHECK(!fs::is_symlink(world.sandbox + "/tool"));
  CHECK(slurp(world.sandbox + "/tool") == "tool");
}

TEST_CASE("an archive does not write through the link that an earlier one has left") {
  const World world;
  mv1::CommandInfo command;
  World::add(
      command,
      world.archive("one.tar",
                    [&](const std::string& tree) { fs::create_symlink(world.outside(), tree + "/lib"); }),
      true);
  World::add(command,
             world.archive("two.tar",
                           [&](const std::string& tree) {
                             fs::create_directory(tree + "/lib");
                             std::ofstream(tree + "/lib/precious") << "changed";
                           }),
             true);
  REQUIRE(world.fetch(command).ok());
  CHECK(slurp(world.precious()) == "precious");
  CHECK(slurp(world.sandbox + "/lib/precious") == "changed");
}

TEST_CASE("archives come together in one folder, and may replace one another's files") {
  const World world;
  mv1::CommandInfo command;
  for (const std::string name : {"a", "b"}) {
    World::add(command,
               world.archive(name + ".tar",
                             [&](const std::string& tree) {
                               fs::create_directories(tree + "/deep/er");
                               std::ofstream(tree + "/deep/er/" + name) << name;
                               std::ofstream(tree + "/deep/same") << name;
                               fs::create_symlink("same", tree + "/deep/link");
                             }),
               true);
  }
  REQUIRE(world.fetch(command).ok());
  CHECK(slurp(world.sandbox + "/deep/er/a") == "a");
  CHECK(slurp(world.sandbox + "/deep/er/b") == "b");
  CHECK(slurp(world.sandbox + "/deep/link") == "b");
  CHECK(!fs::exists(world.sandbox + "/.unpacking"));
}

TEST_CASE("an archive brings no device, no FIFO, and nobody else's rights") {
  const World world;
  mv1::CommandInfo pipe;
  World::add(
      pipe,
      world.archive("pipe.tar",
                    [&](const std::string& tree) { REQUIRE(::mkfifo((tree + "/pipe").c_str(), 0666) == 0); }),
      true);
  const Status refused = world.fetch(pipe);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("holds 'pipe', which is a FIFO") != std::string::npos);
  CHECK(!fs::exists(fs::symlink_status(world.sandbox + "/pipe")));
  if (::geteuid() == 0) {
    mv1::CommandInfo device;
    World::add(device,
               world.archive("device.tar",
                             [&](const std::string& tree) {
                               REQUIRE(::mknod((tree + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
                             }),
               true);
    CHECK(!world.fetch(device).ok());
    CHECK(!fs::exists(fs::symlink_status(world.sandbox + "/null")));
  }
  mv1::CommandInfo program;
  World::add(program,
             world.archive("program.tar",
                           [&](const std::string& tree) {
                             std::ofstream(tree + "/su") << "x";
                             REQUIRE(::chmod((tree + "/su").c_str(), 06755) == 0);
                           }),
             true);
  REQUIRE(world.fetch(program).ok());
  struct stat info {};
  REQUIRE(::stat((world.sandbox + "/su").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0755);
}

TEST_CASE("an executor's output does not go to where an archive has linked it") {
  const World world;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<bool> started;
  LaunchPlace place;
  place.agent_dir = world.base;
  place.shared_dir = world.base;
  Launcher launcher(place, [&](const ContainerRef&, const Result<pid_t>& pid) {
    const std::lock_guard lock(mutex);
    started = pid.ok();
    changed.notify_all();
  });
  StartContainer start;
  start.agent_id = "A";
  start.container = {"F", "e", "c"};
  start.executor.mutable_command()->set_value("echo spoilt");
  World::add(
      *start.executor.mutable_command(),
      world.archive("logs.tar",
                    [&](const std::string& tree) { fs::create_symlink(world.precious(), tree + "/stdout"); }),
      true);
  launcher.start();
  launcher.launch(start);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return started.has_value(); });
  }
  launcher.stop();
  CHECK(!*started);
  CHECK(slurp(world.precious()) == "precious");
}

TEST_CASE("a volume's link is not made where a task's own link leads") {
  const World world;
  mv1::Resource volume;
  volume.set_name("disk");
  volume.add_reservations()->set_role("r");
  volume.mutable_disk()->mutable_persistence()->set_id("v1");
  volume.mutable_disk()->mutable_volume()->set_container_path("deep/data");
  fs::create_directory_symlink(world.outside(), world.sandbox + "/deep");
  CHECK(!link_volumes(world.base, world.sandbox, {volume}).ok());
  CHECK(!fs::exists(fs::symlink_status(world.outside() + "/data")));
}

}  // namespace mimas::pocket
