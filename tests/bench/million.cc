// A million tasks through the engine, on ten thousand simulated agents: virtual time, no network, no disk. A
// model of the master offers every second what is free, starts what is accepted and ends it a minute later.
// Prints how long all of it takes and how much memory the engine needs at most.
//   tests/bench/million [tasks] [agents] [tasks of a job]
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "engine/step.h"

using namespace mimas;

namespace {

constexpr std::int64_t kRunMs = 60'000;
constexpr std::int64_t kTickMs = 1'000;  // the master's allocation interval

double seconds_now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double peak_mib() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Ending {
  TaskId task;
  std::size_t agent = 0;
  Resources allocated;
};

class Master {
 public:
  explicit Master(std::size_t agents) : free_(agents), offered_(agents) {
    for (std::size_t i = 0; i < agents; ++i) {
      free_[i] = {.cpu_milli = 16'200, .mem_mib = 65'600, .disk_mib = 1'000'000};
      numbers_[id_of(i)] = i;
    }
  }

  std::int64_t running() const { return running_; }

  // All that is free and not offered yet, as one event.
  engine::OffersReceived offers() {
    engine::OffersReceived received;
    for (std::size_t i = 0; i < free_.size(); ++i) {
      if (offered_[i] || free_[i].cpu_milli < 1'000) continue;
      offered_[i] = true;
      Offer offer;
      offer.id = OfferId("o" + std::to_string(++serial_) + "-" + std::to_string(i));
      offer.agent = id_of(i);
      offer.hostname = offer.agent.value;
      offer.endpoint = "10.0.0.1:5051";
      offer.role = "*";
      offer.zone = "z" + std::to_string(i % 3);
      offer.resources = free_[i];
      received.offers.push_back(std::move(offer));
    }
    return received;
  }

  void take(const engine::Effect& effect, Instant now) {
    if (const auto* accept = std::get_if<engine::AcceptOffers>(&effect)) {
      const std::size_t agent = numbers_.at(accept->agent);
      offered_[agent] = false;
      for (const engine::Launch& launch : accept->launches) {
        free_[agent] -= launch.task->allocated;
        starting_.push_back({launch.task->id, agent, {}});
        ending_[now.ms + kRunMs].push_back({launch.task->id, agent, launch.task->allocated});
        ++running_;
      }
    } else if (const auto* decline = std::get_if<engine::DeclineOffers>(&effect)) {
      for (const OfferId& offer : decline->offers) {
        offered_[static_cast<std::size_t>(std::atoll(offer.value.c_str() + offer.value.find('-') + 1))] =
            false;
      }
    }
  }

  // What executors say until then.
  std::vector<engine::StatusUpdate> updates(Instant now) {
    std::vector<engine::StatusUpdate> all;
    for (const Ending& one : std::exchange(starting_, {})) {
      all.push_back(update(one, engine::MesosState::starting));
      all.push_back(update(one, engine::MesosState::running));
    }
    while (!ending_.empty() && ending_.begin()->first <= now.ms) {
      for (const Ending& one : ending_.begin()->second) {
        all.push_back(update(one, engine::MesosState::finished));
        free_[one.agent] += one.allocated;
        --running_;
      }
      ending_.erase(ending_.begin());
    }
    return all;
  }

 private:
  static AgentId id_of(std::size_t i) { return AgentId("agent-" + std::to_string(100'000 + i)); }

  engine::StatusUpdate update(const Ending& one, engine::MesosState state) const {
    engine::StatusUpdate update;
    update.task = one.task;
    update.state = state;
    update.agent = id_of(one.agent);
    update.uuid = "0123456789abcdef";
    update.source = "EXECUTOR";
    return update;
  }

  std::vector<Resources> free_;
  std::vector<bool> offered_;
  std::map<AgentId, std::size_t> numbers_;
  std::vector<Ending> starting_;
  std::map<std::int64_t, std::vector<Ending>> ending_;
  std::int64_t serial_ = 0, running_ = 0;
};

engine::SubmitJob submission(std::int64_t instances) {
  auto spec = std::make_shared<JobSpec>();
  spec->name = "million";
  spec->app_name = spec->capacity_group = "bench";
  spec->entry_point = "true";
  spec->request = {.cpu_milli = 1'000, .mem_mib = 4'000, .disk_mib = 1};
  engine::SubmitJob submit;
  submit.spec = spec;
  submit.instances_desired = submit.instances_min = submit.instances_max = instances;
  return submit;
}

engine::State roomy() {
  engine::Policy policy;
  policy.jobs_live_max = policy.tasks_live_max = 10'000'000;
  return engine::State(policy);
}

struct Counts {
  std::int64_t finished = 0, launched = 0, steps = 0;
};

void settle(engine::State& state, Master& master, Instant now, Counts& counts) {
  Instant wake = now;
  while (wake <= now) {
    engine::Step step = engine::step(state, engine::Settle{}, now);
    ++counts.steps;
    for (const engine::Effect& effect : step.effects) {
      if (const auto* accept = std::get_if<engine::AcceptOffers>(&effect)) {
        counts.launched += static_cast<std::int64_t>(accept->launches.size());
      }
      master.take(effect, now);
    }
    wake = step.wake_at;
  }
}

std::int64_t argument(int argc, char** argv, int which, std::int64_t otherwise) {
  return argc > which ? std::atoll(argv[which]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t tasks = argument(argc, argv, 1, 1'000'000), agents = argument(argc, argv, 2, 10'000),
                     of_job = argument(argc, argv, 3, 1'000);
  if (tasks < 1 || agents < 1 || of_job < 1) {
    std::fprintf(stderr, "usage: million [tasks] [agents] [tasks of a job], each at least 1\n");
    return 64;
  }
  const double began = seconds_now();
  engine::State state = roomy();
  Master master(static_cast<std::size_t>(agents));
  Counts counts;
  Instant now{1'000'000};
  const double empty = resident_mib();
  for (std::int64_t left = tasks; left > 0; left -= of_job) {
    engine::step(state, submission(std::min(left, of_job)), now);
  }
  settle(state, master, now, counts);
  const double queued = seconds_now(), waiting = resident_mib();
  std::printf("queued    %.1f s, %.0f MiB, %.0f bytes a waiting task\n", queued - began, waiting,
              (waiting - empty) * (1 << 20) / static_cast<double>(tasks));
  engine::step(state, engine::Subscribed{FrameworkId("F"), "m:1"}, now);
  double worst = 0;
  while (counts.finished < tasks) {
    const double tick = seconds_now();
    for (const engine::StatusUpdate& update : master.updates(now)) {
      counts.finished += update.state == engine::MesosState::finished;
      engine::step(state, update, now);
    }
    engine::OffersReceived offers = master.offers();
    if (!offers.offers.empty()) engine::step(state, offers, now);
    settle(state, master, now, counts);
    worst = std::max(worst, seconds_now() - tick);
    now.ms += kTickMs;
    if (now.ms > 1'000'000 + 3'600'000) {
      std::fprintf(stderr, "not done after an hour: %lld launched, %lld finished\n",
                   static_cast<long long>(counts.launched), static_cast<long long>(counts.finished));
      return 1;
    }
  }
  const double wall = seconds_now() - began;
  std::printf("all       %.1f s wall, %.1f s of processor, %lld tasks on %lld agents, %.0f tasks/s\n", wall,
              cpu_seconds(), static_cast<long long>(counts.finished), static_cast<long long>(agents),
              static_cast<double>(tasks) / wall);
  std::printf("memory    peak %.0f MiB, %.0f bytes a task\n", peak_mib(),
              peak_mib() * (1 << 20) / static_cast<double>(tasks));
  std::printf("virtual   %lld s, %lld settlings, the longest second took %.2f s\n",
              static_cast<long long>((now.ms - 1'000'000) / 1'000), static_cast<long long>(counts.steps),
              worst);
  return 0;
}
