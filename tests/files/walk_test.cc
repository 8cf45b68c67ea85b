#include "files/walk.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "world.h"

namespace mimas::files {
namespace {

namespace fs = std::filesystem;

Identity identity_of(const Descriptor& held) {
  struct stat info {};
  return held.open() && ::fstat(held.get(), &info) == 0 ? facts_of(info).identity : Identity{};
}

Identity identity_of(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? facts_of(info).identity : Identity{};
}

TEST_CASE("a path below a folder is relative, bounded, and says no dots") {
  for (const char* good : {"a", "a/b", "a//b", "a/", "...", ".hidden", "a/..b"}) {
    CAPTURE(good);
    CHECK(is_plain(good));
  }
  for (const char* bad : {"", "/", "/a", ".", "..", "a/..", "a/../b", "./a", "a/./b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_plain(bad));
  }
  CHECK_FALSE(is_plain(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_plain(std::string(256, 'x')));
  CHECK_FALSE(is_plain(std::string(kPathBytesMax + 1, '/').replace(0, 1, "a")));
  CHECK_FALSE(is_plain_name("a/b"));
  CHECK(is_plain_name("a.b"));
}

// One table, by both ways of walking: 0 where something is found, else errno by each rule about links.
TEST_CASE("the kernel's way and our own steps answer alike, and neither leads out") {
  const World world;
  fs::create_directories(world / "d/e");
  spill(world / "d/e/file", "x");
  world.link("absolute", world.outside() + "/precious");
  world.link("relative", "../outside/precious");
  world.link("folder_out", world.outside());
  world.link("near", "d/e/file");
  world.link("near_folder", "d");
  world.link("d/up", "../d/e/file");
  world.link("d/too_far", "../../outside/precious");
  world.link("there_and_back", "../inside/d");
  world.link("loop", "loop");
  world.link("dangling", "nothing");
  world.link("magic", "/proc/self/root");
  world.fifo("fifo");
  struct Case {
    const char* path;
    int refuse, beneath;
    const char* found;  // beneath; empty: what the path says
  };
  const Case cases[] = {
      {"d", 0, 0, ""},
      {"d/e/file", 0, 0, ""},
      {"d//e/", 0, 0, "d/e"},
      {"fifo", 0, 0, ""},
      {"nothing", ENOENT, ENOENT, ""},
      {"d/e/file/x", ENOTDIR, ENOTDIR, ""},
      {"absolute", 0, EXDEV, ""},  // refuse: the link itself
      {"relative", 0, EXDEV, ""},
      {"folder_out/precious", ELOOP, EXDEV, ""},
      {"near", 0, 0, "d/e/file"},
      {"near_folder/e/file", ELOOP, 0, "d/e/file"},
      {"d/up", 0, 0, "d/e/file"},
      {"d/too_far", 0, EXDEV, ""},
      {"there_and_back/e", ELOOP, EXDEV, ""},
      {"loop", 0, ELOOP, ""},
      {"dangling", 0, ENOENT, ""},
      {"magic/etc/passwd", ELOOP, EXDEV, ""},
      {"../outside/precious", EINVAL, EINVAL, ""},
      {"/etc/passwd", EINVAL, EINVAL, ""},
  };
  const Folder folder = world.folder();
  for (const bool steps : kWays) {
    const Way way(steps);
    for (const Case& one : cases) {
      CAPTURE(steps);
      CAPTURE(one.path);
      errno = 0;
      const Descriptor refused = walk(folder.descriptor(), one.path, Links::refuse);
      CHECK((refused.open() ? 0 : errno) == one.refuse);
      if (refused.open() && one.path[std::strlen(one.path) - 1] != '/')
        CHECK(identity_of(refused) == identity_of(world / one.path));
      errno = 0;
      const Descriptor beneath = walk(folder.descriptor(), one.path, Links::beneath);
      CHECK((beneath.open() ? 0 : errno) == one.beneath);
      if (beneath.open())
        CHECK(identity_of(beneath) == identity_of(world / (*one.found == '\0' ? one.path : one.found)));
    }
  }
}

TEST_CASE("another file system below the folder is another place") {
  if (::access("/proc/self/fd", R_OK) != 0) return;
  const Folder root = Folder::at("/").value();
  for (const bool steps : kWays) {
    const Way way(steps);
    errno = 0;
    CHECK_FALSE(walk(root.descriptor(), "proc/self/status", Links::refuse).open());
    CHECK((errno == EXDEV || errno == ELOOP));
    CHECK(walk(root.descriptor(), "etc", Links::refuse).open());
  }
}

}  // namespace
}  // namespace mimas::files
