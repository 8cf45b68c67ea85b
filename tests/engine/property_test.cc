// Random lives of a small cluster: submits, kills, offers, lossy calls, repeated updates, partitions, wiped
// agents, lost connections and restarts from the emitted records. Invariants hold after every step; when the
// faults stop, everything converges. A seed replays its run exactly.
#include <deque>
#include <set>

#include "base/prng.h"
#include "play.h"

namespace mimas::engine {
namespace {

struct Process {
  AgentId agent;
  MesosState state = MesosState::staging;
  Resources resources;
  bool killing = false;
  bool batch = false;
  std::deque<StatusUpdate> unacknowledged;
};

struct Machine {
  Resources total;
  bool reachable = true;
  std::optional<Unavailability> maintenance;
};

bool is_over(MesosState state) {
  return state == MesosState::finished || state == MesosState::failed || state == MesosState::killed;
}

class World {
 public:
  explicit World(std::uint64_t seed) : play_(small_policy(seed)), random_(seed), health_(seed) {
    for (int i = 0; i < 4; ++i) {
      Resources total{1'500 + 500 * i, 2'048, 0, 0, *Ports::from_ranges({{31'000, 31'005}})};
      machines_[AgentId("a" + std::to_string(i))] = Machine{total};
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      act();
      if (i % 16 == 0) check_recovery();
    }
  }

