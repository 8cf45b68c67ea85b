// Somebody who swaps what is under a name all the time, as fast as he can, against each way in. What must
// never happen does not depend on who is quicker: a bounded number of tries, and not one of them may get out.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "files/folder.h"
#include "world.h"

namespace mimas::files {
namespace {

constexpr int kTries = 10'000;

// Exchanges two names (renameat2 with RENAME_EXCHANGE) until he is told to stop.
class Swapper {
 public:
  Swapper(std::string one, std::string other)
      : thread_([this, a = std::move(one), b = std::move(other)] {
          while (!stop_) {
            (void)::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
            ++swaps_;
          }
        }) {
    while (swaps_ == 0) std::this_thread::yield();
  }
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }
  Swapper(const Swapper&) = delete;
  Swapper& operator=(const Swapper&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> swaps_{0};
  std::thread thread_;
};

TEST_CASE("a file that is swapped for a way out is read as itself or not at all") {
  for (const char* trap : {"link", "second", "device", "fifo"}) {
    for (const bool steps : kWays) {
      const World world;
      const Way way(steps);
      const std::string kind = trap;
      spill(world / "log", "ours");
      if (kind == "link") world.link("trap", world.outside() + "/precious");
      if (kind == "second") world.second_name("trap");
      if (kind == "fifo") world.fifo("trap");
      if (kind == "device" && !world.device("trap")) continue;
      const Folder folder = world.folder();
      int strange = 0;
      {
        const Swapper swapper(world / "log", world / "trap");
        for (int i = 0; i < kTries; ++i) {
          const Result<File> file = folder.open("log", Use::read);
          char bytes[16];
          const Result<std::size_t> got = file.ok() ? file->read_at(0, bytes, sizeof bytes) : std::size_t{0};
          if (file.ok() && !(got.ok() && std::string_view(bytes, *got) == "ours")) ++strange;
        }
      }
      CAPTURE(kind);
      CHECK(strange == 0);
    }
  }
}

TEST_CASE("a folder on the way that is swapped for a link out leads nowhere else") {
  for (const bool steps : kWays) {
    const World world;
    const Way way(steps);
    std::filesystem::create_directory(world / "d");
    spill(world / "d/precious", "ours");
    std::filesystem::create_directory_symlink(world.outside(), world / "trap");
    const Folder folder = world.folder();
    int strange = 0;
    {
      const Swapper swapper(world / "d", world / "trap");
      for (int i = 0; i < kTries; ++i) {
        for (const Links links : {Links::refuse, Links::beneath}) {
          const Result<File> file = folder.open("d/precious", Use::write, {links, SecondNames::of_owner, {}});
          if (file.ok() && ::ftruncate(file->descriptor(), 4) != 0) ++strange;
        }
        (void)folder.create("d/new", Use::write, 0644);
        (void)folder.rename("d/new", "d/newer");
        (void)folder.discard("d/newer", folder.facts().identity);
      }
    }
    CHECK(strange == 0);
    CHECK(world.precious() == "precious");
    for (const auto& entry : std::filesystem::directory_iterator(world.outside()))
      CHECK(entry.path().filename() == "precious");
  }
}

TEST_CASE("what is swapped while it is discarded is at most removed") {
  const World world;
  const Folder folder = world.folder();
  world.link("trap", world.outside() + "/precious");
  {
    spill(world / "log", "ours");
    const Swapper swapper(world / "log", world / "trap");
    for (int i = 0; i < kTries; ++i) {
      const Result<File> ours = folder.create("log", Use::write, 0644);
      (void)folder.discard("log", ours.ok() ? ours->identity() : Identity{});
      if (i % 2 == 0) world.link("again", world.outside() + "/precious");
      (void)folder.rename("again", "trap");
    }
  }
  CHECK(world.precious() == "precious");
}

}  // namespace
}  // namespace mimas::files
