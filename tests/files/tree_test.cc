#include "files/tree.h"

#include <doctest/doctest.h>

#include "world.h"

namespace mimas::files {
namespace {

namespace fs = std::filesystem;

TEST_CASE("removing a tree follows no link and opens nothing but folders") {
  const World world;
  fs::create_directories(world / "tree/a/b");
  spill(world / "tree/a/b/c", "x");
  spill(world / "stays", "x");
  fs::create_directory_symlink(world.outside(), world / "tree/a/link");
  world.link("tree/file", world.outside() + "/precious");
  world.second_name("tree/second");
  world.fifo("tree/fifo");
  world.device("tree/device");
  remove_tree(world.folder(), "tree");
  CHECK_FALSE(fs::exists(world / "tree"));
  CHECK(fs::exists(world / "stays"));
  CHECK(world.precious() == "precious");
  fs::create_directory_symlink(world.outside(), world / "tree");
  remove_tree(world.folder(), "tree");
  CHECK(world.precious() == "precious");
  remove_tree(world.folder(), "../outside");
  remove_tree(world.folder(), ".");
  CHECK(world.precious() == "precious");
  CHECK(fs::exists(world / "stays"));
}

TEST_CASE("handing over gives what is ours and has one name, and touches nothing else") {
  if (::geteuid() != 0) return;  // nobody else can give files away
  const World world;
  fs::create_directories(world / "d/e");
  spill(world / "d/e/f", "x");
  spill(world / "foreign", "x");
  REQUIRE(::chown((world / "foreign").c_str(), 7, 7) == 0);
  world.link("link", world.outside() + "/precious");
  world.second_name("second");
  world.fifo("fifo");
  REQUIRE(world.device("device"));
  REQUIRE(hand_over(world.folder(), 54321, 54322).ok());
  const auto owner = [](const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? static_cast<long>(info.st_uid) : -1;
  };
  CHECK(owner(world.inside()) == 54321);
  for (const char* given : {"d", "d/e", "d/e/f"}) CHECK(owner(world / given) == 54321);
  for (const char* kept : {"link", "second", "fifo", "device"}) CHECK(owner(world / kept) == 0);
  CHECK(owner(world / "foreign") == 7);
  CHECK(owner(world.outside() + "/precious") == 0);
}

TEST_CASE("a tree that is too deep is an error and not the end of our descriptors") {
  if (::geteuid() != 0) return;
  const World world;
  std::string path = world.inside();
  for (int i = 0; i <= kDepthMax + 1; ++i) {
    path += "/d";
    if (!fs::create_directory(path)) break;
  }
  CHECK(hand_over(world.folder(), 54321, 54322).error().code == Code::io);
}

}  // namespace
}  // namespace mimas::files
