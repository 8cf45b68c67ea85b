#include "pocket/agent_folders.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

struct World {
  World() {
    char name[] = "/tmp/pocket-folders-XXXXXX";
    base = ::mkdtemp(name);
    REQUIRE(::chmod(base.c_str(), 0711) == 0);
    fs::create_directory(base + "/closed");
    REQUIRE(::chmod((base + "/closed").c_str(), 0700) == 0);
  }
  ~World() {
    std::error_code ignored;
    fs::remove_all(base, ignored);
  }
  std::string make(const std::string& dir) {
    const auto made =
        make_agent_folders(dir, base + "/elsewhere", [&](const std::string& line) { said += line; });
    REQUIRE(made.ok());
    return *made;
  }
  std::string base, said;
};

unsigned mode(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
}

const bool kRoot = ::geteuid() == 0;

}  // namespace

TEST_CASE("an agent's own folders are closed, and those on the way to sandboxes open for who needs them") {
  World world;
  const std::string dir = world.base + "/agent0";
  fs::create_directories(dir + "/meta");  // as an earlier version made them
  fs::create_directories(dir + "/slaves");
  for (const char* folder : {"", "/meta", "/slaves"}) REQUIRE(::chmod((dir + folder).c_str(), 0755) == 0);
  CHECK(world.make(dir) == dir);
  CHECK(mode(dir + "/meta") == 0700);
  CHECK(mode(dir + "/fetch") == 0700);
  for (const char* folder : {"", "/slaves", "/volumes"}) CHECK(mode(dir + folder) == (kRoot ? 0711 : 0700));
  CHECK(world.said.empty());
}

TEST_CASE(
    "where nobody else may pass, an agent that is root puts sandboxes elsewhere, and finds them again") {
  World world;
  const std::string dir = world.base + "/closed/agent0";
  const std::string place = world.make(dir);
  if (!kRoot) {
    CHECK(place == dir);
    return;
  }
  CHECK(place.starts_with(world.base + "/elsewhere/"));
  CHECK(world.said == "other users may not pass " + world.base + "/closed: sandboxes are in " + place);
  CHECK(mode(place + "/slaves") == 0711);
  CHECK(mode(dir + "/meta") == 0700);
  std::ofstream(place + "/slaves/x") << "x";
  CHECK(fs::exists(dir + "/slaves/x"));
  world.said.clear();
  CHECK(world.make(dir) == place);
  CHECK(world.said.empty());
  CHECK(world.make(world.base + "/closed/agent1") != place);
  REQUIRE(remove_agent_folders(dir).ok());
  CHECK(!fs::exists(place));
  CHECK(!fs::exists(dir));
}

TEST_CASE("an agent whose sandboxes are inside already leaves them there") {
  World world;
  const std::string dir = world.base + "/closed/agent0";
  fs::create_directories(dir + "/slaves");
  CHECK(world.make(dir) == dir);
}

}  // namespace mimas::pocket
