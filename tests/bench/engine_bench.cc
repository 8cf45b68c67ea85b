// What a decision costs, without any I/O: submitting, placing and updating on engines of different fullness.
#include <benchmark/benchmark.h>

#include "engine/step.h"

using namespace mimas;

namespace {

engine::SubmitJob submission(std::int64_t instances) {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "bench";
  spec->entry_point = "true";
  spec->request = {.cpu_milli = 100, .mem_mib = 32, .disk_mib = 1};
  engine::SubmitJob submit;
  submit.spec = spec;
  submit.instances_desired = submit.instances_min = submit.instances_max = instances;
  return submit;
}

engine::OffersReceived offers(int agents, int round) {
  engine::OffersReceived received;
  for (int i = 0; i < agents; ++i) {
    Offer offer;
    offer.id = OfferId("o" + std::to_string(round) + "-" + std::to_string(i));
    offer.agent = AgentId("agent-" + std::to_string(1000 + i));
    offer.hostname = offer.agent.value;
    offer.endpoint = "127.0.0.1:5051";
    offer.role = "*";
    offer.resources = {.cpu_milli = 64'000, .mem_mib = 65'536, .disk_mib = 100'000};
    received.offers.push_back(offer);
  }
  return received;
}

engine::Policy roomy() {
  engine::Policy policy;
  policy.jobs_live_max = policy.tasks_live_max = 10'000'000;
  return policy;
}

// An engine that already holds `jobs` waiting jobs of one task each.
engine::State filled(std::int64_t jobs) {
  engine::State state(roomy());
  for (std::int64_t i = 0; i < jobs; ++i) engine::step(state, submission(1), Instant{1});
  return state;
}

void submit(benchmark::State& run) {
  engine::State state = filled(run.range(0));
  for (auto _ : run) benchmark::DoNotOptimize(engine::step(state, submission(1), Instant{2}));
}
BENCHMARK(submit)->Arg(0)->Arg(10'000)->Arg(100'000);

// A Settle with nothing to do must not depend on how much is held.
void settle_idle(benchmark::State& run) {
  engine::State state = filled(run.range(0));
  engine::step(state, engine::Settle{}, Instant{2});
  for (auto _ : run) benchmark::DoNotOptimize(engine::step(state, engine::Settle{}, Instant{2}));
}
BENCHMARK(settle_idle)->Arg(0)->Arg(1'000)->Arg(10'000);

// One job of n tasks onto 100 agents: the whole Settle.
void place(benchmark::State& run) {
  int round = 0;
  for (auto _ : run) {
    run.PauseTiming();
    engine::State state(roomy());
    engine::step(state, engine::Subscribed{FrameworkId("F"), "m:1"}, Instant{1});
    engine::step(state, submission(run.range(0)), Instant{1});
    engine::step(state, offers(100, ++round), Instant{1});
    run.ResumeTiming();
    benchmark::DoNotOptimize(engine::step(state, engine::Settle{}, Instant{2}));
  }
  run.SetItemsProcessed(run.iterations() * run.range(0));
}
BENCHMARK(place)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

// Of three kinds of work very much waits, and one place becomes free: the end of the task that had it, the
// offer, and the two Settles.
void one_place(benchmark::State& run) {
  engine::State state(roomy());
  engine::step(state, engine::Subscribed{FrameworkId("F"), "m:1"}, Instant{1});
  engine::StatusUpdate shown;
  shown.task = TaskId(std::string(engine::kListingEnd));
  engine::step(state, shown, Instant{1});
  for (std::int64_t i = 0; i < run.range(0); ++i) {
    engine::SubmitJob job = submission(1);
    auto spec = std::make_shared<JobSpec>(*job.spec);
    spec->request.mem_mib = 32 + i % 3;
    job.spec = std::move(spec);
    engine::step(state, job, Instant{1});
  }
  engine::step(state, engine::Settle{}, Instant{2});
  Instant now{10};
  int round = 0;
  std::int64_t launched = 0;
  for (auto _ : run) {
    now = now + 1;
    engine::OffersReceived one = offers(1, ++round);
    one.offers[0].resources.cpu_milli = 115;
    engine::step(state, one, now);
    const engine::Step step = engine::step(state, engine::Settle{}, now);
    for (const engine::Effect& effect : step.effects) {
      const auto* call = std::get_if<engine::AcceptOffers>(&effect);
      if (call == nullptr) continue;
      for (const engine::Launch& launch : call->launches) {
        ++launched;
        engine::StatusUpdate end;
        end.task = launch.task->id;
        end.agent = call->agent;
        end.uuid = "u";
        end.state = engine::MesosState::finished;
        engine::step(state, end, now);
      }
    }
    benchmark::DoNotOptimize(engine::step(state, engine::Settle{}, now));
  }
  run.counters["launched"] = static_cast<double>(launched) / static_cast<double>(run.iterations());
}
BENCHMARK(one_place)->Arg(1'000)->Arg(10'000)->Arg(83'000)->Iterations(200)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
