#include "server/loop.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

using namespace mimas;

namespace {

struct Directory {
  std::string path;
  Directory() {
    char name[] = "/tmp/mimas-loop-test.XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

engine::SubmitJob submission(engine::RequestId request) {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "loop";
  spec->entry_point = "true";
  spec->request = {.cpu_milli = 100, .mem_mib = 32};
  engine::SubmitJob submit;
  submit.request = request;
  submit.spec = spec;
  return submit;
}

Offer offer() {
  Offer some;
  some.id = OfferId("o1");
  some.agent = AgentId("a1");
  some.hostname = "host";
  some.endpoint = "127.0.0.1:5051";
  some.role = "*";
  some.resources = {.cpu_milli = 4000, .mem_mib = 1024, .disk_mib = 1000};
  return some;
}

// Runs the loop over the given inputs and writes down, for each effect, what was already on disk and
// published.
struct Run {
  Directory directory;
  std::vector<std::string> effects;

  void operator()(std::vector<engine::Input> inputs) {
    auto store = store::Store::open(directory.path);
    REQUIRE(store.ok());
    auto loaded = (*store)->load();
    REQUIRE(loaded.ok());
    server::Mailbox mailbox(100);
    server::PublishedView view;
    engine::State state({}, {loaded->framework, loaded->next_job_number, loaded->jobs, loaded->tasks});
    server::Loop loop(std::move(state), SteadyWall({}, Instant{1'000}, 0), **store, mailbox, view,
                      {.call_master =
                           [&](const engine::Effect& effect) {
                             if (const auto* accept = std::get_if<engine::AcceptOffers>(&effect)) {
                               const auto task = view.task(accept->launches.at(0).task->id);
                               effects.push_back(task && task->state == TaskState::dispatched
                                                     ? "accept after publish"
                                                     : "accept too early");
                             } else if (std::holds_alternative<engine::Acknowledge>(effect)) {
                               effects.push_back("acknowledge");
                             }
                           },
                       .reply =
                           [&](const engine::Reply& reply) {
                             effects.push_back(reply.answer.ok() ? "reply" : "refusal");
                             if (reply.request == 99) mailbox.close();
                           },
                       .log = [](const std::string&) {}});
    for (auto& input : inputs) REQUIRE(mailbox.offer(std::move(input)));
    REQUIRE(mailbox.offer(engine::KillJob{99, JobId("mimas-404"), ""}));
    CHECK(loop.run().ok());
  }
};

}  // namespace

TEST_CASE("effects leave after commit and publication, in the order calls, acknowledgements, replies") {
  Run run;
  engine::StatusUpdate stray;
  stray.task = TaskId("mimas-77-worker-0-0");
  stray.agent = AgentId("a1");
  stray.uuid = std::string(16, 'u');
  stray.state = engine::MesosState::finished;
  run({engine::Subscribed{FrameworkId("F"), "m:1"}, submission(1), stray, engine::OffersReceived{{offer()}}});
  CHECK(run.effects == std::vector<std::string>{"accept after publish", "acknowledge", "reply", "refusal"});
}

TEST_CASE("what was answered is on disk: a second life starts with it") {
  Run run;
  run({submission(1), submission(2)});
  auto store = store::Store::open(run.directory.path);
  REQUIRE(store.ok());
  const auto loaded = (*store)->load();
  REQUIRE(loaded.ok());
  CHECK(loaded->jobs.size() == 2);
  CHECK(loaded->tasks.size() == 2);
  CHECK(loaded->next_job_number == 3);
}
