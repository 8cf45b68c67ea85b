// The loop: owns the engine's state and the store's writing handle, on one thread. Takes a batch of inputs,
// steps the engine through it, commits all changes in one transaction, publishes them, and only then releases
// the effects: master calls, acknowledgements, replies. A failed commit ends it: memory is ahead of the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/steady_wall.h"
#include "base/time.h"
#include "engine/step.h"
#include "server/mailbox.h"
#include "server/published_view.h"
#include "store/store.h"

namespace mimas::server {

class Loop {
 public:
  struct Hooks {
    std::function<void(const engine::Effect&)> call_master;  // master calls and acknowledgements
    std::function<void(const engine::Reply&)> reply;
    std::function<void(const std::string&)> log;  // one line per thing that happened
    // Of every batch: its inputs and changes, and how long its commit took. May be empty.
    std::function<void(std::size_t inputs, std::size_t changes, double seconds)> committed = {};
    // Of every record of a change that is on disk now, before its reply leaves. May be empty.
    std::function<void(const Audit&)> audited = {};
    // May be empty where there are no rules to scale by.
    std::function<void(const engine::ScaleAgents&)> scale = {};
  };
  // `clock`: began no earlier than the newest record (engine/newest.h).
  Loop(engine::State state, SteadyWall clock, store::Store& store, Mailbox& mailbox, PublishedView& view,
       Hooks hooks);

  // Runs until the mailbox is closed (Done) or a commit fails (its Error).
  Status run();

 private:
  struct Batch {
    std::vector<engine::Change> changes;
    std::vector<engine::Effect> effects;
  };
  void step(const engine::Input& input, Instant now, Batch& batch);
  void tell_audits(const std::vector<engine::Change>& changes);
  bool run_errands();  // a part of each; true: some are not done
  void release(const std::vector<engine::Effect>& effects);
  Instant now();

  engine::State state_;
  store::Store& store_;
  Mailbox& mailbox_;
  PublishedView& view_;
  Hooks hooks_;
  SteadyWall clock_;
  Instant wake_at_{};
  std::vector<Errand> errands_;
};

}  // namespace mimas::server
