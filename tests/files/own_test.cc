#include "files/own.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "world.h"

namespace mimas::files {
namespace {

namespace fs = std::filesystem;

unsigned mode(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

struct Umask {  // as of a shell that hides nothing, or all
  explicit Umask(mode_t wanted) : before(::umask(wanted)) {}
  ~Umask() { ::umask(before); }
  mode_t before;
};

void make(const std::string& path, mode_t mode) {
  fs::create_directories(path);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("what is made is ours alone, whatever the umask") {
  for (const mode_t wanted : {0000, 0077}) {
    const World world;
    const Umask set(wanted);
    REQUIRE(make_own_folder(world / "a/b").ok());
    CHECK(mode(world / "a") == 0700);
    CHECK(mode(world / "a/b") == 0700);
    REQUIRE(make_own_folder(world / "c/d", Passage::open).ok());
    CHECK(mode(world / "c") == 0711);
    CHECK(mode(world / "c/d") == 0711);
    REQUIRE(make_data_folder(world / "data", Passage::open).ok());
    CHECK(mode(world / "data") == 0711);
    REQUIRE(write_own_file(world / "a/file", "one").ok());
    REQUIRE(append_own_file(world / "a/log", "one").ok());
    REQUIRE(append_own_file(world / "a/log", "two").ok());
    CHECK((mode(world / "a/file") & 0077) == 0);
    CHECK((mode(world / "a/log") & 0077) == 0);
    CHECK(slurp(world / "a/log") == "onetwo");
  }
}

TEST_CASE("what an earlier version left wider is narrowed, what somebody has chosen stays") {
  const World world;
  make(world / "own", 0755);
  REQUIRE(make_own_folder(world / "own").ok());
  CHECK(mode(world / "own") == 0700);
  make(world / "own", 0755);
  REQUIRE(make_own_folder(world / "own", Passage::open).ok());
  CHECK(mode(world / "own") == 0711);
  REQUIRE(make_own_folder(world / "own").ok());
  CHECK((mode(world / "own") & 0007) == 0);
  make(world / "group", 0750);
  REQUIRE(make_own_folder(world / "group").ok());
  CHECK(mode(world / "group") == 0750);
  REQUIRE(make_own_folder(world / "group", Passage::open).ok());
  CHECK(mode(world / "group") == 0751);
  spill(world / "wide", "x");
  REQUIRE(::chmod((world / "wide").c_str(), 0644) == 0);
  REQUIRE(narrow_own_file(world / "wide").ok());
  CHECK(mode(world / "wide") == 0600);
  REQUIRE(::chmod((world / "wide").c_str(), 0640) == 0);
  REQUIRE(narrow_own_file(world / "wide").ok());
  CHECK(mode(world / "wide") == 0640);
  REQUIRE(::chmod((world / "wide").c_str(), 0644) == 0);
  REQUIRE(write_own_file(world / "wide", "y").ok());
  CHECK(mode(world / "wide") == 0600);
  CHECK(narrow_own_file(world / "nothing").ok());
}

TEST_CASE("a directory that is somebody's already is left as it is, an empty one is taken over") {
  const World world;
  make(world / "home", 0755);
  spill(world / "home/letter", "x");
  REQUIRE(make_data_folder(world / "home").ok());
  CHECK(mode(world / "home") == 0755);
  make(world / "private", 0700);
  spill(world / "private/letter", "x");
  REQUIRE(make_data_folder(world / "private", Passage::open).ok());
  CHECK(mode(world / "private") == 0700);
  make(world / "empty", 0700);
  REQUIRE(make_data_folder(world / "empty", Passage::open).ok());
  CHECK(mode(world / "empty") == 0711);
  make(world / "shared", 01777);
  REQUIRE(make_data_folder(world / "shared").ok());
  CHECK(mode(world / "shared") == 01777);
}

TEST_CASE("the folder that is in the way of others is named") {
  const World world;
  make(world / "a/b/c", 0711);
  REQUIRE(::chmod((world / "a").c_str(), 0711) == 0);
  REQUIRE(::chmod((world / "a/b").c_str(), 0711) == 0);
  const std::string above = closed_folder(world / "a/b/c");  // mkdtemp's own
  CHECK(above == fs::path(world.inside()).parent_path());
  REQUIRE(::chmod(above.c_str(), 0755) == 0);
  REQUIRE(::chmod(world.inside().c_str(), 0755) == 0);
  CHECK(closed_folder(world / "a/b/c").empty());
  REQUIRE(::chmod((world / "a/b").c_str(), 0750) == 0);
  CHECK(closed_folder(world / "a/b/c") == world / "a/b");
}

}  // namespace mimas::files