  void calm() {
    faults_ = false;
    for (auto& [id, machine] : machines_) {
      if (!machine.reachable) heal(id);
      machine.maintenance.reset();
    }
    if (!subscribed_) subscribe();
    for (int round = 0; round < 400; ++round) {
      offer_all();
      drain();
      deliver_all();
      finish_batch();
      drain();
      deliver_all();
      Instant wake = play_.last.wake_at;
      play_.now = std::min(std::max(wake, play_.now + 1), play_.now + 60'000);
    }
    check_recovery();
    check_converged();
  }

  std::string digest() const { return play_.state.digest(); }
  const Anomalies& anomalies() const { return play_.state.anomalies(); }

 private:
  static Policy small_policy(std::uint64_t seed) {
    Policy policy;
    policy.sharing = static_cast<Sharing>(seed % 3);
    policy.ended_jobs_kept = 20;
    policy.ended_tasks_kept_per_slot = 3;
    policy.launch_failures_max = 3;
    policy.reconcile_batch_max = 3;
    policy.ended_jobs_keep_ms = seed % 2 == 0 ? 600'000 : 0;
    policy.audits_kept = 50;
    policy.audits_keep_ms = 900'000;
    policy.versions_kept = 3;
    policy.receipts_keep_ms = 120'000;
    policy.receipts_max = 15;
    policy.stray_kill_share_percent = 100;  // a world this small has no meaningful share
    return policy;
  }

  bool chance(std::uint64_t percent) { return random_.below(100) < percent; }

  template <class Map>
  typename Map::iterator any(Map& map) {
    auto at = map.begin();
    std::advance(at, static_cast<long>(random_.below(map.size())));
    return at;
  }

  // --- the engine's side
  void feed(const Input& input) {
    play_.feed(input);
    if (const auto* update = std::get_if<StatusUpdate>(&input)) {
      CHECK(play_.all<Acknowledge>().size() == (update->uuid.empty() ? 0u : 1u));
    }
    bool crash = faults_ && chance(1);
    check_effects_covered();
    check_slots();
    if (!crash) {
      std::vector<Effect> effects = play_.last.effects;
      for (const Effect& effect : effects) {
        if (subscribed_ && !(faults_ && chance(3))) std::visit([&](const auto& one) { take(one); }, effect);
      }
    } else {
      play_.restart();  // after the commit, before any effect
      disconnect(false);
    }
  }

  void drain() { feed(Settle{}); }

  void check_effects_covered() {
    for (const AcceptOffers* call : play_.all<AcceptOffers>()) {
      for (const Launch& launch : call->launches) {
        REQUIRE(play_.tasks.contains(launch.task->id.value));
        CHECK(play_.task(launch.task->id.value).state == TaskState::dispatched);
        CHECK(play_.task(launch.task->id.value).agent == call->agent);
      }
    }
    for (const KillOnAgent* kill : play_.all<KillOnAgent>()) {
      if (play_.tasks.contains(kill->task.value) && !is_terminal(play_.task(kill->task.value).state)) {
        CHECK(play_.task(kill->task.value).kill_requested);
      }
    }
  }

  void check_slots() {
    std::set<std::pair<std::string, std::int64_t>> current;
    std::map<std::string, std::int64_t> counts, unhealthy;
    for (const auto& [id, task] : play_.tasks) {
      if (is_terminal(task.state) || task.replaced) continue;
      CHECK_MESSAGE(current.insert({task.job.value, task.index}).second, id << " is a second one");
      if (!is_leaving(task)) ++counts[task.job.value];
      if (is_ended_for_health(task)) ++unhealthy[task.job.value];
    }
    for (const auto& [number, job] : play_.jobs) {
      if (job.spec->type != JobType::service || job.state != JobState::active) continue;
      CHECK(counts[job.id.value] == job.instances_desired);
      CHECK(unhealthy[job.id.value] <= 1);  // a fifth of less than ten
    }
  }

  void check_recovery() {
    State again(play_.policy, play_.recovered());
    CHECK(again.digest() == play_.state.digest());
    const State::Data& one = play_.state.data();
    const State::Data& two = again.data();
    CHECK(one.tasks_live == two.tasks_live);
    CHECK(one.tasks_queued == two.tasks_queued);
    CHECK(one.instances_wanted == two.instances_wanted);
    CHECK(one.groups == two.groups);
    CHECK(one.moving == two.moving);
    CHECK(one.sick_jobs == two.sick_jobs);
    CHECK(one.receipts_by_age == two.receipts_by_age);
    CHECK(one.next_audit_number == two.next_audit_number);
    for (const auto& [number, job] : one.jobs) {
      CHECK((job.record->version == 1 || job.versions.contains(job.record->version)));
      CHECK(job.versions.size() <= 3);
      const JobEntry& other = two.jobs.at(number);
      CHECK(job.unhealthy == other.unhealthy);
      CHECK(job.open == other.open);
      CHECK(job.current == other.current);
      CHECK(job.leaving == other.leaving);
      CHECK(job.queued == other.queued);
      if (job.record->state != JobState::ended) CHECK(job.slots_failed == other.slots_failed);
    }
  }

  // --- what happens
  void act() {
    switch (random_.below(17)) {
      case 0: submit(); break;
      case 1: command(); break;
      case 2:
      case 3: offer_all(); break;
      case 4:
      case 5:
      case 6: deliver_one(); break;
      case 7:
      case 8: progress(); break;
      case 9: play_.after(static_cast<std::int64_t>(random_.below(20'000))); break;
      case 10: play_.now = std::min(std::max(play_.last.wake_at, play_.now), play_.now + 30'000); break;
      case 11: partition(); break;
      case 12:
        if (chance(20)) disconnect(true);
        break;
      case 13:
        if (!subscribed_) subscribe();
        break;
      case 14: rescind(); break;
      case 15:
        if (chance(15)) maintain();
        break;
      default: drain(); break;
    }
  }

  void submit() {
    if (play_.jobs.size() > 40) return;
    SubmitJob job;
    auto spec = std::make_shared<JobSpec>();
    spec->type = chance(40) ? JobType::service : JobType::batch;
    spec->request = {static_cast<std::int64_t>(50 + random_.below(300)), 32, 0, 0,
                     static_cast<std::int64_t>(random_.below(2))};
    spec->retries = static_cast<std::int64_t>(random_.below(3));
    spec->unreachable_timeout_ms = 20'000;
    if (chance(20)) spec->hard_constraints.push_back(*parse_constraint("UniqueHost"));
    if (chance(20)) spec->hard_constraints.push_back(*parse_constraint("odd=1"));
    job.spec = spec;
    if (chance(30)) {
      job.receipt_key = "k" + std::to_string(random_.below(20));
      job.fingerprint = "f" + std::to_string(random_.below(2));
    }
    job.instances_desired = static_cast<std::int64_t>(random_.below(4));
    job.instances_min = 0;
    job.instances_max = 5;
    feed(job);
  }

  void command() {
    if (play_.jobs.empty() || play_.tasks.empty()) return;
    JobId job = any(play_.jobs)->second.id;
    switch (random_.below(5)) {
      case 0:
        if (chance(30)) feed(KillJob{0, job, "me"});
        break;
      case 3: change(job); break;
      case 4: set(job); break;
      case 1: feed(SetInstanceCounts{0, job, static_cast<std::int64_t>(random_.below(4)), 0, 5, "me"}); break;
      default:
        feed(KillTasks{
            0, {any(play_.tasks)->second.id, any(play_.tasks)->second.id}, chance(50), false, "me"});
    }
  }

  // Whatever the job is like: most are carried out, some refused.
  void set(const JobId& job) {
    std::optional<std::int64_t> version;
    if (chance(30)) version = static_cast<std::int64_t>(1 + random_.below(3));
    switch (random_.below(4)) {
      case 0: feed(SetInService{1, job, chance(50), "me", "here", version}); break;
      case 1: feed(SetJobProcesses{1, job, chance(30), chance(30), "me", "here", version}); break;
      case 2:
        if (chance(5)) feed(CollectGarbage{1, 5, "me", "here"});
        break;
      default: submit();
    }
  }

  void change(const JobId& id) {
    const Job& job = play_.job(id);
    auto spec = std::make_shared<JobSpec>(*job.spec);
    spec->retries = static_cast<std::int64_t>(random_.below(3));
    if (chance(30)) spec->unreachable_timeout_ms = 10'000 + 10'000 * random_.below(3);
    if (chance(30)) spec->labels["n"] = std::to_string(random_.below(3));
    if (chance(20)) spec->hard_constraints.clear();
    if (chance(20)) spec->request.cpu_milli = static_cast<std::int64_t>(50 + random_.below(300));
    ChangeJob command{
        1, id, spec, job.instances_desired, job.instances_min, job.instances_max, job.in_service};
    if (chance(30)) command.instances_desired = static_cast<std::int64_t>(random_.below(4));
    command.dry_run = chance(10);
    command.user = "me";
    feed(command);
  }

  Resources free_on(const AgentId& agent) {
    Resources free = machines_.at(agent).total;
    for (const auto& [id, process] : processes_) {
      if (process.agent == agent && !is_over(process.state)) free -= process.resources;
    }
    for (const auto& [id, offer] : offers_) {
      if (offer.agent == agent) free -= offer.resources;
    }
    CHECK(free.cpu_milli >= 0);
    return free;
  }

  void offer_all() {
    if (!subscribed_) return;
    OffersReceived event;
    for (const auto& [id, machine] : machines_) {
      if (!machine.reachable) continue;
      Resources free = free_on(id);
      if (free.cpu_milli < 50) continue;
      Offer offer = play_.offer("o" + std::to_string(++numbers_), id.value);
      offer.resources = free;
      offer.attributes["odd"] = id.value == "a1" || id.value == "a3" ? "1" : "0";
      offer.unavailability = machine.maintenance;
      offers_[offer.id] = offer;
      event.offers.push_back(offer);
    }
    feed(event);
  }

  // A plan is made, changed or dropped; the master rescinds what it had sent.
  void maintain() {
    auto& [id, machine] = *any(machines_);
    machine.maintenance.reset();
    if (chance(60)) machine.maintenance = {play_.now + random_.below(4'000'000), chance(50) ? 0 : 600'000};
    if (!subscribed_) return;
    if (!machine.maintenance) return feed(InverseOfferRescinded{OfferId("i" + id.value)});
    feed(InverseOffersReceived{{{OfferId("i" + id.value), id, *machine.maintenance}}});
  }

  void rescind() {
    if (offers_.empty() || !subscribed_) return;
    OfferId id = any(offers_)->first;
    offers_.erase(id);
    if (!chance(30)) feed(OfferRescinded{id});  // else the RESCIND comes too late
  }

  void disconnect(bool tell) {
    if (!subscribed_) return;
    subscribed_ = false;
    offers_.clear();
    answers_.clear();
    if (tell) feed(Disconnected{"test"});
  }

  void subscribe() {
    subscribed_ = true;
    offers_.clear();
    feed(Subscribed{FrameworkId("F"), "m"});
  }

  void report(const TaskId& id, Process& process, MesosState state, const std::string& reason = {},
              const std::string& source = "EXECUTOR") {
    process.state = state;
    StatusUpdate update;
    update.task = id;
    update.agent = process.agent;
    update.state = state;
    update.reason = reason;
    update.source = source;
    update.uuid = "u" + std::to_string(++numbers_);
    process.unacknowledged.push_back(update);
  }

  void progress() {
    if (processes_.empty()) return;
    auto& [id, process] = *any(processes_);
    if (is_over(process.state)) return;
    if (process.killing) return report(id, process, MesosState::killed);
    switch (process.state) {
      case MesosState::staging:
        if (chance(10)) return report(id, process, MesosState::failed, "CONTAINER_LAUNCH_FAILED", "AGENT");
        return report(id, process, MesosState::starting);
      case MesosState::starting: return report(id, process, MesosState::running);
      default: break;
    }
    if (health_.below(4) > 0) {
      report(id, process, MesosState::running, "TASK_HEALTH_CHECK_STATUS_UPDATED");
      process.unacknowledged.back().healthy = health_.below(100) < 30;
    }
    if (chance(10)) return report(id, process, MesosState::failed, chance(50) ? "EXECUTOR_TERMINATED" : "");
    if (chance(20)) report(id, process, MesosState::finished);
  }

  void finish_batch() {
    for (auto& [id, process] : processes_) {
      if (is_over(process.state)) continue;
      if (process.killing) {
        report(id, process, MesosState::killed);
      } else if (process.state != MesosState::running) {
        report(id, process, MesosState::running);
      } else if (process.batch) {
        report(id, process, MesosState::finished);
      }
    }
  }

  void deliver_one() {
    if (!subscribed_) return;
    if (!answers_.empty() && chance(50)) {
      StatusUpdate answer = answers_.front();
      if (!chance(10)) answers_.pop_front();
      return feed(answer);
    }
    if (processes_.empty()) return;
    auto at = any(processes_);
    if (at->second.unacknowledged.empty() || !machines_.at(at->second.agent).reachable) return;
    StatusUpdate update = at->second.unacknowledged.front();
    feed(update);
    if (chance(10)) feed(update);
  }

  void deliver_all() {
    for (int i = 0; i < 20'000; ++i) {
      if (!answers_.empty()) {
        StatusUpdate answer = answers_.front();
        answers_.pop_front();
        feed(answer);
        continue;
      }
      auto waiting = std::find_if(processes_.begin(), processes_.end(),
                                  [](const auto& one) { return !one.second.unacknowledged.empty(); });
      if (waiting == processes_.end()) return;
      StatusUpdate update = waiting->second.unacknowledged.front();
      feed(update);
    }
    FAIL("updates do not come to an end");
  }

  void answer(const TaskId& task, const AgentId& agent, MesosState state, const std::string& reason) {
    StatusUpdate update;
    update.task = task;
    update.agent = agent;
    update.state = state;
    update.reason = reason;
    update.source = "MASTER";
    answers_.push_back(update);
  }

  void partition() {
    auto at = any(machines_);
    if (!at->second.reachable) return heal(at->first);
    if (!chance(30)) return;
    at->second.reachable = false;
    std::erase_if(offers_, [&](const auto& one) { return one.second.agent == at->first; });
    for (const auto& [id, process] : processes_) {
      if (process.agent != at->first || is_over(process.state)) continue;
      answer(id, process.agent, MesosState::unreachable, "AGENT_REMOVED");
    }
    if (subscribed_ && chance(50)) feed(AgentLost{at->first});
  }

  void heal(const AgentId& agent) {
    machines_.at(agent).reachable = true;
    bool wiped = faults_ && chance(20);
    if (wiped) std::erase_if(processes_, [&](const auto& one) { return one.second.agent == agent; });
    for (const auto& [id, process] : processes_) {
      if (process.agent == agent && !is_over(process.state))
        answer(id, agent, process.state, "AGENT_REREGISTERED");
    }
  }

  // --- the master's side of calls
  void take(const AcceptOffers& call) {
    Resources sum;
    bool valid = true;
    for (const OfferId& id : call.offers) {
      auto at = offers_.find(id);
      if (at == offers_.end()) {
        valid = false;
        continue;
      }
      CHECK(at->second.agent == call.agent);
      sum += at->second.resources;
      offers_.erase(at);
    }
    for (const Launch& launch : call.launches) {
      const Task& task = *launch.task;
      CHECK_FALSE(launched_.contains(task.id));
      launched_.insert(task.id);
      if (!valid) {
        answer(task.id, call.agent, MesosState::dropped, "INVALID_OFFERS");
        continue;
      }
      CHECK(task.allocated.fits(sum));
      CHECK(task.allocated.ports.count() == launch.spec->request.ports);
      sum -= task.allocated;
      if (faults_ && chance(5)) continue;  // lost between master and agent
      processes_[task.id] = Process{call.agent,
                                    MesosState::staging,
                                    task.allocated,
                                    false,
                                    launch.spec->type == JobType::batch && !launch.spec->restart_on_success,
                                    {}};
    }
  }
  void take(const DeclineOffers& call) {
    for (const OfferId& id : call.offers) offers_.erase(id);
  }
  void take(const ReviveOffers&) {}
  void take(const SuppressOffers&) {}
  void take(const ConstrainOffers&) { FAIL("there are no names of roles to say them for"); }
  void take(const AcceptInverseOffers& call) {
    for (const OfferId& id : call.offers) {
      const AgentId agent(id.value.substr(1));
      for (const auto& [name, task] : play_.tasks) {
        CHECK_FALSE((task.agent == agent && is_live_on_agent(task.state)));
      }
    }
  }
  void take(const DeclineInverseOffers&) {}
  void take(const ReconcileOperations&) {}
  void take(const AcknowledgeOperation&) {}
  void take(const ScaleAgents&) { FAIL("there are no rules to scale by"); }
  void take(const KillOnAgent& call) {
    auto at = processes_.find(call.task);
    if (at == processes_.end()) return know(call.task, call.agent);
    if (machines_.at(at->second.agent).reachable && at->second.agent == call.agent) at->second.killing = true;
  }
  void take(const ShutDownExecutor& call) {
    for (auto& [id, process] : processes_) {
      const Task* task = play_.tasks.contains(id.value) ? &play_.task(id.value) : nullptr;
      const bool in_it =
          task != nullptr && (task->executor.empty() ? id.value : task->executor) == call.executor;
      if (process.agent != call.agent || !in_it || is_over(process.state)) continue;
      if (machines_.at(call.agent).reachable)
        report(id, process, MesosState::failed, "EXECUTOR_TERMINATED", "AGENT");
    }
  }
  void take(const Reconcile& call) {
    if (call.tasks.empty()) {
      for (const auto& [id, process] : processes_) {
        if (!is_over(process.state) || !process.unacknowledged.empty()) know(id, process.agent);
      }
    }
    for (const Reconcile::Item& item : call.tasks) know(item.task, item.agent);
  }
  void know(const TaskId& task, const AgentId& agent) {
    bool reachable = machines_.contains(agent) && machines_.at(agent).reachable;
    auto at = processes_.find(task);
    if (!reachable) return answer(task, agent, MesosState::unreachable, "RECONCILIATION");
    if (at == processes_.end() || (is_over(at->second.state) && at->second.unacknowledged.empty())) {
      return answer(task, agent, MesosState::gone, "RECONCILIATION");
    }
    answer(task, agent, at->second.state, "RECONCILIATION");
  }
  void take(const Acknowledge& call) {
    auto at = processes_.find(call.task);
    if (at == processes_.end() || at->second.unacknowledged.empty()) return;
    if (at->second.unacknowledged.front().uuid == call.uuid) at->second.unacknowledged.pop_front();
  }
  void take(const Reply&) {}

  void check_converged() {
    std::map<std::string, std::int64_t> running;
    for (const auto& [id, process] : processes_) {
      if (is_over(process.state)) continue;
      REQUIRE_MESSAGE(play_.tasks.contains(id.value), id.value << " runs unknown to the engine");
      CHECK_MESSAGE(play_.task(id.value).state == TaskState::running, id.value);
      if (!play_.task(id.value).replaced) ++running[play_.task(id.value).job.value];
    }
    for (const auto& [number, job] : play_.jobs) {
      if (job.spec->type == JobType::batch || job.state == JobState::killing) {
        // Services may have filled the cluster for good; whoever waits for that must say so.
        bool waits = job.state == JobState::active && play_.state.data().jobs.at(number).queued > 0 &&
                     play_.shortfalls[job.id.value].starts_with("no agent fits");
        CHECK_MESSAGE((job.state == JobState::ended || waits), job.id.value << " has not ended");
        continue;
      }
      if (job.state == JobState::ended) continue;
      std::int64_t waiting = play_.state.data().jobs.at(number).queued;
      CHECK_MESSAGE(running[job.id.value] + waiting == job.instances_desired, job.id.value);
      if (waiting > 0) CHECK_FALSE(play_.shortfalls[job.id.value].empty());
    }
  }

  Play play_;
  Prng random_;
  Prng health_;  // of its own: what checks say is no turn of the world
  bool faults_ = true;
  bool subscribed_ = false;
  std::int64_t numbers_ = 0;
  std::map<AgentId, Machine> machines_;
  std::map<TaskId, Process> processes_;
  std::map<OfferId, Offer> offers_;
  std::deque<StatusUpdate> answers_;
  std::set<TaskId> launched_;
};

TEST_CASE("a random life keeps every invariant, and converges when the faults stop") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    World world(seed);
    world.run(1'500);
    world.calm();
  }
}

TEST_CASE("the same seed gives the same records") {
  auto life = [] {
    World world(77);
    world.run(1'500);
    return world.digest();
  };
  CHECK(life() == life());
}

}  // namespace
}  // namespace mimas::engine
