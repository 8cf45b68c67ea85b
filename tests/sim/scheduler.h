// One life of the scheduler's process in the simulated world: the real engine over a disk, the loop that
// commits and then acts (as server/loop.h), and the driver's pure parts (subscription machine, event reader,
// offer book, calls) on simulated connections, wired as mesos/driver.cc wires them. A crash is an exception
// thrown at one of the write boundaries, or the object's end at any other moment: what it held in memory is
// lost, its sockets close. Held by shared_ptr; deeds in the future hold it weakly. One thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/steady_wall.h"
#include "disk.h"
#include "engine/newest.h"
#include "engine/step.h"
#include "masters.h"
#include "mesos/calls.h"
#include "mesos/event_reader.h"
#include "mesos/launch.h"
#include "mesos/standing.h"
#include "mesos/subscription.h"

namespace mimas::sim {

// Thrown out of the scheduler's deeds: the process was killed there.
struct Crash {};

// A mistake made on purpose, to see that it is found.
enum class Planted { nothing, acts_before_commit, never_reconciles, never_acknowledges };

// What outlives the scheduler's process and is not the disk: what it was seen to do.
struct Ledger {
  std::set<std::string> launched;                      // task ids that left in an ACCEPT
  std::set<std::string> committed_updates;             // uuids whose batch is on disk
  std::map<std::uint64_t, std::string> jobs_promised;  // replies that left: job ids
  std::int64_t boundaries = 0;                         // passed so far, over all lives
  std::int64_t crash_at = 0;                           // the boundary to crash at, counted from 1; 0: none
};

class Scheduler : public std::enable_shared_from_this<Scheduler> {
 public:
  struct Setup {
    engine::Policy policy;
    Planted planted = Planted::nothing;
    std::int64_t wall_offset_ms = 0;  // of its wall clock against the world's
  };
  Scheduler(Ground& ground, Masters& masters, Disk& disk, Ledger& ledger, Setup setup,
            engine::Recovered recovered);
  ~Scheduler();  // a crash: connections close
  void start();

  void post(engine::Input input);
  bool is_subscribed() const { return machine_.phase() == mesos::Phase::subscribed; }
  const engine::State& state() const { return state_; }
  bool has_stopped() const { return machine_.phase() == mesos::Phase::stopped; }

  // --- what befalls it
  void cut_stream();
  void cut_calls();
  void half_open_stream();
  void pause_reader(std::int64_t ms);

 private:
  // The loop.
  void turn_soon();
  void turn();
  void take(const engine::Input& input, std::vector<engine::Change>& changes,
            std::vector<engine::Effect>& effects);
  void check_records(const std::vector<engine::Change>& changes);
  void release(const std::vector<engine::Effect>& effects);
  void boundary();
  Instant wall() { return clock_.at(ground_.now() + setup_.wall_offset_ms, ground_.now().ms); }

  // The driver: reading (scheduler_stream.cc).
  void attempt();
  void connect(const mesos::Attempt& due);
  void carry_out(const mesos::Reaction& reaction);
  void take_record(std::uint64_t generation, const std::string& record);
  void take_event(std::uint64_t generation, mesos::ReadEvent event);
  void watch();

  // The driver: writing (scheduler_calls.cc).
  void send(const engine::Effect& effect);
  void pump();
  void fill_outgoing();
  void send_call();
  void call_ended(std::uint64_t number, std::optional<Masters::HttpAnswer> answer);
  void check_call(const mesos::scheduler::Call& call);
  void drop_calls();

  template <class Deed>
  auto mine(Deed deed) {  // does nothing once this life is over
    return [self = weak_from_this(), deed = std::move(deed)](auto&&... args) mutable {
      if (const auto alive = self.lock()) deed(std::forward<decltype(args)>(args)...);
    };
  }
  std::int64_t monotonic_ms() const { return ground_.now().ms; }

  Ground& ground_;
  Masters& masters_;
  Disk& disk_;
  Ledger& ledger_;
  Setup setup_;
  SteadyWall clock_;
  engine::State state_;
  mesos::DriverOptions options_;
  mesos::Subscription machine_;

  std::vector<engine::Input> inbox_;
  bool turn_planned_ = false;
  Instant wake_at_ = kNever;
  std::int64_t turns_ = 0;

  ConnectionPtr stream_;
  std::vector<std::weak_ptr<Connection>> unanswered_;  // of attempts whose head has not come
  Instant read_at_{};                                  // the last time bytes came; the watchdog's alarm
  bool paused_ = false;
  mesos::OfferBook book_;
  mesos::Standing wanted_, told_;
  std::uint64_t caught_up_in_ = 0;

  std::deque<engine::Effect> queue_;
  std::deque<mesos::scheduler::Call> outgoing_;
  ConnectionPtr calls_;
  std::uint64_t calls_generation_ = 0;
  std::uint64_t call_number_ = 0;  // of the call in flight
  bool in_flight_ = false;
  int tries_ = 0;
};

}  // namespace mimas::sim
