#include "server/back_up.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "server/loop.h"

using namespace mimas;

namespace {

struct Directory {
  std::string path;
  Directory() {
    char name[] = "/tmp/mimas-backup-test.XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

engine::SubmitJob submission(engine::RequestId request) {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "kept";
  spec->env["LARGE"] = std::string(100'000, 'x');
  spec->request = {.cpu_milli = 100, .mem_mib = 32};
  engine::SubmitJob submit;
  submit.request = request;
  submit.spec = spec;
  return submit;
}

// A loop on a thread of its own, until the end of the scope.
struct Running {
  Directory directory;
  std::unique_ptr<store::Store> store = store::Store::open(directory.path).value();
  server::Mailbox mailbox{100};
  server::PublishedView view;
  std::atomic<int> replies = 0;
  std::thread thread;

  Running() {
    REQUIRE(store->load().ok());
    thread = std::thread([this] {
      server::Loop loop(engine::State{}, SteadyWall({}, Instant{1'000}, 0), *store, mailbox, view,
                        {.call_master = [](const engine::Effect&) {},
                         .reply = [this](const engine::Reply&) { ++replies; },
                         .log = [](const std::string&) {}});
      CHECK(loop.run().ok());
    });
  }
  ~Running() { stop(); }
  void stop() {
    mailbox.close();
    if (thread.joinable()) thread.join();
  }
};

}  // namespace

TEST_CASE("the loop makes a backup beside its work, and the copy has what was answered before") {
  Running running;
  for (engine::RequestId request = 1; request <= 60; ++request) {
    REQUIRE(running.mailbox.put(submission(request)));
  }
  while (running.replies < 60) std::this_thread::yield();
  const std::string path = running.directory.path + "/backups/a.db";
  const Status done = server::back_up(running.mailbox, *running.store, path);
  if (!done.ok()) FAIL(done.error().text());
  const Status again = server::back_up(running.mailbox, *running.store, path);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == Code::conflict);
  REQUIRE(running.mailbox.put(submission(61)));  // it goes on
  while (running.replies < 61) std::this_thread::yield();
  running.stop();
  const Directory restored;
  std::filesystem::copy_file(path, restored.path + "/mimas.db");
  const auto loaded = store::Store::open(restored.path).value()->load();
  REQUIRE(loaded.ok());
  CHECK(loaded->jobs.size() == 60);
  CHECK(loaded->audits.size() == 60);
  CHECK(loaded->versions.size() == 60);
}

TEST_CASE("whoever waits for a backup when the loop ends is told") {
  auto running = std::make_unique<Running>();
  running->stop();
  const Status refused = server::back_up(running->mailbox, *running->store, "/nowhere/a.db");
  REQUIRE_FALSE(refused.ok());

  server::Mailbox abandoned(1);  // a loop that never comes
  auto waiting = std::make_unique<server::Mailbox>(1);
  std::thread closer([&] {
    while (waiting->take_errands().empty()) std::this_thread::yield();  // taken, and dropped unfinished
  });
  const Status ended = server::back_up(*waiting, *running->store, "/nowhere/a.db");
  closer.join();
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.error().code == Code::unavailable);
  const Status late = server::back_up(abandoned, *running->store, "/nowhere/a.db", 1);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Code::timeout);
}
