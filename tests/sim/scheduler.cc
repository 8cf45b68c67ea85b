#include "scheduler.h"

#include <algorithm>
#include <iterator>

#include "engine/state.h"

namespace mimas::sim {
namespace {

constexpr std::int64_t kDigestEvery = 64;  // turns between two comparisons of everything

mesos::DriverOptions driver_options(const Masters& masters) {
  mesos::DriverOptions options;
  options.masters = masters.endpoints();
  options.executor_base_url = "http://s:1";
  options.executor_version = "sim";
  options.default_arch = "x86_64";
  return options;
}

mesos::SubscriptionOptions subscription_options(const mesos::DriverOptions& options,
                                                const FrameworkId& framework) {
  mesos::SubscriptionOptions one;
  one.masters = options.masters;
  one.framework = framework;
  return one;
}

}  // namespace

Scheduler::Scheduler(Ground& ground, Masters& masters, Disk& disk, Ledger& ledger, Setup setup,
                     engine::Recovered recovered)
    : ground_(ground),
      masters_(masters),
      disk_(disk),
      ledger_(ledger),
      setup_(setup),
      clock_(engine::newest_instant(recovered), ground.now() + setup.wall_offset_ms, ground.now().ms),
      state_(setup.policy, std::move(recovered)),
      options_(driver_options(masters)),
      machine_(subscription_options(options_, disk.framework()), Prng(ground.random.next())),
      wanted_(options_.roles),
      told_(options_.roles) {}

Scheduler::~Scheduler() {
  // A SUBSCRIBE under way is lost with the process: what would come of one that arrives after the next life
  // has subscribed is an eviction that nobody can tell from another instance's (rule 40).
  for (const auto& one : unanswered_)
    if (const ConnectionPtr connection = one.lock()) connection->cut();
  if (stream_ != nullptr) stream_->close_by_client();
  if (calls_ != nullptr) calls_->close_by_client();
}

void Scheduler::start() {
  turn_soon();
  attempt();
}

void Scheduler::post(engine::Input input) {
  inbox_.push_back(std::move(input));
  turn_soon();
}

void Scheduler::turn_soon() {
  if (std::exchange(turn_planned_, true)) return;
  ground_.time.after(ground_.between(0, 5), mine([this] { turn(); }));
}

void Scheduler::boundary() {
  if (++ledger_.boundaries != ledger_.crash_at) return;
  ground_.hit("crash at a write boundary");
  throw Crash{};
}

void Scheduler::take(const engine::Input& input, std::vector<engine::Change>& changes,
                     std::vector<engine::Effect>& effects) {
  engine::Step step = engine::step(state_, input, wall());
  std::move(step.changes.begin(), step.changes.end(), std::back_inserter(changes));
  std::move(step.effects.begin(), step.effects.end(), std::back_inserter(effects));
  for (const std::string& reason : step.reasons) ground_.note("engine: " + reason);
  if (std::holds_alternative<engine::Settle>(input)) wake_at_ = step.wake_at;
}

// As server::Loop: a batch of inputs, one commit, then the effects.
void Scheduler::turn() {
  turn_planned_ = false;
  std::vector<engine::Change> changes;
  std::vector<engine::Effect> effects;
  const std::vector<engine::Input> inputs = std::exchange(inbox_, {});
  for (const engine::Input& input : inputs) take(input, changes, effects);
  take(engine::Settle{}, changes, effects);
  if (setup_.planted == Planted::acts_before_commit) release(effects);
  const bool durable = std::any_of(changes.begin(), changes.end(), engine::is_durable);
  if (durable) boundary();  // killed before the commit
  if (const Status committed = disk_.commit(changes); !committed.ok()) {
    ground_.broken("commit failed: " + committed.error().text());
  }
  for (const engine::Input& input : inputs) {
    const auto* update = std::get_if<engine::StatusUpdate>(&input);
    if (update != nullptr && !update->uuid.empty()) ledger_.committed_updates.insert(update->uuid);
  }
  check_records(changes);
  if (durable) boundary();  // killed between the commit and its effects
  if (setup_.planted != Planted::acts_before_commit) release(effects);
  if (wake_at_ == kNever) return;
  const std::int64_t wait_ms = std::max<std::int64_t>(wake_at_ - wall(), 0);
  ground_.time.after(wait_ms, mine([this, due = wake_at_] {
                       if (wake_at_ == due) turn_soon();
                     }));
}

// What was committed is what the engine believes: record by record each time, everything now and then.
void Scheduler::check_records(const std::vector<engine::Change>& changes) {
  engine::State::Data& data = state_.data();
  for (const engine::Change& change : changes) {
    if (const auto* put = std::get_if<engine::PutTask>(&change)) {
      const engine::FoundTask found = engine::find_task(data, put->task->id);
      const TaskPtr stored = disk_.task(put->task->id.value);
      if (found.task != nullptr && found.task->record != stored) {
        ground_.broken("the record of " + put->task->id.value + " is not what was committed");
      }
    }
  }
  if (++turns_ % kDigestEvery != 0) return;
  if (engine::State(setup_.policy, disk_.recovered()).digest() != state_.digest()) {
    ground_.broken("the state recovered from the changes has another digest");
  }
}

void Scheduler::release(const std::vector<engine::Effect>& effects) {
  const auto is_reply = [](const engine::Effect& one) { return std::holds_alternative<engine::Reply>(one); };
  const auto is_ack = [](const engine::Effect& one) {
    return std::holds_alternative<engine::Acknowledge>(one);
  };
  for (const engine::Effect& effect : effects)
    if (!is_reply(effect) && !is_ack(effect)) send(effect);
  for (const engine::Effect& effect : effects)
    if (is_ack(effect)) send(effect);
  for (const engine::Effect& effect : effects) {
    const auto* reply = std::get_if<engine::Reply>(&effect);
    if (reply == nullptr || !reply->answer.ok()) continue;
    const auto* accepted = std::get_if<engine::JobAccepted>(&*reply->answer);
    if (accepted == nullptr) continue;
    if (disk_.job(parse_job_number(accepted->job.value)) == nullptr) {
      ground_.broken("job " + accepted->job.value + " was accepted before it was on disk");
    }
    ledger_.jobs_promised[reply->request] = accepted->job.value;
  }
}

}  // namespace mimas::sim
